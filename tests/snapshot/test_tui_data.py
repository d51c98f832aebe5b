"""What the plot of a stored series looks like."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from tui_app import advance, dashboard, idle, settle
from tui_journal import midst
from tui_store import filled

from cimis_tui.screens.data import DataScreen

SIZES = [(60, 15), (80, 24), (100, 30), (120, 40), (200, 60)]
ids = [f"{w}x{h}" for w, h in SIZES]


def shown(*keys: str) -> Any:
    """Open the screen, press keys, each answered before the next; the time a reading took is left out."""

    async def run(pilot: Pilot[Any]) -> None:
        await settle(pilot)
        for key in ("5", *keys):
            await pilot.press(key)
            await pilot.pause()
            await idle(pilot)
        await pilot.pause()

    return run


@pytest.mark.parametrize("size", SIZES, ids=ids)
def test_a_year(snap_compare: Any, tmp_path: Path, size: tuple[int, int]) -> None:
    assert snap_compare(dashboard(filled(tmp_path), midst()), terminal_size=size, run_before=shown("y"))
