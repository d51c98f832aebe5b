"""A recorded run: playing it, its speed, steps, going to a moment; and the way back from it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from action_checks import At, check
from runs_app import DONE, LIVE, console
from tui_app import Door, settle

from cimis_tui.app import CimisApp
from cimis_tui.feed.replay import Replay
from cimis_tui.screens.moment import MomentDialogue


def recorded(folder: Path, _: Door) -> CimisApp:
    """At the end, standing still; its thread does not run, so that every moment is the test's."""
    app = console(folder, mode="replay", run_id=DONE)
    assert isinstance(app.follower, Replay)
    app.follower.start = lambda: None  # type: ignore[method-assign]
    return app


def replay(at: At) -> Replay:
    assert isinstance(at.app.follower, Replay)
    return at.app.follower


@check("replay.play", start=recorded)
async def play(at: At) -> AsyncIterator[None]:
    assert not replay(at).playing
    yield
    assert replay(at).playing


@check("replay.on", start=recorded)
async def step_on(at: At) -> AsyncIterator[None]:
    replay(at).seek(replay(at).begins + 20)
    replay(at).read_once()
    before = replay(at).state.seq
    yield
    replay(at).read_once()
    assert replay(at).state.seq > before


@check("replay.back", start=recorded)
async def step_back(at: At) -> AsyncIterator[None]:
    before = replay(at).state.seq
    yield
    replay(at).read_once()
    assert replay(at).state.seq < before


@check("replay.faster", start=recorded)
async def faster(at: At) -> AsyncIterator[None]:
    before = replay(at).speed
    yield
    assert replay(at).speed == 2 * before


@check("replay.slower", start=recorded)
async def slower(at: At) -> AsyncIterator[None]:
    await at.press("right_curly_bracket", "right_curly_bracket")
    before = replay(at).speed
    yield
    assert replay(at).speed == before / 2


@check("replay.goto", start=recorded)
async def go_to(at: At) -> AsyncIterator[None]:
    yield
    assert isinstance(at.app.screen, MomentDialogue)
    await at.press(*"25%", "enter")
    replay(at).read_once()
    assert replay(at).now() == pytest.approx(replay(at).begins + (replay(at).ends - replay(at).begins) / 4)


@check("replay.home", on="runs", start=lambda folder, _: console(folder))
async def home(at: At) -> AsyncIterator[None]:
    await at.press("j", "enter")
    await settle(at.pilot)
    assert at.app.pump.mode == "replay"
    yield
    await settle(at.pilot)
    assert (at.app.pump.mode, at.app.run_dir.name) == ("live", LIVE)
