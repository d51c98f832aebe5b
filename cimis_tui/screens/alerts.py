"""Alerts and their rules: what fires, what did, what is watched; to acknowledge and to mute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Vertical

from cimis_engine.run.alerts import MUTE_SECONDS
from cimis_tui.actions import bindings
from cimis_tui.screens.run_screen import RunScreen
from cimis_tui.view.alerts import COLUMNS, AlertFacts, AlertItem, list_title, present_alerts_screen
from cimis_tui.widgets.kept import Kept
from cimis_tui.widgets.row_list import RowList
from cimis_tui.widgets.rules_panel import HistoryPanel, RulesPanel

EMPTY = "no rule is watched yet: the run has not begun"


class AlertsBox(Kept, Vertical):
    """The list's frame."""


class AlertsScreen(RunScreen):
    VIEW = "alerts"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(VIEW)]
    AUTO_FOCUS = "RowList"
    # Wide: the list has room for what happened beside it. Tall: a rule's curve has rows of its own.
    HORIZONTAL_BREAKPOINTS = [*RunScreen.HORIZONTAL_BREAKPOINTS, (196, "-w196")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [*RunScreen.VERTICAL_BREAKPOINTS, (58, "-h58")]  # noqa: RUF012
    _facts: AlertFacts | None = None
    _titles = ("", "")

    def body(self) -> ComposeResult:
        with Container(id="alerts-top"):
            with AlertsBox(id="alerts-box", classes="panel"):
                yield RowList(COLUMNS, empty=EMPTY)
            yield HistoryPanel().add_class("panel")
        yield RulesPanel().add_class("panel")

    # frames

    def draw(self, *, anew: bool) -> None:
        self._facts = facts = self.pump.look(present_alerts_screen)
        self.query_one(RowList).show([(item.key, item.cells) for item in facts.items])
        self.query_one(HistoryPanel).apply(facts)
        self.query_one(RulesPanel).apply(facts)
        self._title()

    @on(RowList.CursorMoved)
    def _title(self) -> None:
        item, box = self.current(), self.query_one("#alerts-box")
        title = list_title(self._facts) if self._facts else "Alerts"
        titles = title, item.description if item else ""
        if titles != self._titles:  # setting a border's title repaints all within it
            self._titles = titles
            box.border_title, box.border_subtitle = titles

    def subject(self) -> int | None:
        """The station that the alert under the cursor is about."""
        item = self.current()
        return item.station if item else None

    def current(self) -> AlertItem | None:
        """The row under the cursor."""
        key = self.query_one(RowList).cursor
        items = self._facts.items if self._facts else ()
        return next((item for item in items if item.key == key), None)

    def table_rows(self) -> Sequence[Mapping[str, Any]]:
        return [dict(item.record) for item in self._facts.items] if self._facts else []

    # moving

    def action_move(self, step: int) -> None:
        self.query_one(RowList).move(step)

    def action_page(self, step: int) -> None:
        self.query_one(RowList).move_page(step)

    def action_end(self, last: bool) -> None:
        self.query_one(RowList).move_end(last=last)

    @on(RowList.Opened)
    def action_open(self) -> None:
        item = self.current()
        if item is None:
            return
        if item.station is not None:
            self.pump.select(item.station)
        self.app.go_to("dashboard" if item.station is None else "station")

    # answering

    def action_acknowledge(self) -> None:
        item = self.current()
        if not self.allowed("acknowledge") or item is None:
            return
        if item.state not in ("firing", "muted"):
            self._say(f"this one is {item.state}: there is nothing to acknowledge")
            return
        rule, subject, _ = item.key
        self.command({"cmd": "ack", "rule": rule, "subject": subject}, f"{rule} ({subject}) acknowledged")

    def action_mute(self) -> None:
        item = self.current()
        if not self.allowed("mute") or item is None:
            return
        rule, subject, _ = item.key
        if not subject:
            self._say("no station is meant here: mute an alert of one when it fires")
            return
        muted = self.pump.look(lambda state, now: state.muted_until(rule, subject, now)) is not None
        minutes = MUTE_SECONDS / 60
        said = f"{rule} ({subject}): no longer muted" if muted else f"{rule} ({subject}): muted for {minutes:.0f} min"
        self.command({"cmd": "unmute" if muted else "mute", "rule": rule, "subject": subject}, said)

    def _say(self, reason: str) -> None:
        self.notify(reason, severity="warning", timeout=4)
