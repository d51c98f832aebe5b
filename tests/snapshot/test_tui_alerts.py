"""The alerts screen: what fires in every state, and the rules with their last ten minutes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from tui_alerts import calm, troubled
from tui_app import dashboard, settle

SIZES = [(60, 15), (80, 24), (100, 30), (120, 40), (200, 60)]


async def alerts(pilot: Pilot[Any]) -> None:
    await settle(pilot)
    await pilot.press("7")
    await pilot.pause()


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
def test_alerts_in_every_state(snap_compare: Any, tmp_path: Path, size: tuple[int, int]) -> None:
    assert snap_compare(dashboard(tmp_path, troubled()), terminal_size=size, run_before=alerts)


def test_a_calm_run(snap_compare: Any, tmp_path: Path) -> None:
    assert snap_compare(dashboard(tmp_path, calm()), terminal_size=(120, 40), run_before=alerts)


def test_before_the_first_event(snap_compare: Any, tmp_path: Path) -> None:
    assert snap_compare(dashboard(tmp_path, []), terminal_size=(80, 24), run_before=alerts)


def test_the_bar_on_the_dashboard(snap_compare: Any, tmp_path: Path) -> None:
    assert snap_compare(dashboard(tmp_path, troubled()), terminal_size=(120, 40), run_before=settle)
