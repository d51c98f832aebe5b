"""The vital signs as one widget: forty labels would cost more CPU than the rest of the dashboard."""

from __future__ import annotations

from cimis_tui.view.cells import Line
from cimis_tui.view.frame import Vitals
from cimis_tui.view.kpi import present_kpi
from cimis_tui.widgets.panel import CellPanel


class KpiStrip(CellPanel):
    DEFAULT_CSS = "KpiStrip { height: 4; }"

    vitals: Vitals | None = None

    def apply(self, vitals: Vitals) -> None:
        self.vitals = vitals
        self.repaint()

    def lines(self, width: int, height: int) -> tuple[Line, ...]:
        return present_kpi(self.vitals, width, height) if self.vitals else ()
