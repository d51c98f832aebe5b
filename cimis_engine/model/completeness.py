"""Completeness: which slots a station owes, which of them came, which the agency has not, which nobody asked for. Pure.

A station owes the slots between its connect and disconnect dates, both included. A record outside them is kept as data
(closed stations go on with empty records for some days) and counted as unexpected.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cimis_engine.model.batch import RecordBatch, coverage_array
from cimis_engine.model.items import Interval
from cimis_engine.model.period import moment_of, slots_in_year
from cimis_engine.model.qc import PENDING

SlotRange = tuple[int, int]
"""First and last slot of a run, both included."""
Bools = NDArray[np.bool_]


def slot_ranges(chosen: Bools) -> tuple[SlotRange, ...]:
    """The runs of true elements of an array by slot (element 0 is no slot), ascending."""
    edges = np.flatnonzero(np.diff(chosen.astype(np.int8), prepend=0, append=0))
    starts, ends = edges[::2].tolist(), (edges[1::2] - 1).tolist()
    return tuple(zip(starts, ends, strict=True))


def slots_of(ranges: Iterable[SlotRange], size: int) -> Bools:
    """An array by slot, true within the ranges. Inverse of `slot_ranges`."""
    chosen = np.zeros(size + 1, np.bool_)
    for first, last in ranges:
        chosen[first : last + 1] = True
    return chosen


def count_slots(ranges: Iterable[SlotRange]) -> int:
    return sum(last - first + 1 for first, last in ranges)


@dataclass(frozen=True, slots=True)
class Completeness:
    """What came of the slots one year owed. `missing` are runs of owed slots without a record; `unexpected` counts
    records for slots that were not owed."""

    expected: int
    missing: tuple[SlotRange, ...]
    unexpected: int


def compare(owed: range, slots: NDArray[Any], interval: Interval, year: int) -> Completeness:
    """The slots owed beside those that came."""
    lacking = np.zeros(slots_in_year(interval, year) + 1, np.bool_)
    lacking[owed.start : owed.stop] = True
    came = int(np.count_nonzero(lacking[slots]))
    lacking[slots] = False
    return Completeness(len(owed), slot_ranges(lacking), len(slots) - came)


def absent_slots(batch: RecordBatch) -> tuple[SlotRange, ...]:
    """Slots that were asked for and have no record: the agency has none."""
    asked = coverage_array(slots_in_year(batch.interval, batch.year), batch.covered) > 0
    asked[batch.slots] = False
    return slot_ranges(asked)


def pending_slots(batch: RecordBatch) -> tuple[SlotRange, ...]:
    """Slots with a value whose quality test is pending (flag P): the agency will look at them again."""
    pending = np.zeros(slots_in_year(batch.interval, batch.year) + 1, np.bool_)
    for column in batch.columns:
        pending[batch.slots[column.qc == PENDING]] = True
    return slot_ranges(pending)


def slot_text(interval: Interval, year: int, slot: int) -> str:
    """`2024-07-27`, or `2024-07-27 1400` for an hour."""
    day, hour = moment_of(interval, year, slot)
    return str(day) if hour is None else f"{day} {hour:02d}00"


def range_texts(interval: Interval, year: int, ranges: Iterable[SlotRange]) -> list[dict[str, str]]:
    """Slot ranges as dates: `{"first": "2024-07-27", "last": "2024-07-28"}`, inclusive."""
    return [{"first": slot_text(interval, year, a), "last": slot_text(interval, year, b)} for a, b in ranges]
