"""The main screen: one timer takes a frame and hands its parts to the widgets; keys become deeds here."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Vertical
from textual.screen import Screen
from textual.widgets import Input, Static

from cimis_tui.actions import Situation, bindings, why_not
from cimis_tui.feed.pump import Pump
from cimis_tui.screens.control import ControlDesk
from cimis_tui.screens.dialogue import cancel_dialogue, quit_dialogue
from cimis_tui.screens.export import export_table
from cimis_tui.screens.help import HelpScreen
from cimis_tui.view.frame import Frame, Vitals
from cimis_tui.view.order import FilterError, parse_filter
from cimis_tui.widgets.banner import AlertBar, EndingBanner
from cimis_tui.widgets.header_bar import HeaderBar
from cimis_tui.widgets.kept import Kept
from cimis_tui.widgets.key_footer import KeyFooter
from cimis_tui.widgets.kpi_strip import KpiStrip
from cimis_tui.widgets.live_table import LiveTable
from cimis_tui.widgets.log_pane import LogPane
from cimis_tui.widgets.panel import CellPanel
from cimis_tui.widgets.phase_panel import PhasePanel

if TYPE_CHECKING:
    from cimis_tui.app import CimisApp

FPS = 8
_SLOW_FRAME = 0.020
"""A frame that takes longer (seconds) halves the rate until frames are quick again."""
_STOP_PATIENCE = 10.0


class TableBox(Kept, Vertical):
    """The table's frame."""


class DashboardScreen(Kept, Screen[None]):
    BINDINGS: ClassVar[list[BindingType]] = [*bindings()]
    HORIZONTAL_BREAKPOINTS = [(0, "-w0"), (60, "-w60"), (80, "-w80"), (100, "-w100")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-h0"), (15, "-h15"), (20, "-h20"), (30, "-h30"), (36, "-h36"), (50, "-h50")]  # noqa: RUF012
    AUTO_FOCUS = "LiveTable"
    app: CimisApp

    def __init__(self, pump: Pump, desk: ControlDesk, run_dir: Path) -> None:
        super().__init__()
        self.pump, self._desk, self._run_dir = pump, desk, run_dir
        self._frozen = False
        self._beat = 0
        self._stride = 1
        self._titles = ("", "")
        self._vitals: Vitals | None = None
        self._leave_at: float | None = None  # monotonic time at which waiting for the end of the run is given up

    def compose(self) -> ComposeResult:
        with Container(id="main"):
            yield HeaderBar()
            yield KpiStrip()
            yield EndingBanner()
            with TableBox(id="table-box"):
                yield LiveTable(self.app.clock.monotonic)
            yield Input(placeholder="text  !text  state:retry  ttfb>1000", id="filter", compact=True)
            with Container(id="bottom"):
                yield PhasePanel()
                yield LogPane()
            yield AlertBar()
        yield KeyFooter()
        yield Static("needs 60x15", id="too-small")

    def on_mount(self) -> None:
        self.query_one(LogPane).apply(())
        self._title_table()
        self.tick()
        self.set_interval(1 / FPS, self._on_beat)

    # frames

    def _on_beat(self) -> None:
        self._beat += 1
        stride = self._stride * (1 if self.app.app_focus else 2)
        if self._beat % stride == 0:
            self.tick()

    @property
    def fps(self) -> float:
        return FPS / (self._stride * (1 if self.app.app_focus else 2))

    def tick(self) -> None:
        """One frame: nothing to do when nothing changed, only the header while frozen or covered."""
        began = self.app.clock.monotonic()
        self._leave_if_ended(began)
        if self._frozen:
            self._show_frozen()
            return
        if not self.is_current:
            return
        frame = self.pump.take(self.fps)
        if frame is not None:
            self.show(frame)
            spent = self.app.clock.monotonic() - began
            self._stride = 2 if spent > _SLOW_FRAME else 1

    def show(self, frame: Frame) -> None:
        """Hand a frame's parts to the widgets."""
        if frame.ending is not None:
            self.query_one(EndingBanner).apply(frame.ending)
        if frame.vitals is not None:
            self._vitals = frame.vitals
            self.query_one(HeaderBar).apply(frame.vitals)
            self.query_one(KpiStrip).apply(frame.vitals)
        if frame.rows:
            self.query_one(LiveTable).apply(frame.rows)
        if frame.facts is not None:
            self.query_one(PhasePanel).apply(frame.facts)
        if frame.log:
            self.query_one(LogPane).apply(frame.log)
        if frame.alerts is not None:
            self.query_one(AlertBar).apply(frame.alerts)

    def _show_frozen(self) -> None:
        if self._beat % (FPS // 2) == 0:
            self.query_one(HeaderBar).apply(self.pump.vitals(self.fps, self.pump.pending()))

    @on(LiveTable.CursorMoved)
    def _cursor_moved(self, message: LiveTable.CursorMoved) -> None:
        self.pump.select(message.key)
        if not self._frozen:
            self.tick()

    @on(LiveTable.Resorted)
    def _title_table(self) -> None:
        table, box = self.query_one(LiveTable), self.query_one("#table-box")
        arrow = "▼" if table.reverse else "▲"
        shown = f"   filter {table.filter.text}" if table.filter.text else ""
        title = f"Stations   sort {table.sort_key}{arrow}   times in ms{shown}".replace("[", r"\[")
        first, last = table.span
        held = "" if len(table.shown) == table.total else f" ({table.total} in all)"
        subtitle = f"{first}–{last} of {len(table.shown)}{held}"
        if (title, subtitle) != self._titles:  # setting a border's title repaints all within it
            self._titles = title, subtitle
            box.border_title, box.border_subtitle = title, subtitle

    @on(CellPanel.Pressed)
    async def _pressed(self, message: CellPanel.Pressed) -> None:
        await self.run_action(message.action)

    # moving, sorting, filtering

    def action_move(self, step: int) -> None:
        self.query_one(LiveTable).move(step)

    def action_page(self, step: int) -> None:
        self.query_one(LiveTable).move_page(step)

    def action_end(self, last: bool) -> None:
        self.query_one(LiveTable).move_end(last=last)

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

    def action_clear_filter(self) -> None:
        field = self.query_one("#filter", Input)
        field.value = ""
        field.remove_class("-on", "-wrong")
        self.query_one(LiveTable).focus()

    @on(Input.Changed, "#filter")
    def _filter_changed(self, event: Input.Changed) -> None:
        try:
            keep = parse_filter(event.value)
        except FilterError as error:
            event.input.add_class("-wrong")
            event.input.border_subtitle = str(error)
            return
        event.input.remove_class("-wrong")
        self.query_one(LiveTable).set_filter(keep)

    @on(Input.Submitted, "#filter")
    def _filter_done(self, event: Input.Submitted) -> None:
        try:
            parse_filter(event.value)
        except FilterError as error:
            self.notify(str(error), title="Filter", severity="warning")
            return
        if not event.value.strip():
            event.input.remove_class("-on")
        self.query_one(LiveTable).focus()

    def action_freeze(self) -> None:
        self._frozen = not self._frozen
        if self._frozen:
            self.query_one(HeaderBar).apply(self.pump.vitals(self.fps, self.pump.pending()))
            return
        self.tick()
        if self._vitals is not None:
            self.query_one(HeaderBar).apply(self.pump.vitals(self.fps))

    # the run

    def _situation(self) -> Situation:
        vitals = self.pump.vitals(self.fps)
        row = self.query_one(LiveTable).current
        failed = vitals.by_status.get("failed", 0) + vitals.by_status.get("cancelled", 0)
        return Situation(self.pump.mode, vitals.phase, vitals.feed.word, row.status if row else None, failed)

    def _allowed(self, action: str) -> bool:
        reason = why_not(action, self._situation())
        if reason:
            self.notify(reason, severity="warning", timeout=4)
        return reason is None

    def _command(self, cmd: str, said: str, station: int | None = None) -> None:
        self._desk.send(self, {"cmd": cmd, "station": station}, said)

    def action_pause(self) -> None:
        row = self.query_one(LiveTable).current
        if self._allowed("pause") and row is not None:
            cmd = "resume" if row.status == "paused" else "pause"
            self._command(cmd, f"station {row.key}: {cmd} asked for", row.key)

    def action_pause_run(self) -> None:
        if self._allowed("pause_run"):
            cmd = "resume" if self._situation().phase == "paused" else "pause"
            self._command(cmd, f"whole run: {cmd} asked for")

    def action_retry(self) -> None:
        row = self.query_one(LiveTable).current
        if self._allowed("retry") and row is not None:
            self._command("retry", f"station {row.key}: queued again", row.key)

    def action_retry_all(self) -> None:
        if self._allowed("retry_all"):
            self._command("retry", "all failed stations: queued again")

    def action_cancel(self) -> None:
        row = self.query_one(LiveTable).current
        if not self._allowed("cancel") or row is None:
            return
        key = row.key

        def answered(answer: str | None) -> None:
            if answer == "yes":
                self._command("cancel", f"station {key}: cancelled", key)

        name = row.search.split()[0]
        self.app.push_screen(cancel_dialogue(f"station {name}"), answered)

    # log, files, looks

    def action_level(self, step: int) -> None:
        self.query_one(LogPane).change_level(step)

    def action_follow(self) -> None:
        self.query_one(LogPane).toggle_follow()

    def action_export(self) -> None:
        rows = self.query_one(LiveTable).shown
        name = f"stations-{datetime.fromtimestamp(self.app.clock.time(), UTC):%Y%m%dT%H%M%SZ}"

        def write() -> None:
            try:
                table, document = export_table(rows, self._run_dir, name)
            except OSError as error:
                self.app.call_from_thread(self.notify, str(error), title="Not exported", severity="error", markup=False)
                return
            self.app.call_from_thread(self.notify, f"{table.name} and {document.name} in {table.parent}", markup=False)

        self.run_worker(write, thread=True, group="files", exit_on_error=False, description="export the table")

    def action_picture(self) -> None:
        stamp = datetime.fromtimestamp(self.app.clock.time(), UTC)
        try:
            path = self.app.save_screenshot(f"dashboard-{stamp:%Y%m%dT%H%M%SZ}.svg", str(self._run_dir))
        except OSError as error:
            self.notify(str(error), title="No picture", severity="error", markup=False)
            return
        self.notify(path, title="Picture saved", markup=False)

    def action_theme(self) -> None:
        self.app.step_theme()

    def action_palette(self) -> None:
        self.app.action_command_palette()

    def action_help(self) -> None:
        self.app.push_screen(HelpScreen())

    # leaving

    def action_quit(self) -> None:
        """Ask how to leave; leave at once when there is nothing to ask."""
        if self.pump.mode == "replay" or self.pump.ended() or self.pump.follower.feed().word == "LOST":
            self.app.exit(return_code=0)
            return
        if not self.is_current:
            return
        vitals = self.pump.vitals(self.fps)
        self.app.push_screen(
            quit_dialogue(
                in_flight=vitals.in_flight,
                queued=vitals.by_status.get("queued", 0),
                pid=self.pump.pid,
                run_id=vitals.run_id,
            ),
            self._quit_answered,
        )

    def _quit_answered(self, answer: str | None) -> None:
        if answer == "detach":
            self.app.exit(return_code=0)
        elif answer == "drain":
            self._command("drain", "draining: no new pages; the numbers stay here when the run has ended")
        elif answer == "stop":
            self.stop_now()

    def stop_now(self) -> None:
        """Stop the run and leave as soon as its ending is in the journal, or after a while without it."""
        self._leave_at = self.app.clock.monotonic() + _STOP_PATIENCE
        self._command("stop", "stopping…")

    def _leave_if_ended(self, now: float) -> None:
        if self._leave_at is not None and (self.pump.ended() or now >= self._leave_at):
            self.app.exit(return_code=0)
