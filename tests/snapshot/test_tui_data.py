"""What the plot of a stored series looks like."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from tui_app import dashboard, settle
from tui_journal import midst
from tui_store import answered, filled

SIZES = [(60, 15), (80, 24), (100, 30), (120, 40), (200, 60)]
ids = [f"{w}x{h}" for w, h in SIZES]


def shown(*keys: str) -> Any:
    """Open the screen, press keys, each answered before the next; the time a reading took is left out."""

    async def run(pilot: Pilot[Any]) -> None:
        await settle(pilot)
        for key in ("5", *keys):
            await pilot.press(key)
            await answered(pilot)

    return run


@pytest.mark.parametrize("size", SIZES, ids=ids)
def test_a_year(snap_compare: Any, tmp_path: Path, size: tuple[int, int]) -> None:
    assert snap_compare(dashboard(filled(tmp_path), midst()), terminal_size=size, run_before=shown("y"))


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)], ids=lambda s: f"{s[0]}x{s[1]}")
def test_two_items_on_two_axes(snap_compare: Any, tmp_path: Path, size: tuple[int, int]) -> None:
    keys = shown("y", "o", *"air", "enter")
    assert snap_compare(dashboard(filled(tmp_path), midst()), terminal_size=size, run_before=keys)


def test_two_stations_on_one_axis(snap_compare: Any, tmp_path: Path) -> None:
    keys = shown("a", "o", *"station", "enter")
    assert snap_compare(dashboard(filled(tmp_path), midst()), terminal_size=(120, 40), run_before=keys)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=lambda s: f"{s[0]}x{s[1]}")
def test_a_week_of_hours(snap_compare: Any, tmp_path: Path, size: tuple[int, int]) -> None:
    keys = shown("H", "g", *"2018-03-12", "enter", "w")
    assert snap_compare(dashboard(filled(tmp_path), midst()), terminal_size=size, run_before=keys)


@pytest.mark.parametrize("theme", ["cimis-light", "ansi-dark"])
def test_themes(snap_compare: Any, tmp_path: Path, theme: str) -> None:
    app = dashboard(filled(tmp_path), midst(), theme=theme)
    assert snap_compare(app, terminal_size=(120, 40), run_before=shown("y", "o", *"air", "enter"))


def test_no_color(snap_compare: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = dashboard(filled(tmp_path), midst())
    assert snap_compare(app, terminal_size=(120, 40), run_before=shown("y", "o", *"air", "enter"))


@pytest.mark.parametrize("key", ["i", "o"])
def test_pickers(snap_compare: Any, tmp_path: Path, key: str) -> None:
    assert snap_compare(dashboard(filled(tmp_path), midst()), terminal_size=(100, 30), run_before=shown(key))


@pytest.mark.parametrize("size", [(60, 15), (120, 40)], ids=lambda s: f"{s[0]}x{s[1]}")
def test_nothing_stored(snap_compare: Any, tmp_path: Path, size: tuple[int, int]) -> None:
    run_dir = filled(tmp_path, stations=())
    assert snap_compare(dashboard(run_dir, midst()), terminal_size=size, run_before=shown())


def test_no_store(snap_compare: Any, data_dir: Path) -> None:
    app = dashboard(data_dir / "runs" / "x", midst())
    assert snap_compare(app, terminal_size=(80, 24), run_before=shown())
