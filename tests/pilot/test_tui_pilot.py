"""Keys and mouse on the running dashboard: what is sent, what moves, what is said."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input
from tui_app import Door, advance, dashboard, idle, settle
from tui_journal import ended, midst, write

from cimis_engine.run import events as ev
from cimis_engine.run.control import ControlError
from cimis_tui.actions import VIEWS, View
from cimis_tui.screens.console import ConsoleScreen
from cimis_tui.screens.dashboard import DashboardScreen
from cimis_tui.screens.dialogue import Dialogue
from cimis_tui.screens.help import HelpScreen, HelpText
from cimis_tui.widgets.header_bar import HeaderBar
from cimis_tui.widgets.live_table import LiveTable
from cimis_tui.widgets.log_pane import LogPane
from cimis_tui.widgets.phase_panel import PhasePanel

pytestmark = pytest.mark.asyncio


@asynccontextmanager
async def running(
    run_dir: Path, told: list[ev.Stamped] | None = None, *, door: Door | None = None, mode: str = "live"
) -> AsyncIterator[Pilot[Any]]:
    app = dashboard(run_dir, midst() if told is None else told, door=door, mode=mode)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        yield pilot


def table(pilot: Pilot[Any]) -> LiveTable:
    return pilot.app.screen_stack[1].query_one(LiveTable)


def notes(pilot: Pilot[Any]) -> str:
    return " ".join(n.message for n in pilot.app._notifications)


def keys(pilot: Pilot[Any]) -> list[int]:
    return [row.key for row in table(pilot).shown]


async def test_moving(tmp_path: Path) -> None:
    async with running(tmp_path) as pilot:
        order = keys(pilot)
        places = []
        for key in ("j", "j", "k", "down", "up", "G", "g", "pagedown", "pageup"):
            await pilot.press(key)
            cursor = table(pilot).cursor
            assert cursor is not None
            places.append(order.index(cursor))
        assert places == [1, 2, 1, 2, 1, 47, 0, 15, 0]


async def test_the_cursor_stays_on_its_station_when_rows_move(tmp_path: Path) -> None:
    async with running(tmp_path) as pilot:
        await pilot.press("j", "j")
        station = table(pilot).cursor
        await pilot.press("S")
        assert table(pilot).cursor == station
        assert keys(pilot)[0] != 83
        facts = pilot.app.screen.query_one(PhasePanel).facts
        assert facts is not None
        assert facts.station == station


async def test_sorting_by_key(tmp_path: Path) -> None:
    async with running(tmp_path) as pilot:
        await pilot.press("s")
        assert table(pilot).sort_key == "progress"
        await pilot.press("less_than_sign", "less_than_sign")
        assert table(pilot).sort_key == "name"
        assert [row.values[2] for row in table(pilot).shown] == sorted(row.values[2] for row in table(pilot).shown)  # type: ignore[type-var]
        await pilot.press("greater_than_sign")
        assert table(pilot).sort_key == "state"


async def test_mouse_sorts_by_header_and_selects_rows(tmp_path: Path) -> None:
    async with running(tmp_path) as pilot:
        await pilot.click(LiveTable, offset=(4, 0))
        assert table(pilot).sort_key == "id"
        assert keys(pilot)[:3] == [2, 5, 8]
        await pilot.click(LiveTable, offset=(4, 0))
        assert keys(pilot)[0] == 143
        await pilot.click(LiveTable, offset=(10, 4))
        assert table(pilot).cursor == keys(pilot)[table(pilot).scroll_offset.y + 3]


async def test_filter_narrows_and_escape_clears(tmp_path: Path) -> None:
    async with running(tmp_path) as pilot:
        await pilot.press("slash", *"state:queued", "enter")
        assert len(keys(pilot)) == 18
        assert table(pilot).cursor == keys(pilot)[0]
        await pilot.press("backspace")
        assert len(keys(pilot)) == 48
        await pilot.press("slash", *"speed>3")
        assert pilot.app.screen.query_one("#filter", Input).has_class("-wrong")
        await pilot.press("enter")
        assert "no column 'speed'" in notes(pilot)


async def test_freeze_holds_back_the_display_only(tmp_path: Path) -> None:
    told = ended()
    cut = len(midst())
    async with running(tmp_path, told[:cut]) as pilot:
        await pilot.press("f")
        before = [row.cells for row in table(pilot).shown]
        write(tmp_path, told)
        await settle(pilot)
        assert [row.cells for row in table(pilot).shown] == before
        assert pilot.app.follower.state.outcome == "partial"  # type: ignore[attr-defined]
        vitals = pilot.app.screen.query_one(HeaderBar).vitals
        assert vitals is not None
        assert vitals.held_back is not None
        await pilot.press("f")
        await advance(pilot, 1.0)
        assert [row.cells for row in table(pilot).shown] != before


@pytest.mark.parametrize(
    ("station", "pressed", "command"),
    [
        (62, "p", {"cmd": "pause", "stations": [62]}),
        (89, "p", {"cmd": "resume", "stations": [89]}),
        (62, "P", {"cmd": "pause"}),
        (83, "r", {"cmd": "retry", "stations": [83]}),
        (83, "R", {"cmd": "retry"}),
    ],
)
async def test_commands_go_to_the_engine(tmp_path: Path, station: int, pressed: str, command: dict[str, Any]) -> None:
    door = Door()
    async with running(tmp_path, door=door) as pilot:
        await pilot.press(*("j" for _ in range(keys(pilot).index(station))), pressed)
        await idle(pilot)
        assert door.sent == [command]


async def test_cancel_asks_first(tmp_path: Path) -> None:
    door = Door()
    async with running(tmp_path, door=door) as pilot:
        await pilot.press("j", "j", "x")
        assert isinstance(pilot.app.screen, Dialogue)
        await pilot.press("b", "x", "y")
        await idle(pilot)
        assert door.sent == [{"cmd": "cancel", "stations": [62]}]


async def test_a_refusal_is_said(tmp_path: Path) -> None:
    async with running(tmp_path, door=Door(ControlError("the engine did not answer"))) as pilot:
        await pilot.press("P")
        await idle(pilot)
        assert "the engine did not answer" in notes(pilot)


async def test_a_disabled_action_says_why(tmp_path: Path) -> None:
    door = Door()
    async with running(tmp_path, door=door, mode="replay") as pilot:
        await pilot.press("p")
        await idle(pilot)
        assert "recorded run" in notes(pilot)
        assert door.sent == []


@pytest.mark.parametrize(("answer", "sent"), [("w", ["drain"]), ("escape", []), ("b", [])])
async def test_quit_dialogue_stays(tmp_path: Path, answer: str, sent: list[str]) -> None:
    door = Door()
    async with running(tmp_path, door=door) as pilot:
        await pilot.press("q")
        assert isinstance(pilot.app.screen, Dialogue)
        await pilot.press(answer)
        await idle(pilot)
        assert [c["cmd"] for c in door.sent] == sent
        assert isinstance(pilot.app.screen, DashboardScreen)
        assert pilot.app.return_code is None


async def test_detach_leaves_the_engine_alone(tmp_path: Path) -> None:
    door = Door()
    async with running(tmp_path, door=door) as pilot:
        await pilot.press("q", "d")
    assert pilot.app.return_code == 0
    assert door.sent == []


@pytest.mark.parametrize("pressed", [("q", "s"), ("ctrl+c", "ctrl+c")])
async def test_stop_leaves_when_the_run_has_ended(tmp_path: Path, pressed: tuple[str, str]) -> None:
    door = Door()
    async with running(tmp_path, door=door) as pilot:
        await pilot.press(*pressed)
        await idle(pilot)
        assert [c["cmd"] for c in door.sent] == ["stop"]
        assert pilot.app.return_code is None
        write(tmp_path, ended())
        await settle(pilot)
        assert pilot.app.return_code == 0


async def test_quit_is_immediate_after_the_end(tmp_path: Path) -> None:
    async with running(tmp_path, ended()) as pilot:
        await pilot.press("q")
    assert pilot.app.return_code == 0


async def test_help_lists_keys_and_closes(tmp_path: Path) -> None:
    async with running(tmp_path) as pilot:
        await pilot.press("question_mark")
        assert isinstance(pilot.app.screen, HelpScreen)
        words = pilot.app.screen.query_one(HelpText)
        assert "\nMove\n" in words.render().plain
        assert "\nReplay\n" not in words.render().plain, "a run that goes on is not played"
        for size in ((60, 15), (120, 40)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            lines = words.render().plain.split("\n")
            assert max(map(len, lines)) <= words.content_size.width
            assert len(lines) == words.content_size.height
        await pilot.press("q")
        assert isinstance(pilot.app.screen, DashboardScreen)


async def test_log_level_and_follow(tmp_path: Path) -> None:
    async with running(tmp_path) as pilot:
        log = pilot.app.screen.query_one(LogPane)
        await pilot.press("l", "l", "l")
        assert log.level == "ERROR"
        await pilot.press("L")
        assert log.level == "WARN"
        await pilot.press("F")
        assert not log.following
        await pilot.press("F")
        assert log.following


async def test_export_writes_what_is_shown(tmp_path: Path) -> None:
    async with running(tmp_path) as pilot:
        await pilot.press("slash", *"bishop", "enter", "e")
        await idle(pilot)
    (document,) = tmp_path.glob("dashboard-*.json")
    (row,) = json.loads(document.read_text())
    assert (row["id"], row["name"], row["state"], row["records"]) == (68, "Bishop", "running", 730)
    (csv,) = tmp_path.glob("dashboard-*.csv")
    assert csv.read_text().splitlines()[0].startswith("id,name,state,progress")


async def test_picture_and_theme(tmp_path: Path) -> None:
    async with running(tmp_path) as pilot:
        await pilot.press("ctrl+s", "t")
        assert pilot.app.theme == "cimis-light"
    assert len(list(tmp_path.glob("dashboard-*.svg"))) == 1


async def test_a_silent_engine_is_marked(tmp_path: Path) -> None:
    async with running(tmp_path) as pilot:
        await advance(pilot, 60.0)
        vitals = pilot.app.screen.query_one(HeaderBar).vitals
        assert vitals is not None
        assert vitals.feed.word in ("STALE", "LOST")


async def test_a_small_terminal_says_what_it_needs(tmp_path: Path) -> None:
    async with running(tmp_path) as pilot:
        await pilot.resize_terminal(50, 12)
        await pilot.pause()
        assert pilot.app.screen.query_one("#too-small").display
        await pilot.resize_terminal(60, 15)
        await pilot.pause()
        assert not pilot.app.screen.query_one("#too-small").display


@pytest.mark.parametrize("view", VIEWS[1:], ids=lambda v: v.name)
async def test_every_screen_opens_by_its_key_and_goes_back(tmp_path: Path, view: View) -> None:
    async with running(tmp_path) as pilot:
        await pilot.press("3", view.key)
        assert screen_name(pilot) == view.name
        assert len(pilot.app.screen_stack) == 3, "screens replace each other: back is always the dashboard"
        await pilot.press("escape")
        assert screen_name(pilot) == "dashboard"
        await pilot.press(view.key, "1")
        assert screen_name(pilot) == "dashboard"


async def test_enter_and_double_click_open_the_station(tmp_path: Path) -> None:
    async with running(tmp_path) as pilot:
        await pilot.press("j", "enter")
        assert screen_name(pilot) == "station"
        await pilot.press("backspace")
        await pilot.click(LiveTable, offset=(10, 4), times=2)
        assert screen_name(pilot) == "station"


def screen_name(pilot: Pilot[Any]) -> str:
    screen = pilot.app.screen
    assert isinstance(screen, ConsoleScreen)
    return screen.VIEW


async def test_the_beat_rests_while_nothing_happens(tmp_path: Path) -> None:
    told = midst()
    app = dashboard(tmp_path, told[:-1])

    def beats() -> list[bool]:
        assert app._beats is not None
        return [timer._active.is_set() for timer in app._beats]

    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        app._on_beat()
        assert beats() == [False, True] and app.fps == 3, "two seconds without an event"
        await pilot.press("j")
        app._on_beat()
        assert beats() == [True, False] and app.fps == 8, "what a key brings about is seen at once"
        await advance(pilot, 2.0)
        assert beats() == [False, True]
        write(tmp_path, told)
        app.follower.read_once()
        app._on_beat()
        assert beats() == [True, False], "an event came"
