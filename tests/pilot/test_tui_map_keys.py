"""The map under the hand: every key of it, and the mouse."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.events import MouseScrollDown, MouseScrollUp
from textual.pilot import Pilot
from tui_app import Door, dashboard, idle, settle
from tui_catalog import directory
from tui_journal import midst

from cimis_tui.screens.map import MapScreen
from cimis_tui.widgets.fact_panel import FactPanel
from cimis_tui.widgets.map_pane import MapPane

pytestmark = pytest.mark.asyncio


@asynccontextmanager
async def on_map(root: Path, *, door: Door | None = None, told: Any = None) -> AsyncIterator[Pilot[Any]]:
    app = dashboard(root / "runs" / "r1", midst() if told is None else told, door=door)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        await pilot.press("4")
        await idle(pilot)
        yield pilot


def screen(pilot: Pilot[Any]) -> MapScreen:
    found = pilot.app.screen
    assert isinstance(found, MapScreen)
    return found


def pane(pilot: Pilot[Any]) -> MapPane:
    return screen(pilot).query_one(MapPane)


def selected(pilot: Pilot[Any]) -> int | None:
    number: int | None = pilot.app.pump.selected  # type: ignore[attr-defined]
    return number


def notes(pilot: Pilot[Any]) -> str:
    return " ".join(n.message for n in pilot.app._notifications)


def spot_offset(pilot: Pilot[Any], number: int) -> tuple[int, int]:
    """Where a station is drawn, within the widget's frame."""
    spot = pane(pilot).facts.spot(number)
    assert spot is not None
    cell = pane(pilot).view.cell(spot.latitude, spot.longitude)
    assert cell is not None
    return cell[0] + 1, cell[1] + 1


@pytest.mark.parametrize(
    ("keys", "sign"),
    [(("h", "left"), (0, -1)), (("l", "right"), (0, 1)), (("k", "up"), (1, 0)), (("j", "down"), (-1, 0))],
)
async def test_moving_the_picture(tmp_path: Path, keys: tuple[str, str], sign: tuple[int, int]) -> None:
    async with on_map(tmp_path) as pilot:
        for key in keys:
            before = pane(pilot).view
            await pilot.press(key)
            after = pane(pilot).view
            moved = after.latitude - before.latitude, after.longitude - before.longitude
            assert tuple((x > 0) - (x < 0) for x in moved) == sign
        await pilot.press(*(keys[0] for _ in range(9)))
        assert "the state ends there" in notes(pilot)


async def test_enlarging_keeps_the_selected_station_in_sight(tmp_path: Path) -> None:
    async with on_map(tmp_path) as pilot:
        await pilot.press("minus")
        assert "this is the whole state" in notes(pilot)
        await pilot.press("plus", "equals_sign", "plus")
        assert pane(pilot).view.zoom == 4
        assert spot_offset(pilot, 83)
        await pilot.press("minus")
        assert pane(pilot).view.zoom == 3
        await pilot.press(*("plus" for _ in range(12)))
        assert "nearer it does not go" in notes(pilot)
        await pilot.press("z")
        assert pane(pilot).view.zoom == 1


async def test_the_wheel_enlarges(tmp_path: Path) -> None:
    async with on_map(tmp_path) as pilot:
        where = {"x": 9, "y": 9, "delta_x": 0, "delta_y": 0, "button": 0, "shift": False, "meta": False, "ctrl": False}
        pane(pilot).post_message(MouseScrollUp(pane(pilot), **where))
        await pilot.pause()
        assert pane(pilot).view.zoom == 2
        pane(pilot).post_message(MouseScrollDown(pane(pilot), **where))
        await pilot.pause()
        assert pane(pilot).view.zoom == 1


async def test_going_from_station_to_station(tmp_path: Path) -> None:
    async with on_map(tmp_path) as pilot:
        assert selected(pilot) == 83
        await pilot.press("tab")
        assert selected(pilot) == 86
        await pilot.press("shift+tab", "shift+tab")
        assert selected(pilot) == 80
        await pilot.press("z", "n")
        middle = selected(pilot)
        await pilot.press("plus", "plus", "plus")
        assert spot_offset(pilot, middle or 0)
        for _ in range(6):
            await pilot.press("l", "j")
        await pilot.press("n")
        assert selected(pilot) != middle
        await pilot.press("tab")
        chosen = selected(pilot)
        assert spot_offset(pilot, chosen or 0), "what is selected is brought into sight"


async def test_the_mouse_selects_and_opens(tmp_path: Path) -> None:
    async with on_map(tmp_path) as pilot:
        lonely = next(s.number for s in pane(pilot).facts.spots if s.name == "Bishop")
        await pilot.click(MapPane, offset=spot_offset(pilot, lonely))
        assert selected(pilot) == lonely
        await pilot.click(MapPane, offset=(70, 3))
        assert selected(pilot) == lonely, "a click far from every station selects none"
        side = screen(pilot).query_one("#map-side", FactPanel)
        line = next(n for n, cells in enumerate(side.lines(42, 30)) if any("86 Famoso" in c.text for c in cells))
        await pilot.click("#map-side", offset=(6, line + 1))
        assert selected(pilot) == 86
        await pilot.click(MapPane, offset=spot_offset(pilot, lonely), times=2)
        assert pilot.app.screen.VIEW == "station"  # type: ignore[attr-defined]
        assert selected(pilot) == lonely


async def test_enter_opens_and_commands_are_for_the_selected_station(tmp_path: Path) -> None:
    door = Door()
    async with on_map(tmp_path, door=door) as pilot:
        await pilot.press("tab", "p")
        await idle(pilot)
        assert door.sent == [{"cmd": "pause", "stations": [86]}]
        await pilot.press("enter")
        assert pilot.app.screen.VIEW == "station"  # type: ignore[attr-defined]


async def test_the_directory_tells_the_elevation(tmp_path: Path) -> None:
    directory(tmp_path)
    async with on_map(tmp_path) as pilot:
        chosen = pane(pilot).facts.chosen
        assert chosen is not None
        assert chosen.elevation == 300


async def test_export_has_every_station(tmp_path: Path) -> None:
    async with on_map(tmp_path) as pilot:
        await pilot.press("e")
        await idle(pilot)
    (document,) = (tmp_path / "runs" / "r1").glob("map-*.json")
    rows = json.loads(document.read_text())
    assert len(rows) == 48
    assert [row["number"] for row in rows] == sorted(row["number"] for row in rows)
    assert rows[1]["name"] == "Shafter"
    assert rows[1]["latitude"] == pytest.approx(35.53, abs=0.01)


async def test_without_a_station_keys_say_why(tmp_path: Path) -> None:
    async with on_map(tmp_path, told=[]) as pilot:
        await pilot.press("n", "tab", "enter")
        said = notes(pilot)
        assert "no station has coordinates" in said
        assert "no station is known yet" in said
        assert "no station is selected" in said
