"""TextPanel: lines of cells that a presenter makes for the room there is."""

from __future__ import annotations

from collections.abc import Callable

from cimis_tui.view.cells import Line
from cimis_tui.widgets.panel import CellPanel

Present = Callable[[int, int], tuple[Line, ...]]
"""Lines for so many columns and rows."""


class TextPanel(CellPanel):
    """Lines that a presenter makes for the room there is."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._present: Present = lambda width, height: ()

    def apply(self, present: Present) -> None:
        self._present = present
        self.repaint()

    def lines(self, width: int, height: int) -> tuple[Line, ...]:
        return self._present(width, height)
