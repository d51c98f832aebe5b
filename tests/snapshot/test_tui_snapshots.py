"""What the dashboard looks like, at each designed size and in each kind of terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from rich.color import ColorSystem
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter
from textual.pilot import Pilot
from tui_app import dashboard, settle
from tui_journal import ended, midst

from cimis_tui.themes import NAMES

SIZES = [(60, 15), (80, 24), (100, 30), (120, 40), (200, 60)]


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
def test_midst_of_a_run(snap_compare: Any, tmp_path: Path, size: tuple[int, int]) -> None:
    assert snap_compare(dashboard(tmp_path, midst()), terminal_size=size, run_before=settle)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=lambda s: f"{s[0]}x{s[1]}")
def test_end_of_a_run(snap_compare: Any, tmp_path: Path, size: tuple[int, int]) -> None:
    assert snap_compare(dashboard(tmp_path, ended()), terminal_size=size, run_before=settle)


@pytest.mark.parametrize("theme", [name for name in NAMES if name != "cimis-dark"])
def test_themes(snap_compare: Any, tmp_path: Path, theme: str) -> None:
    app = dashboard(tmp_path, midst(), theme=theme)
    assert snap_compare(app, terminal_size=(120, 40), run_before=settle)


def test_no_color(snap_compare: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(dashboard(tmp_path, midst()), terminal_size=(120, 40), run_before=settle)


@pytest.mark.parametrize("system", [ColorSystem.EIGHT_BIT, ColorSystem.STANDARD], ids=["256", "16"])
def test_fewer_colours(snap_compare: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: ColorSystem) -> None:
    """What Rich makes of the colours for a terminal that has not all of them (tmux; screen), as a picture."""
    app = dashboard(tmp_path, midst())
    filters = app.get_line_filters
    monkeypatch.setattr(app, "get_line_filters", lambda: [*filters(), FewerColours(system)])
    assert snap_compare(app, terminal_size=(120, 40), run_before=settle)


class FewerColours(LineFilter):
    def __init__(self, system: ColorSystem) -> None:
        super().__init__()
        self._system = system

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [Segment(text, style and self._reduced(style), control) for text, style, control in segments]

    def _reduced(self, style: Style) -> Style:
        ink, ground = (c and c.downgrade(self._system) for c in (style.color, style.bgcolor))
        return style + Style(color=ink, bgcolor=ground)


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
def test_ascii(snap_compare: Any, tmp_path: Path, size: tuple[int, int]) -> None:
    app = dashboard(tmp_path, midst(), ascii=True)
    assert snap_compare(app, terminal_size=size, run_before=settle)


def test_before_the_first_event(snap_compare: Any, tmp_path: Path) -> None:
    assert snap_compare(dashboard(tmp_path, []), terminal_size=(120, 40), run_before=settle)


@pytest.mark.parametrize("key", ["q", "question_mark", "x", "f"])
def test_dialogues(snap_compare: Any, tmp_path: Path, key: str) -> None:
    async def press(pilot: Pilot[Any]) -> None:
        await settle(pilot)
        await pilot.press("j", "j", key)
        await pilot.pause()

    assert snap_compare(dashboard(tmp_path, midst()), terminal_size=(120, 40), run_before=press)
