"""What the list of runs, a comparison and a replay look like, at each designed size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from runs_app import CUT, DONE, compared, console, listed
from textual.pilot import Pilot
from tui_app import dashboard, settle

from cimis_tui.widgets.live_table import LiveTable

SIZES = [(60, 15), (80, 24), (100, 30), (120, 40), (200, 60)]


def name(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


@pytest.mark.parametrize("size", SIZES, ids=name)
def test_the_list(snap_compare: Any, data_dir: Path, size: tuple[int, int]) -> None:
    assert snap_compare(console(data_dir), terminal_size=size, run_before=listed)


@pytest.mark.parametrize("size", SIZES, ids=name)
def test_a_comparison(snap_compare: Any, data_dir: Path, size: tuple[int, int]) -> None:
    assert snap_compare(console(data_dir), terminal_size=size, run_before=compared)


@pytest.mark.parametrize("size", [*SIZES, (80, 40)], ids=name)
def test_a_run_that_was_cut_off_in_the_list(snap_compare: Any, data_dir: Path, size: tuple[int, int]) -> None:
    async def last(pilot: Pilot[Any]) -> None:
        await listed(pilot)
        await pilot.press("G")
        await pilot.pause()

    assert snap_compare(console(data_dir), terminal_size=size, run_before=last)


@pytest.mark.parametrize("size", SIZES, ids=name)
def test_a_comparison_with_slower_stations(snap_compare: Any, data_dir: Path, size: tuple[int, int]) -> None:
    async def slower(pilot: Pilot[Any]) -> None:
        await listed(pilot)
        await pilot.press("j", "j", "space", "k", "space", "d")
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()

    assert snap_compare(console(data_dir), terminal_size=size, run_before=slower)


@pytest.mark.parametrize("size", SIZES, ids=name)
def test_a_replay_in_its_midst(snap_compare: Any, data_dir: Path, size: tuple[int, int]) -> None:
    async def halfway(pilot: Pilot[Any]) -> None:
        replay = pilot.app.follower  # type: ignore[attr-defined]
        replay.seek((replay.begins + replay.ends) / 2)
        await settle(pilot)
        # The cursor is on the station that was first when the screen opened, which may have been at the end still.
        pilot.app.screen.query_one(LiveTable).move_end(last=False)
        await settle(pilot)

    app = console(data_dir, mode="replay", run_id=DONE)
    assert snap_compare(app, terminal_size=size, run_before=halfway)


def test_the_end_of_a_run_that_was_cut_off(snap_compare: Any, data_dir: Path) -> None:
    app = console(data_dir, mode="replay", run_id=CUT)
    assert snap_compare(app, terminal_size=(120, 40), run_before=settle)


def test_going_to_a_moment(snap_compare: Any, data_dir: Path) -> None:
    async def ask(pilot: Pilot[Any]) -> None:
        await settle(pilot)
        await pilot.press("g", "x", "enter")
        await pilot.pause()

    app = console(data_dir, mode="replay", run_id=DONE)
    assert snap_compare(app, terminal_size=(100, 30), run_before=ask)


def test_no_runs_says_how_to_get_one(snap_compare: Any, data_dir: Path) -> None:
    assert snap_compare(dashboard(data_dir / "runs" / "r", []), terminal_size=(100, 30), run_before=listed)


@pytest.mark.parametrize("theme", ["cimis-light", "ansi-dark"])
def test_themes(snap_compare: Any, data_dir: Path, theme: str) -> None:
    assert snap_compare(console(data_dir, theme=theme), terminal_size=(120, 40), run_before=compared)


def test_no_color(snap_compare: Any, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(console(data_dir), terminal_size=(120, 40), run_before=compared)
