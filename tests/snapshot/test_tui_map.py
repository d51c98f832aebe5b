"""What the map looks like, at each designed size, near and far."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from tui_app import advance, dashboard, idle, settle
from tui_journal import midst

SIZES = [(60, 15), (80, 24), (100, 30), (120, 40), (200, 60)]


async def on_map(pilot: Pilot[Any]) -> None:
    await settle(pilot)
    await pilot.press("4")
    await idle(pilot)
    await advance(pilot, 0.3)


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
def test_the_whole_state(snap_compare: Any, tmp_path: Path, size: tuple[int, int]) -> None:
    assert snap_compare(dashboard(tmp_path, midst()), terminal_size=size, run_before=on_map)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=lambda s: f"{s[0]}x{s[1]}")
def test_near(snap_compare: Any, tmp_path: Path, size: tuple[int, int]) -> None:
    async def press(pilot: Pilot[Any]) -> None:
        await on_map(pilot)
        await pilot.press("plus", "plus", "plus", "n")

    assert snap_compare(dashboard(tmp_path, midst()), terminal_size=size, run_before=press)


@pytest.mark.parametrize("theme", ["cimis-light", "ansi-dark"])
def test_themes(snap_compare: Any, tmp_path: Path, theme: str) -> None:
    app = dashboard(tmp_path, midst(), theme=theme)
    assert snap_compare(app, terminal_size=(120, 40), run_before=on_map)


def test_no_color(snap_compare: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(dashboard(tmp_path, midst()), terminal_size=(120, 40), run_before=on_map)


def test_before_the_plan_is_known(snap_compare: Any, tmp_path: Path) -> None:
    assert snap_compare(dashboard(tmp_path, []), terminal_size=(80, 24), run_before=on_map)
