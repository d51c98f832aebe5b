"""Steering by a selection, by the mouse, under other keys; alerts that ring; what a recorded run refuses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from action_checks import At
from checks_everywhere import select
from textual.widgets import Static
from tui_alerts import troubled
from tui_app import Door, advance, dashboard, settle
from tui_journal import ended, midst, write

from cimis_engine.run import events as ev
from cimis_engine.run.control import ControlError
from cimis_tui.app import CimisApp
from cimis_tui.keymap import remapped
from cimis_tui.looks import Looks
from cimis_tui.screens.dialogue import Dialogue
from cimis_tui.screens.help import help_text
from cimis_tui.view.header import present_header
from cimis_tui.widgets.banner import AlertBar
from cimis_tui.widgets.key_footer import KeyFooter
from cimis_tui.widgets.live_table import LiveTable
from cimis_tui.widgets.row_list import RowList

pytestmark = pytest.mark.asyncio


@asynccontextmanager
async def running(
    run_dir: Path, told: list[ev.Stamped], *, mode: str = "live", door: Door | None = None, looks: Looks | None = None
) -> AsyncIterator[At]:
    door = door or Door()
    app = dashboard(run_dir, told, door=door, mode=mode)
    if looks is not None:
        app = CimisApp(run_dir, mode=mode, engine_pid=1, send=door, clock=app.clock, looks=looks)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        yield At(pilot, door, run_dir)


def footer(at: At) -> str:
    return "".join(cell.text for cell in at.one(KeyFooter).lines(120, 1)[0])


async def test_keys_act_on_all_that_are_marked_and_say_how_many(tmp_path: Path) -> None:
    async with running(tmp_path, midst()) as at:
        table = at.one(LiveTable)
        for station in (83, 86, 62):
            await at.press("g", *("j" * [row.key for row in table.shown].index(station)), "space")
        assert table.marked == [62, 83, 86]
        assert "3 marked" in str(at.screen.query_one("#table-box").border_title)
        await at.press("p")
        assert await at.commands() == [{"cmd": "pause", "stations": [62, 86]}]
        assert "2 stations: pause asked for (1 more: paused or ended before)" in at.notes()
        await at.press("r")
        assert (await at.commands())[1:] == [{"cmd": "retry", "stations": [83]}]


async def test_cancelling_says_what_is_given_up_and_what_stays(tmp_path: Path) -> None:
    async with running(tmp_path, midst()) as at:
        await at.press("slash", *"state:run", "enter", "asterisk", "x")
        dialogue = at.app.screen
        assert isinstance(dialogue, Dialogue)
        words = str(dialogue.query_one(Static).render())
        assert "7 jobs, 7 pages in flight" in words and "stays" in words
        await at.press("escape")
        assert await at.commands() == []


async def test_marked_rows_that_the_filter_hides_are_counted(tmp_path: Path) -> None:
    async with running(tmp_path, midst()) as at:
        await at.press("space", "space", "slash", *"state:retry", "enter")
        assert "2 marked, 1 of them hidden" in str(at.screen.query_one("#table-box").border_title)


async def test_the_mouse_marks_left_of_the_state_or_with_ctrl(tmp_path: Path) -> None:
    async with running(tmp_path, midst()) as at:
        table = at.one(LiveTable)
        await at.pilot.click(LiveTable, offset=(1, 3))
        await at.pilot.click(LiveTable, offset=(20, 4), control=True)
        assert table.marked == sorted(row.key for row in table.shown[2:4])
        await at.pilot.click(LiveTable, offset=(1, 3))
        assert len(table.marked) == 1
        await at.pilot.click(LiveTable, offset=(0, 3), times=2)
        assert at.screen.VIEW == "dashboard", "two clicks on a mark open nothing"


async def test_undo_is_offered_for_ten_seconds_and_only_for_what_was_done(tmp_path: Path) -> None:
    async with running(tmp_path, midst()) as at:
        await at.press("j", "p")
        await at.commands()
        await advance(at.pilot, 11.0)
        write(tmp_path, [*midst(), ev.Stamped(len(midst()) + 1, at.app.clock.time(), ev.RunResumed())])
        await settle(at.pilot)
        await at.press("z")
        assert "too late" in at.notes()
        assert len(await at.commands()) == 1
    refusing = Door(ControlError("the engine did not answer"))
    async with running(tmp_path, midst(), door=refusing) as at:
        await at.press("P")
        await at.commands()
        await at.press("z")
        assert "nothing to undo" in at.notes()


async def test_commands_arrive_in_the_order_of_the_keys(tmp_path: Path) -> None:
    async with running(tmp_path, midst()) as at:
        await at.pilot.press(*(["plus"] * 6), "minus", "P")
        sent = await at.commands()
        assert [c.get("limit") for c in sent] == [9, 10, 11, 12, 13, 14, 13, None]


@pytest.mark.parametrize(
    ("told", "mode", "reason"),
    [(midst, "replay", "recorded run"), (ended, "live", "the run has ended")],
    ids=["replay", "ended"],
)
@pytest.mark.parametrize("key", ["p", "P", "r", "R", "x", "plus", "minus", "z", "A"])
async def test_where_there_is_no_engine_keys_say_why(
    tmp_path: Path, told: object, mode: str, reason: str, key: str
) -> None:
    assert callable(told)
    async with running(tmp_path, told(), mode=mode) as at:
        await at.press(key)
        assert reason in at.notes()
        assert await at.commands() == []


@pytest.mark.parametrize("key", ["a", "A", "m"])
async def test_alerts_of_a_recorded_run_are_not_answered(tmp_path: Path, key: str) -> None:
    async with running(tmp_path, troubled(), mode="replay") as at:
        await at.open("alerts")
        await at.press(key)
        assert "recorded run" in at.notes()
        assert await at.commands() == []


async def test_alerts_by_mouse(tmp_path: Path) -> None:
    async with running(tmp_path, troubled()) as at:
        bar = at.one(AlertBar)
        line = "".join(cell.text for cell in bar.lines(bar.size.width, 1)[0])
        await at.pilot.click(AlertBar, offset=(line.index("A acks all"), 0))
        assert await at.commands() == [{"cmd": "ack"}]
        await at.pilot.click(AlertBar, offset=(line.index("7 shows"), 0))
        while at.screen.VIEW != "alerts" or not at.screen.is_mounted:
            await at.pilot.pause()
        await at.pilot.pause()
        await at.pilot.click(RowList, offset=(10, 3))
        assert at.one(RowList).cursor == ("memory", "run", 0.0)
        await at.pilot.click(RowList, offset=(10, 1), times=2)
        assert (at.screen.VIEW, at.app.pump.selected) == ("station", 83)


async def test_what_cannot_be_acknowledged_or_muted_says_why(tmp_path: Path) -> None:
    async with running(tmp_path, midst()) as at:
        await at.open("alerts")
        await at.press("G", "k", "a")
        assert "this one is ok" in at.notes()
        table = at.one(RowList)
        table.move_to(("checksum", "", 0.0))
        await at.press("m")
        assert "no station is meant here" in at.notes()
        assert await at.commands() == []


async def test_other_keys_work_and_are_shown(tmp_path: Path) -> None:
    looks = Looks(actions=remapped({"station.pause": "f5,f6", "go.alerts": "ctrl+l", "move.down": "y"}))
    async with running(tmp_path, midst(), looks=looks) as at:
        assert "Pause " not in footer(at).replace("Pause all", ""), "it does not fit a station that failed"
        await at.press("y")
        assert "F5 Pause" in footer(at)
        help_words = str(help_text("dashboard", at.app.actions))
        assert "F5 F6" in help_words
        commands = {c.title: c.help for c in at.app.get_system_commands(at.screen)}
        assert commands["Pause or resume the station, or those marked"] == "key F5 F6"
        await at.press("y", "p")
        assert await at.commands() == [], "the usual key means nothing any more"
        await at.press("f5", "f6")
        assert [c["cmd"] for c in await at.commands()] == ["pause", "pause"]
        await at.press("ctrl+l")
        assert at.screen.VIEW == "alerts"
        first = at.one(RowList).cursor
        await at.press("y")
        assert at.one(RowList).cursor != first


def critical(told: list[ev.Stamped], t: float) -> ev.Stamped:
    raised = ev.AlertRaised(rule="error_rate", severity="critical", subject="run", value=0.0213, limit=0.01)
    return ev.Stamped(told[-1].seq + 1, t, raised)


async def test_a_new_critical_alert_is_told_once_with_a_bell(tmp_path: Path) -> None:
    told = midst()
    rung: list[str] = []
    async with running(tmp_path, told) as at:
        at.app.bell = lambda: rung.append("bell")  # type: ignore[method-assign]
        write(tmp_path, [*told, critical(told, at.app.clock.time() + 1)])
        for _ in range(3):
            await settle(at.pilot)
        assert rung == ["bell"]
        assert at.notes() == "error rate > 1%: 2.13% (run)"
    async with running(tmp_path, [*told, critical(told, told[-1].t)]) as at:
        await settle(at.pilot)
        assert at.notes() == "", "what fired before the console opened is in the bar"


async def test_the_bell_can_be_off(tmp_path: Path) -> None:
    told = midst()
    rung: list[str] = []
    async with running(tmp_path, told, looks=Looks(bell=False)) as at:
        at.app.bell = lambda: rung.append("bell")  # type: ignore[method-assign]
        write(tmp_path, [*told, critical(told, at.app.clock.time() + 1)])
        await settle(at.pilot)
        assert rung == [] and "error rate" in at.notes()


async def test_the_header_says_how_many_may_be_in_flight(tmp_path: Path) -> None:
    told = midst()
    last = told[-1]
    more = [
        ev.Stamped(last.seq + 1, last.t, ev.ConcurrencyChanged(old=8, new=16)),
        ev.Stamped(last.seq + 2, last.t, ev.ThrottleChanged(old=7, new=12, cause="slow start")),
    ]
    async with running(tmp_path, [*told, *more]) as at:
        vitals = at.app.pump.vitals(8.0)
        assert (vitals.in_flight, vitals.limit, vitals.ceiling) == (7, 12, 16)
        told_so = "".join(cell.text for line in present_header(vitals, 120, 2) for cell in line)
        assert "7 of 12 requests (limit 16)" in told_so


async def test_the_footer_follows_the_cursor_wherever_it_is(tmp_path: Path) -> None:
    async with running(tmp_path, midst()) as at:
        await select(at, 83)
        assert "Retry" in footer(at) and "Cancel" not in footer(at)
        await select(at, 62)
        assert "Retry" not in footer(at) and "Cancel" in footer(at)
        await at.open("station")
        assert "Cancel" in footer(at)
        while at.screen.subject() != 83:
            await at.press("right_square_bracket")
        assert "Retry" in footer(at) and "Cancel" not in footer(at)
