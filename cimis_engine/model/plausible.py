"""Plausibility: which values lie outside what is physical, or change faster than weather does. Pure.

A mark says "look at this"; it never alters a value, and it is no QC flag: the agency's flags stay what they are. Dirty
values with a blank flag exist (vapour pressure 1529 kPa, solar radiation 3362 W/m², wind 44.7 m/s).

Comparisons are between integers: limits are brought to the column's unit and decimals exactly and then rounded to the
side that changes no verdict.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray

from cimis_engine.model.conversion import Line, line_of
from cimis_engine.model.items import DAILY_ITEMS, HOURLY_ITEMS, DataItem, Interval, UnitSystem
from cimis_engine.model.period import HOURS

RANGE, JUMP = 1, 2
"""Bits of a mark: outside `low..high`; further than `step` from a value at most `hours` before."""
MARK_WORDS = (None, "range", "jump", "range+jump")
_INT64 = np.iinfo(np.int64)


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one item, in its metric unit. None: no such limit. `hours` is the window of `step`, whole days if daily."""

    low: Decimal | None = None
    high: Decimal | None = None
    step: Decimal | None = None
    hours: int = 1


Rules = Mapping[str, Limits]
"""Slug → limits; items without an entry are never marked."""

# low, high, step, and where each number comes from. "blank" are the ranges of values with a blank flag at fifteen
# stations of the Central Valley, 2014 to 2016 (minimum to 99.9th percentile, 10,406 daily and 249,761 hourly records);
# stations in deserts and mountains go beyond them, so a limit is never one of those numbers itself. Steps are 1.5 times
# the largest change between neighbouring blank values in 5,800 days of nine and 58,800 hours of five of those stations,
# rounded; `benchmarks/measure_steps.py` measures them. No step where a front or a cloud can do anything (rain,
# radiation, wind direction), or where no such values were at hand to measure.
_TABLE: dict[str, tuple[str | None, str | None, str | None]] = {
    # Air: California's extremes, -45 °F (Boca, 1937) and 134 °F (Death Valley, 1913): -43 and 57 °C. Steps: 8.5, 16.2
    # and 12.4 °C a day; 8.4 °C an hour.
    "day-air-tmp-avg": ("-43", "57", "13"),
    "day-air-tmp-max": ("-43", "57", "24"),
    "day-air-tmp-min": ("-43", "57", "19"),
    "hly-air-tmp": ("-43", "57", "13"),
    # Dew point: blank -12.6..16.1 a day; hourly ones to 17.9, and -51.7, which is not believed. High: 30 °C is the
    # vapour pressure's limit below. Low: -40, three times the lowest that is. Steps: 14.3, 12.8 °C.
    "day-dew-pnt": ("-40", "30", "21"),
    "hly-dew-pnt": ("-40", "30", "19"),
    # ETo: blank 0..9.7 mm a day (once 15.6) and 0..0.9 an hour. High: a day of the largest radiation below, 400 W/m²
    # or 34.6 MJ/m², evaporates 14.1 mm at 2.45 MJ/kg: 15; twice the blank hour. ETr is of alfalfa, a third more. Steps:
    # 6.0 and 0.57 mm.
    "day-eto": ("0", "15", "9"),
    "day-asce-eto": ("0", "15", "9"),
    "day-asce-etr": ("0", "20", None),
    "hly-eto": ("0", "1.8", "0.9"),
    "hly-asce-eto": ("0", "1.8", "0.9"),
    "hly-asce-etr": ("0", "2.4", None),
    # Rain: blank to 55 mm a day (once 79.8) and 5 an hour (once 47.2). High: four times the one, twice the other.
    "day-precip": ("0", "320", None),
    "hly-precip": ("0", "95", None),
    # Humidity and direction: by definition. Step: 43 % an hour.
    "day-rel-hum-avg": ("0", "100", None),
    "day-rel-hum-max": ("0", "100", None),
    "day-rel-hum-min": ("0", "100", None),
    "hly-rel-hum": ("0", "100", "65"),
    "hly-wind-dir": ("0", "360", None),
    # Soil: blank 4.4..26 °C a day, 2.3..39 an hour; a quarter of that width further on both sides. Step: 3.5 °C.
    "day-soil-tmp-avg": ("-7", "48", None),
    "day-soil-tmp-max": ("-7", "48", None),
    "day-soil-tmp-min": ("-7", "48", None),
    "hly-soil-tmp": ("-7", "48", "5"),
    # Solar: blank 5..361 W/m² a day, -4..980 an hour. High: a tenth more, which is 0.82 of the 486 W/m² (41.9 MJ/m² a
    # day) above the atmosphere at 40° N in June (FAO-56, table 2.6); an hour: 0.9 of the solar constant, 1361 W/m².
    # Low: the sensor's offset at night, and a margin.
    "day-sol-rad-avg": ("0", "400", None),
    "hly-sol-rad": ("-10", "1225", None),
    # Net: blank -20..197 a day, -99..602 an hour; half that width further on both sides.
    "day-sol-rad-net": ("-130", "305", None),
    "hly-net-rad": ("-450", "950", None),
    # Vapour pressure: blank 0.1..2.6 kPa a day, 0..2.1 an hour. High: saturated air of 30 °C, 4.24 kPa (FAO-56,
    # eq. 11). Steps: 1.2 and 0.8 kPa.
    "day-vap-pres-avg": ("0", "4.24", "1.8"),
    "day-vap-pres-max": ("0", "4.24", "1.8"),
    "day-vap-pres-min": ("0", "4.24", "1.8"),
    "hly-vap-pres": ("0", "4.24", "1.2"),
    # Wind: blank 0.4..7.0 m/s a day, 0..9.8 an hour; hours above 20 are among the dirty ones. Steps: 4.5, 4.2 and 5.4.
    # Run: the day's speed, 15 m/s for 86,400 s.
    "day-wind-spd-avg": ("0", "15", "7"),
    "day-wind-run": ("0", "1296", None),
    "hly-res-wind": ("0", "20", "6.5"),
    "hly-wind-spd": ("0", "20", "8"),
}


def _limits(item: DataItem) -> Limits:
    low, high, step = (None if text is None else Decimal(text) for text in _TABLE[item.slug])
    return Limits(low, high, step, HOURS if item.interval is Interval.DAILY else 1)


DEFAULT_RULES: Rules = {item.slug: _limits(item) for item in (*DAILY_ITEMS, *HOURLY_ITEMS) if item.slug in _TABLE}


def window(interval: Interval, limits: Limits) -> int:
    """The slots that `hours` are."""
    return limits.hours if interval is Interval.HOURLY else limits.hours // HOURS


def marks(
    item: DataItem,
    units: UnitSystem,
    limits: Limits,
    exponent: int,
    scaled: NDArray[np.int64],
    present: NDArray[np.bool_],
    times: NDArray[np.int64],
) -> NDArray[np.uint8]:
    """A mark for each value (0: none, and where no value is) of one item, in `units`.

    `times` number the slots, on through the years, ascending within a station; those of different stations must lie
    further apart than any window.
    """
    line = line_of(item, UnitSystem.METRIC, units)
    scale = 10**exponent
    found = np.zeros(len(scaled), np.uint8)
    if limits.low is not None:
        found[scaled < _bounded(ceil(line.of(Fraction(limits.low)) * scale))] |= RANGE
    if limits.high is not None:
        found[scaled > _bounded(floor(line.of(Fraction(limits.high)) * scale))] |= RANGE
    if limits.step is not None:
        found[_jumps(limits.step, window(item.interval, limits), line, scale, scaled, present, times)] |= JUMP
    found[~present] = 0
    return found


def _jumps(
    step: Decimal,
    slots: int,
    line: Line,
    scale: int,
    scaled: NDArray[np.int64],
    present: NDArray[np.bool_],
    times: NDArray[np.int64],
) -> NDArray[np.intp]:
    """Where a value is further than `step` from one at most `slots` before it."""
    limit = _bounded(floor(line.of_difference(Fraction(step)) * scale))
    at = np.flatnonzero(present)
    values, when = scaled[at], times[at]
    jumped = np.zeros(len(at), np.bool_)
    # Times ascend, so the value `back` places before is at least `back` slots before: none beyond `slots` matter.
    for back in range(1, min(slots, len(at) - 1) + 1):
        apart = when[back:] - when[:-back]
        near = (apart > 0) & (apart <= slots)
        high, low = np.maximum(values[back:], values[:-back]), np.minimum(values[back:], values[:-back])
        # As unsigned: the difference of two int64 may be no int64.
        jumped[back:] |= near & (high.astype(np.uint64) - low.astype(np.uint64) > np.uint64(limit))
    return at[jumped]


def _bounded(limit: int) -> int:
    return max(_INT64.min, min(limit, _INT64.max))
