"""Queries: the records of stations and inclusive dates, from only the blocks that overlap them, and what that cost.

Blocks are read by ranges and kept decoded in the store's cache (`blocks`, which also says what a partial read can
check). Steps after reading, each pure (`records`): severe flags dropped, implausible values marked, units converted.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from math import ceil
from typing import Any, SupportsIndex, cast

import numpy as np
from numpy.typing import NDArray

from cimis_engine.errors import UsageError
from cimis_engine.model.items import DataItem, Interval, UnitSystem, parse_items
from cimis_engine.model.period import HOURS, ORIGIN, Span, parse_date
from cimis_engine.model.plausible import DEFAULT_RULES, Rules
from cimis_engine.model.station import MAX_STATION, parse_station_numbers
from cimis_engine.store import frames
from cimis_engine.store.blocks import Reading, read_blocks
from cimis_engine.store.chunk import ChunkInfo
from cimis_engine.store.paths import Key
from cimis_engine.store.records import (
    Piece,
    Records,
    assembled,
    in_units,
    joined,
    marked,
    stored_items,
    without_severe,
)
from cimis_engine.store.store import Store, StoreReadError


class MixedUnitsError(UsageError):
    """Chunks of both unit systems would be in one answer, and nobody said which it is to be in."""

    def __init__(self, station: int, year: int, units: UnitSystem, others: UnitSystem) -> None:
        super().__init__(
            f"station {station:03d}, {year} is stored in {units.standard} units, others in {others.standard} ones",
            hint="add --units M or --units E: what is stored in the other is converted",
        )
        self.station, self.year, self.units = station, year, units


@dataclass(frozen=True, slots=True)
class QueryCost:
    """What a query read and decoded: times in milliseconds, bytes of files.

    `blocks` were wanted, `blocks_decoded` of them were not in the cache. Cache figures are of this query, and of blocks
    and chunk indexes; `cache_bytes` is what the cache holds after it.
    """

    chunks: int
    blocks: int
    blocks_decoded: int
    bytes_read: int
    cache_hits: int
    cache_misses: int
    cache_evictions: int
    cache_bytes: int
    read_ms: float
    decode_ms: float
    select_ms: float
    total_ms: float


@dataclass(frozen=True, slots=True, eq=False)
class QueryResult(Records):
    """Records, what was asked, and the cost. `asked_units` is None where they are as stored.

    `dropped` counts the values that became missing for their severe flag.
    """

    span: Span
    asked_units: UnitSystem | None
    dropped: int
    cost: QueryCost

    def to_arrow(self) -> Any:
        """A `pyarrow.Table`; columns, types and metadata: see `frames`. Raises `MissingPackageError`."""
        return frames.arrow_table(self, with_converted=self.asked_units is not None)

    def to_pandas(self) -> Any:
        """`to_arrow` as a `pandas.DataFrame`. Raises `MissingPackageError`."""
        frames.package("pandas")
        return self.to_arrow().to_pandas()

    def to_polars(self) -> Any:
        """`to_arrow` as a `polars.DataFrame`. Raises `MissingPackageError`."""
        return frames.package("polars").from_arrow(self.to_arrow())


def query(
    store: Store,
    stations: Iterable[int],
    interval: Interval,
    span: Span,
    items: Sequence[DataItem] | None = None,
    *,
    units: UnitSystem | None = None,
    drop_severe: bool = False,
    plausible: Rules | None = None,
) -> QueryResult:
    """The stored records of the span's inclusive dates, by station and time. Nothing stored is no error.

    `items`: those, stored or not; None: all that are stored. `units`: what is stored in the other system is converted
    and marked. `plausible`: mark values by these rules; values just before the span are looked at too, so that a mark
    does not depend on the dates asked for. Raises `ChunkError`, `MissingChunkError`, `StoreReadError`,
    `MixedUnitsError`, `OutOfRangeError`.
    """
    clock, cache = store.clock, store.cache
    began, before, reading = clock.monotonic(), cache.figures, Reading()
    read_span = span if plausible is None else _widened(span, plausible)
    parts: list[tuple[Piece, slice]] = []
    within: list[Piece] = []
    for station in sorted(set(stations)):
        for year in read_span.years:
            slots = read_span.slot_range(interval, year)
            found = _read(store, (station, interval, year), slots, reading)
            for piece in found[1] if found else ():
                parts.append((piece, piece.within(slots)))
                cut = piece.within(span.slot_range(interval, year))
                if cut.start < cut.stop:
                    within.append(piece)
    if units is None and (other := next((p for p in within if p.units is not within[0].units), None)):
        raise MixedUnitsError(other.station, other.year, other.units, within[0].units)
    systems = {piece.units for piece in within}
    parts = [part for part in parts if part[0].units in systems]
    wanted = stored_items(interval, within) if items is None else tuple(items)
    records, dropped = _refined(interval, parts, wanted, units, drop_severe, plausible)
    if read_span is not span:
        here = records.dates >= np.datetime64(span.start, "D")
        records, dropped = records.take(here), dropped[here]
    total = clock.monotonic() - began
    after = cache.figures
    cost = QueryCost(
        chunks=reading.chunks,
        blocks=reading.blocks,
        blocks_decoded=reading.decoded,
        bytes_read=reading.bytes_read,
        cache_hits=after.hits - before.hits,
        cache_misses=after.misses - before.misses,
        cache_evictions=after.evictions - before.evictions,
        cache_bytes=after.bytes,
        read_ms=reading.read_s * 1000,
        decode_ms=reading.decode_s * 1000,
        select_ms=(total - reading.read_s - reading.decode_s) * 1000,
        total_ms=total * 1000,
    )
    held: dict[str, Any] = {f.name: getattr(records, f.name) for f in fields(Records)}
    return QueryResult(**held, span=span, asked_units=units, dropped=int(dropped.sum()), cost=cost)


def query_by_name(
    store: Store,
    stations: int | str | Iterable[int],
    start: date | str,
    end: date | str,
    *,
    interval: Interval | str = Interval.DAILY,
    items: Iterable[str] | None = None,
    units: UnitSystem | str | None = None,
    drop_severe: bool = False,
    plausible: bool | Rules = False,
) -> QueryResult:
    """`query` with everything named as a person names it; see `Store.query`. Raises `UsageError` as well."""
    try:
        interval, units = Interval(interval), None if units is None else UnitSystem(units)
    except ValueError as error:
        raise UsageError(f"{error}", hint="intervals are 'daily' and 'hourly', units 'M' and 'E'") from None
    if isinstance(items, str):
        items = items.split(",")
    return query(
        store,
        stations_named(store, stations, interval) if isinstance(stations, str) else _numbers(stations),
        interval,
        Span(_day(start), _day(end)),
        None if items is None else parse_items(items, interval),
        units=units,
        drop_severe=drop_severe,
        plausible=DEFAULT_RULES if plausible is True else plausible or None,
    )


def _day(given: object) -> date:
    """A date, its text, or what numpy and pandas have for one. Raises `UsageError`."""
    if isinstance(given, datetime):
        return given.date()
    return given if isinstance(given, date) else parse_date(str(given))


def _numbers(stations: object) -> tuple[int, ...]:
    """A station's number or several, as Python or numpy has integers. Raises `UsageError`."""
    many = stations if isinstance(stations, Iterable) else [stations]
    try:
        numbers = tuple(operator.index(cast("SupportsIndex", one)) for one in many)
    except TypeError:
        numbers = (0,)
    if not all(0 < number <= MAX_STATION for number in numbers):
        raise UsageError(f"not a station's number, or several: {stations!r}", hint="give 2, [2, 5] or '2,5,10-20'")
    return numbers


def stations_named(store: Store, text: str, interval: Interval) -> tuple[int, ...]:
    """`2,5,10-20`, or `all` that the catalog knows of. Raises `UsageError`."""
    if text.strip().lower() == "all":
        return store.catalog.stations(interval)
    try:
        return parse_station_numbers(text)
    except UsageError as error:
        raise UsageError(str(error), hint="write 2,5,10-20, or all") from None


def chunk_info(store: Store, key: Key) -> ChunkInfo | None:
    """A chunk's index, its blocks unread; None if there is no such chunk.

    Raises `ChunkError`, `MissingChunkError`, `StoreReadError`.
    """
    found = _read(store, key, range(0), Reading())
    return found[0] if found else None


def _widened(span: Span, rules: Rules) -> Span:
    """The span and the days before it that a jump can begin in."""
    days = max((ceil(limits.hours / HOURS) for limits in rules.values() if limits.step is not None), default=0)
    return Span(max(span.start, ORIGIN + timedelta(days=days)) - timedelta(days=days), span.end)


def _read(store: Store, key: Key, slots: range, reading: Reading) -> tuple[ChunkInfo, list[Piece]] | None:
    path = store.path(*key)
    try:
        found = read_blocks(store.fs, store.clock, store.cache, path, key, slots, reading)
    except OSError as error:
        raise StoreReadError(path, error) from error
    if found is None:
        store.require_no_loss(key)
    return found


def _refined(
    interval: Interval,
    parts: Sequence[tuple[Piece, slice]],
    items: Sequence[DataItem],
    units: UnitSystem | None,
    drop_severe: bool,
    plausible: Rules | None,
) -> tuple[Records, NDArray[np.int64]]:
    """The parts as records, refined, and the number of values each lost; every unit system by itself, then together."""
    counts = np.array([cut.stop - cut.start for _, cut in parts], np.int64)
    places = np.split(np.arange(counts.sum()), np.cumsum(counts)[:-1])
    found: list[Records] = []
    lost: list[NDArray[np.int64]] = []
    order: list[NDArray[np.intp]] = []
    systems: list[UnitSystem | None] = [*sorted({piece.units for piece, _ in parts})]
    for system in systems or [units]:
        mine = [n for n, (piece, _) in enumerate(parts) if piece.units is system]
        records = assembled(interval, [parts[n] for n in mine], items, system)
        dropped = np.zeros(len(records), np.int64)
        if drop_severe:
            records, dropped = without_severe(records)
        if plausible is not None:
            records = marked(records, plausible)
        found.append(records if units is None else in_units(records, units))
        lost.append(dropped)
        order += [places[n] for n in mine]
    if len(found) == 1:
        return found[0], lost[0]
    back = np.argsort(np.concatenate(order))
    return joined(found, back), np.concatenate(lost)[back]
