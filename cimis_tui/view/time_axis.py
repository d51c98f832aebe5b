"""The axis of the heat map: years, and nearer months, days and hours, each a column. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from cimis_engine.model.completeness import slot_text
from cimis_engine.model.items import Interval
from cimis_engine.model.period import HOURS, days_in_year, slot_of, slots_in_year
from cimis_tui.view.units import MONTHS

ZOOMS = {Interval.DAILY: ("years", "months", "days"), Interval.HOURLY: ("years", "months", "days", "hours")}
"""From far to near."""


@lru_cache
def _starts(interval: Interval, zoom: str, days: int) -> NDArray[np.intp]:
    """The first slot of each column of a year of so many days."""
    a_day = 1 if interval is Interval.DAILY else HOURS
    if zoom == "months":
        year = 2024 if days == 366 else 2023
        return np.array([slot_of(date(year, month, 1)) * a_day - a_day + 1 for month in range(1, 13)], np.intp)
    step = {"years": days * a_day, "days": a_day, "hours": 1}[zoom]
    return np.arange(1, days * a_day + 1, step, dtype=np.intp)


@dataclass(frozen=True)
class Axis:
    """Columns numbered from 0, each some adjoining slots of one year."""

    interval: Interval
    years: range
    zoom: str = "years"

    def columns_of(self, year: int) -> int:
        """How many columns a year has."""
        days = days_in_year(year)
        return {"years": 1, "months": 12, "days": days, "hours": days * HOURS}[self.zoom]

    @cached_property
    def _edges(self) -> list[int]:
        """The first column of every year, and one past the last of all."""
        edges = [0]
        for year in self.years:
            edges.append(edges[-1] + self.columns_of(year))
        return edges

    @property
    def count(self) -> int:
        return self._edges[-1]

    def at(self, column: int) -> tuple[int, int]:
        """The year of a column, and its number within the year, from 0."""
        place = bisect_right(self._edges, column) - 1
        return self.years[place], column - self._edges[place]

    def first_column(self, year: int) -> int:
        return self._edges[year - self.years[0]]

    def starts(self, year: int) -> NDArray[np.intp]:
        """The first slot of each column of a year."""
        return _starts(self.interval, self.zoom, days_in_year(year))

    def slots(self, column: int) -> range:
        """The slots of a column."""
        year, number = self.at(column)
        starts = self.starts(year)
        end = int(starts[number + 1]) if number + 1 < len(starts) else slots_in_year(self.interval, year) + 1
        return range(int(starts[number]), end)

    def column_of(self, year: int, slot: int) -> int:
        """The column that a slot is in."""
        inside = int(np.searchsorted(self.starts(year), slot, side="right")) - 1
        return self.first_column(year) + inside

    def name(self, column: int) -> str:
        """`2016`, `Mar 2016`, `2016-03-04` or `2016-03-04 0500`."""
        year, number = self.at(column)
        if self.zoom == "years":
            return str(year)
        if self.zoom == "months":
            return f"{MONTHS[number]} {year}"
        text = slot_text(self.interval, year, self.slots(column).start)
        return text if self.zoom == "hours" else text[:10]

    def ticks(self, first: int, count: int) -> Iterator[tuple[int, str]]:
        """(column, label) of the round ones among `count` columns: every fifth year, every January, month or day."""
        for column in range(first, min(self.count, first + count)):
            year, number = self.at(column)
            if self.zoom == "years":
                if year % 5 == 0:
                    yield column, str(year)
            elif self.zoom == "months":
                if number == 0:
                    yield column, str(year)
            elif self.zoom == "hours":
                if number % HOURS == 0:
                    yield column, self.name(column)[:10]
            else:
                day = date.fromordinal(date(year, 1, 1).toordinal() + number)
                if day.day == 1:
                    yield column, f"{MONTHS[day.month - 1]} {year}" if day.month == 1 else MONTHS[day.month - 1]
