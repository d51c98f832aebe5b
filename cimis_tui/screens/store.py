"""The stored chunks as a table; verifying them from here; the one under the cursor in detail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import Input

from cimis_engine.errors import CimisError
from cimis_engine.run.state import RunState
from cimis_engine.store.paths import Key
from cimis_engine.store.verify import Finding
from cimis_tui.actions import bindings
from cimis_tui.feed.checking import Checking
from cimis_tui.feed.shelf import Shelf
from cimis_tui.screens.run_screen import RunScreen
from cimis_tui.view.chunk_rows import (
    CHUNK_COLUMNS,
    CHUNKS,
    HIGH_FIRST,
    VALUES,
    ChunkRow,
    arranged,
    cells_of,
    export_chunk,
)
from cimis_tui.view.order import Filter, FilterError, parse_filter
from cimis_tui.view.store_facts import (
    ChunkDetail,
    ChunkFacts,
    Listed,
    Progress,
    chunk_title,
    present_chunk,
    present_progress,
    present_totals,
)
from cimis_tui.widgets.fact_panel import FactPanel
from cimis_tui.widgets.kept import Kept
from cimis_tui.widgets.row_list import RowList

_RELOAD_EVERY = 2.0
"""Seconds between two readings of the catalog while a run is writing."""
_EMPTY = "nothing is stored yet: what the run writes is shown here; 1 shows the run"
_NONE_KEPT = "no chunk matches the filter: / changes it, esc clears it"


class ChunksBox(Kept, Vertical):
    """The table's frame."""


class StoreScreen(RunScreen):
    VIEW = "store"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(VIEW)]
    AUTO_FOCUS = "RowList"

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.shelf = Shelf(self.data_dir, self.app.clock)
        self.shown: list[ChunkRow] = []
        self.checking: Checking | None = None
        self._rows: dict[Key, ChunkRow] | None = None
        self._checks: dict[Key, tuple[str, str, Finding | None]] = {}  # digest of the bytes checked, check, finding
        self._detail: tuple[ChunkRow, ChunkDetail] | None = None
        self._filter: Filter[ChunkRow] = Filter("")
        self._error: CimisError | None = None
        self._loaded_at, self._loaded_chunks = float("-inf"), -1

    def body(self) -> ComposeResult:
        yield FactPanel[Listed](Listed((), 0), present_totals, id="store-totals")
        yield FactPanel[Progress | None](None, present_progress, id="store-progress")
        with ChunksBox(id="chunks-box"):
            yield RowList(CHUNK_COLUMNS, empty="reading the catalog…")
        yield Input(placeholder="text  !text  state:damage  year>2010  each>12", id="chunk-filter", compact=True)
        yield FactPanel[ChunkFacts](
            ChunkFacts(None, None, self.data_dir), present_chunk, chunk_title, id="chunk-detail"
        )

    def on_mount(self) -> None:
        self.query_one("#chunk-filter", Input).cursor_blink = False
        table = self.query_one(RowList)
        table.mark_sort("station", reverse=False)
        self._show_progress()

    def on_unmount(self) -> None:
        if self.checking is not None:
            self.checking.stop()
        self.shelf.close()

    def subject(self) -> int | None:
        row = self._current()
        return row.entry.station if row else self.pump.selected

    def table_rows(self) -> Sequence[Mapping[str, Any]]:
        return [export_chunk(row) for row in self.shown]

    def _current(self) -> ChunkRow | None:
        key = self.query_one(RowList).cursor
        return self._rows.get(key) if self._rows and isinstance(key, tuple) else None

    # reading

    @property
    def told(self) -> bool:
        """Whether the catalog has been read, or an error is shown in its place."""
        return self._rows is not None or self._error is not None

    def draw(self, *, anew: bool) -> None:
        """Read the catalog again when the run has stored more."""
        chunks = self.pump.look(lambda state, _: _chunks_of(state))
        now = self.app.clock.monotonic()
        if chunks != self._loaded_chunks and (anew or now - self._loaded_at >= _RELOAD_EVERY):
            self._loaded_at, self._loaded_chunks = now, chunks
            self._load()

    def _load(self) -> None:
        names = self.pump.look(lambda state, _: {n: station.ref.name for n, station in state.stations.items()})

        def read() -> None:
            try:
                rows: list[ChunkRow] | CimisError = self.shelf.chunks(names)
            except CimisError as error:
                rows = error
            self.app.call_from_thread(self._show_rows, rows)

        self.run_worker(
            read, thread=True, group="store", exclusive=True, exit_on_error=False, description="read the catalog"
        )

    def _show_rows(self, rows: list[ChunkRow] | CimisError) -> None:
        if isinstance(rows, CimisError):
            self._error, self._rows, self._loaded_chunks = rows, None, -1
        else:
            self._error, self._rows = None, {row.key: self._checked(row) for row in rows}
        self._arrange()

    def _checked(self, row: ChunkRow) -> ChunkRow:
        """The row with what verifying found, if that was of these bytes."""
        artifact, check, finding = self._checks.get(row.key, ("", "unchecked", None))
        return replace(row, check=check, finding=finding) if artifact == row.entry.artifact_digest else row

    # showing

    def _arrange(self) -> None:
        """Sort, filter and show."""
        table, rows = self.query_one(RowList), list((self._rows or {}).values())
        self.shown = arranged(rows, table.sort_key, reverse=table.reverse, keep=self._filter)
        empty = f"{self._error}; {self._error.hint}" if self._error else _NONE_KEPT if rows else _EMPTY
        table.show([(row.key, cells_of(row)) for row in self.shown], empty=empty)
        # What is wrong with a chunk takes lines of its own; not by chunk, or the list would jump under the cursor.
        self.set_class(any(row.finding for row in rows), "-found")
        self.query_one("#store-totals", FactPanel).apply(Listed(tuple(self.shown), len(rows)))
        self._title()
        self._show_detail()

    def _title(self) -> None:
        table, box = self.query_one(RowList), self.query_one(ChunksBox)
        title = f"Chunks   sort {table.sort_key}{'▼' if table.reverse else '▲'}"
        title += f"   filter {self._filter.text}" if self._filter.text else ""
        first, last = table.span
        box.border_title = title.replace("[", r"\[")
        box.border_subtitle = f"{first}–{last} of {len(self.shown)}" if self.shown else ""

    @on(RowList.Resorted)
    def _scrolled(self) -> None:
        self._title()

    @on(RowList.CursorMoved)
    def _moved(self) -> None:
        self._show_detail()

    def _show_detail(self) -> None:
        row, known = self._current(), self._detail
        detail = known[1] if known and row and known[0].entry == row.entry else None
        self.query_one("#chunk-detail", FactPanel).apply(ChunkFacts(row, detail, self.data_dir))
        if row is not None and detail is None:
            self._read_detail(row)

    def _read_detail(self, row: ChunkRow) -> None:
        def read() -> None:
            try:
                detail = self.shelf.detail(row.key)
            except CimisError as error:
                detail = ChunkDetail(error, 0)
            self.app.call_from_thread(self._detailed, row, detail)

        self.run_worker(
            read, thread=True, group="chunk", exclusive=True, exit_on_error=False, description="read a chunk's header"
        )

    def _detailed(self, row: ChunkRow, detail: ChunkDetail) -> None:
        now = self._current()
        if now is not None and now.key == row.key:
            self._detail = row, detail
            self._show_detail()

    # verifying

    def action_verify(self) -> None:
        row = self._current()
        if row is None:
            self.notify("no chunk is under the cursor", severity="warning", timeout=4)
        else:
            self._verify([row.key])

    def action_verify_all(self) -> None:
        self._verify(None)

    def _verify(self, keys: list[Key] | None) -> None:
        if self._verifying:
            self.notify("verifying already: esc stops it", severity="warning", timeout=4)
            return
        if self._rows is None:
            self.notify("there is nothing to verify", severity="warning", timeout=4)
            return
        checking = self.checking = Checking(self.shelf.store(), keys)

        def run() -> None:
            try:
                checking.run()
            except CimisError as error:
                self.app.call_from_thread(self.notify, str(error), title="Verify", severity="error", markup=False)
            if self.is_mounted:
                self.app.call_from_thread(self._show_progress)

        self.run_worker(run, thread=True, group="verify", exit_on_error=False, description="verify chunks")
        self._show_progress()

    @property
    def _verifying(self) -> bool:
        return self.checking is not None and not self.checking.progress.ended

    def frame(self, *, anew: bool) -> None:
        if self._verifying:
            self._show_progress()
        super().frame(anew=anew)

    def _show_progress(self) -> None:
        """What verifying has come to, and its results in their rows."""
        progress = self.checking.progress if self.checking else None
        self.query_one("#store-progress", FactPanel).apply(progress)
        told = self.checking.take() if self.checking else []
        if not told or self._rows is None:
            return
        for key, check, finding in told:
            row = self._rows.get(key)
            if row is not None:
                self._checks[key] = row.entry.artifact_digest, check, finding
                self._rows[key] = self._checked(row)
        self._arrange()

    def action_back(self) -> None:
        """Stop verifying; or clear the filter; or leave."""
        if self._verifying and self.checking is not None:
            self.checking.stop()
        elif self._filter.text or self.query_one("#chunk-filter", Input).has_class("-on"):
            self._clear_filter()
        else:
            super().action_back()

    # going elsewhere

    @on(RowList.Opened)
    def _opened(self) -> None:
        self.action_open()

    def action_open(self) -> None:
        from cimis_tui.screens.data import DataScreen  # both screens are made when they are first asked for

        row, data = self._current(), self.app.view("data")
        if row is None:
            self.notify("no chunk is under the cursor", severity="warning", timeout=4)
        elif isinstance(data, DataScreen):
            self.app.go_to("data")
            data.show_chunk(*row.key)

    # moving, sorting, filtering

    def action_move(self, step: int) -> None:
        self.query_one(RowList).move(step)

    def action_page(self, step: int) -> None:
        self.query_one(RowList).move_page(step)

    def action_end(self, last: bool) -> None:
        self.query_one(RowList).move_end(last=last)

    def _sort(self, key: str, *, reverse: bool) -> None:
        self.query_one(RowList).mark_sort(key, reverse=reverse)
        self._arrange()

    def _step_sort(self, step: int) -> None:
        keys = list(VALUES)
        key = keys[(keys.index(self.query_one(RowList).sort_key) + step) % len(keys)]
        self._sort(key, reverse=key in HIGH_FIRST)

    def action_sort(self) -> None:
        self._step_sort(1)

    action_sort_right = action_sort

    def action_sort_left(self) -> None:
        self._step_sort(-1)

    def action_reverse(self) -> None:
        table = self.query_one(RowList)
        self._sort(table.sort_key, reverse=not table.reverse)

    @on(RowList.HeaderPressed)
    def _header(self, message: RowList.HeaderPressed) -> None:
        table, key = self.query_one(RowList), message.column if message.column in VALUES else "state"
        self._sort(key, reverse=not table.reverse if key == table.sort_key else key in HIGH_FIRST)

    def action_filter(self) -> None:
        field = self.query_one("#chunk-filter", Input)
        field.add_class("-on")
        field.focus()

    def _clear_filter(self) -> None:
        field = self.query_one("#chunk-filter", Input)
        field.value = ""
        field.remove_class("-on", "-wrong")
        self._filter = Filter("")
        self._arrange()
        self.query_one(RowList).focus()

    @on(Input.Changed, "#chunk-filter")
    def _filter_changed(self, event: Input.Changed) -> None:
        try:
            keep = parse_filter(event.value, CHUNKS)
        except FilterError as error:
            event.input.add_class("-wrong")
            event.input.border_subtitle = str(error)
            return
        event.input.remove_class("-wrong")
        if keep.text != self._filter.text:
            self._filter = keep
            self._arrange()

    @on(Input.Submitted, "#chunk-filter")
    def _filter_done(self, event: Input.Submitted) -> None:
        try:
            parse_filter(event.value, CHUNKS)
        except FilterError as error:
            self.notify(str(error), title="Filter", severity="warning")
            return
        if not event.value.strip():
            event.input.remove_class("-on")
        self.query_one(RowList).focus()


def _chunks_of(state: RunState) -> int:
    return state.chunks
