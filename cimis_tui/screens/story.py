"""A story over the screen: all the lines a presenter makes, to scroll through."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.events import Resize

from cimis_tui.screens.sheet import Sheet
from cimis_tui.view.cells import Line
from cimis_tui.widgets.fact_panel import FactPanel

Present = Callable[[int, int], tuple[Line, ...]]
"""What makes the lines for so many columns and rows."""
_ENDLESS = 10_000


class Story(Sheet):
    """Shows all the lines that `present` makes; `tell` shows others."""

    CLOSES = "↵ q or esc closes"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "dismiss", show=False, id="coverage.open")]

    def __init__(self, heading: str, present: Present) -> None:
        super().__init__(heading)
        self._present = present

    def content(self) -> ComposeResult:
        yield FactPanel[None](None, lambda _, width, height: self._present(width, height))

    def tell(self, present: Present) -> None:
        self._present = present
        self._settle()

    def on_mount(self) -> None:
        self._settle()

    def on_resize(self, _: Resize) -> None:
        self.call_after_refresh(self._settle)

    def _settle(self) -> None:
        panel = self.query_one(FactPanel)
        width = self.query_one(VerticalScroll).scrollable_content_region.width or self.app.size.width
        panel.styles.height = len(self._present(width, _ENDLESS))
        panel.repaint()
