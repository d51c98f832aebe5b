"""RecordBatch: the columns that fetch hands to the store. One station, interval, year and unit system.

A value is exact: an integer `scaled` and a decimal exponent per column, value = scaled / 10**exponent. Presence and QC
are their own arrays, because neither determines the other (real data has blank flags on nulls and severe flags on
values). Arrays are as narrow as their content allows: an hourly record of 14 items keeps about 46 bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cimis_engine.errors import CimisError
from cimis_engine.model import qc as qc_flags
from cimis_engine.model.items import DataItem, Interval, UnitSystem, items_of
from cimis_engine.model.period import slots_in_year

MAX_EXPONENT = 9
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
    wide = np.where(present, scaled, 0).astype(np.int64)
    while exponent > 0 and not np.any(wide % 10):
        wide //= 10
        exponent -= 1
    low, high = (int(wide.min()), int(wide.max())) if len(wide) else (0, 0)
    narrow = next(t for t in (np.int16, np.int32, np.int64) if np.iinfo(t).min <= low and high <= np.iinfo(t).max)
    return Column(item, exponent, wide.astype(narrow), np.packbits(present), np.ascontiguousarray(qc, np.uint8))


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


def _coverage_array(size: int, covered: Iterable[Covered]) -> NDArray[np.uint32]:
    masks = np.zeros(size + 1, np.uint32)
    for c in covered:
        masks[c.first : c.last + 1] |= np.uint32(c.mask)
    return masks


def union_covered(interval: Interval, year: int, *parts: Iterable[Covered]) -> tuple[Covered, ...]:
    """Coverage of several fetches together, in canonical form: ascending, disjoint, maximal runs of equal masks."""
    masks = _coverage_array(slots_in_year(interval, year), [c for part in parts for c in part])
    edges = np.flatnonzero(np.diff(masks)) + 1
    starts = [0, *edges.tolist()]
    ends = [*(edges - 1).tolist(), len(masks) - 1]
    return tuple(Covered(a, b, int(masks[a])) for a, b in zip(starts, ends, strict=True) if masks[a])


def uncovered(
    interval: Interval, year: int, covered: Iterable[Covered], wanted: range, items: Iterable[DataItem]
) -> range:
    """The smallest range of slots that holds every wanted slot not yet covered for all `items` (may be empty)."""
    want = np.uint32(item_mask(items))
    masks = _coverage_array(slots_in_year(interval, year), covered)
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
        return sum(len(self) - int(np.unpackbits(c.present_bits, count=len(self)).sum()) for c in self.columns)

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
    exists = np.zeros(size, np.bool_)
    for part in parts:
        asked = _coverage_array(size - 1, part.covered)
        exists[asked > 0] = False
        exists[part.slots] = True
    # A record that a later, narrower fetch did not touch survives for its other items.
    for part, later in ((p, parts[i + 1 :]) for i, p in enumerate(parts)):
        mask = item_mask(c.item for c in part.columns)
        redone = np.zeros(size, np.uint32)
        for other in later:
            redone |= _coverage_array(size - 1, other.covered)
        survivors = part.slots[(np.uint32(mask) & ~redone[part.slots]) != 0]
        exists[survivors] = True
    slots = np.flatnonzero(exists).astype(np.uint16)
    position = np.full(size, -1, np.int64)
    position[slots] = np.arange(len(slots))
    columns = []
    for item in items_of(head.interval):
        merged = _merge_item(item, parts, position, len(slots))
        if merged is not None:
            columns.append(merged)
    covered = union_covered(head.interval, head.year, *(p.covered for p in parts))
    return replace(head, slots=slots, columns=tuple(columns), covered=covered)


def _merge_item(item: DataItem, parts: Sequence[RecordBatch], position: IntArray, count: int) -> Column | None:
    found = [c for p in parts if (c := p.column_of(item)) is not None]
    if not found:
        return None
    exponent = max(c.exponent for c in found)
    scaled = np.zeros(count, np.int64)
    present = np.zeros(count, np.bool_)
    qc = np.full(count, qc_flags.NOT_REPORTED, np.uint8)
    for part in parts:
        asked = _coverage_array(len(position) - 1, part.covered) & np.uint32(1 << item.code)
        dropped = position[np.flatnonzero(asked)]
        dropped = dropped[dropped >= 0]
        scaled[dropped], present[dropped], qc[dropped] = 0, False, qc_flags.NOT_REPORTED
        source = part.column_of(item)
        if source is None:
            continue
        at = position[part.slots]
        here = at >= 0
        carried = here & ((source.qc != qc_flags.NOT_REPORTED) | source.present)
        at = at[carried]
        scaled[at] = source.scaled[carried].astype(np.int64) * 10 ** (exponent - source.exponent)
        present[at] = source.present[carried]
        qc[at] = source.qc[carried]
    if np.all(qc == qc_flags.NOT_REPORTED) and not present.any():
        return None
    return column(item, exponent, scaled, present, qc)
