"""The main screen: the run as a whole. One frame's parts go to the widgets; keys of the table become deeds here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Vertical
from textual.widgets import Input

from cimis_tui.actions import bindings
from cimis_tui.screens.run_screen import RunScreen
from cimis_tui.view.frame import Frame
from cimis_tui.view.order import STATIONS, FilterError, parse_filter
from cimis_tui.view.present import export_row
from cimis_tui.widgets.banner import AlertBar, EndingBanner
from cimis_tui.widgets.kept import Kept
from cimis_tui.widgets.kpi_strip import KpiStrip
from cimis_tui.widgets.live_table import LiveTable
from cimis_tui.widgets.log_pane import LogPane
from cimis_tui.widgets.phase_panel import PhasePanel


class TableBox(Kept, Vertical):
    """The table's frame."""


class DashboardScreen(RunScreen):
    VIEW = "dashboard"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(VIEW)]
    AUTO_FOCUS = "LiveTable"
    _titles = ("", "")

    def body(self) -> ComposeResult:
        yield KpiStrip()
        yield EndingBanner()
        with TableBox(id="table-box"):
            yield LiveTable(self.app.clock.monotonic)
        yield Input(placeholder="text  !text  state:retry  ttfb>1000", id="filter", compact=True)
        with Container(id="bottom"):
            yield PhasePanel()
            yield LogPane()

    def crumb(self) -> str:
        return ""

    def subject(self) -> int | None:
        return self.query_one(LiveTable).cursor

    def marked(self) -> Sequence[int]:
        return self.query_one(LiveTable).marked

    def table_rows(self) -> Sequence[Mapping[str, Any]]:
        return [export_row(row) for row in self.query_one(LiveTable).shown]

    def on_mount(self) -> None:
        self.query_one(LogPane).apply(())
        self._title_table()

    def on_screen_resume(self) -> None:
        """The cursor goes to the station chosen on another screen."""
        if self.pump.selected is not None:
            self.query_one(LiveTable).move_to(self.pump.selected)

    # frames

    def frame(self, *, anew: bool) -> None:
        frame = self.pump.take(self.app.fps, anew=anew)
        if frame is not None:
            self.show(frame)

    def show(self, frame: Frame) -> None:
        """Hand a frame's parts to the widgets."""
        if frame.leapt:
            self.query_one(LogPane).clear()
            self.query_one(EndingBanner).clear()
        if frame.ending is not None:
            self.query_one(EndingBanner).apply(frame.ending)
        if frame.vitals is not None:
            self.show_vitals(frame.vitals)
            self.query_one(KpiStrip).apply(frame.vitals)
        if frame.rows:
            self.query_one(LiveTable).apply(frame.rows)
        if frame.facts is not None:
            self.query_one(PhasePanel).apply(frame.facts)
        if frame.log:
            self.query_one(LogPane).apply(frame.log)
        if frame.alerts is not None:
            self.query_one(AlertBar).apply(frame.alerts)

    @on(LiveTable.CursorMoved)
    def _cursor_moved(self, message: LiveTable.CursorMoved) -> None:
        self.pump.select(message.key)
        if not self.app.frozen:
            self.tick()

    @on(LiveTable.Resorted)
    def _marks_changed(self) -> None:
        self.show_keys()

    @on(LiveTable.Opened)
    def _opened(self) -> None:
        self.action_open()

    def action_open(self) -> None:
        self.app.go_to("station")

    @on(LiveTable.Resorted)
    def _title_table(self) -> None:
        table, box = self.query_one(LiveTable), self.query_one("#table-box")
        arrow = "▼" if table.reverse else "▲"
        shown = f"   filter {table.filter.text}" if table.filter.text else ""
        hidden = len(table.marked) - table.marked_matching
        marked = (
            f"   ┃ {len(table.marked)} marked{f', {hidden} of them hidden' if hidden else ''}" if table.marked else ""
        )
        title = f"Stations   sort {table.sort_key}{arrow}   times in ms{shown}{marked}".replace("[", r"\[")
        first, last = table.span
        held = "" if table.matching == table.total else f" ({table.total} in all)"
        subtitle = f"{first}–{last} of {table.matching}{held}"
        if (title, subtitle) != self._titles:  # setting a border's title repaints all within it
            self._titles = title, subtitle
            box.border_title, box.border_subtitle = title, subtitle

    # moving, marking, sorting, filtering

    def action_move(self, step: int) -> None:
        self.query_one(LiveTable).move(step)

    def action_page(self, step: int) -> None:
        self.query_one(LiveTable).move_page(step)

    def action_end(self, last: bool) -> None:
        self.query_one(LiveTable).move_end(last=last)

    def action_mark(self) -> None:
        self.query_one(LiveTable).mark()

    def action_mark_all(self) -> None:
        self.query_one(LiveTable).mark_shown()

    def action_unmark(self) -> None:
        self.query_one(LiveTable).unmark()

    def action_sort(self) -> None:
        self.query_one(LiveTable).step_sort(1)

    action_sort_right = action_sort

    def action_sort_left(self) -> None:
        self.query_one(LiveTable).step_sort(-1)

    def action_reverse(self) -> None:
        table = self.query_one(LiveTable)
        table.sort_by(table.sort_key, reverse=not table.reverse)

    def action_filter(self) -> None:
        field = self.query_one("#filter", Input)
        field.add_class("-on")
        field.focus()

    def action_clear(self) -> None:
        """Away with the marks; without any, with the filter."""
        table = self.query_one(LiveTable)
        if table.marked and table.has_focus:
            table.unmark()
            return
        field = self.query_one("#filter", Input)
        field.value = ""
        field.remove_class("-on", "-wrong")
        self.query_one(LiveTable).focus()

    @on(Input.Changed, "#filter")
    def _filter_changed(self, event: Input.Changed) -> None:
        try:
            keep = parse_filter(event.value, STATIONS)
        except FilterError as error:
            event.input.add_class("-wrong")
            event.input.border_subtitle = str(error)
            return
        event.input.remove_class("-wrong")
        self.query_one(LiveTable).set_filter(keep)

    @on(Input.Submitted, "#filter")
    def _filter_done(self, event: Input.Submitted) -> None:
        try:
            parse_filter(event.value, STATIONS)
        except FilterError as error:
            self.notify(str(error), title="Filter", severity="warning")
            return
        if not event.value.strip():
            event.input.remove_class("-on")
        self.query_one(LiveTable).focus()

    # the log

    def action_level(self, step: int) -> None:
        self.query_one(LogPane).change_level(step)

    def action_follow(self) -> None:
        self.query_one(LogPane).toggle_follow()
