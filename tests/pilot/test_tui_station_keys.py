"""Every key of the station screen, and the mouse."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from station_journal import STATION, busy
from textual.events import MouseScrollDown
from textual.pilot import Pilot
from tui_app import Door, advance, dashboard, idle, settle
from tui_journal import midst, write

from cimis_engine.run import events as ev
from cimis_tui.screens.attempt import AttemptSheet
from cimis_tui.screens.station import StationScreen
from cimis_tui.widgets.fact_panel import FactPanel
from cimis_tui.widgets.live_table import LiveTable
from cimis_tui.widgets.log_pane import LogPane
from cimis_tui.widgets.waterfall import Waterfall

pytestmark = pytest.mark.asyncio


@asynccontextmanager
async def at_station(
    run_dir: Path,
    told: list[ev.Stamped] | None = None,
    *,
    station: int = STATION,
    size: tuple[int, int] = (120, 40),
    door: Door | None = None,
) -> AsyncIterator[Pilot[Any]]:
    app = dashboard(run_dir, busy() if told is None else told, door=door)
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        app.pump.select(station)
        await pilot.press("2")
        await pilot.pause()
        yield pilot


def screen(pilot: Pilot[Any]) -> StationScreen:
    assert isinstance(pilot.app.screen, StationScreen)
    return pilot.app.screen


def waterfall(pilot: Pilot[Any]) -> Waterfall:
    return screen(pilot).query_one(Waterfall)


def notes(pilot: Pilot[Any]) -> str:
    return " ".join(n.message for n in pilot.app._notifications)


def tries(pilot: Pilot[Any]) -> list[tuple[int, int]]:
    return [(row.page, row.attempt) for row in waterfall(pilot).rows]


async def test_attempts_newest_first_and_the_one_in_flight_grows(tmp_path: Path) -> None:
    async with at_station(tmp_path) as pilot:
        assert tries(pilot)[:2] == [(16, 1), (15, 1)]
        assert tries(pilot)[5:8] == [(11, 3), (11, 2), (11, 1)]
        flying = waterfall(pilot).rows[0]
        await advance(pilot, 1.0)
        grown = waterfall(pilot).rows[0]
        assert flying.flying
        assert grown.total_ms == pytest.approx(flying.total_ms + 1000)


async def test_in_a_tall_window_the_waterfall_is_as_high_as_its_attempts_ask_for(tmp_path: Path) -> None:
    async with at_station(tmp_path, size=(200, 60)) as pilot:
        many, few = waterfall(pilot).size.height, 14
        assert len(waterfall(pilot).rows) > few
        await pilot.press("right_square_bracket")
        await pilot.pause()
        assert len(waterfall(pilot).rows) < few
        assert waterfall(pilot).size.height < many
        await pilot.press("z")
        await pilot.pause()
        assert waterfall(pilot).size.height > many


async def test_moving(tmp_path: Path) -> None:
    async with at_station(tmp_path) as pilot:
        places = []
        for key in ("j", "down", "k", "up", "G", "g", "pagedown", "pageup", "end", "home"):
            await pilot.press(key)
            cursor = waterfall(pilot).current
            assert cursor is not None
            places.append(waterfall(pilot).rows.index(cursor))
        last = len(tries(pilot)) - 1
        page = waterfall(pilot).span[1] - 1
        assert places == [1, 2, 1, 0, last, 0, page, 0, last, 0]


async def test_the_cursor_follows_the_newest_until_it_is_moved(tmp_path: Path) -> None:
    told = busy()
    begun = next(n for n, s in enumerate(told) if isinstance(s.event, ev.PageStarted) and _page(s) == (STATION, 9))
    later = next(n for n, s in enumerate(told) if isinstance(s.event, ev.PageStarted) and _page(s) == (STATION, 12))
    async with at_station(tmp_path, told[:begun]) as pilot:
        write(tmp_path, told[:later])
        await settle(pilot)
        assert waterfall(pilot).current == waterfall(pilot).rows[0]
        assert tries(pilot)[0] == (11, 3)
        await pilot.press("j")
        write(tmp_path, told)
        await settle(pilot)
        current = waterfall(pilot).current
        assert current is not None
        assert (current.page, current.attempt) == (11, 2)


def _page(stamped: ev.Stamped) -> tuple[int, int]:
    assert isinstance(stamped.event, ev.PageStarted)
    return stamped.event.station, stamped.event.page


async def test_previous_and_next_in_the_dashboard_s_order(tmp_path: Path) -> None:
    async with at_station(tmp_path) as pilot:
        table = pilot.app.screen_stack[1].query_one(LiveTable)
        order = [row.key for row in table.shown]
        at = order.index(STATION)
        await pilot.press("right_square_bracket")
        assert screen(pilot).subject() == order[at + 1]
        facts = screen(pilot).query_one("#state", FactPanel).facts
        assert facts.number == order[at + 1]
        await pilot.press("left_square_bracket", "left_square_bracket")
        assert screen(pilot).subject() == order[at - 1]
        await pilot.press("escape")
        assert table.cursor == order[at - 1], "back on the dashboard the cursor is on the station last looked at"


async def test_zoom_and_time_scale(tmp_path: Path) -> None:
    async with at_station(tmp_path) as pilot:
        await pilot.press("z")
        assert not screen(pilot).query_one("#middle").display
        assert waterfall(pilot).span == (1, len(tries(pilot)))
        await pilot.press("z")
        assert screen(pilot).query_one("#middle").display
        whole = waterfall(pilot).scale
        await pilot.press("plus")
        assert waterfall(pilot).scale <= whole / 1.5
        await pilot.press("minus")
        assert waterfall(pilot).scale == whole
        await pilot.press("minus")
        assert waterfall(pilot).scale == whole
        assert "shown whole" in notes(pilot)


async def test_facts_of_an_attempt_by_key_and_by_mouse(tmp_path: Path) -> None:
    async with at_station(tmp_path) as pilot:
        await pilot.press("j", "enter")
        assert isinstance(pilot.app.screen, AttemptSheet)
        await pilot.press("q")
        await pilot.click(Waterfall, offset=(20, 7), times=2)
        assert isinstance(pilot.app.screen, AttemptSheet)
        await pilot.click(offset=(60, 20))
        current = waterfall(pilot).current
        assert current is not None
        assert (current.page, current.attempt) == (11, 2)


async def test_the_wheel_scrolls(tmp_path: Path) -> None:
    async with at_station(tmp_path) as pilot:
        table = waterfall(pilot)
        await pilot._post_mouse_events([MouseScrollDown], Waterfall, button=0)
        await pilot.pause()
        assert table.span[0] > 1


async def test_copy_sends_json_to_the_clipboard(tmp_path: Path) -> None:
    async with at_station(tmp_path) as pilot:
        await pilot.press("j", "c")
        copied = json.loads(pilot.app.clipboard)
        assert (copied["station"], copied["page"], copied["verdict"]) == (STATION, 15, "ok")
        assert copied["dns_ms"] is None
        assert copied["ttfb_ms"] > 0
        assert "clipboard" in notes(pilot)


async def test_export_writes_the_attempts(tmp_path: Path) -> None:
    async with at_station(tmp_path) as pilot:
        await pilot.press("e")
        await idle(pilot)
    (document,) = tmp_path.glob("station-*.json")
    rows = json.loads(document.read_text())
    assert len(rows) == 19
    assert rows[7]["error_class"] == "read_timeout"


@pytest.mark.parametrize(
    ("station", "pressed", "command"),
    [
        (STATION, "p", {"cmd": "pause", "stations": [STATION]}),
        (89, "p", {"cmd": "resume", "stations": [89]}),
        (83, "r", {"cmd": "retry", "stations": [83]}),
    ],
)
async def test_commands_are_about_this_station(
    tmp_path: Path, station: int, pressed: str, command: dict[str, Any]
) -> None:
    door = Door()
    async with at_station(tmp_path, station=station, door=door) as pilot:
        await pilot.press(pressed)
        await idle(pilot)
        assert door.sent == [command]


async def test_cancel_asks_first(tmp_path: Path) -> None:
    door = Door()
    async with at_station(tmp_path, door=door) as pilot:
        await pilot.press("x", "y")
        await idle(pilot)
        assert door.sent == [{"cmd": "cancel", "stations": [STATION]}]


async def test_its_log_is_its_own(tmp_path: Path) -> None:
    async with at_station(tmp_path) as pilot:
        log = screen(pilot).query_one(LogPane)
        assert {row.station for row in log.shown} == {STATION}
        assert not any(row.text.startswith(str(STATION)) for row in log.shown)
        await pilot.press("l")
        assert log.level == "WARN"
        await pilot.press("F")
        assert not log.following
        await pilot.press("right_square_bracket")
        assert {row.station for row in log.shown} <= {screen(pilot).subject()}


async def test_nothing_to_open_or_copy_says_so(tmp_path: Path) -> None:
    async with at_station(tmp_path, midst(), station=143) as pilot:
        await pilot.press("enter", "c")
        assert "no attempt to open yet" in notes(pilot)
        assert "no attempt to copy yet" in notes(pilot)


async def test_before_the_first_event(tmp_path: Path) -> None:
    app = dashboard(tmp_path, [])
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2", "right_square_bracket", "enter", "j", "plus")
        assert isinstance(app.screen, StationScreen)
        assert "has not told its stations yet" in notes(pilot)


@pytest.mark.parametrize(("size", "seen"), [((60, 15), {"strip"}), ((80, 24), {"strip", "lower"})])
async def test_a_small_terminal_keeps_the_waterfall(tmp_path: Path, size: tuple[int, int], seen: set[str]) -> None:
    async with at_station(tmp_path, size=size) as pilot:
        panels = {"percentiles", "trend", "strip", "lower"}
        assert {name for name in panels if screen(pilot).query_one(f"#{name}").display} == seen
        assert waterfall(pilot).size.height >= 6
