"""Curves made up for the presenters' tests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np

from cimis_engine.model.items import Interval, UnitSystem, parse_items
from cimis_engine.store.records import Series
from cimis_tui.view.curve import Curve, slot_number, unit_words


def curve(
    values: Sequence[int | None],
    *,
    slug: str = "day-eto",
    start: date = date(2024, 1, 1),
    skip: Sequence[int] = (),
    flags: str = "",
    exponent: int = 2,
    station: int = 2,
) -> Curve:
    """A value a slot from `start` on (None: the record has no value); `skip` are the places without a record."""
    interval = Interval.DAILY if slug.startswith("day") else Interval.HOURLY
    (item,) = parse_items([slug], interval)
    places = np.array([n for n in range(len(values)) if n not in skip], np.int64)
    kept = [values[n] for n in places]
    letters = flags.ljust(len(values))
    series = Series(
        item,
        item.unit(UnitSystem.METRIC),
        exponent,
        np.array([v or 0 for v in kept], np.int64),
        np.array([v is not None for v in kept], np.bool_),
        np.array([ord(letters[n]) for n in places], np.uint8),
    )
    return Curve(station, "Davis", unit_words(item, UnitSystem.METRIC), slot_number(interval, start) + places, series)
