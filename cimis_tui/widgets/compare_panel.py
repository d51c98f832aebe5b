"""The comparison of two runs, or what to do to get one."""

from __future__ import annotations

from cimis_engine.run.compare import Comparison
from cimis_tui.view.cells import Cell, Line, clip
from cimis_tui.view.compare import present_comparison, stations_words
from cimis_tui.widgets.panel import CellPanel


class ComparePanel(CellPanel):
    comparison: Comparison | None = None
    _words = ""

    def say(self, words: str) -> None:
        """Words in place of figures."""
        self.comparison, self._words = None, words
        self.retitle("Compare", "")
        self.repaint()

    def apply(self, comparison: Comparison) -> None:
        self.comparison = comparison
        self.retitle(f"Compare A {comparison.a} with B {comparison.b}", stations_words(comparison))
        self.repaint()

    def lines(self, width: int, height: int) -> tuple[Line, ...]:
        if self.comparison is None:
            return (clip((Cell(self._words, "dim"),), width),)
        return present_comparison(self.comparison, width, height)
