"""What the dashboard looks like, at each designed size and in each kind of terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from tui_app import dashboard, settle
from tui_journal import ended, midst

SIZES = [(60, 15), (80, 24), (100, 30), (120, 40), (200, 60)]


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
def test_midst_of_a_run(snap_compare: Any, tmp_path: Path, size: tuple[int, int]) -> None:
    assert snap_compare(dashboard(tmp_path, midst()), terminal_size=size, run_before=settle)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=lambda s: f"{s[0]}x{s[1]}")
def test_end_of_a_run(snap_compare: Any, tmp_path: Path, size: tuple[int, int]) -> None:
    assert snap_compare(dashboard(tmp_path, ended()), terminal_size=size, run_before=settle)


@pytest.mark.parametrize("theme", ["cimis-light", "ansi-dark"])
def test_themes(snap_compare: Any, tmp_path: Path, theme: str) -> None:
    app = dashboard(tmp_path, midst(), theme=theme)
    assert snap_compare(app, terminal_size=(120, 40), run_before=settle)


def test_no_color(snap_compare: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(dashboard(tmp_path, midst()), terminal_size=(120, 40), run_before=settle)


def test_before_the_first_event(snap_compare: Any, tmp_path: Path) -> None:
    assert snap_compare(dashboard(tmp_path, []), terminal_size=(120, 40), run_before=settle)


@pytest.mark.parametrize("key", ["q", "question_mark", "x", "f"])
def test_dialogues(snap_compare: Any, tmp_path: Path, key: str) -> None:
    async def press(pilot: Pilot[Any]) -> None:
        await settle(pilot)
        await pilot.press("j", "j", key)
        await pilot.pause()

    assert snap_compare(dashboard(tmp_path, midst()), terminal_size=(120, 40), run_before=press)
