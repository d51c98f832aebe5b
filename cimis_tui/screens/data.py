"""A stored series as a plot. What is asked for is read in a thread; meanwhile the picture before stays, dimmed."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.geometry import Size
from textual.widgets import Input

from cimis_engine.errors import CimisError
from cimis_engine.model.items import DataItem, Interval, items_of
from cimis_engine.model.period import Span, parse_date
from cimis_engine.run.state import RunState
from cimis_tui.actions import bindings
from cimis_tui.feed.shelf import Asked, Found, Reading, Shelf
from cimis_tui.screens.picker import Picker
from cimis_tui.screens.run_screen import RunScreen
from cimis_tui.view import window
from cimis_tui.view.choices import ITEM_COLUMNS, OTHER_COLUMNS, item_rows, other_rows
from cimis_tui.view.curve import CurveRecords, counterpart, slot_date, slot_number
from cimis_tui.view.plot import Drawing
from cimis_tui.view.plot_lines import layout_plot
from cimis_tui.view.series_facts import SeriesFacts, facts_title, no_data, present_choice, present_facts
from cimis_tui.widgets.fact_panel import FactPanel
from cimis_tui.widgets.plot_panel import PlotPanel

_NOON = 12
_SLOW_MS = 50.0
"""A reading that took longer says how long."""


class DataScreen(RunScreen):
    """`asked` is what is to be shown, `reading` what is: the answer to the newest wish that has one."""

    VIEW = "data"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(VIEW)]
    AUTO_FOCUS = "PlotPanel"

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.shelf = Shelf(self.data_dir, self.app.clock)
        self.asked = Asked()
        self.reading: Reading | None = None
        self.cursor: int | None = None
        self._error: CimisError | None = None
        self._wish = 0  # the number of the newest wish
        self._busy = False
        self._slow = False  # a frame has passed since something else was asked for
        self._stored = 0  # bytes the run had stored of the station when it was last asked for

    def body(self) -> ComposeResult:
        yield FactPanel[SeriesFacts | None](None, present_choice, id="choice")
        with Container(id="series"):
            yield PlotPanel()
            yield FactPanel[SeriesFacts | None](None, present_facts, facts_title, id="series-facts")
        yield Input(placeholder="yyyy-mm-dd, yyyy-mm or yyyy", id="date", compact=True, select_on_focus=False)

    def on_mount(self) -> None:
        self.query_one("#date", Input).cursor_blink = False
        self._show()

    def on_unmount(self) -> None:
        self.shelf.close()

    def subject(self) -> int | None:
        return self.asked.station if self.asked.station is not None else self.pump.selected

    def table_rows(self) -> Sequence[Mapping[str, Any]] | None:
        return CurveRecords(self._found.plot.curves) if self._found else None

    # asking and being answered

    @property
    def told(self) -> bool:
        """Whether what was asked for is what is shown, or an error is."""
        return not self._busy and (self.reading is not None or self._error is not None)

    @property
    def _found(self) -> Found | None:
        return self.reading.found if self.reading else None

    def draw(self, *, anew: bool) -> None:
        """Another station chosen elsewhere is read, and this one again when more of it is stored."""
        chosen = self.pump.selected
        if chosen is not None and chosen != self.asked.station:
            self.ask(station=chosen)
        elif self.reading is None or self._stored_bytes() != self._stored:
            self.ask()

    def frame(self, *, anew: bool) -> None:
        if self._busy and not self._slow and (self.reading is None or self.reading.asked != self.asked):
            self._slow = True
            self._show()
        super().frame(anew=anew)

    def _stored_bytes(self) -> int:
        number = self.asked.station

        def look(state: RunState, _: float) -> int:
            station = state.stations.get(number) if number is not None else None
            return station.stored_bytes if station else 0

        return self.pump.look(look)

    def ask(self, **choices: Any) -> None:
        """Read what was asked for with these choices made otherwise. One reading at a time, then the newest wish."""
        self.asked = replace(self.asked, **choices)
        self._stored = self._stored_bytes()
        self._wish += 1
        if not self._busy and self.query(PlotPanel):  # before the screen is made: its first frame reads
            self._begin()

    def _begin(self) -> None:
        self._busy = True
        wish, asked, size = self._wish, self.asked, self.query_one(PlotPanel).size
        names = self.pump.look(lambda state, _: {n: station.ref.name for n, station in state.stations.items()})

        def read() -> None:
            try:
                for reading in self.shelf.readings(asked, names):
                    plot = reading.found.plot if reading.found else None
                    drawing = layout_plot(plot, *size) if plot and size.area else None
                    self.app.call_from_thread(self._answered, wish, reading, size, drawing)
                    if self._wish != wish:
                        break
            except CimisError as error:
                self.app.call_from_thread(self._failed, error)
            self.app.call_from_thread(self._read, wish)

        self.run_worker(read, thread=True, group="data", exit_on_error=False, description="read the series")

    def _answered(self, wish: int, reading: Reading, size: Size, drawing: Drawing | None) -> None:
        self._error, self.reading = None, reading
        if reading.found and drawing:
            self.query_one(PlotPanel).prepare(reading.found.plot, size, drawing)
        if wish == self._wish:
            self.asked, self._slow = reading.asked, False
            self._settle_cursor()
            if self.pump.selected is None:
                self.pump.select(reading.asked.station)
        self.show_keys()
        self._show()

    def _failed(self, error: CimisError) -> None:
        self._error = error
        self._show()

    def _read(self, wish: int) -> None:
        """The reading is over: on to the newest wish if that is another."""
        self._busy = False
        if wish != self._wish:
            self._begin()
        elif self._slow:
            self._slow = False
            self._show()

    def _settle_cursor(self) -> None:
        """In the window: where it was, or at the near edge; at first on the last value."""
        if self._found is None:
            self.cursor = None
            return
        head, span = self._found.plot.curves[0], self._found.plot.span
        first = slot_number(head.item.interval, span.start)
        last = first + span.records(head.item.interval) - 1
        if self.cursor is None:
            held = head.slots[head.series.present]
            self.cursor = int(held[-1]) if len(held) else last
        self.cursor = min(last, max(first, self.cursor))

    # showing

    def _show(self) -> None:
        panel, found, reading = self.query_one(PlotPanel), self._found, self.reading
        self.set_class(found is None or self._error is not None, "-empty")
        if found is None or reading is None or self._error is not None:
            others = bool(reading and reading.stations)
            words = no_data(self._error, self.asked.station, read=reading is not None, others=others)
            panel.apply(None, None, words=words)
            panel.retitle("Series")
            return
        plot, head = found.plot, found.plot.curves[0]
        panel.apply(plot, self.cursor, stale=self._slow)
        reads = "" if plot.whole else f"   reading: {plot.since.year} and later so far"
        if plot.whole and reading.took_ms > _SLOW_MS:
            reads = f"   read in {reading.took_ms:.0f} ms"
        panel.retitle(f"{head.item.label}, {head.unit}", f"stored {found.extent.start} to {found.extent.end}{reads}")
        year = slot_date(head.item.interval, self.cursor).year if self.cursor is not None else None
        facts = SeriesFacts(
            plot=plot,
            summaries=found.summaries,
            extent=found.extent,
            chunk=next((entry for entry in reading.chunks if entry.year == year), None),
            reading=self._slow or not plot.whole,
            hide_severe=reading.asked.hide_severe,
        )
        for beside in self.query(FactPanel):
            beside.apply(facts)

    def _shown(self) -> Found | None:
        """What there is to act on; says why a key does nothing where there is nothing."""
        if self._found is None:
            self.notify("nothing is shown: ] and [ go to stations that have data", severity="warning", timeout=4)
        return self._found

    def _why(self, text: str) -> None:
        self.notify(text, severity="warning", timeout=4, markup=False)

    # the window

    @property
    def _interval(self) -> Interval:
        return self.asked.interval or Interval.DAILY

    @property
    def _span(self) -> Span:
        """The window asked for, or the one shown where that was left open."""
        span = self.asked.span or (self._found.plot.span if self._found else None)
        assert span is not None
        return span

    def _day(self) -> date:
        """The date at the cursor."""
        assert self.cursor is not None
        return slot_date(self._interval, self.cursor)

    def action_range(self, word: str) -> None:
        if (found := self._shown()) is None:
            return
        span = window.ranged(word, self._day(), found.extent)
        if word == "day" and self._interval is Interval.DAILY:
            self._why("a day of daily records is one point: w shows a week, H hourly records")
        else:
            self.ask(span=span)

    def action_shift(self, share: float) -> None:
        if (found := self._shown()) is None:
            return
        span = window.moved(self._span, share, found.extent)
        if span is None:
            edge = f"after {found.extent.end}" if share > 0 else f"before {found.extent.start}"
            self._why(f"nothing is stored {edge}")
        else:
            self.ask(span=span)

    def action_edge(self, last: bool) -> None:
        if (found := self._shown()) is not None:
            self.cursor = slot_number(self._interval, found.extent.end if last else found.extent.start)
            self.ask(span=window.at_edge(self._span.days, found.extent, last=last))

    def action_zoom(self, factor: float) -> None:
        if self._shown() is not None:
            self._zoom(factor, self._day())

    def _zoom(self, factor: float, around: date) -> None:
        if (found := self._shown()) is None:
            return
        span = window.zoomed(self._span, factor, around, found.extent, window.least_days(self._interval))
        if span == self._span:
            self._why("all that is stored is in sight" if factor > 1 else "this is as close as it goes")
        else:
            self.ask(span=span)

    @on(PlotPanel.Zoomed)
    def _wheeled(self, message: PlotPanel.Zoomed) -> None:
        self._zoom(0.5 if message.step > 0 else 2.0, slot_date(self._interval, message.slot))

    def action_date(self) -> None:
        if self._shown() is not None:
            field = self.query_one("#date", Input)
            field.value = ""
            field.add_class("-on")
            field.focus()

    @on(Input.Submitted, "#date")
    def _dated(self, event: Input.Submitted) -> None:
        """Go to the date; an empty line only closes the field."""
        text = event.value.strip()
        if text and (found := self._shown()):
            try:
                day = parse_date({4: f"{text}-01-01", 7: f"{text}-01"}.get(len(text), text))
            except CimisError as error:
                self._why(f"{error}; {error.hint}")
                return
            if not found.extent.start <= day <= found.extent.end:
                self._why(f"{day} is not stored; {found.extent.start} to {found.extent.end} is")
                return
            self.cursor = slot_number(self._interval, day, _NOON)
            self.ask(span=window.around(day, self._span.days))
        self._close_date()

    def _close_date(self) -> None:
        self.query_one("#date", Input).remove_class("-on")
        self.query_one(PlotPanel).focus()

    def action_back(self) -> None:
        if self.query_one("#date", Input).has_class("-on"):
            self._close_date()
        else:
            super().action_back()

    # the cursor

    def action_cursor(self, step: int) -> None:
        """By columns of the plot."""
        drawing = self.query_one(PlotPanel).drawing
        if self._shown() is not None and drawing is not None:
            self._point((self.cursor or 0) + step * drawing.step)

    def action_record(self, step: int) -> None:
        if self._shown() is not None:
            self._point((self.cursor or 0) + step)

    @on(PlotPanel.Pointed)
    def _pointed(self, message: PlotPanel.Pointed) -> None:
        self._point(message.slot)

    def _point(self, slot: int) -> None:
        """Put the cursor on a slot; the window follows where that is beyond its edge, as far as there is data."""
        if (found := self._found) is None:
            return
        day, span = slot_date(self._interval, slot), self._span
        if span.start <= day <= span.end:
            self.cursor = slot
            self._show()
        elif following := window.moved(span, 0.25 if day > span.end else -0.25, found.extent):
            self.cursor = slot
            self.ask(span=following)

    # what is shown

    def action_station(self, step: int) -> None:
        """The next station that has data, or the one before."""
        stations = self.reading.stations if self.reading else ()
        if not stations:
            self._why("no station has data yet")
            return
        now, other = self.asked.station, self.asked.other
        later = sum(number <= (now or 0) for number in stations)
        number = stations[(later if step > 0 else later - 1 - (now in stations)) % len(stations)]
        if other is not None and other[0] == now:  # a second item goes along, a second station stays
            other = number, other[1]
        self.pump.select(number)
        self.ask(station=number, other=other)

    def action_interval(self) -> None:
        if self.reading is None or self._shown() is None:
            return
        other = Interval.HOURLY if self._interval is Interval.DAILY else Interval.DAILY
        if other in self.reading.intervals:
            self._change_interval(other)
        else:
            self._why(f"no {other} records are stored of station {self.asked.station}")

    def _change_interval(self, interval: Interval) -> None:
        """The same dates in the other interval; the cursor keeps its date."""
        if self.cursor is not None:
            self.cursor = slot_number(interval, self._day(), _NOON)
        span, item, other = self._span, self.asked.item, self.asked.other
        least = window.least_days(interval)
        self.ask(
            interval=interval,
            span=span if span.days >= least else window.around(span.start, least),
            item=counterpart(item, interval) if item else None,
            other=(other[0], same) if other and (same := counterpart(other[1], interval)) else None,
        )

    def show_chunk(self, station: int, interval: Interval, year: int) -> None:
        """The year of one chunk."""
        self.pump.select(station)
        self.cursor = None
        item = self.asked.item
        self.ask(
            station=station,
            interval=interval,
            span=Span(date(year, 1, 1), date(year, 12, 31)),
            item=counterpart(item, interval) if item else None,
            other=None,
        )

    def action_severe(self) -> None:
        if self._shown() is not None:
            self.ask(hide_severe=not self.asked.hide_severe)

    def action_item(self) -> None:
        if (found := self._shown()) is None:
            return
        rows = item_rows(items_of(self._interval), found.items, found.units)

        def picked(slug: Hashable | None) -> None:
            item = next((i for i in found.items if i.slug == slug), None)
            if item is not None:
                self.ask(item=item)
            elif slug is not None:
                self._why(f"{slug} is not stored of station {self.asked.station}")

        title = f"Items, {self._interval}: {len(found.items)} stored of station {self.asked.station}"
        self.app.push_screen(Picker(title, ITEM_COLUMNS, rows, found.plot.curves[0].item.slug), picked)

    def action_overlay(self) -> None:
        if (found := self._shown()) is None or self.reading is None:
            return
        here, item = found.plot.curves[0].station, found.plot.curves[0].item
        others: dict[Hashable, tuple[int, DataItem] | None] = {"none": None}
        others |= {f"item {i.slug}": (here, i) for i in found.items if i is not item}
        others |= {f"station {n}": (n, item) for n in self.reading.stations if n != here}
        rows = other_rows(others, item, here, self.reading.names, found.units)

        def picked(key: Hashable | None) -> None:
            if key in others:
                self.ask(other=others[key])

        self.app.push_screen(Picker("A second curve", OTHER_COLUMNS, rows, "none"), picked)
