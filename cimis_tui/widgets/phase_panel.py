"""The phases of the selected station."""

from __future__ import annotations

from cimis_tui.view.cells import Line
from cimis_tui.view.frame import PhaseFacts
from cimis_tui.view.phases import phases_title, present_phases
from cimis_tui.widgets.panel import CellPanel


class PhasePanel(CellPanel):
    facts: PhaseFacts | None = None

    def apply(self, facts: PhaseFacts) -> None:
        self.facts = facts
        self.retitle(phases_title(facts))
        self.repaint()

    def lines(self, width: int, height: int) -> tuple[Line, ...]:
        return present_phases(self.facts, width, height)
