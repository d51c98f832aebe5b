"""What the heat map looks like, at each designed size and each zoom."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from tui_app import advance, dashboard, idle, settle
from tui_catalog import stored
from tui_journal import midst

from cimis_tui.app import CimisApp

SIZES = [(60, 15), (80, 24), (100, 30), (120, 40), (200, 60)]


def on_store(root: Path, **how: Any) -> CimisApp:
    """The app on a run in a data directory that holds something."""
    return dashboard(stored(root) / "runs" / "r1", midst(), **how)


def pressing(*keys: str) -> Any:
    async def press(pilot: Pilot[Any]) -> None:
        await settle(pilot)
        await pilot.press("3")
        await idle(pilot)
        await advance(pilot, 0.3)
        for key in keys:
            await pilot.press(key)
            await idle(pilot)
        await advance(pilot, 0.3)

    return press


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
def test_years(snap_compare: Any, tmp_path: Path, size: tuple[int, int]) -> None:
    assert snap_compare(on_store(tmp_path), terminal_size=size, run_before=pressing())


@pytest.mark.parametrize(
    "keys",
    [
        ("plus",),
        ("plus", "plus"),
        ("i", "plus", "plus", "plus"),
        ("o",),
        ("h", "enter"),
        ("slash", *"state:fail", "enter"),
    ],
    ids=["months", "days", "hours", "everything", "story", "filter"],
)
def test_nearer(snap_compare: Any, tmp_path: Path, keys: tuple[str, ...]) -> None:
    assert snap_compare(on_store(tmp_path), terminal_size=(120, 40), run_before=pressing(*keys))


def test_nothing_stored(snap_compare: Any, tmp_path: Path) -> None:
    app = dashboard(tmp_path / "runs" / "r1", [])
    assert snap_compare(app, terminal_size=(80, 24), run_before=pressing())


@pytest.mark.parametrize("theme", ["cimis-light", "ansi-dark"])
def test_themes(snap_compare: Any, tmp_path: Path, theme: str) -> None:
    app = on_store(tmp_path, theme=theme)
    assert snap_compare(app, terminal_size=(120, 40), run_before=pressing())


def test_no_color(snap_compare: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(on_store(tmp_path), terminal_size=(120, 40), run_before=pressing())
