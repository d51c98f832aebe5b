"""Read a range of dates: batches cut to the span, or their records one by one, and what the reading cost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

import numpy as np

from cimis_engine.model.batch import RecordBatch, UnitMismatchError
from cimis_engine.model.items import DataItem, Interval, UnitSystem
from cimis_engine.model.period import Span, moment_of
from cimis_engine.store.chunk import decode_as, read_header
from cimis_engine.store.store import Store

Values = dict[str, tuple[Decimal | None, str | None]]
"""Slug → (exact value, QC flag); None where missing, or where the response carried no flag."""


@dataclass(frozen=True, slots=True)
class QueryCost:
    """What a query read and decoded: times in milliseconds, bytes of files."""

    chunks: int
    blocks_decoded: int
    bytes_read: int
    read_ms: float
    decode_ms: float
    select_ms: float


@dataclass(frozen=True, slots=True)
class QueryResult:
    """`batches` ascend by station and year; each holds at least one record within the span."""

    batches: tuple[RecordBatch, ...]
    cost: QueryCost

    def __len__(self) -> int:
        return sum(len(b) for b in self.batches)

    @property
    def units(self) -> UnitSystem | None:
        """The unit system of all batches; None where there are none."""
        return self.batches[0].units if self.batches else None

    def records(self) -> Iterator[tuple[int, date, int | None, Values]]:
        """Station, date, hour (1..24; None for daily) and values of every record, in order."""
        for batch in self.batches:
            for index, slot in enumerate(batch.slots.tolist()):
                day, hour = moment_of(batch.interval, batch.year, slot)
                values = {c.item.slug: (c.value(index), c.flag(index)) for c in batch.columns}
                yield batch.station, day, hour, values


def query(
    store: Store, stations: Iterable[int], interval: Interval, span: Span, items: Sequence[DataItem] | None = None
) -> QueryResult:
    """The stored records of the span's inclusive dates, all items or only `items`. Nothing stored is no error.

    Raises `ChunkError`, `StoreReadError`, and `UnitMismatchError` where chunks of both unit systems would be mixed.
    """
    clock = store.clock
    wanted = None if items is None else {item.code for item in items}
    batches: list[RecordBatch] = []
    chunks = blocks = size = 0
    reading = decoding = selecting = 0.0
    for station in sorted(set(stations)):
        for year in span.years:
            path = store.path(station, interval, year)
            began = clock.monotonic()
            data = store.chunk_bytes(path)
            read_at = clock.monotonic()
            reading += read_at - began
            if data is None:
                continue
            batch = decode_as(data, path, (station, interval, year))
            decoded_at = clock.monotonic()
            decoding += decoded_at - read_at
            chunks, blocks, size = chunks + 1, blocks + len(read_header(data, path).blocks), size + len(data)
            part = _part(batch, span, wanted)
            if len(part):
                if batches and part.units is not batches[0].units:
                    raise UnitMismatchError(station, year, part.units, batches[0].units)
                batches.append(part)
            selecting += clock.monotonic() - decoded_at
    return QueryResult(
        tuple(batches), QueryCost(chunks, blocks, size, reading * 1000, decoding * 1000, selecting * 1000)
    )


def _part(batch: RecordBatch, span: Span, wanted: set[int] | None) -> RecordBatch:
    slots = span.slot_range(batch.interval, batch.year)
    if wanted is not None:
        batch = replace(batch, columns=tuple(c for c in batch.columns if c.item.code in wanted))
    if not len(batch) or (slots.start <= batch.slots[0] and batch.slots[-1] < slots.stop):
        return batch
    return batch.select(np.asarray((batch.slots >= slots.start) & (batch.slots < slots.stop)))
