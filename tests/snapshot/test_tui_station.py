"""What a station looks like, at each designed size, and in its other states."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from station_journal import STATION, busy
from textual.pilot import Pilot
from tui_app import advance, dashboard
from tui_journal import ended, midst, started

from cimis_engine.run.events import Stamped
from cimis_tui.app import CimisApp

SIZES = [(60, 15), (80, 24), (100, 30), (120, 40), (200, 60)]


def at(station: int | None, *keys: str) -> Callable[[Pilot[Any]], Awaitable[None]]:
    """Go to a station's screen and press keys there."""

    async def go(pilot: Pilot[Any]) -> None:
        app = pilot.app
        assert isinstance(app, CimisApp)
        app.follower.read_once()
        await advance(pilot, 0.2)
        if station is not None:
            app.pump.select(station)
        await pilot.press("2")
        await advance(pilot, 0.2)
        await pilot.press(*keys)
        await pilot.pause()

    return go


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
def test_in_its_midst(snap_compare: Any, tmp_path: Path, size: tuple[int, int]) -> None:
    assert snap_compare(dashboard(tmp_path, busy()), terminal_size=size, run_before=at(STATION))


@pytest.mark.parametrize(
    ("name", "told", "station", "keys"),
    [
        ("zoomed", busy(), STATION, ("z", "plus")),
        ("facts-of-an-attempt", busy(), STATION, (*("j" for _ in range(6)), "enter")),
        ("failed", midst(), 83, ()),
        ("waiting", midst(), 86, ()),
        ("queued", midst(), 143, ()),
        ("ended", ended(), 62, ()),
        ("before-the-first-event", [], None, ()),
        ("plan-only", [Stamped(1, 1_763_780_653.0, started())], None, ()),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_other_states(
    snap_compare: Any, tmp_path: Path, name: str, told: list[Stamped], station: int | None, keys: tuple[str, ...]
) -> None:
    assert snap_compare(dashboard(tmp_path, told), terminal_size=(120, 40), run_before=at(station, *keys))


@pytest.mark.parametrize("theme", ["cimis-light", "ansi-dark"])
def test_themes(snap_compare: Any, tmp_path: Path, theme: str) -> None:
    app = dashboard(tmp_path, busy(), theme=theme)
    assert snap_compare(app, terminal_size=(120, 40), run_before=at(STATION))


def test_no_color(snap_compare: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(dashboard(tmp_path, busy()), terminal_size=(120, 40), run_before=at(STATION))
