"""Two bars that show only when there is something to say: alerts, and the end of the run."""

from __future__ import annotations

from collections.abc import Sequence

from cimis_tui.actions import Action, footer_key
from cimis_tui.view.alert_bar import present_alerts
from cimis_tui.view.cells import Line
from cimis_tui.view.ending import ending_title, present_ending
from cimis_tui.view.frame import AlertRow, Ending
from cimis_tui.widgets.panel import CellPanel


class AlertBar(CellPanel):
    DEFAULT_CSS = "AlertBar { height: 1; display: none; } AlertBar.-on { display: block; }"

    alerts: tuple[AlertRow, ...] = ()

    def __init__(self, actions: Sequence[Action]) -> None:
        """`actions`: what can be done on the screen, with its keys."""
        super().__init__()
        words = {"go.alerts": "shows them", "alert.acknowledge_all": "acks all"}
        self._keys = [(footer_key(a), words[a.id], a.name) for a in actions if a.id in words]

    def apply(self, alerts: tuple[AlertRow, ...]) -> None:
        self.alerts = alerts
        self.set_class(bool(alerts), "-on")
        self.repaint()

    def lines(self, width: int, height: int) -> tuple[Line, ...]:
        return (present_alerts(self.alerts, width, self._keys),)


class EndingBanner(CellPanel):
    DEFAULT_CSS = "EndingBanner { display: none; } EndingBanner.-on { display: block; }"

    ending: Ending | None = None

    def apply(self, ending: Ending) -> None:
        self.ending = ending
        self.border_title = ending_title(ending)
        self.add_class("-on", f"-{ending.outcome}")
        self.repaint()

    def clear(self) -> None:
        """The run has not ended, as far as is shown."""
        if self.ending is not None:
            self.remove_class("-on", f"-{self.ending.outcome}")
            self.ending = None

    def lines(self, width: int, height: int) -> tuple[Line, ...]:
        return present_ending(self.ending, width, height) if self.ending else ()
