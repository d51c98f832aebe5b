"""What the table of stored chunks looks like."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from tui_app import dashboard, settle
from tui_journal import midst
from tui_store import answered, break_chunk, filled

SIZES = [(60, 15), (80, 24), (100, 30), (120, 40), (200, 60)]
ids = [f"{w}x{h}" for w, h in SIZES]


def shown(*keys: str) -> Any:
    """Open the screen and press keys, each answered before the next."""

    async def run(pilot: Pilot[Any]) -> None:
        await settle(pilot)
        for key in ("9", *keys):
            await pilot.press(key)
            await answered(pilot)

    return run


@pytest.mark.parametrize("size", SIZES, ids=ids)
def test_chunks(snap_compare: Any, data_dir: Path, size: tuple[int, int]) -> None:
    assert snap_compare(dashboard(filled(data_dir), midst()), terminal_size=size, run_before=shown("j", "j", "j"))


@pytest.mark.parametrize("size", SIZES, ids=ids)
def test_verified(snap_compare: Any, data_dir: Path, size: tuple[int, int]) -> None:
    run_dir = filled(data_dir)
    break_chunk(data_dir / "stations" / "062" / "2018_hourly.zst")
    keys = shown("V", "j", "j", "j")
    assert snap_compare(dashboard(run_dir, midst()), terminal_size=size, run_before=keys)


@pytest.mark.parametrize("theme", ["cimis-light", "ansi-dark"])
def test_themes(snap_compare: Any, data_dir: Path, theme: str) -> None:
    run_dir = filled(data_dir)
    break_chunk(data_dir / "stations" / "062" / "2018_hourly.zst")
    app = dashboard(run_dir, midst(), theme=theme)
    assert snap_compare(app, terminal_size=(120, 40), run_before=shown("V", "j", "j", "j"))


def test_no_color(snap_compare: Any, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(dashboard(filled(data_dir), midst()), terminal_size=(120, 40), run_before=shown("V"))


def test_filtered(snap_compare: Any, data_dir: Path) -> None:
    keys = shown("slash", *"hourly year>2017", "enter", "s", "s")
    assert snap_compare(dashboard(filled(data_dir), midst()), terminal_size=(100, 30), run_before=keys)


@pytest.mark.parametrize("size", [(60, 15), (120, 40)], ids=lambda s: f"{s[0]}x{s[1]}")
def test_nothing_stored(snap_compare: Any, data_dir: Path, size: tuple[int, int]) -> None:
    app = dashboard(filled(data_dir, stations=()), midst())
    assert snap_compare(app, terminal_size=size, run_before=shown())
