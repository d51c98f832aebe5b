"""What sensors and the agency's quality control make of the weather: flags, nulls, and records that never came.

Kinds and rates follow flags counted in real responses (2014–2016, 15 stations): blank about 92 %, Y 4 %, R up to some
per cent, H, S, M, Q below 2 %; N for what a station does not measure. Flags are bytes of `model.qc`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cimis_engine.model.period import HOURS, days_in_year
from cimis_engine.model.qc import GOOD
from cimis_engine.model.station import Station
from cimis_engine.simulator.climate import first_day, revised_days
from cimis_engine.simulator.noise import key, uniform

Flags = NDArray[np.uint8]
Bools = NDArray[np.bool_]

SENSORS = ("air", "humidity", "soil", "solar", "net", "wind", "rain")
MISSING, OUT_OF_SERVICE, IGNORE, UNTESTED = (ord(c) for c in "MSIQ")
NOT_COLLECTED, AVERAGE, HOURS_FLAGGED, PENDING = (ord(c) for c in "NAHP")
MODERATE, FAR = (ord(c) for c in "YR")

_ABSENT_SHARE = 0.0005
_OUTAGE_SHARE = 0.004
_BROKEN_SHARE = 0.015
_BROKEN_DAYS = 7
_SPELL_HOURS = 6
_MODERATE_SHARE, _FAR_SHARE = 0.04, 0.012


class Quality:
    """The fate of one station-year's measurements. Arrays by hour of the year unless said otherwise."""

    def __init__(self, seed: int, station: Station, year: int, revise: int | None) -> None:
        self._seed, self._station, self._revise = seed, station, revise
        self._days = days_in_year(year)
        self._day = np.arange(self._days) + first_day(year)
        self._hour = np.arange(self._days * HOURS) + first_day(year) * HOURS
        self._clock = self._hour % HOURS
        self._revised = revised_days(revise, station.number, year) > 0.0
        outage = self._draw("outage", self._day)
        # Half of the outages begin before the day does; about a third of all take the whole day.
        first = np.maximum(0.0, self._draw("outage-hour", self._day) * 40.0 - 20.0)
        length = 1.0 + self._draw("outage-length", self._day) * 60.0
        since = self._clock - np.repeat(first, HOURS)
        self.outage: Bools = (
            np.repeat(outage < _OUTAGE_SHARE, HOURS) & (since >= 0.0) & (since < np.repeat(length, HOURS))
        )

    def _draw(self, name: str, index: NDArray[Any]) -> NDArray[np.float64]:
        return uniform(key(self._seed, self._station.number, "qc", name), index)

    def absent_days(self) -> Bools:
        """Days (one element a day) with no daily record."""
        return np.asarray(self._draw("absent", self._day) < _ABSENT_SHARE)

    def absent_hours(self) -> Bools:
        """On such a day hourly records stop after some hours."""
        kept = np.floor(self._draw("absent-hour", self._day) * HOURS)
        return np.asarray(np.repeat(self.absent_days(), HOURS) & (self._clock >= np.repeat(kept, HOURS)))

    def broken(self, sensor: str) -> Bools:
        """Spells of days in which one sensor is out of service."""
        size = HOURS * _BROKEN_DAYS
        first = int(self._hour[0]) // size
        block = np.arange(first, int(self._hour[-1]) // size + 1)
        down = self._draw(f"{sensor}-broken", block) < _BROKEN_SHARE
        start = np.where(down, np.floor(self._draw(f"{sensor}-start", block) * HOURS * 5), size)
        number, within = np.divmod(self._hour, size)
        return np.asarray(within >= start[number - first])

    def _limits(self, name: str, index: NDArray[Any], revised: Bools) -> Flags:
        draw = self._draw(name, index)
        if self._revise is not None:
            draw = np.where(revised, uniform(key(self._revise, self._station.number, name), index), draw)
        flags = np.full(len(index), GOOD, np.uint8)
        flags[draw < _MODERATE_SHARE + _FAR_SHARE] = FAR
        flags[draw < _MODERATE_SHARE] = MODERATE
        return flags

    def hourly_limits(self, name: str) -> Flags:
        """Blank, Y or R: how an hourly item compares with historical limits, in spells of some hours."""
        spell_of_day = HOURS // _SPELL_HOURS
        revised = np.repeat(self._revised, spell_of_day)
        spells = np.arange(self._days * spell_of_day) + self._day[0] * spell_of_day
        return np.repeat(self._limits(f"hly-{name}", spells, revised), _SPELL_HOURS)

    def daily_limits(self, name: str) -> Flags:
        """Blank, Y or R for each day."""
        return self._limits(f"day-{name}", self._day, self._revised)

    def lacks(self, what: str) -> bool:
        """Whether the station never measures this: ETo only where grass is, net radiation not everywhere."""
        if what == "eto":
            return not self._station.eto
        return what == "net" and self._station.number % 8 == 7
