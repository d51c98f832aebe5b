"""The shelf: what screens read of the store, off the loop. One store a shelf, opened when it is first asked for."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cimis_engine.clock import Clock
from cimis_engine.errors import CimisError
from cimis_engine.model.items import DataItem, Interval, UnitSystem, items_of
from cimis_engine.model.period import Span, moment_of
from cimis_engine.run.kept_directory import kept_directory
from cimis_engine.store import generations
from cimis_engine.store.catalog import ChunkEntry
from cimis_engine.store.chunk import ChunkInfo
from cimis_engine.store.paths import Key
from cimis_engine.store.query import chunk_info, query
from cimis_engine.store.store import Store
from cimis_tui.view.chunk_rows import ChunkRow
from cimis_tui.view.curve import Curve, Summary, counterpart, summarize, unit_words
from cimis_tui.view.plot_lines import Plot
from cimis_tui.view.store_facts import ChunkDetail
from cimis_tui.view.window import last_year

_PATIENCE = 0.3
"""Seconds after which a long reading tells what it has so far."""
_FIRST_CHOICE = ("day-eto", "hly-eto", "day-air-tmp-avg", "hly-air-tmp")
"""What is shown first, where it is stored."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a plot is to show. `other` is a second station and item.

    What is left open is chosen when it is read: the first station stored, an item that tells something, the newest year
    (also in place of a span that nothing stored lies in).
    """

    station: int | None = None
    interval: Interval | None = None
    item: DataItem | None = None
    span: Span | None = None
    other: tuple[int, DataItem] | None = None
    hide_severe: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Curves, and the numbers of what is read of them.

    `extent`: from the first to the last day stored of station and interval. `items` are those stored;
    `units`: what all values are in.
    """

    plot: Plot
    summaries: tuple[Summary, ...]
    extent: Span
    items: tuple[DataItem, ...]
    units: UnitSystem


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What was read: `asked` with every choice made, and what there is to choose from.

    `intervals` of the station; `chunks` of station and interval, by year. `found` is None where nothing is stored of
    the station. `took_ms`: the reading, in milliseconds.
    """

    asked: Asked
    stations: tuple[int, ...]
    names: Mapping[int, str]
    intervals: tuple[Interval, ...]
    chunks: tuple[ChunkEntry, ...]
    found: Found | None
    took_ms: float


class Shelf:
    """Any thread may ask. What `Store.open` and its reading raise is raised by every method."""

    def __init__(self, data_dir: Path, clock: Clock) -> None:
        self._data_dir, self._clock = data_dir, clock
        self._guard = threading.Lock()
        self._store: Store | None = None
        self._names: dict[int, str] = {}

    def store(self) -> Store:
        """The store, open."""
        with self._guard:
            if self._store is None:
                self._store = Store.open(self._data_dir)
                kept = kept_directory(self._data_dir)
                self._names = {station.number: station.name for station in kept.stations} if kept else {}
            return self._store

    def close(self) -> None:
        with self._guard:
            if self._store is not None:
                self._store.close()
                self._store = None

    def chunks(self, names: Mapping[int, str]) -> list[ChunkRow]:
        """Every chunk of the catalog, with how many generations of it are kept. `names` go before the directory's."""
        store = self.store()
        named, kept = {**self._names, **names}, generations.counts(store.root)
        return [ChunkRow(e, named.get(e.station, ""), kept[e.key]) for e in store.catalog.entries()]

    def detail(self, key: Key) -> ChunkDetail:
        """What the chunk's own header says, or its error; and how many of its values the agency revised."""
        store, (station, interval, year) = self.store(), key
        info: ChunkInfo | CimisError | None
        try:
            info = chunk_info(store, key)
        except CimisError as error:
            info = error
        revised = store.catalog.revisions(stations=[station], interval=interval)
        return ChunkDetail(info, sum(revision.year == year for revision in revised))

    def readings(self, asked: Asked, names: Mapping[int, str]) -> Iterator[Reading]:
        """The curves of what was asked, every open choice made: what there is of them after each `_PATIENCE`, the
        newest years first, and at last all of it. `names` of stations go before the directory's.
        """
        began, store = self._clock.monotonic(), self.store()
        named = {**self._names, **names}
        stations = store.catalog.stations()
        station = asked.station if asked.station is not None else stations[0] if stations else None
        mine = [] if station is None else [e for e in store.catalog.entries(station=station) if e.records]
        intervals = tuple(i for i in Interval if any(entry.interval is i for entry in mine))
        interval = asked.interval if asked.interval in intervals or not intervals else intervals[0]
        chunks = tuple(entry for entry in mine if entry.interval is interval)
        asked = replace(asked, station=station, interval=interval)
        if station is None or interval is None or not chunks:
            yield Reading(asked, stations, named, intervals, chunks, None, (self._clock.monotonic() - began) * 1000)
            return
        extent, units, items = _extent(chunks), chunks[-1].units, self._items(store, chunks)
        item = _chosen(asked.item, items, interval)
        other = asked.other
        if other is not None and (same := counterpart(other[1], interval)):
            other = (other[0], same)
        span = asked.span if asked.span and asked.span.clip(extent.start, extent.end) else last_year(extent)
        asked = replace(asked, item=item, span=span, other=other)
        wanted = [(station, item), *([other] if other else [])]
        for part in self._parts(store, wanted, interval, span):
            curves = tuple(
                self._curve(store, (number, named.get(number, "")), which, part, units, asked.hide_severe)
                for number, which in wanted
            )
            plot = Plot(curves, span, part.start)
            summaries = tuple(summarize(curve, part, extent) for curve in curves)
            took = (self._clock.monotonic() - began) * 1000
            yield Reading(asked, stations, named, intervals, chunks, Found(plot, summaries, extent, items, units), took)

    def _parts(
        self, store: Store, wanted: Sequence[tuple[int, DataItem]], interval: Interval, span: Span
    ) -> Iterator[Span]:
        """The span from ever earlier years on, each time it has taken long to read that far; at last the whole.

        What is read stays in the store's cache, decoded: taking it again from there costs little.
        """
        told = self._clock.monotonic()
        for year in reversed(span.years[1:]):
            part = span.within_year(year)
            assert part is not None
            for number, item in wanted:
                query(store, [number], interval, part, [item])
            if self._clock.monotonic() - told >= _PATIENCE:
                yield Span(part.start, span.end)
                told = self._clock.monotonic()
        yield span

    def _items(self, store: Store, chunks: Sequence[ChunkEntry]) -> tuple[DataItem, ...]:
        """The items that any of a station's chunks has."""
        infos = [info for entry in chunks if (info := chunk_info(store, entry.key))]
        stored = {item.code for info in infos for item in info.items}
        return tuple(item for item in items_of(chunks[0].interval) if item.code in stored)

    def _curve(
        self, store: Store, named: tuple[int, str], item: DataItem, span: Span, units: UnitSystem, hide_severe: bool
    ) -> Curve:
        found = query(store, [named[0]], item.interval, span, [item], units=units, drop_severe=hide_severe)
        return Curve(*named, unit_words(item, units), found.slots, found.columns[0])


def _extent(chunks: Sequence[ChunkEntry]) -> Span:
    first, last = chunks[0], chunks[-1]
    return Span(
        moment_of(first.interval, first.year, first.first_slot)[0],
        moment_of(last.interval, last.year, last.last_slot)[0],
    )


def _chosen(wanted: DataItem | None, items: Sequence[DataItem], interval: Interval) -> DataItem:
    """The item wanted, in this interval, whether stored or not; else the first choice that is stored."""
    if wanted is not None and (same := counterpart(wanted, interval)):
        return same
    by_slug = {item.slug: item for item in items}
    return next((by_slug[slug] for slug in _FIRST_CHOICE if slug in by_slug), items[0])
