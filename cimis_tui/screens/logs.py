"""The whole log: by level and words, followed or standing still, and from a line to its station."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Input

from cimis_tui.actions import bindings
from cimis_tui.screens.run_screen import RunScreen
from cimis_tui.view.log import LEVELS, log_record, news, parse_log_filter
from cimis_tui.view.log_foot import present_line
from cimis_tui.view.order import FilterError
from cimis_tui.widgets.fact_panel import FactPanel
from cimis_tui.widgets.log_pane import LogPane

_ERROR = len(LEVELS) - 1


class LogsScreen(RunScreen):
    VIEW = "logs"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(VIEW)]
    AUTO_FOCUS = "LogPane"
    _logged = 0  # seq of the last event whose lines are shown

    def body(self) -> ComposeResult:
        yield LogPane(pointed=True, id="log")
        yield FactPanel(None, present_line, lambda _: "The line chosen", id="line")
        yield Input(placeholder="text  !text  station:62", id="filter", compact=True)

    def subject(self) -> int | None:
        """The station of the line chosen."""
        row = self.query_one(LogPane).current
        return row.station if row is not None else None

    def table_rows(self) -> Sequence[Mapping[str, Any]]:
        return [log_record(row) for row in self.query_one(LogPane).shown]

    def draw(self, *, anew: bool) -> None:
        if self.pump.look(lambda state, _: state.seq) < self._logged:  # a replay went back
            self._logged = 0
            self.query_one(LogPane).clear()
        fresh, self._logged = self.pump.look(lambda state, _: (news(state, after=self._logged), state.seq))
        if fresh or anew:
            self.query_one(LogPane).apply(fresh)

    @on(LogPane.Moved)
    def _moved(self) -> None:
        self.query_one("#line", FactPanel).apply(self.query_one(LogPane).current)

    # moving

    def action_move(self, step: int) -> None:
        self.query_one(LogPane).move(step)

    def action_page(self, step: int) -> None:
        self.query_one(LogPane).move_page(step)

    def action_end(self, last: bool) -> None:
        self.query_one(LogPane).move_end(last=last)

    def action_error(self, step: int) -> None:
        if not self.query_one(LogPane).seek(step, _ERROR):
            where = "below" if step > 0 else "above"
            self.notify(f"no error {where} among the lines shown", severity="warning", timeout=3)

    # a line

    def action_open(self) -> None:
        number = self.subject()
        if number is None:
            self.notify("this line is about the whole run: it has no station to open", severity="warning", timeout=4)
            return
        self.pump.select(number)
        self.app.go_to("station")

    @on(LogPane.Opened)
    def _opened(self) -> None:
        self.action_open()

    def action_copy(self) -> None:
        row = self.query_one(LogPane).current
        if row is None:
            self.notify("there is no line to copy", severity="warning", timeout=3)
            return
        record = log_record(row)
        self.app.copy_to_clipboard(f"{record['time']} {record['level']} {row.text}")
        self.notify("the line: sent to the terminal's clipboard", timeout=3)

    # level, words, follow

    def action_level(self, step: int) -> None:
        self.query_one(LogPane).change_level(step)

    def action_follow(self) -> None:
        self.query_one(LogPane).toggle_follow()

    def action_filter(self) -> None:
        field = self.query_one("#filter", Input)
        field.add_class("-on")
        field.focus()

    def action_back(self) -> None:
        """Clear the filter if there is one, else leave."""
        field = self.query_one("#filter", Input)
        if not field.has_class("-on"):
            super().action_back()
            return
        field.value = ""
        field.remove_class("-on", "-wrong")
        self.query_one(LogPane).focus()

    @on(Input.Changed, "#filter")
    def _filter_changed(self, event: Input.Changed) -> None:
        try:
            keep = parse_log_filter(event.value)
        except FilterError as error:
            event.input.add_class("-wrong")
            self.query_one("#line", FactPanel).apply(str(error))
            return
        event.input.remove_class("-wrong")
        self.query_one(LogPane).set_filter(keep)

    @on(Input.Submitted, "#filter")
    def _filter_done(self, event: Input.Submitted) -> None:
        try:
            parse_log_filter(event.value)
        except FilterError as error:
            self.notify(str(error), title="Filter", severity="warning")
            return
        if not event.value.strip():
            event.input.remove_class("-on")
        self.query_one(LogPane).focus()
