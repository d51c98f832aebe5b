"""The header: two lines on which run this is and how it stands."""

from __future__ import annotations

from cimis_tui.view.cells import Line
from cimis_tui.view.frame import Vitals
from cimis_tui.view.header import present_header
from cimis_tui.widgets.panel import CellPanel


class HeaderBar(CellPanel):
    DEFAULT_CSS = "HeaderBar { height: 2; }"

    def __init__(self, crumb: str = "") -> None:
        """`crumb` is the place in the console, empty on its first screen."""
        super().__init__()
        self.crumb = crumb
        self.vitals: Vitals | None = None

    def apply(self, vitals: Vitals) -> None:
        self.vitals = vitals
        self.repaint()

    def lines(self, width: int, height: int) -> tuple[Line, ...]:
        return present_header(self.vitals, width, height, self.crumb) if self.vitals else ()
