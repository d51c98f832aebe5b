"""Coverage: what a store holds of the slots its stations owed, year by year. Pure: from catalog entries alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cimis_engine.model.batch import coverage_array
from cimis_engine.model.completeness import SlotRange, count_slots, slot_ranges, slots_of
from cimis_engine.model.items import Interval
from cimis_engine.model.period import Span, slots_in_year
from cimis_engine.store.catalog import ChunkEntry


@dataclass(frozen=True, slots=True)
class YearCoverage:
    """One station and year: `expected` slots owed, and what is known of them.

    `records` are stored, `unexpected` of them for slots not owed. `missing` were asked for, and the agency has none;
    `unasked` were never asked for. `expected == records - unexpected + missing + unasked`, slots counted. `nulls` are
    values, not slots.
    """

    station: int
    year: int
    expected: int
    records: int
    unexpected: int
    missing_slots: tuple[SlotRange, ...]
    unasked_slots: tuple[SlotRange, ...]
    nulls: int

    @property
    def missing(self) -> int:
        return count_slots(self.missing_slots)

    @property
    def unasked(self) -> int:
        return count_slots(self.unasked_slots)

    @property
    def kept(self) -> int:
        """Owed slots that have a record."""
        return self.records - self.unexpected


def year_coverage(
    station: int, interval: Interval, year: int, life: Span | None, entry: ChunkEntry | None
) -> YearCoverage:
    """What the store has of one station and year. `life`: the days the station owes, cut to the dates that matter."""
    size = slots_in_year(interval, year)
    slots = life.slot_range(interval, year) if life else range(0)
    owed = np.zeros(size + 1, np.bool_)
    owed[slots.start : slots.stop] = True
    asked = owed & (coverage_array(size, entry.covered if entry else ()) > 0)
    missing = asked & slots_of(entry.absent if entry else (), size)
    kept = int(np.count_nonzero(asked & ~missing))
    records = entry.records if entry else 0
    return YearCoverage(
        station=station,
        year=year,
        expected=len(slots),
        records=records,
        unexpected=records - kept,
        missing_slots=slot_ranges(missing),
        unasked_slots=slot_ranges(owed & ~asked),
        nulls=entry.nulls if entry else 0,
    )
