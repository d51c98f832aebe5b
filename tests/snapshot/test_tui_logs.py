"""What the log looks like, at each designed size, narrowed, standing still, and empty."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from station_journal import busy
from textual.pilot import Pilot
from tui_app import advance, dashboard, settle

from cimis_engine.run.events import Stamped

SIZES = [(60, 15), (80, 24), (100, 30), (120, 40), (200, 60)]


def press(*keys: str) -> Callable[[Pilot[Any]], Awaitable[None]]:
    async def go(pilot: Pilot[Any]) -> None:
        await settle(pilot)
        await pilot.press("8")
        await advance(pilot, 0.3)
        await pilot.press(*keys)
        await pilot.pause()

    return go


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
def test_the_whole_log(snap_compare: Any, tmp_path: Path, size: tuple[int, int]) -> None:
    assert snap_compare(dashboard(tmp_path, busy()), terminal_size=size, run_before=press("k", "k"))


@pytest.mark.parametrize(
    ("name", "told", "keys"),
    [
        ("narrowed", busy(), ("l", "slash", *"station:62 !gzip", "enter")),
        ("nothing-matches", busy(), ("slash", *"nonsense", "enter")),
        ("wrong-filter", busy(), ("slash", *"state:retry")),
        ("an-error-far-above", busy(), ("N",)),
        ("before-the-first-event", [], ()),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_other_states(snap_compare: Any, tmp_path: Path, name: str, told: list[Stamped], keys: tuple[str, ...]) -> None:
    assert snap_compare(dashboard(tmp_path, told), terminal_size=(120, 40), run_before=press(*keys))


def test_light(snap_compare: Any, tmp_path: Path) -> None:
    app = dashboard(tmp_path, busy(), theme="cimis-light")
    assert snap_compare(app, terminal_size=(80, 24), run_before=press())
