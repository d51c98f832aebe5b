"""The alert rules with what each measured over the last ten minutes, and what happened to alerts."""

from __future__ import annotations

from cimis_tui.view.alert_rules import present_rules, rules_title
from cimis_tui.view.alerts import AlertFacts
from cimis_tui.view.cells import Cell, Line, clip
from cimis_tui.widgets.panel import CellPanel


class RulesPanel(CellPanel):
    facts: AlertFacts | None = None

    def apply(self, facts: AlertFacts) -> None:
        self.facts = facts
        title, legend = rules_title(facts.told)
        self.retitle(title.replace("[", r"\["), legend)
        self.repaint()

    def lines(self, width: int, height: int) -> tuple[Line, ...]:
        return present_rules(self.facts.rules, width, height) if self.facts else ()


class HistoryPanel(CellPanel):
    facts: AlertFacts | None = None

    def apply(self, facts: AlertFacts) -> None:
        self.facts = facts
        self.retitle("What happened, the newest first", "all of it is in the journal")
        self.repaint()

    def lines(self, width: int, height: int) -> tuple[Line, ...]:
        told = self.facts.history if self.facts else ()
        if not told:
            return ((Cell("no alert has been raised in this run", "dim"),),)
        return tuple(clip(line, width) for line in told[:height])
