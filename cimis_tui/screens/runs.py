"""Runs of this data directory: their figures side by side, two compared, any of them replayed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.events import Resize
from textual.worker import Worker, get_current_worker

from cimis_engine.run.compare import Comparison, compare, side_of
from cimis_engine.run.past import JOURNAL, PastRun, past_runs
from cimis_tui.actions import bindings
from cimis_tui.feed.comparing import ClosedError, ComparisonReader
from cimis_tui.screens.run_screen import RunScreen
from cimis_tui.view import units
from cimis_tui.view.compare import Reading
from cimis_tui.view.run_facts import present_run, run_title
from cimis_tui.view.runs import COLUMNS, RunFacts, asked, cells_of, facts_of, order_runs, values_of
from cimis_tui.widgets.compare_panel import ComparePanel
from cimis_tui.widgets.fact_panel import FactPanel
from cimis_tui.widgets.kept import Kept
from cimis_tui.widgets.row_list import RowList

_SORTABLE = [column.key for column in COLUMNS if column.title]
_COUNT_EVERY = 2.0
"""Seconds between two accounts of the run that goes on: 15 ms for 200 stations and 30 years."""


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
        self._counted_at = float("-inf")
        self._most: int | None = None
        with ListBox(id="runs-box", classes="panel"):
            yield RowList(COLUMNS, empty=self._empty, id="runs")
        yield FactPanel[RunFacts | None](None, present_run, run_title, id="run-facts")
        yield ComparePanel(id="compare")

    def on_mount(self) -> None:
        for panel in self.query("#run-facts, #compare"):
            panel.add_class("panel")

    def on_resize(self, _: Resize) -> None:
        self._fit_list()

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
            found = [_facts(run, count=run.run_dir != live) for run in past_runs(self.data_dir)]
        except OSError as error:
            self.app.call_from_thread(self.notify, str(error), title="Runs", severity="error", markup=False)
            return
        self.app.call_from_thread(self._show, found)

    def _show(self, found: list[RunFacts]) -> None:
        self._runs = {run.run_id: run for run in found}
        self._empty = "no runs here yet: `cimis backfill` or `cimis demo` makes one"
        self.set_class(bool(found), "-listed")
        self._fit_list()
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
        self._show_facts()

    def _fit_list(self) -> None:
        """Let the list be as high as its rows need, so that what is below it has the rest, where anything is."""
        box = self.query_one("#runs-box")
        alone = not self._runs or self.has_class("-h15")  # no room there for the facts: see runs.tcss
        most = None if alone else len(self._runs) + 1 + box.gutter.height
        if most != self._most:
            box.styles.max_height = self._most = most

    @on(RowList.CursorMoved)
    def _moved(self) -> None:
        self._show_facts()

    def _show_facts(self) -> None:
        """The run under the cursor, where it differs from what is shown."""
        panel, facts = self.query_one("#run-facts", FactPanel), self._runs.get(self._at or "")
        if facts is not panel.facts:
            panel.apply(facts)

    def _take_live(self) -> None:
        """The run that goes on, out of its fold: its folder tells less."""
        run_id = self.run_dir.name
        if self.replay is None and run_id in self._runs:
            before, at = self._runs[run_id], self.app.clock.monotonic()
            count = run_id == self._at and at - self._counted_at >= _COUNT_EVERY
            self._counted_at = at if count else self._counted_at
            self._runs[run_id] = self.pump.look(lambda state, now: facts_of(state, now, before, count=count))

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
        """By the next column in sight."""
        keys = [c.key for c in COLUMNS if c.title and c.since <= self.app.size.width]
        at = keys.index(self._sort) if self._sort in keys else -step
        self._sort_by(keys[(at + step) % len(keys)], True)

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
            self._close_comparison()
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
        journals = [self.data_dir / "runs" / run_id / JOURNAL for run_id in marks]
        self.run_worker(
            lambda: self._compare(journals),
            thread=True,
            group="compare",
            exclusive=True,
            exit_on_error=False,
            description="compare two runs",
        )

    def _close_comparison(self) -> None:
        """What is still being read for it ends with the next event."""
        self.remove_class("-comparing")
        self.workers.cancel_group(self, "compare")

    def action_back(self) -> None:
        """Close the comparison; or leave."""
        if self.has_class("-comparing"):
            self._close_comparison()
        else:
            super().action_back()

    def _compare(self, journals: list[Path]) -> None:
        """In a thread: both journals, folded and compared."""
        worker, panel = get_current_worker(), self.query_one(ComparePanel)

        def tell(reading: Reading) -> None:
            self.app.call_from_thread(self._unless_closed, worker, panel.progress, reading)

        try:
            reader = ComparisonReader(journals, lambda: worker.is_cancelled, self.app.clock, tell)
            compared = compare(side_of(reader.events(0)), side_of(reader.events(1)))
        except ClosedError:
            return
        except OSError as error:
            words = f"cannot be compared: {error}"
            self.app.call_from_thread(self._unless_closed, worker, panel.say, words)
            return
        self.app.call_from_thread(self._unless_closed, worker, self._compared, compared)

    def _compared(self, comparison: Comparison) -> None:
        a, b = self._runs.get(comparison.a), self._runs.get(comparison.b)
        self.query_one(ComparePanel).apply(comparison, (a, b) if a and b else None)

    def _unless_closed(
        self, worker: Worker[Any], show: Callable[[Any], None], what: Comparison | Reading | str
    ) -> None:
        """Not where the comparison was closed, perhaps another opened, since the thread had it to say."""
        if not worker.is_cancelled:
            show(what)

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


def _facts(run: PastRun, *, count: bool) -> RunFacts:
    """`count`: its figures and its account, too."""
    figures, account = (run.details() if count else None) or (None, None)
    return RunFacts(
        run.run_id,
        run.status,
        run.first.t if run.first else None,
        run.elapsed_ms / 1000 if run.elapsed_ms is not None else None,
        run.started.command if run.started else "",
        figures,
        run.bytes_on_disk,
        live=run.running,
        last=run.last.t if run.last else None,
        folder=run.run_dir,
        started_by=asked(run.started),
        finished=run.finished,
        account=account,
    )
