"""Every key of the log screen, and the mouse."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from station_journal import STATION, busy
from textual.events import MouseScrollDown, MouseScrollUp
from textual.pilot import Pilot
from textual.widgets import Input
from tui_app import Door, advance, dashboard, idle, settle
from tui_journal import write

from cimis_engine.run import events as ev
from cimis_engine.run.state import RunState
from cimis_tui.screens.dashboard import DashboardScreen
from cimis_tui.screens.logs import LogsScreen
from cimis_tui.screens.station import StationScreen
from cimis_tui.view.log import LogRow
from cimis_tui.widgets.fact_panel import FactPanel
from cimis_tui.widgets.log_pane import LogPane

pytestmark = pytest.mark.asyncio


@asynccontextmanager
async def at_logs(
    run_dir: Path, told: list[ev.Stamped] | None = None, *, door: Door | None = None
) -> AsyncIterator[Pilot[Any]]:
    app = dashboard(run_dir, busy() if told is None else told, door=door)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        await pilot.press("8")
        await pilot.pause()
        yield pilot


def log(pilot: Pilot[Any]) -> LogPane:
    return pilot.app.screen.query_one(LogPane)


def chosen(pilot: Pilot[Any]) -> int:
    """The place of the line chosen among those shown."""
    row = log(pilot).current
    assert row is not None
    return log(pilot).shown.index(row)


def notes(pilot: Pilot[Any]) -> str:
    return " ".join(n.message for n in pilot.app._notifications)


async def test_moving_and_the_foot_shows_the_line(tmp_path: Path) -> None:
    async with at_logs(tmp_path) as pilot:
        last, page = len(log(pilot).shown) - 1, log(pilot).size.height - 1
        places = []
        for key in ("k", "up", "j", "down", "g", "G", "pageup", "pagedown", "home", "end"):
            await pilot.press(key)
            places.append(chosen(pilot) - last)
        assert places == [-1, -2, -1, 0, -last, 0, -page, 0, -last, 0]
        await pilot.press("k")
        foot: FactPanel[LogRow] = pilot.app.screen.query_one("#line", FactPanel)
        assert foot.facts == log(pilot).current


async def test_it_stands_still_and_counts_what_is_new_below(tmp_path: Path) -> None:
    told = busy()
    async with at_logs(tmp_path, told[:-30]) as pilot:
        before = len(log(pilot).shown)
        await pilot.press("F")
        place = chosen(pilot)
        write(tmp_path, told)
        await settle(pilot)
        new = len(log(pilot).shown) - before
        assert new > 3
        assert (log(pilot).following, log(pilot).below, chosen(pilot)) == (False, new, place)
        assert f"{new} new below" in str(log(pilot).border_subtitle)
        await pilot.press("F")
        assert (log(pilot).following, log(pilot).below) == (True, 0)
        assert chosen(pilot) == len(log(pilot).shown) - 1


async def test_reaching_the_newest_line_follows_again(tmp_path: Path) -> None:
    async with at_logs(tmp_path) as pilot:
        await pilot.press("k")
        assert not log(pilot).following
        await pilot.press("j")
        assert log(pilot).following


async def test_level(tmp_path: Path) -> None:
    async with at_logs(tmp_path) as pilot:
        every = len(log(pilot).shown)
        await pilot.press("l", "l", "l")
        assert {row.level for row in log(pilot).shown} == {2}
        await pilot.press("L")
        assert {row.level for row in log(pilot).shown} == {1, 2}
        await pilot.press("L")
        assert len(log(pilot).shown) == every


async def test_words_narrow_and_escape_clears_before_it_leaves(tmp_path: Path) -> None:
    async with at_logs(tmp_path) as pilot:
        every = len(log(pilot).shown)
        await pilot.press("slash", *"station:62 !stored", "enter")
        assert {row.station for row in log(pilot).shown} == {STATION}
        assert not any("stored" in row.text for row in log(pilot).shown)
        await pilot.press("escape")
        assert isinstance(pilot.app.screen, LogsScreen)
        assert len(log(pilot).shown) == every
        await pilot.press("backspace")
        assert isinstance(pilot.app.screen, DashboardScreen)


async def test_a_wrong_filter_says_what_would_be_right(tmp_path: Path) -> None:
    async with at_logs(tmp_path) as pilot:
        await pilot.press("slash", *"state:retry")
        assert pilot.app.screen.query_one("#filter", Input).has_class("-wrong")
        assert "station:62" in str(pilot.app.screen.query_one("#line", FactPanel).facts)
        await pilot.press("enter")
        assert "log lines have no 'state'" in notes(pilot)


async def test_nothing_matches(tmp_path: Path) -> None:
    async with at_logs(tmp_path) as pilot:
        await pilot.press("slash", *"nonsense", "enter", "c", "enter", "n", "j", "g")
        assert "there is no line to copy" in notes(pilot)
        assert "no station to open" in notes(pilot)
        assert "no error below" in notes(pilot)


async def test_next_and_previous_error(tmp_path: Path) -> None:
    async with at_logs(tmp_path) as pilot:
        await pilot.press("n")
        assert "no error below" in notes(pilot)
        await pilot.press("N")
        row = log(pilot).current
        assert row is not None
        assert (row.level, row.station) == (2, 83)
        await pilot.press("g", "n")
        assert log(pilot).current == row


async def test_enter_and_double_click_open_the_station(tmp_path: Path) -> None:
    async with at_logs(tmp_path) as pilot:
        await pilot.press("N", "enter")
        assert isinstance(pilot.app.screen, StationScreen)
        assert pilot.app.screen.subject() == 83
        await pilot.press("8")
        await pilot.click(LogPane, offset=(30, 2), times=2)
        assert isinstance(pilot.app.screen, StationScreen)
        await pilot.press("8", "g", "enter")
        assert "about the whole run" in notes(pilot)


async def test_the_mouse_chooses_and_the_wheel_scrolls(tmp_path: Path) -> None:
    async with at_logs(tmp_path) as pilot:
        last = len(log(pilot).shown) - 1
        await pilot._post_mouse_events([MouseScrollUp], LogPane, button=0)
        assert chosen(pilot) == last - 3
        await pilot._post_mouse_events([MouseScrollDown], LogPane, button=0)
        assert chosen(pilot) == last
        await pilot.click(LogPane, offset=(30, 1))
        assert chosen(pilot) == last - (log(pilot).size.height - 1)


async def test_copy(tmp_path: Path) -> None:
    async with at_logs(tmp_path) as pilot:
        await pilot.press("N", "c")
        assert pilot.app.clipboard.startswith("2025-")
        assert "ERROR 83 Kesterson" in pilot.app.clipboard


async def test_export_writes_the_lines_shown(tmp_path: Path) -> None:
    async with at_logs(tmp_path) as pilot:
        await pilot.press("l", "l", "e")
        await idle(pilot)
    (document,) = tmp_path.glob("logs-*.json")
    (row,) = json.loads(document.read_text())
    assert (row["level"], row["station"]) == ("ERROR", 83)


async def test_commands_are_about_the_line_s_station(tmp_path: Path) -> None:
    door = Door()
    async with at_logs(tmp_path, door=door) as pilot:
        await pilot.press("N", "r")
        await idle(pilot)
        assert door.sent == [{"cmd": "retry", "stations": [83]}]


async def test_when_a_replay_goes_back_the_log_goes_with_it(tmp_path: Path) -> None:
    async with at_logs(tmp_path) as pilot:
        every = len(log(pilot).shown)
        earlier = RunState()
        for stamped in busy()[:-40]:
            earlier.apply(stamped)
        pilot.app.follower.state = earlier  # type: ignore[attr-defined]
        await advance(pilot, 1.0)
        assert 0 < len(log(pilot).shown) < every
        assert log(pilot).book.told == [len([r for r in log(pilot).shown if r.level == n]) for n in range(3)]
