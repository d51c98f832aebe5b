"""A selection on the dashboard: marks, their count, what cancelling them says, the toast that offers undo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from tui_app import dashboard, idle, settle
from tui_journal import midst

SIZES = [(60, 15), (80, 24), (120, 40)]


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
def test_marked_stations(snap_compare: Any, tmp_path: Path, size: tuple[int, int]) -> None:
    async def mark(pilot: Pilot[Any]) -> None:
        await settle(pilot)
        await pilot.press("space", "j", "space", "space")
        await pilot.pause()

    assert snap_compare(dashboard(tmp_path, midst()), terminal_size=size, run_before=mark)


@pytest.mark.parametrize("key", ["x", "p"])
def test_what_is_said_of_them(snap_compare: Any, tmp_path: Path, key: str) -> None:
    async def act(pilot: Pilot[Any]) -> None:
        await settle(pilot)
        await pilot.press("slash", *"state:run", "enter", "asterisk", key)
        await idle(pilot)

    assert snap_compare(dashboard(tmp_path, midst()), terminal_size=(120, 40), run_before=act)
