"""Coverage: what a store holds of the slots its stations owed, year by year. Pure: from catalog entries alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from cimis_engine.model.completeness import SlotRange, count_slots, slot_ranges
from cimis_engine.model.items import Interval
from cimis_engine.model.period import Span, slots_in_year
from cimis_engine.store.catalog import ChunkEntry


class Standing(IntEnum):
    """How a slot, or several together, stand: what is more worth telling has the higher number.

    OUTSIDE the station's life; WHOLE: there is a record; MISSING: asked for, and the agency has none; REVISED: the
    agency changed what was stored; PROVISIONAL: a value's quality test is pending; PARTIAL (several together only):
    some asked for and some not; UNASKED: never asked for.
    """

    OUTSIDE = 0
    WHOLE = 1
    MISSING = 2
    REVISED = 3
    PROVISIONAL = 4
    PARTIAL = 5
    UNASKED = 6


Standings = NDArray[np.uint8]


def slot_standings(
    interval: Interval, year: int, life: Span | None, entry: ChunkEntry | None, revised: Iterable[int] = ()
) -> Standings:
    """The standing of every slot of a year (element 0 is no slot). `life`: the days the station owes; `revised`: slots.

    Records that are not owed do not show: `YearCoverage` counts them.
    """
    owed = life.slot_range(interval, year) if life else range(0)
    standings = np.zeros(slots_in_year(interval, year) + 1, np.uint8)
    standings[owed.start : owed.stop] = Standing.UNASKED
    if entry is None:
        return standings
    layers: tuple[tuple[Standing, Iterable[SlotRange]], ...] = (
        (Standing.WHOLE, ((c.first, c.last) for c in entry.covered if c.mask)),
        (Standing.MISSING, entry.absent),
        (Standing.REVISED, ((slot, slot) for slot in revised)),
        (Standing.PROVISIONAL, entry.pending),
    )
    for standing, ranges in layers:
        for first, last in ranges:
            standings[max(first, owed.start) : max(0, min(last + 1, owed.stop))] = standing
    return standings


def standings_together(standings: Standings, starts: Sequence[int] | NDArray[np.intp]) -> Standings:
    """The standing of each run of slots; a run begins at each of `starts` (ascending) and ends before the next."""
    highest = np.maximum.reduceat(standings, starts)
    lowest = np.minimum.reduceat(np.where(standings == Standing.OUTSIDE, Standing.UNASKED, standings), starts)
    torn = (highest == Standing.UNASKED) & (lowest < Standing.UNASKED)
    return np.where(torn, np.uint8(Standing.PARTIAL), highest)


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
    provisional: int
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
    standings = slot_standings(interval, year, life, entry)
    missing, unasked = standings == Standing.MISSING, standings == Standing.UNASKED
    expected = int(np.count_nonzero(standings))
    kept = expected - int(np.count_nonzero(missing | unasked))
    records = entry.records if entry else 0
    return YearCoverage(
        station=station,
        year=year,
        expected=expected,
        records=records,
        unexpected=records - kept,
        missing_slots=slot_ranges(missing),
        unasked_slots=slot_ranges(unasked),
        provisional=int(np.count_nonzero(standings == Standing.PROVISIONAL)),
        nulls=entry.nulls if entry else 0,
    )
