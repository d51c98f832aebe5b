"""Where records come from. `Source` is what the server asks; `SimulatedSource` answers with invented weather."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Protocol

import numpy as np

from cimis_engine.lru import ByteLru
from cimis_engine.model.items import DataItem, Interval, UnitSystem
from cimis_engine.model.period import HOURS
from cimis_engine.model.qc import GOOD
from cimis_engine.model.station import Station
from cimis_engine.simulator import render
from cimis_engine.simulator.places import SpatialQuery
from cimis_engine.simulator.quality import AVERAGE, MISSING, PENDING
from cimis_engine.simulator.query import DataQuery
from cimis_engine.simulator.weather import Column, StationYear, Weather

PENDING_DAYS = 7
_AFTERLIFE_DAYS = 3
"""A closed station goes on with empty records for some days."""
_YEAR_BUDGET = 64 << 20
_TEXT_BUDGET = 96 << 20


@dataclass(frozen=True, slots=True)
class Now:
    """The agency's date, and how many of its hours have ended."""

    today: date
    hour: int


class Source(Protocol):
    """`directory`: the API's station entries by number. `records`: whole records as JSON text, in the API's order.

    `spatial`: the same for places that are not stations, one after another.
    """

    @property
    def directory(self) -> Mapping[int, dict[str, Any]]: ...

    def records(self, query: DataQuery, now: Now) -> list[str]: ...

    def spatial(self, query: SpatialQuery, now: Now) -> list[str]: ...


def settled(year_end: date, now: Now) -> bool:
    """Whether days up to `year_end` no longer depend on what day it is."""
    return year_end < now.today - timedelta(days=PENDING_DAYS)


class SimulatedSource:
    """Weather made for the request; station-years and their texts are cached. Safe to use from several threads."""

    def __init__(
        self, weather: Weather, stations: Mapping[int, Station], directory: Mapping[int, dict[str, Any]]
    ) -> None:
        self._weather, self._stations, self._directory = weather, stations, directory
        self._years: ByteLru[StationYear] = ByteLru(_YEAR_BUDGET)
        self._texts: ByteLru[list[str | None]] = ByteLru(_TEXT_BUDGET)

    @property
    def directory(self) -> Mapping[int, dict[str, Any]]:
        return self._directory

    def records(self, query: DataQuery, now: Now) -> list[str]:
        found: list[str] = []
        for number in query.stations:
            station = self._stations[number]
            last = station.disconnect + timedelta(days=_AFTERLIFE_DAYS) if station.disconnect else None
            span = query.span.clip(station.connect, last)
            for year in span.years if span else ():
                assert span is not None
                slots = span.slot_range(query.interval, year)
                texts = self._year_texts(station, query, year, now)
                found += [t for t in texts[slots.start - 1 : slots.stop - 1] if t is not None]
        return found

    def spatial(self, query: SpatialQuery, now: Now) -> list[str]:
        found: list[str] = []
        for spot in query.spots:
            station, tail = self._stations[spot.station], render.place_tail(spot.members, query.units)
            span = query.span.clip(station.connect, station.disconnect)
            for year in span.years if span else ():
                assert span is not None
                slots = span.slot_range(Interval.DAILY, year)
                data = self._station_year(station, Interval.DAILY, year)
                texts = self._render(station, query.units, query.items, data, year, now, tail)
                found += [t for t in texts[slots.start - 1 : slots.stop - 1] if t is not None]
        return found

    def _year_texts(self, station: Station, query: DataQuery, year: int, now: Now) -> list[str | None]:
        """The record of each slot of a year, None where there is none."""
        key = (station.number, query.interval, query.units, query.items, year)
        stable = settled(date(year, 12, 31), now)
        if stable and (known := self._texts.get(key)) is not None:
            return known
        data = self._station_year(station, query.interval, year)
        tail = render.station_tail(station, query.interval, query.units)
        texts = self._render(station, query.units, query.items, data, year, now, tail)
        if stable:
            self._texts.put(key, texts, sum(len(t) + 60 for t in texts if t))
        return texts

    def _station_year(self, station: Station, interval: Interval, year: int) -> StationYear:
        key = (station.number, interval, year)
        data = self._years.get(key)
        if data is None:
            data = self._weather.station_year(station, interval, year)
            self._years.put(key, data, sum(c.values.nbytes * 5 // 4 for c in data.columns.values()))
        return data

    @staticmethod
    def _render(
        station: Station,
        units: UnitSystem,
        items: tuple[DataItem, ...],
        data: StationYear,
        year: int,
        now: Now,
        tail: str,
    ) -> list[str | None]:
        columns = [
            render.fragments(item, units, as_of(data.columns[item.slug], item, station, year, now)) for item in items
        ]
        whole = render.records(render.heads(data.interval, year, tail), columns)
        return [None if gone else text for text, gone in zip(whole, data.absent.tolist(), strict=True)]


def as_of(column: Column, item: DataItem, station: Station, year: int, now: Now) -> Column:
    """A column as the agency shows it today: pending flags, a day still going on, a station that has closed."""
    per_day = 1 if item.interval is Interval.DAILY else HOURS
    begins, size = date(year, 1, 1), len(column.values)

    def slot(day: date) -> int:
        """Index of the first slot of a day, cut to the year."""
        return min(max((day - begins).days * per_day, 0), size)

    closed = slot(station.disconnect) if station.disconnect else size
    pending, today = slot(now.today - timedelta(days=PENDING_DAYS)), slot(now.today)
    if closed == size and pending == size:
        return column
    present, flags = column.present.copy(), column.flags.copy()
    recent = flags[pending:]
    recent[recent == GOOD] = PENDING
    if today < size and item.interval is Interval.DAILY:
        average = item.slug in ("day-eto", "day-asce-eto") and bool(column.present[today])
        present[today:], flags[today:] = average, AVERAGE if average else GOOD
    elif today < size:
        present[today + now.hour :], flags[today + now.hour :] = False, GOOD
    present[closed:], flags[closed:] = False, MISSING
    return Column(column.values, np.asarray(present), np.asarray(flags))
