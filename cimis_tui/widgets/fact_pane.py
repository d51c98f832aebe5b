"""FactPane: a panel of words and numbers about whatever is chosen elsewhere on the screen."""

from __future__ import annotations

from collections.abc import Callable

from cimis_tui.view.cells import Line
from cimis_tui.widgets.panel import CellPanel

Present = Callable[[int, int], tuple[Line, ...]]
"""What makes the lines for so many columns and rows."""


class FactPane(CellPanel):
    _present: Present | None = None

    def apply(self, present: Present) -> None:
        self._present = present
        self.repaint()

    def lines(self, width: int, height: int) -> tuple[Line, ...]:
        return self._present(width, height) if self._present else ()
