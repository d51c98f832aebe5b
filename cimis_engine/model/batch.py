"""RecordBatch: the columns that fetch hands to the store. One station, interval, year and unit system.

A value is exact: an integer `scaled` and a decimal exponent per column, value = scaled / 10**exponent. Presence and QC
are their own arrays, because neither determines the other (real data has blank flags on nulls and severe flags on
values). Arrays are as narrow as their content allows: an hourly record of 14 items keeps about 46 bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cimis_engine.errors import CimisError
from cimis_engine.model import qc as qc_flags
from cimis_engine.model.items import DataItem, Interval, UnitSystem, items_of
from cimis_engine.model.period import slots_in_year

MAX_EXPONENT = 9
_GLANCE = 64
"""Values that are looked at before all of a column: nearly every column shows at once that it needs its exponent."""
IntArray = NDArray[np.signedinteger[Any]]


class UnitMismatchError(CimisError):
    """Batches of different unit systems meet: a chunk has one."""

    exit_code = 2

    def __init__(self, station: int, year: int, stored: UnitSystem, fetched: UnitSystem) -> None:
        super().__init__(
            f"station {station:03d}, {year}: stored in {stored.standard} units, fetched in {fetched.standard}",
            hint=f"use --units {stored.value}, or another --data-dir for {fetched.standard} units",
        )
        self.station, self.year, self.stored, self.fetched = station, year, stored, fetched


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """One item of a batch. Arrays have one element a record; `present_bits` is packed, most significant bit first.

    `scaled` is 0 where no value is present, and int16, int32 or int64, the narrowest that holds every value.
    `exponent` is the smallest that keeps every value exact. Build with `column()`, which sees to all of that.
    """

    item: DataItem
    exponent: int
    scaled: IntArray
    present_bits: NDArray[np.uint8]
    qc: NDArray[np.uint8]

    @property
    def present(self) -> NDArray[np.bool_]:
        return np.unpackbits(self.present_bits, count=len(self.scaled)).astype(np.bool_)

    @property
    def nbytes(self) -> int:
        return self.scaled.nbytes + self.present_bits.nbytes + self.qc.nbytes

    def value(self, index: int) -> Decimal | None:
        """The exact value of one record, or None where it is missing."""
        if not (self.present_bits[index >> 3] >> (7 - (index & 7))) & 1:
            return None
        return Decimal(int(self.scaled[index])).scaleb(-self.exponent)

    def flag(self, index: int) -> str | None:
        """The QC flag of one record as the response gave it (None: null or not reported)."""
        return qc_flags.flag_text(int(self.qc[index]))


def column(
    item: DataItem,
    exponent: int,
    scaled: IntArray,
    present: NDArray[np.bool_],
    qc: NDArray[np.uint8],
) -> Column:
    """A column in canonical form: zeros where absent, smallest exponent, narrowest integers."""
    return columns_of([item], [exponent], scaled[None], present[None], qc[None])[0]


def columns_of(
    items: Sequence[DataItem],
    exponents: Sequence[int],
    scaled: IntArray,
    present: NDArray[np.bool_],
    qc: NDArray[np.uint8],
) -> tuple[Column, ...]:
    """Columns in canonical form from arrays of shape (items, records); `column` for many at the price of one.

    `scaled` may be of any signed integer type: nothing is widened.
    """
    whole = np.where(present, scaled, np.zeros((), scaled.dtype))
    smallest = list(exponents)
    needed = np.any(whole[:, :_GLANCE] % 10, axis=1).tolist()
    for at, exponent in enumerate(smallest):
        while not needed[at] and exponent > 0 and not np.any(whole[at] % 10):
            whole[at] //= 10
            smallest[at] = exponent = exponent - 1
    lows, highs = whole.min(axis=1, initial=0).tolist(), whole.max(axis=1, initial=0).tolist()
    bits = np.packbits(present, axis=1)
    flags = np.ascontiguousarray(qc, np.uint8)
    return tuple(
        Column(item, smallest[at], whole[at].astype(_narrowest(lows[at], highs[at])), bits[at], flags[at])
        for at, item in enumerate(items)
    )


def _narrowest(low: int, high: int) -> type[np.signedinteger[Any]]:
    if low >= -(1 << 15) and high < 1 << 15:
        return np.int16
    return np.int32 if low >= -(1 << 31) and high < 1 << 31 else np.int64


@dataclass(frozen=True, slots=True)
class Sheet:
    """The arrays of several columns as one each, of shape (columns, records): few large numpy calls, not many small."""

    scaled: NDArray[np.int64]
    present: NDArray[np.bool_]
    qc: NDArray[np.uint8]


def sheet_of(columns: Sequence[Column], count: int) -> Sheet:
    """`count` records of every column. Raises ValueError where a column has another number."""
    if not columns:
        return Sheet(np.empty((0, count), np.int64), np.empty((0, count), np.bool_), np.empty((0, count), np.uint8))
    return Sheet(
        np.stack([c.scaled for c in columns], dtype=np.int64, casting="same_kind"),
        np.unpackbits(np.stack([c.present_bits for c in columns]), axis=1, count=count).view(np.bool_),
        np.stack([c.qc for c in columns]),
    )


@dataclass(frozen=True, slots=True, order=True)
class Covered:
    """Slots `first..last` (inclusive) were asked for with the items of `mask` (bit = item code) and answered.

    A slot that is covered and has no record is known to be missing at the agency; one that is not was never asked for.
    """

    first: int
    last: int
    mask: int


def item_mask(items: Iterable[DataItem]) -> int:
    return sum(1 << item.code for item in items)


def coverage_array(size: int, covered: Iterable[Covered]) -> NDArray[np.uint32]:
    """Item mask of each slot, by slot from 0 (which is no slot) to `size`."""
    masks = np.zeros(size + 1, np.uint32)
    for c in covered:
        masks[c.first : c.last + 1] |= np.uint32(c.mask)
    return masks


def union_covered(interval: Interval, year: int, *parts: Iterable[Covered]) -> tuple[Covered, ...]:
    """Coverage of several fetches together, in canonical form: ascending, disjoint, maximal runs of equal masks."""
    masks = coverage_array(slots_in_year(interval, year), [c for part in parts for c in part])
    edges = np.flatnonzero(np.diff(masks)) + 1
    starts = [0, *edges.tolist()]
    ends = [*(edges - 1).tolist(), len(masks) - 1]
    return tuple(Covered(a, b, int(masks[a])) for a, b in zip(starts, ends, strict=True) if masks[a])


def uncovered(
    interval: Interval, year: int, covered: Iterable[Covered], wanted: range, items: Iterable[DataItem]
) -> range:
    """The smallest range of slots that holds every wanted slot not yet covered for all `items` (may be empty)."""
    want = np.uint32(item_mask(items))
    masks = coverage_array(slots_in_year(interval, year), covered)
    open_slots = [s for s in wanted if masks[s] & want != want]
    return range(open_slots[0], open_slots[-1] + 1) if open_slots else range(0)


@dataclass(frozen=True, slots=True, eq=False)
class RecordBatch:
    """`slots` (uint16, strictly ascending, from 1) and the columns in item-code order. See the module text."""

    station: int
    interval: Interval
    year: int
    units: UnitSystem
    slots: NDArray[np.uint16]
    columns: tuple[Column, ...]
    covered: tuple[Covered, ...] = ()

    def __len__(self) -> int:
        return len(self.slots)

    @property
    def nbytes(self) -> int:
        """Bytes retained by the arrays."""
        return self.slots.nbytes + sum(c.nbytes for c in self.columns)

    @property
    def nulls(self) -> int:
        """Missing values among the present records."""
        present = sum(int.from_bytes(c.present_bits.tobytes(), "big").bit_count() for c in self.columns)
        return len(self) * len(self.columns) - present

    def column_of(self, item: DataItem) -> Column | None:
        return next((c for c in self.columns if c.item.code == item.code), None)

    def with_covered(self, covered: Iterable[Covered]) -> RecordBatch:
        return replace(self, covered=union_covered(self.interval, self.year, covered))

    def select(self, keep: NDArray[np.bool_]) -> RecordBatch:
        """The records where `keep` is true; coverage is unchanged."""
        columns = tuple(column(c.item, c.exponent, c.scaled[keep], c.present[keep], c.qc[keep]) for c in self.columns)
        return replace(self, slots=self.slots[keep], columns=columns)


def empty_batch(station: int, interval: Interval, year: int, units: UnitSystem) -> RecordBatch:
    return RecordBatch(station, interval, year, units, np.empty(0, np.uint16), ())


def merge(parts: Sequence[RecordBatch]) -> RecordBatch:
    """Batches of one chunk as one; where two parts tell of the same slot and item, the later part wins.

    A later part's coverage also wins where it has no record: a slot it asked for with all known items and did not get
    is dropped. Items that a record did not carry are marked `NOT_REPORTED`; an item no record carried has no column.
    Raises `UnitMismatchError`, and ValueError for parts of different chunks (a bug of the caller).
    """
    head = parts[0]
    size = slots_in_year(head.interval, head.year) + 1
    for part in parts[1:]:
        if (part.station, part.interval, part.year) != (head.station, head.interval, head.year):
            raise ValueError(f"cannot merge {part.station}/{part.year} into {head.station}/{head.year}")
        if part.units is not head.units:
            raise UnitMismatchError(head.station, head.year, head.units, part.units)
    if len(parts) == 1 and (alone := _alone(head, size)) is not None:
        return alone
    coverage = [coverage_array(size - 1, part.covered) for part in parts]
    exists = np.zeros(size, np.bool_)
    for part, asked in zip(parts, coverage, strict=True):
        exists[asked > 0] = False
        exists[part.slots] = True
    # A record that a later, narrower fetch did not touch survives for its other items.
    for part, later in ((p, coverage[i + 1 :]) for i, p in enumerate(parts)):
        mask = item_mask(c.item for c in part.columns)
        redone = np.zeros(size, np.uint32)
        for other in later:
            redone |= other
        survivors = part.slots[(np.uint32(mask) & ~redone[part.slots]) != 0]
        exists[survivors] = True
    slots = np.flatnonzero(exists).astype(np.uint16)
    position = np.full(size, -1, np.int64)
    position[slots] = np.arange(len(slots))
    places = [position[part.slots] for part in parts]
    columns = []
    for item in items_of(head.interval):
        merged = _merge_item(item, parts, coverage, places, position, len(slots))
        if merged is not None:
            columns.append(merged)
    covered = union_covered(head.interval, head.year, *(p.covered for p in parts))
    return replace(head, slots=slots, columns=tuple(columns), covered=covered)


def _alone(batch: RecordBatch, size: int) -> RecordBatch | None:
    """`merge` of one batch: itself, canonical, without the columns that say nothing. None if it is too odd for that."""
    slots = batch.slots.astype(np.int64)
    codes = [c.item.code for c in batch.columns]
    ordered = all(a < b for a, b in pairwise(codes)) and all(c.item.interval is batch.interval for c in batch.columns)
    if not ordered or (len(slots) and (slots[-1] >= size or np.any(slots[1:] <= slots[:-1]))):
        return None
    sheet = sheet_of(batch.columns, len(slots))
    told = (sheet.present | (sheet.qc != qc_flags.NOT_REPORTED)).any(axis=1)
    exponents = [c.exponent for c in batch.columns]
    columns = columns_of([c.item for c in batch.columns], exponents, sheet.scaled, sheet.present, sheet.qc)
    return replace(
        batch,
        slots=batch.slots.astype(np.uint16),
        columns=tuple(c for c, keep in zip(columns, told.tolist(), strict=True) if keep),
        covered=union_covered(batch.interval, batch.year, batch.covered),
    )


def _merge_item(
    item: DataItem,
    parts: Sequence[RecordBatch],
    coverage: Sequence[NDArray[np.uint32]],
    places: Sequence[IntArray],
    position: IntArray,
    count: int,
) -> Column | None:
    found = [c for p in parts if (c := p.column_of(item)) is not None]
    if not found:
        return None
    exponent = max(c.exponent for c in found)
    scaled = np.zeros(count, np.int64)
    present = np.zeros(count, np.bool_)
    qc = np.full(count, qc_flags.NOT_REPORTED, np.uint8)
    for part, covered, at in zip(parts, coverage, places, strict=True):
        dropped = position[np.flatnonzero(covered & np.uint32(1 << item.code))]
        dropped = dropped[dropped >= 0]
        scaled[dropped], present[dropped], qc[dropped] = 0, False, qc_flags.NOT_REPORTED
        source = part.column_of(item)
        if source is None:
            continue
        here = at >= 0
        source_present = source.present
        carried = here & ((source.qc != qc_flags.NOT_REPORTED) | source_present)
        to = at[carried]
        scaled[to] = source.scaled[carried].astype(np.int64) * 10 ** (exponent - source.exponent)
        present[to] = source_present[carried]
        qc[to] = source.qc[carried]
    if np.all(qc == qc_flags.NOT_REPORTED) and not present.any():
        return None
    return column(item, exponent, scaled, present, qc)
