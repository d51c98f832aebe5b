"""The difference of two states of one chunk, exact, and its application. Pure.

A patch says which slots are gone, which are new and which hold another record now, and gives the records of the last
two: every item's presence, flag and value, less what the state before lets one expect. So a record in which one flag
was settled is nearly all zeros, and a new day is its steps from the day before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cimis_engine.model.batch import Covered, RecordBatch, columns_of, coverage_array
from cimis_engine.model.completeness import SlotRange, slot_ranges, slots_of
from cimis_engine.model.items import DataItem, Interval, UnitSystem
from cimis_engine.model.period import slots_in_year
from cimis_engine.model.qc import NOT_REPORTED
from cimis_engine.store.paths import Key

SOURCE_BYTES = 8
"""Bytes of the source's digest that a patch carries: enough to tell states apart. The target's it carries whole."""
_BLANK = ord(" ")
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Cells of some slots: arrays of shape (items, slots).

    `flags` are XORed with the flag expected there. `values` are differences from the value expected, modulo 2**64,
    and 0 where `present` is false.
    """

    present: Bools
    flags: NDArray[np.uint8]
    values: NDArray[np.int64]

    @property
    def count(self) -> int:
        return int(self.present.shape[1])


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """What makes the chunk of digest `target` (32 bytes) from the one whose digest begins with `source` (None: none).

    `items` are the target's, `exponents` theirs. `covered` are the runs of slots whose mask of items asked for is
    another now (0: none is). `added`, `changed` and `removed` are runs of slots; the records of the first two are in
    `fresh` and `other`, in that order.

    What is expected of a changed record is the record before. Of an added one: blank flags, and the item's value in the
    record before it in the year where `stepped` says so (else 0), by item.
    """

    station: int
    interval: Interval
    year: int
    units: UnitSystem
    source: bytes | None
    target: bytes
    items: tuple[DataItem, ...]
    exponents: tuple[int, ...]
    stepped: Bools
    covered: tuple[Covered, ...]
    removed: tuple[SlotRange, ...]
    added: tuple[SlotRange, ...]
    changed: tuple[SlotRange, ...]
    fresh: Rows
    other: Rows

    @property
    def key(self) -> Key:
        return self.station, self.interval, self.year


@dataclass(frozen=True, slots=True, eq=False)
class Draft:
    """A patch with nothing stepped, and the `steps` that may take the place of its fresh values, of the same shape."""

    patch: Patch
    steps: NDArray[np.int64]


@dataclass(slots=True, eq=False)
class _Year:
    """A chunk's cells by slot (element 0 is no slot), shape (items, slots of the year + 1). `patched` writes to it."""

    has: Bools
    present: Bools
    flags: NDArray[np.uint8]
    scaled: NDArray[np.int64]


def _year(batch: RecordBatch | None, size: int, items: Sequence[DataItem], exponents: Sequence[int]) -> _Year:
    """A chunk under the items and exponents of another: items it has not are not reported.

    Values are raised modulo 2**64 or divided downwards. Both are exact for all that is equal in the other chunk;
    the rest is only what is expected there.
    """
    shape = (len(items), size + 1)
    year = _Year(
        np.zeros(size + 1, np.bool_),
        np.zeros(shape, np.bool_),
        np.full(shape, NOT_REPORTED, np.uint8),
        np.zeros(shape, np.int64),
    )
    if batch is None:
        return year
    year.has[batch.slots] = True
    for row, (item, exponent) in enumerate(zip(items, exponents, strict=True)):
        column = batch.column_of(item)
        if column is None:
            continue
        scaled = column.scaled.astype(np.int64)
        up = exponent - column.exponent
        year.present[row, batch.slots] = column.present
        year.flags[row, batch.slots] = column.qc
        year.scaled[row, batch.slots] = scaled * np.int64(10**up) if up >= 0 else scaled // np.int64(10**-up)
    return year


def draft(old: RecordBatch | None, new: RecordBatch, source: bytes | None, target: bytes) -> Draft:
    """What makes `new` of `old`. Both are canonical and of one chunk and unit system; the digests are theirs."""
    size = slots_in_year(new.interval, new.year)
    items, exponents = tuple(c.item for c in new.columns), tuple(c.exponent for c in new.columns)
    was, now = _year(old, size, items, exponents), _year(new, size, items, exponents)
    differs = (was.present != now.present) | (was.flags != now.flags) | (was.scaled != now.scaled)
    changed = was.has & now.has & differs.any(axis=0)
    added = now.has & ~was.has
    before = coverage_array(size, old.covered if old else ())
    after = coverage_array(size, new.covered)
    patch = Patch(
        station=new.station,
        interval=new.interval,
        year=new.year,
        units=new.units,
        source=source,
        target=target,
        items=items,
        exponents=exponents,
        stepped=np.zeros(len(items), np.bool_),
        covered=_runs(before != after, after),
        removed=slot_ranges(was.has & ~now.has),
        added=slot_ranges(added),
        changed=slot_ranges(changed),
        fresh=_rows(now, added, np.uint8(_BLANK), np.int64(0)),
        other=_rows(now, changed, was.flags[:, changed], was.scaled[:, changed]),
    )
    return Draft(patch, np.where(patch.fresh.present, _steps(now)[:, added], 0))


def _rows(now: _Year, chosen: Bools, flags: Any, values: Any) -> Rows:
    present = now.present[:, chosen]
    return Rows(present, now.flags[:, chosen] ^ flags, np.where(present, now.scaled[:, chosen] - values, 0))


def _steps(year: _Year) -> NDArray[np.int64]:
    """Every present value less the present one before it in the year."""
    steps = np.zeros_like(year.scaled)
    for row, present in enumerate(year.present):
        at = np.flatnonzero(present)
        values = year.scaled[row, at]
        steps[row, at] = np.diff(values, prepend=np.int64(0))
    return steps


def _runs(chosen: Bools, masks: NDArray[np.uint32]) -> tuple[Covered, ...]:
    """Maximal runs of chosen slots with equal masks."""
    edges = np.flatnonzero((np.diff(masks) != 0) | (np.diff(chosen.astype(np.int8)) != 0)) + 1
    starts = [0, *edges.tolist()]
    ends = [*(edges - 1).tolist(), len(masks) - 1]
    return tuple(Covered(a, b, int(masks[a])) for a, b in zip(starts, ends, strict=True) if chosen[a])


def patched(old: RecordBatch | None, patch: Patch) -> RecordBatch:
    """The chunk that a patch makes of `old`: whether it is the one meant, its digest must show."""
    size = slots_in_year(patch.interval, patch.year)
    year = _year(old, size, patch.items, patch.exponents)
    gone, added, changed = (slots_of(runs, size) for runs in (patch.removed, patch.added, patch.changed))
    year.has[gone] = False
    year.present[:, gone] = False
    year.has |= added | changed
    for chosen, rows, flags in ((added, patch.fresh, np.uint8(_BLANK)), (changed, patch.other, year.flags[:, changed])):
        year.present[:, chosen] = rows.present
        year.flags[:, chosen] = rows.flags ^ flags
    year.scaled[:, changed] = np.where(patch.other.present, year.scaled[:, changed] + patch.other.values, 0)
    year.scaled[:, added] = patch.fresh.values
    for row in np.flatnonzero(patch.stepped).tolist():
        _climb(year.scaled[row], year.present[row], added)
    slots = np.flatnonzero(year.has)
    masks = coverage_array(size, old.covered if old else ())
    for run in patch.covered:
        masks[run.first : run.last + 1] = run.mask
    columns = columns_of(
        patch.items, patch.exponents, year.scaled[:, slots], year.present[:, slots], year.flags[:, slots]
    )
    return RecordBatch(
        patch.station,
        patch.interval,
        patch.year,
        patch.units,
        slots.astype(np.uint16),
        columns,
        _runs(masks > 0, masks),
    )


def _climb(scaled: NDArray[np.int64], present: Bools, added: Bools) -> None:
    """Undo `_steps` at an item's added slots, in place: each is the last known value and the steps since."""
    at = np.flatnonzero(present)
    values, step = scaled[at], added[at]
    sums = np.cumsum(np.where(step, values, 0), dtype=np.int64)
    known = np.maximum.accumulate(np.where(step, -1, np.arange(len(at))))
    base = np.where(known >= 0, (values - sums)[known], 0)
    scaled[at] = np.where(step, base + sums, values)
