"""A replay by key and mouse: play, step, speed, going to moments, forwards and back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from runs_app import CUT, DONE, console
from textual.pilot import Pilot
from tui_app import FrozenClock, dashboard, settle
from tui_journal import midst

from cimis_tui.feed.replay import Replay
from cimis_tui.screens.dashboard import DashboardScreen
from cimis_tui.screens.help import HelpText
from cimis_tui.screens.moment import MomentDialogue
from cimis_tui.widgets.banner import EndingBanner
from cimis_tui.widgets.header_bar import HeaderBar
from cimis_tui.widgets.log_pane import LogPane
from cimis_tui.widgets.replay_bar import ReplayBar

pytestmark = pytest.mark.asyncio


@asynccontextmanager
async def replayed(root: Path, run_id: str = DONE) -> AsyncIterator[tuple[Pilot[Any], Replay]]:
    """At the end, standing still; its thread does not run, so that every moment is the test's."""
    app = console(root, mode="replay", run_id=run_id)
    replay = app.follower
    assert isinstance(replay, Replay)
    replay.start = lambda: None  # type: ignore[method-assign]
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        yield pilot, replay


def notes(pilot: Pilot[Any]) -> str:
    return " ".join(n.message for n in pilot.app._notifications)


def shown(pilot: Pilot[Any]) -> tuple[str, str, float]:
    vitals = pilot.app.screen.query_one(HeaderBar).vitals
    assert vitals is not None
    return vitals.mode, vitals.feed.word, vitals.now


async def test_at_the_end_the_ending_is_shown_and_going_back_takes_it_away(tmp_path: Path) -> None:
    async with replayed(tmp_path) as (pilot, replay):
        banner = pilot.app.screen.query_one(EndingBanner)
        assert banner.display
        whole = len(pilot.app.screen.query_one(LogPane).shown)
        replay.seek(replay.begins + 20)
        await settle(pilot)
        assert shown(pilot) == ("replay 1x", "HELD", replay.begins + 20)
        assert not banner.display
        assert 0 < len(pilot.app.screen.query_one(LogPane).shown) < whole
        assert replay.turn == 1
        replay.seek(replay.ends)
        await settle(pilot)
        assert banner.display
        assert len(pilot.app.screen.query_one(LogPane).shown) == whole


async def test_playing_follows_the_clock_at_its_speed(tmp_path: Path) -> None:
    async with replayed(tmp_path) as (pilot, replay):
        replay.seek(replay.begins)
        await settle(pilot)
        await pilot.press("right_curly_bracket", "right_curly_bracket", "space")
        assert (replay.speed, replay.playing) == (4.0, True)
        clock = pilot.app.clock  # type: ignore[attr-defined]
        assert isinstance(clock, FrozenClock)
        clock.now += 5
        replay.read_once()
        assert replay.now() == replay.begins + 20
        await pilot.press("left_curly_bracket", "space")
        clock.now += 5
        replay.read_once()
        assert (replay.speed, replay.now()) == (2.0, replay.begins + 20)


async def test_as_fast_as_it_goes_is_the_end_at_once(tmp_path: Path) -> None:
    async with replayed(tmp_path) as (pilot, replay):
        await pilot.press("space", *["right_curly_bracket"] * 9)
        replay.read_once()
        assert shown(pilot)[0] != "replay max"
        await settle(pilot)
        assert shown(pilot) == ("replay max", "END", replay.ends)
        assert not replay.playing


async def test_space_at_the_end_plays_from_the_start(tmp_path: Path) -> None:
    async with replayed(tmp_path) as (pilot, replay):
        await pilot.press("space")
        replay.read_once()
        assert (replay.now(), replay.playing) == (replay.begins, True)


async def test_steps_go_event_by_event_both_ways(tmp_path: Path) -> None:
    async with replayed(tmp_path) as (pilot, replay):
        replay.seek(replay.begins + 20)
        replay.read_once()
        seqs = []
        for key in ("]", "]", "]", "[", "[", "["):
            await pilot.press(key)
            replay.read_once()
            seqs.append(replay.state.seq)
        assert seqs[:3] == sorted(set(seqs[:3]))
        assert seqs[3:5] == seqs[1::-1]
        assert seqs[5] < seqs[0]


async def test_going_to_a_moment_in_words(tmp_path: Path) -> None:
    async with replayed(tmp_path) as (pilot, replay):
        await pilot.press("g")
        assert isinstance(pilot.app.screen, MomentDialogue)
        await pilot.press(*"25%", "enter")
        replay.read_once()
        assert replay.now() == pytest.approx(replay.begins + (replay.ends - replay.begins) / 4)
        await pilot.press("g", "escape")
        assert isinstance(pilot.app.screen, DashboardScreen)
        await pilot.press("g", "ctrl+g")
        assert isinstance(pilot.app.screen, DashboardScreen)


async def test_the_bar_takes_clicks_and_drags(tmp_path: Path) -> None:
    async with replayed(tmp_path) as (pilot, replay):
        bar = pilot.app.screen.query_one(ReplayBar)
        text = "".join(cell.text for cell in bar._lines[0])
        left = text.index("━")
        await pilot.click(ReplayBar, offset=(left, 0))
        replay.read_once()
        assert replay.now() == replay.begins
        await pilot.mouse_down(ReplayBar, offset=(left, 0))
        await pilot.hover(ReplayBar, offset=(left + 10, 0))
        await pilot.mouse_up(ReplayBar, offset=(left + 10, 0))
        replay.read_once()
        assert replay.begins < replay.now() < replay.ends
        await pilot.hover(ReplayBar, offset=(left + 20, 0))
        there = replay.now()
        replay.read_once()
        assert replay.now() == there
        await pilot.click(ReplayBar, offset=(text.index("go to"), 0))
        assert isinstance(pilot.app.screen, MomentDialogue)


async def test_commands_to_the_engine_say_why_not(tmp_path: Path) -> None:
    async with replayed(tmp_path) as (pilot, _):
        for key in ("p", "P", "r", "R", "x"):
            pilot.app.clear_notifications()
            await pilot.press(key)
            assert "recorded run" in notes(pilot), key


async def test_a_run_that_was_cut_off_says_so_at_its_end(tmp_path: Path) -> None:
    async with replayed(tmp_path, CUT) as (pilot, replay):
        assert shown(pilot)[1] == "CUT"
        assert replay.position().cut
        replay.seek(replay.begins)
        await settle(pilot)
        assert shown(pilot)[1] == "HELD"


async def test_live_keys_keep_their_meaning_and_replay_keys_say_why_not(tmp_path: Path) -> None:
    async with dashboard(tmp_path, midst()).run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        await pilot.press("G", "g")
        assert isinstance(pilot.app.screen, DashboardScreen)
        for key in ("]", "[", "right_curly_bracket", "left_curly_bracket"):
            pilot.app.clear_notifications()
            await pilot.press(key)
            assert "not a recording" in notes(pilot), key


async def test_every_screen_of_a_replay_has_the_bar(tmp_path: Path) -> None:
    async with replayed(tmp_path) as (pilot, _):
        for key in "23456789":
            await pilot.press(key)
            await pilot.pause()
            assert pilot.app.screen.query_one(ReplayBar).display


async def test_help_has_the_keys_of_a_replay(tmp_path: Path) -> None:
    async with replayed(tmp_path) as (pilot, _):
        await pilot.press("question_mark")
        assert "\nReplay\n" in pilot.app.screen.query_one(HelpText).render().plain
