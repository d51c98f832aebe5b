"""The comparison of two runs, or how far their journals are read for it."""

from __future__ import annotations

from cimis_engine.run.compare import Comparison
from cimis_tui.view.cells import Cell, Line, clip
from cimis_tui.view.compare import Reading, present_comparison, present_reading, subtitle
from cimis_tui.view.runs import RunFacts
from cimis_tui.widgets.panel import CellPanel


class ComparePanel(CellPanel):
    comparison: Comparison | None = None
    reading: Reading | None = None
    runs: tuple[RunFacts, RunFacts] | None = None
    _words = ""

    def say(self, words: str) -> None:
        """Words in place of figures."""
        self.comparison, self.reading, self._words = None, None, words
        self.retitle("Compare")
        self.repaint()

    def progress(self, reading: Reading) -> None:
        self.comparison, self.reading = None, reading
        self.retitle("Compare")
        self.repaint()

    def apply(self, comparison: Comparison, runs: tuple[RunFacts, RunFacts] | None = None) -> None:
        """`runs`: what is known of A and of B, beside the figures."""
        self.comparison, self.reading, self.runs = comparison, None, runs
        self.retitle(f"Compare A {comparison.a} with B {comparison.b}", subtitle(comparison))
        self.repaint()

    def lines(self, width: int, height: int) -> tuple[Line, ...]:
        if self.reading is not None:
            return present_reading(self.reading, width)
        if self.comparison is None:
            return (clip((Cell(self._words, "dim"),), width),)
        return present_comparison(self.comparison, width, height, self.runs, bare=not self.gutter.height)
