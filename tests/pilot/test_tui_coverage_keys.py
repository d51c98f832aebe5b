"""The heat map under the hand: every key of it, the mouse, and what is read from the store when."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.events import MouseScrollDown, MouseScrollUp
from textual.pilot import Pilot
from textual.widgets import Input
from tui_app import Door, advance, dashboard, idle, settle
from tui_catalog import stored
from tui_journal import ended, midst, write

from cimis_engine.model.items import Interval
from cimis_tui.feed.holdings import Holdings
from cimis_tui.screens.coverage import CoverageScreen
from cimis_tui.screens.story import Story
from cimis_tui.view.coverage import FAILED, RUNNING
from cimis_tui.view.heat import HEAD, HeatView, layout
from cimis_tui.widgets.fact_panel import FactPanel
from cimis_tui.widgets.heat_map import HeatMap

pytestmark = pytest.mark.asyncio


@asynccontextmanager
async def on_coverage(
    root: Path, *, door: Door | None = None, told: Any = None, fill: bool = True
) -> AsyncIterator[Pilot[Any]]:
    if fill:
        stored(root)
    app = dashboard(root / "runs" / "r1", midst() if told is None else told, door=door)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        await pilot.press("3")
        await idle(pilot)
        yield pilot


def screen(pilot: Pilot[Any]) -> CoverageScreen:
    found = pilot.app.screen_stack[-1]
    if not isinstance(found, CoverageScreen):
        found = pilot.app.screen_stack[-2]
    assert isinstance(found, CoverageScreen)
    return found


def heat(pilot: Pilot[Any]) -> HeatMap:
    return screen(pilot).query_one(HeatMap)


def view(pilot: Pilot[Any]) -> HeatView:
    return heat(pilot).view


def here(pilot: Pilot[Any]) -> tuple[int | None, str]:
    """Station and time under the cursor."""
    return heat(pilot).station, view(pilot).axis.name(view(pilot).column)


def mark(pilot: Pilot[Any]) -> int:
    v, station = view(pilot), heat(pilot).station
    assert station is not None
    return v.board.cells(station, v.axis, v.column, 1, v.live)[0]


def notes(pilot: Pilot[Any]) -> str:
    return " ".join(n.message for n in pilot.app._notifications)


async def test_moving(tmp_path: Path) -> None:
    async with on_coverage(tmp_path) as pilot:
        assert here(pilot) == (83, "2016"), "the selected station, where the run begins"
        places = []
        for key in ("j", "down", "k", "up", "h", "left", "l", "right", "G", "g", "pagedown", "pageup", "home", "end"):
            await pilot.press(key)
            places.append(here(pilot))
        assert places == [
            *((86, "2016"), (89, "2016"), (86, "2016"), (83, "2016")),
            *((83, "2015"), (83, "2014"), (83, "2015"), (83, "2016")),
            *((143, "2016"), (2, "2016"), (74, "2016"), (2, "2016"), (2, "1990"), (2, "2019")),
        ]
        await pilot.press("circumflex_accent")
        assert here(pilot) == (2, "1990")
        await pilot.press("dollar_sign", "j")
        assert here(pilot) == (5, "2019")


async def test_the_station_chosen_is_shared(tmp_path: Path) -> None:
    door = Door()
    async with on_coverage(tmp_path, door=door) as pilot:
        await pilot.press("j", "j", "p")
        await idle(pilot)
        assert pilot.app.pump.selected == 89  # type: ignore[attr-defined]
        assert door.sent == [{"cmd": "resume", "stations": [89]}]
        await pilot.press("4", "tab", "3")
        assert here(pilot)[0] == 92


async def test_zooming_stays_on_its_time(tmp_path: Path) -> None:
    async with on_coverage(tmp_path) as pilot:
        await pilot.press("minus")
        assert "years are the widest" in notes(pilot)
        seen = []
        for key in ("plus", "equals_sign", "minus", "z", "Z"):
            await pilot.press(key)
            seen.append(here(pilot)[1])
        assert seen == ["Jan 2016", "2016-01-01", "Jan 2016", "2016-01-01", "Jan 2016"]
        await pilot.press("l", "l", "plus")
        assert here(pilot)[1] == "2016-03-01"
        await pilot.press("plus")
        assert "daily records have nothing smaller than days" in notes(pilot)


async def test_hourly_has_hours_and_daily_comes_back(tmp_path: Path) -> None:
    async with on_coverage(tmp_path) as pilot:
        await pilot.press("i")
        await idle(pilot)
        assert view(pilot).board.interval is Interval.HOURLY
        assert view(pilot).seen.years == range(2012, 2020)
        await pilot.press("plus", "plus", "plus")
        assert here(pilot)[1] == "2016-01-01 0100"
        await pilot.press("i")
        await idle(pilot)
        assert here(pilot)[1] == "2016-01-01"
        assert view(pilot).axis.zoom == "days"


async def test_scope(tmp_path: Path) -> None:
    async with on_coverage(tmp_path) as pilot:
        assert view(pilot).seen.years == range(1990, 2020)
        await pilot.press("o")
        assert view(pilot).seen.years == range(1982, 2026)
        assert here(pilot) == (83, "2016")
        await pilot.press("home", "o")
        assert here(pilot) == (83, "1990"), "what is out of sight now is left for the nearest that is not"


async def test_filter(tmp_path: Path) -> None:
    async with on_coverage(tmp_path) as pilot:
        await pilot.press("slash", *"state:fail", "enter")
        assert view(pilot).seen.stations == (83,)
        await pilot.press("slash", *" zzz")
        assert view(pilot).seen.stations == ()
        await pilot.press("enter", "enter")
        assert "no cell is selected" in notes(pilot)
        await pilot.press("escape")
        assert len(view(pilot).seen.stations) == 48
        assert not screen(pilot).query_one("#filter", Input).has_class("-on")
        await pilot.press("slash", "enter", "backspace")
        assert pilot.app.screen.VIEW == "dashboard"  # type: ignore[attr-defined]


async def test_enter_tells_the_story_of_a_chunk(tmp_path: Path) -> None:
    async with on_coverage(tmp_path) as pilot:
        await pilot.press("h", "enter")
        await idle(pilot)
        story = pilot.app.screen
        assert isinstance(story, Story)
        lines = story.query_one(FactPanel).lines(96, 100)
        told = "\n".join("".join(cell.text for cell in line) for line in lines)
        assert view(pilot).board.entries[83, 2015].digest in told
        assert "none seen" in told
        await pilot.press("j", "k", "pagedown", "pageup", "q")
        assert pilot.app.screen is screen(pilot)


async def test_the_story_counts_what_the_agency_changed(tmp_path: Path) -> None:
    async with on_coverage(tmp_path) as pilot:
        (station, year), slots = next(iter(sorted(view(pilot).board.revised.items())))
        heat(pilot).go_to(station)
        await pilot.press(*("h" for _ in range(2016 - year)), "enter")
        await idle(pilot)
        lines = pilot.app.screen.query_one(FactPanel).lines(96, 100)
        told = "\n".join("".join(cell.text for cell in line) for line in lines)
        assert re.search(rf"changed +{sum(slots.values())} values", told)
        assert re.search(r"settled +1 values", told)


async def test_enter_opens_the_station_while_it_is_fetched(tmp_path: Path) -> None:
    async with on_coverage(tmp_path) as pilot:
        await pilot.press("k")
        assert mark(pilot) == RUNNING
        await pilot.press("enter")
        assert pilot.app.screen.VIEW == "station"  # type: ignore[attr-defined]
        assert pilot.app.pump.selected == 80  # type: ignore[attr-defined]


async def test_the_mouse_selects_scrolls_and_opens(tmp_path: Path) -> None:
    async with on_coverage(tmp_path) as pilot:
        left, top = view(pilot).left, view(pilot).top
        plan = layout(view(pilot), heat(pilot).size.width)
        await pilot.click(HeatMap, offset=(2 + plan.label + plan.wide * 4, 1 + HEAD + 1))
        assert here(pilot) == (view(pilot).seen.stations[top + 1], str(1990 + left + 4))
        await pilot.click(HeatMap, offset=(5, 1 + HEAD + 3))
        assert here(pilot)[0] == view(pilot).seen.stations[top + 3]
        before = here(pilot)
        await pilot.click(HeatMap, offset=(2 + plan.label + plan.wide * plan.columns + 1, 1 + HEAD + 2))
        assert here(pilot) == (view(pilot).seen.stations[top + 2], before[1]), "beside the cells it is the station's"
        before = here(pilot)
        await pilot.click(HeatMap, offset=(30, 1))
        assert here(pilot) == before, "the ruler is no row"
        where = {"x": 9, "y": 9, "delta_x": 0, "delta_y": 0, "button": 0, "meta": False, "ctrl": False}
        row, column = view(pilot).row, view(pilot).column
        heat(pilot).post_message(MouseScrollDown(heat(pilot), **where, shift=False))
        heat(pilot).post_message(MouseScrollUp(heat(pilot), **where, shift=True))
        await pilot.pause()
        assert (view(pilot).row, view(pilot).column) == (row + 3, column - 3)
        await pilot.click(HeatMap, offset=(2 + plan.label + plan.wide * 24, 1 + HEAD + 1), times=2)
        await idle(pilot)
        assert isinstance(pilot.app.screen, Story)


async def test_what_the_run_finishes_is_shown_and_the_store_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[int] = []
    read = Holdings.read
    monkeypatch.setattr(Holdings, "read", lambda self, names: reads.append(1) or read(self, names))
    run_dir = tmp_path / "runs" / "r1"
    async with on_coverage(tmp_path, told=ended()[: len(midst())]) as pilot:
        assert len(reads) == 1
        await advance(pilot, 5.0)
        assert len(reads) == 1, "no chunk was finished since"
        await pilot.press("k", "l")
        assert (here(pilot), mark(pilot)) == ((80, "2017"), RUNNING)
        write(run_dir, ended())
        await settle(pilot)
        await idle(pilot)
        assert mark(pilot) == 1, "the run says it is whole, though this store does not have it"
        assert len(reads) == 2
        await advance(pilot, 5.0)
        await idle(pilot)
        assert len(reads) == 2


async def test_a_failed_cell_says_why(tmp_path: Path) -> None:
    async with on_coverage(tmp_path) as pilot:
        assert mark(pilot) == FAILED
        pane = screen(pilot).query_one("#coverage-facts", FactPanel)
        told = "\n".join("".join(cell.text for cell in line) for line in pane.lines(114, 6))
        assert "the server answered 503 three times" in told


async def test_export_has_every_cell(tmp_path: Path) -> None:
    async with on_coverage(tmp_path) as pilot:
        await pilot.press("slash", *"shafter", "enter", "e")
        await idle(pilot)
    (document,) = (tmp_path / "runs" / "r1").glob("coverage-*.json")
    rows = json.loads(document.read_text())
    assert [row["year"] for row in rows] == list(range(1990, 2020))
    assert {row["station"] for row in rows} == {5}
    assert rows[-1]["state"] == "whole"


async def test_without_a_store_the_run_is_shown(tmp_path: Path) -> None:
    async with on_coverage(tmp_path, fill=False) as pilot:
        assert view(pilot).board.fault == ""
        assert len(view(pilot).seen.stations) == 48
        assert view(pilot).seen.years == range(2016, 2020)
        assert mark(pilot) == FAILED


async def test_a_store_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    stored(tmp_path)
    with sqlite3.connect(tmp_path / "metadata.sqlite3") as db:
        db.execute("UPDATE schema SET version = 99 WHERE name = 'catalog'")
    async with on_coverage(tmp_path, fill=False) as pilot:
        assert "schema version 99" in str(heat(pilot).border_title)
        await pilot.press("h", "enter")
        assert pilot.app.is_running
