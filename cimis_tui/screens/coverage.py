"""What is stored, station by year, down to days and hours; and what the run does about it now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, overload

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Input

from cimis_engine.errors import CimisError
from cimis_engine.model.items import Interval
from cimis_engine.run.state import RunState
from cimis_engine.store.revisions import Revision
from cimis_tui.actions import bindings
from cimis_tui.feed.holdings import Holdings
from cimis_tui.screens.run_screen import RunScreen
from cimis_tui.screens.story import Story
from cimis_tui.view.cells import Line
from cimis_tui.view.chunk_facts import CellFacts, cell_facts, export_cell, present_cell, present_story
from cimis_tui.view.coverage import UNDER_WAY, Board, present_live, sight
from cimis_tui.view.heat import HeatView, present_marks
from cimis_tui.view.time_axis import Axis
from cimis_tui.widgets.fact_panel import FactPanel
from cimis_tui.widgets.heat_map import HeatMap

Seen = tuple[HeatView, CellFacts | None]
READ_EVERY = 2.0
"""Seconds between two looks at the store, at least; none is taken while no chunk has been finished."""


class CellRows(Sequence[Mapping[str, Any]]):
    """Every cell in the rows of a view, as records for a file; worked out as they are written."""

    def __init__(self, view: HeatView) -> None:
        self._view, self._axis = view, Axis(view.board.interval, view.seen.years)

    def __len__(self) -> int:
        return len(self._view.seen.stations) * self._axis.count

    @overload
    def __getitem__(self, at: int) -> Mapping[str, Any]: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Mapping[str, Any]]: ...
    def __getitem__(self, at: int | slice) -> Mapping[str, Any] | Sequence[Mapping[str, Any]]:
        if isinstance(at, slice):
            return [self[n] for n in range(*at.indices(len(self)))]
        if not 0 <= at < len(self):
            raise IndexError(at)
        row, column = divmod(at, self._axis.count)
        view = self._view
        return export_cell(cell_facts(view.board, view.live, view.seen.stations[row], self._axis, column))


class CoverageScreen(RunScreen):
    VIEW = "coverage"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(VIEW)]
    AUTO_FOCUS = "HeatMap"

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._holdings = {i: Holdings(self.data_dir, i, self.app.clock) for i in Interval}
        self._chosen: Interval | None = None
        self._boards: dict[Interval, Board] = {i: held.empty() for i, held in self._holdings.items()}
        self._everything = False
        self._filter = ""
        self._reading = False
        self._read_at = float("-inf")
        self._read_chunks = -1

    def body(self) -> ComposeResult:
        yield HeatMap(self._boards[self._interval], id="heat").add_class("panel")
        yield Input(placeholder="name  number  county  !word  state:failed", id="filter", compact=True)
        facts = FactPanel[Seen | None](None, _present_seen, id="coverage-facts")
        facts.border_title = "Cell under the cursor, and marks"
        yield facts.add_class("panel")

    @property
    def _interval(self) -> Interval:
        """The one chosen; until then the run's."""
        return self._chosen or self.pump.look(_run_interval)

    @property
    def _map(self) -> HeatMap:
        return self.query_one(HeatMap)

    def subject(self) -> int | None:
        return self._map.station

    def table_rows(self) -> Sequence[Mapping[str, Any]]:
        return CellRows(self._map.view)

    # reading and drawing

    def draw(self, *, anew: bool) -> None:
        self._read_if_due(anew)
        board = self._boards[self._interval]
        live = self.pump.look(lambda state, _: present_live(state, board))
        seen = sight(board, live, everything=self._everything, text=self._filter)
        self._map.apply(board, live, seen)
        if anew and self.pump.selected is not None:
            self._map.go_to(self.pump.selected)

    def _read_if_due(self, anew: bool) -> None:
        """Look at the store when the screen opens, and again when chunks have been finished since."""
        now = self.app.clock.monotonic()
        chunks = self.pump.look(lambda state, _: state.chunks)
        due = chunks != self._read_chunks and now - self._read_at >= READ_EVERY
        if self._reading or not (anew or due):
            return
        self._reading, self._read_at, self._read_chunks = True, now, chunks
        names = self.pump.look(lambda state, _: {n: (s.ref.name, s.ref.county) for n, s in state.stations.items()})
        interval = self._interval

        def read() -> None:
            board = self._holdings[interval].read(names)
            self.app.call_from_thread(self._know, interval, board)

        self.run_worker(
            read, thread=True, group="coverage", exit_on_error=False, description="read what the store holds"
        )

    def _know(self, interval: Interval, board: Board) -> None:
        self._reading = False
        self._boards[interval] = board
        if not self.is_current:
            return  # it is drawn when it comes to the front again
        if interval != self._interval:
            self._read_if_due(True)
        self.draw(anew=False)

    @on(HeatMap.Moved)
    def _moved(self) -> None:
        station = self._map.station
        if station != self.pump.selected:
            self.pump.select(station)
        self.query_one("#coverage-facts", FactPanel).apply((self._map.view, self._facts()))

    def _facts(self) -> CellFacts | None:
        view, station = self._map.view, self._map.station
        return None if station is None else cell_facts(view.board, view.live, station, view.axis, view.column)

    # moving

    def action_move(self, step: int) -> None:
        self._map.move(step, 0)

    def action_aside(self, step: int) -> None:
        self._map.move(0, step)

    def action_page(self, step: int) -> None:
        self._map.move_page(step)

    def action_end(self, last: bool) -> None:
        self._map.move(10**9 if last else -(10**9), 0)

    def action_edge(self, last: bool) -> None:
        self._map.move(0, 10**9 if last else -(10**9))

    def action_zoom(self, step: int) -> None:
        if not self._map.zoom(step):
            nearest = f"{self._interval} records have nothing smaller than {self._map.view.axis.zoom}"
            self.notify(nearest if step > 0 else "years are the widest view", timeout=3)

    # what is shown

    def action_interval(self) -> None:
        self._chosen = Interval.HOURLY if self._interval is Interval.DAILY else Interval.DAILY
        self.draw(anew=True)

    def action_scope(self) -> None:
        self._everything = not self._everything
        self.draw(anew=False)

    def action_filter(self) -> None:
        field = self.query_one("#filter", Input)
        field.add_class("-on")
        field.focus()

    def action_clear_filter(self) -> None:
        field = self.query_one("#filter", Input)
        if not field.has_class("-on"):
            self.action_back()
            return
        field.value = ""
        field.remove_class("-on")
        self._map.focus()

    @on(Input.Changed, "#filter")
    def _filter_changed(self, event: Input.Changed) -> None:
        self._filter = event.value
        self.draw(anew=False)

    @on(Input.Submitted, "#filter")
    def _filter_done(self, event: Input.Submitted) -> None:
        if not event.value.strip():
            event.input.remove_class("-on")
        self._map.focus()

    # the story of a cell

    @on(HeatMap.Opened)
    def _opened(self) -> None:
        self.action_open()

    def action_open(self) -> None:
        """The station while it is being fetched; else all that is known of the chunk."""
        facts, board = self._facts(), self._map.view.board
        if facts is None:
            self.notify("no cell is selected", severity="warning", timeout=4)
            return
        if facts.mark in UNDER_WAY:
            self.app.go_to("station")
            return

        def told(revisions: list[Revision] | None, fault: str = "") -> Any:
            return lambda width, _: present_story(facts, board, revisions, fault, width)

        story = Story(f"{facts.number} {facts.name}  {facts.year}", told(None))
        self.app.push_screen(story)

        def read() -> None:
            try:
                present = told(self._holdings[facts.interval].revisions(facts.number, facts.year))
            except (CimisError, OSError) as error:
                present = told(None, str(error))
            if story.is_attached:
                self.app.call_from_thread(story.tell, present)

        self.run_worker(read, thread=True, group="revisions", exit_on_error=False, description="read revisions")


def _run_interval(state: RunState, _: float) -> Interval:
    return Interval(state.started.interval) if state.started else Interval.DAILY


def _present_seen(seen: Seen | None, width: int, height: int) -> tuple[Line, ...]:
    """The cell under the cursor, and below it the marks."""
    if seen is None:
        return ()
    view, facts = seen
    told = present_cell(facts, width) if facts else []
    legend = present_marks(view, width, max(2, min(3, height - len(told))))
    cell = told[: height - len(legend)]
    return (*cell, *[()] * (height - len(cell) - len(legend)), *legend)
