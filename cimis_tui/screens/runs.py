"""Runs of this data directory: their figures side by side, two compared, any of them replayed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical

from cimis_engine.run.compare import Comparison, compare, side_of
from cimis_engine.run.figures import Figures
from cimis_engine.run.journal import events_of
from cimis_engine.run.past import JOURNAL, PastRun, past_runs
from cimis_tui.actions import bindings
from cimis_tui.screens.run_screen import RunScreen
from cimis_tui.view import units
from cimis_tui.view.runs import COLUMNS, RunFacts, cells_of, facts_of, order_runs, values_of
from cimis_tui.widgets.compare_panel import ComparePanel
from cimis_tui.widgets.kept import Kept
from cimis_tui.widgets.row_list import RowList

_SORTABLE = [column.key for column in COLUMNS if column.title]


class ListBox(Kept, Vertical):
    """The list's frame."""


class RunsScreen(RunScreen):
    VIEW = "runs"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(VIEW)]
    AUTO_FOCUS = "RowList"

    def body(self) -> ComposeResult:
        self._runs: dict[str, RunFacts] = {}
        self._marks: list[str] = []
        self._sort, self._reverse = "started", True
        self._empty = "reading the runs of this data directory…"
        self._titles = ("", "")
        with ListBox(id="runs-box", classes="panel"):
            yield RowList(COLUMNS, empty=self._empty, id="runs")
        yield ComparePanel(id="compare")

    def on_mount(self) -> None:
        self.query_one("#compare").add_class("panel")

    def on_screen_resume(self) -> None:
        super().on_screen_resume()
        self.run_worker(
            self._read, thread=True, group="runs", exclusive=True, exit_on_error=False, description="read the runs"
        )

    # data in

    def _read(self) -> None:
        """In a thread: every run of the data directory. The one that goes on is folded already: see `_take_live`."""
        live = self.run_dir if self.replay is None else None
        try:
            found = [_facts(run, None if run.run_dir == live else run.figures()) for run in past_runs(self.data_dir)]
        except OSError as error:
            self.app.call_from_thread(self.notify, str(error), title="Runs", severity="error", markup=False)
            return
        self.app.call_from_thread(self._show, found)

    def _show(self, found: list[RunFacts]) -> None:
        self._runs = {run.run_id: run for run in found}
        self._empty = "no runs here yet: `cimis backfill` or `cimis demo` makes one"
        self.draw(anew=True)

    def draw(self, *, anew: bool) -> None:
        self._take_live()
        table = self.query_one(RowList)
        table.mark_sort(self._sort, reverse=self._reverse)
        shown = self.run_dir.name
        rows = [
            (run.run_id, cells_of(run, self._mark_of(run.run_id), shown=run.run_id == shown))
            for run in order_runs(list(self._runs.values()), self._sort, reverse=self._reverse)
        ]
        table.show(rows, empty=self._empty)
        self._title()

    def _take_live(self) -> None:
        """The run that goes on, out of its fold: its folder tells less."""
        run_id = self.run_dir.name
        if self.replay is None and run_id in self._runs:
            disk = self._runs[run_id].disk
            self._runs[run_id] = self.pump.look(lambda state, now: facts_of(state, now, disk))

    def _title(self) -> None:
        disk = sum(run.disk or 0 for run in self._runs.values())
        marks = "  ".join(f"{letter} {run}" for letter, run in zip("AB", self._marks, strict=False))
        title = f"Runs {len(self._runs)}   {units.size(disk)}   times in ms"
        subtitle = marks or "space marks A and B   d compares   ↵ replays"
        if (title, subtitle) != self._titles:
            self._titles = title, subtitle
            box = self.query_one("#runs-box")
            box.border_title, box.border_subtitle = title, subtitle

    def _mark_of(self, run_id: str) -> str:
        return "AB"[self._marks.index(run_id)] if run_id in self._marks else ""

    def table_rows(self) -> Sequence[Mapping[str, Any]]:
        return [values_of(run) for run in order_runs(list(self._runs.values()), self._sort, reverse=self._reverse)]

    # moving and sorting

    @property
    def _at(self) -> str | None:
        key = self.query_one(RowList).cursor
        return key if isinstance(key, str) else None

    def action_move(self, step: int) -> None:
        self.query_one(RowList).move(step)

    def action_page(self, step: int) -> None:
        self.query_one(RowList).move_page(step)

    def action_end(self, last: bool) -> None:
        self.query_one(RowList).move_end(last=last)

    @on(RowList.HeaderPressed)
    def _header_pressed(self, message: RowList.HeaderPressed) -> None:
        if message.column in _SORTABLE:
            self._sort_by(message.column, not self._reverse if message.column == self._sort else True)

    def _sort_by(self, column: str, reverse: bool) -> None:
        self._sort, self._reverse = column, reverse
        self.draw(anew=True)

    def action_sort(self, step: int = 1) -> None:
        self._sort_by(_SORTABLE[(_SORTABLE.index(self._sort) + step) % len(_SORTABLE)], True)

    action_sort_right = action_sort

    def action_sort_left(self) -> None:
        self.action_sort(-1)

    def action_reverse(self) -> None:
        self._sort_by(self._sort, not self._reverse)

    # marks and comparison

    def action_mark(self) -> None:
        """Mark the run as A, then another as B; again takes the mark off; a third takes B's."""
        run_id = self._at
        if run_id is None:
            return
        if run_id in self._marks:
            self._marks.remove(run_id)
        else:
            self._marks = [*self._marks[:1], run_id]
        self.draw(anew=True)

    def action_compare(self) -> None:
        """Compare A with B; again closes the comparison. With only A marked, B is the run under the cursor."""
        if self.has_class("-comparing"):
            self.remove_class("-comparing")
            return
        marks = self._marks
        if len(marks) == 1 and self._at not in (None, marks[0]):
            marks = [*marks, str(self._at)]
        if len(marks) < 2:
            self.notify("mark two runs with space first: A, then B", severity="warning", timeout=4)
            return
        self._marks = marks
        self.add_class("-comparing")
        self.query_one(ComparePanel).say("reading both journals…")
        self.draw(anew=True)
        a, b = (self.data_dir / "runs" / run_id / JOURNAL for run_id in marks)
        self.run_worker(
            lambda: self._compare(a, b),
            thread=True,
            group="compare",
            exclusive=True,
            exit_on_error=False,
            description="compare two runs",
        )

    def _compare(self, a: Path, b: Path) -> None:
        """In a thread: both journals, folded and compared."""
        try:
            compared = compare(side_of(events_of(a)), side_of(events_of(b)))
        except OSError as error:
            words = f"cannot be compared: {error}"
            self.app.call_from_thread(self.query_one(ComparePanel).say, words)
            return
        self.app.call_from_thread(self._compared, compared)

    def _compared(self, compared: Comparison) -> None:
        self.query_one(ComparePanel).apply(compared)

    # elsewhere

    @on(RowList.Opened)
    def _opened(self) -> None:
        self.action_open_run()

    def action_open_run(self) -> None:
        run_id = self._at
        if run_id is None:
            self.notify("there is no run to open", severity="warning", timeout=4)
        elif run_id == self.run_dir.name:
            self.app.go_to("dashboard")
        else:
            self.app.open_run(self.data_dir / "runs" / run_id)


def _facts(run: PastRun, figures: Figures | None) -> RunFacts:
    command = run.started.command if run.started else ""
    took = run.elapsed_ms / 1000 if run.elapsed_ms is not None else None
    began = run.first.t if run.first else None
    return RunFacts(run.run_id, run.status, began, took, command, figures, run.bytes_on_disk)
