"""The hourly weather of a station and year: what really happened, before sensors, rounding and quality flags.

Day-scale states (warmth, storminess, wind) are AR(1) processes seeded by station and partly shared by all stations, so
that neighbours have similar weather; hours follow from them, the sun and the season. Every process is a function of
absolute time, hence years join. The climate is plausible for California, no more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import numpy as np

from cimis_engine.model.period import HOURS, days_in_year
from cimis_engine.model.station import Station
from cimis_engine.simulator import physics
from cimis_engine.simulator.noise import Floats, key, normal, persistent, uniform

_EPOCH = date(1970, 1, 1).toordinal()
_COAST_LATITUDE = (32.5, 34.0, 34.6, 36.6, 38.0, 39.0, 42.0)
_COAST_LONGITUDE = (-117.2, -118.7, -120.6, -121.9, -122.9, -123.8, -124.3)
_FEET = 0.3048
_REVISED_SHARE = 0.02
_SHARED = 0.6
"""Variance that a station's states share with all others."""


@dataclass(frozen=True, slots=True)
class HourlyTruth:
    """One value an hour of the year, hour-ending 0100 first. °C, kPa, m/s, W/m², mm, degrees, percent."""

    air: Floats
    dew: Floats
    vapour: Floats
    humidity: Floats
    solar: Floats
    net: Floats
    wind: Floats
    direction: Floats
    resultant: Floats
    soil: Floats
    precipitation: Floats
    eto: Floats
    asce_eto: Floats


def first_day(year: int) -> int:
    """Days from 1970-01-01 to the first of January."""
    return date(year, 1, 1).toordinal() - _EPOCH


def revised_days(revise: int | None, station: int, year: int) -> Floats:
    """1.0 for each day of the year that the agency has revised, else 0.0."""
    days = np.arange(days_in_year(year)) + first_day(year)
    if revise is None:
        return np.zeros(len(days))
    return np.asarray((uniform(key(revise, station, "revised"), days) < _REVISED_SHARE).astype(np.float64))


class _Scene:
    """Grids of one station-year and the seeded processes on them."""

    def __init__(self, seed: int, station: Station, year: int) -> None:
        self.seed, self.station, self.year = seed, station, year
        self.days = days_in_year(year)
        self.start = first_day(year)
        self.hours = np.arange(self.days * HOURS, dtype=np.float64)
        self.clock = self.hours % HOURS + 1.0
        self.day_of_year = np.floor(self.hours / HOURS) + 1.0
        self._knots = (np.arange(-1, self.days + 1) + 0.5) * HOURS

    def state(self, name: str, phi: float) -> Floats:
        """A day-scale process of unit variance, one value a day from the day before the year to the day after."""
        own = persistent(key(self.seed, self.station.number, name), self.start - 1, self.days + 2, phi)
        shared = persistent(key(self.seed, 0, name), self.start - 1, self.days + 2, phi)
        return np.asarray(np.sqrt(_SHARED) * shared + np.sqrt(1.0 - _SHARED) * own)

    def hourly(self, daily: Floats) -> Floats:
        """Day-scale values (of `state`'s days, taken at noon) joined by straight lines."""
        return np.interp(self.hours + 0.5, self._knots, daily)

    def flutter(self, name: str, phi: float) -> Floats:
        """An hour-scale process of unit variance."""
        return persistent(key(self.seed, self.station.number, name), self.start * HOURS, len(self.hours), phi)

    def stream(self, name: str) -> int:
        return key(self.seed, self.station.number, name)

    def each_hour(self) -> Floats:
        return self.hours + self.start * HOURS


@lru_cache(maxsize=64)
def _outer_radiation(latitude: float, longitude: float, days: int) -> Floats:
    hours = np.arange(days * HOURS, dtype=np.float64)
    return physics.extraterrestrial(latitude, longitude, np.floor(hours / HOURS) + 1.0, hours % HOURS + 1.0)


def hourly_truth(seed: int, station: Station, year: int, revise: int | None = None) -> HourlyTruth:
    """The weather of one station-year. `revise` changes some of its days (see `revised_days`)."""
    assert station.latitude is not None and station.longitude is not None
    scene = _Scene(seed, station, year)
    elevation = station.elevation * _FEET
    coast = float(np.interp(station.latitude, _COAST_LATITUDE, _COAST_LONGITUDE))
    inland = 1.0 - float(np.exp(-max(0.0, station.longitude - coast) / 0.7))
    # Warmest around 25 July (day 206), coldest around 22 January.
    season = np.cos(2.0 * np.pi * (scene.day_of_year + scene.clock / HOURS - 206.0) / 365.25)

    storm = scene.state("storm", 0.7)
    threshold = 0.95 + 1.1 * season
    sky = scene.hourly(storm) - threshold
    cloud = 1.0 / (1.0 + np.exp(-2.2 * (sky + 0.3)))
    outer = _outer_radiation(station.latitude, station.longitude, scene.days)
    clear = (0.75 + 2e-5 * max(0.0, elevation)) * outer
    clearness = np.clip(1.0 - 0.72 * cloud + 0.04 * scene.flutter("haze", 0.7), 0.12, 1.0)
    solar = clear * clearness

    mean = 22.5 - 1.0 * (station.latitude - 33.0) - 5.5 * elevation / 1000.0 - 2.5 * (1.0 - inland)
    warmth = scene.hourly(scene.state("warmth", 0.8)) * 2.6
    swing = (3.2 + 3.6 * inland) * (1.15 + 0.25 * season) * (1.0 - 0.55 * cloud)
    day_wave = np.cos(2.0 * np.pi * (scene.clock - 15.5) / HOURS)
    air = mean + (3.0 + 6.0 * inland) * season + warmth + swing * day_wave + 0.35 * scene.flutter("air", 0.8)
    air = air + np.repeat(revised_days(revise, station.number, year), HOURS) * 0.4

    dryness = 2.5 + 4.5 * inland * (1.0 + 0.6 * season) - 3.0 * cloud
    dampness = scene.hourly(scene.state("damp", 0.75)) * 2.0
    dew = air - swing * day_wave * 0.9 - swing * 0.55 - dryness + dampness + 0.3 * scene.flutter("dew", 0.8)
    dew = np.clip(dew, -20.0, air - 0.15)
    vapour = physics.saturation(dew)
    humidity = 100.0 * vapour / physics.saturation(air)

    gust = np.exp(0.35 * scene.hourly(scene.state("wind", 0.6)) + 0.22 * scene.flutter("wind", 0.7))
    wind = np.clip(1.75 * gust * (1.0 + 0.45 * np.cos(2.0 * np.pi * (scene.clock - 17.0) / HOURS)), 0.2, 20.0)
    prevailing = 200.0 + 140.0 * float(uniform(scene.stream("bearing"), np.zeros(1))[0])
    turning = 55.0 * scene.hourly(scene.state("bearing", 0.6)) + 18.0 * scene.flutter("bearing", 0.8) - 40.0 * cloud
    direction = (prevailing + turning) % 360.0
    resultant = wind * (0.99 - 0.12 * uniform(scene.stream("steadiness"), scene.each_hour()))

    # A tipping bucket counts tenths of a millimetre, so that hourly sums are exact.
    draw = uniform(scene.stream("rain"), scene.each_hour())
    amount = np.where((sky > 0.35) & (draw < 0.55), 0.9 * np.maximum(sky, 0.0) * -np.log1p(-draw), 0.0)
    precipitation = np.floor(amount * 10.0) / 10.0

    ground_season = np.cos(2.0 * np.pi * (scene.day_of_year + scene.clock / HOURS - 222.0) / 365.25)
    ground_wave = np.cos(2.0 * np.pi * (scene.clock - 19.0) / HOURS)
    soil = mean + 1.0 + (2.5 + 4.2 * inland) * ground_season + 0.35 * warmth + 0.9 * ground_wave
    net = physics.net_radiation(solar, clearness, air, vapour)
    return HourlyTruth(
        air=air,
        dew=dew,
        vapour=vapour,
        humidity=humidity,
        solar=np.maximum(0.0, solar),
        net=net,
        wind=wind,
        direction=direction,
        resultant=resultant,
        soil=soil + 0.05 * normal(scene.stream("soil"), scene.each_hour()),
        precipitation=precipitation,
        eto=physics.cimis_eto(net, air, vapour, wind, elevation),
        asce_eto=physics.asce_eto(net, air, vapour, wind, elevation),
    )
