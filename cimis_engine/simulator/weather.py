"""A station-year as the agency would hold it: numbers, flags and nulls of all items. Hourly first, daily from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cimis_engine.model.items import DAILY_ITEMS, HOURLY_ITEMS, Interval
from cimis_engine.model.period import HOURS
from cimis_engine.model.qc import GOOD
from cimis_engine.model.station import Station
from cimis_engine.simulator import quality as qc
from cimis_engine.simulator.climate import HourlyTruth, hourly_truth
from cimis_engine.simulator.noise import Floats, key, uniform
from cimis_engine.simulator.physics import dew_point
from cimis_engine.simulator.quality import Bools, Flags, Quality

OCTANTS = ("nne", "ene", "ese", "sse", "ssw", "wsw", "wnw", "nnw")
"""Directional wind runs, clockwise from north, 45 degrees each."""
_KM_PER_HOUR = 3.6


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """One item of a station-year in metric units: a value and a flag for each slot; `present` False is null."""

    values: Floats
    present: Bools
    flags: Flags


@dataclass(frozen=True, slots=True, eq=False)
class StationYear:
    """`columns` by item slug. `absent` marks slots (of the interval) that have no record at all."""

    interval: Interval
    columns: dict[str, Column]
    absent: Bools


@dataclass(frozen=True, slots=True)
class Weather:
    """Makes station-years; the same arguments always make the same one."""

    seed: int
    revise: int | None = None

    def station_year(self, station: Station, interval: Interval, year: int) -> StationYear:
        """All items of one interval and year, whatever the station's life and the date of today."""
        truth = hourly_truth(self.seed, station, year, self.revise)
        quality = Quality(self.seed, station, year, self.revise)
        sensors = {s: quality.outage | quality.broken(s) for s in qc.SENSORS}
        if interval is Interval.HOURLY:
            return StationYear(interval, _hourly(truth, quality), quality.absent_hours())
        extremes = key(self.seed, station.number, year, "extremes")
        return StationYear(interval, _daily(truth, quality, sensors, extremes), quality.absent_days())


# item → (attribute of the truth, sensors it needs, flag while one of them is out of service, whether null then)
_HOURLY_RULES: dict[str, tuple[str, tuple[str, ...], int, bool]] = {
    "hly-air-tmp": ("air", ("air",), qc.OUT_OF_SERVICE, True),
    "hly-dew-pnt": ("dew", ("humidity", "air"), qc.IGNORE, True),
    "hly-eto": ("eto", ("air", "humidity", "solar", "wind"), qc.AVERAGE, False),
    "hly-net-rad": ("net", ("net",), qc.OUT_OF_SERVICE, True),
    "hly-asce-eto": ("asce_eto", ("air", "humidity", "solar", "wind"), qc.AVERAGE, False),
    "hly-precip": ("precipitation", ("rain",), qc.OUT_OF_SERVICE, True),
    "hly-rel-hum": ("humidity", ("humidity", "air"), qc.UNTESTED, True),
    "hly-res-wind": ("resultant", ("wind",), qc.IGNORE, False),
    "hly-soil-tmp": ("soil", ("soil",), qc.OUT_OF_SERVICE, True),
    "hly-sol-rad": ("solar", ("solar",), qc.OUT_OF_SERVICE, True),
    "hly-vap-pres": ("vapour", ("humidity",), qc.OUT_OF_SERVICE, True),
    "hly-wind-dir": ("direction", ("wind",), qc.IGNORE, False),
    "hly-wind-spd": ("wind", ("wind",), qc.IGNORE, False),
}


def _not_collected(size: int) -> Column:
    return Column(np.zeros(size), np.zeros(size, np.bool_), np.full(size, qc.NOT_COLLECTED, np.uint8))


def _lacking(slug: str, quality: Quality) -> bool:
    if slug.endswith("asce-etr"):
        return True
    return (slug.endswith("eto") and quality.lacks("eto")) or (
        slug in ("hly-net-rad", "day-sol-rad-net") and quality.lacks("net")
    )


def _hourly(truth: HourlyTruth, quality: Quality) -> dict[str, Column]:
    size = len(truth.air)
    columns: dict[str, Column] = {}
    for item in HOURLY_ITEMS:
        if _lacking(item.slug, quality):
            columns[item.slug] = _not_collected(size)
            continue
        attribute, sensors, flag, null = _HOURLY_RULES[item.slug]
        flags = quality.hourly_limits(item.slug)
        present = ~quality.outage
        for sensor in sensors:
            broken = quality.broken(sensor)
            flags[broken] = flag
            if null:
                present &= ~broken
        flags[quality.outage] = qc.MISSING
        columns[item.slug] = Column(getattr(truth, attribute), present, flags)
    return columns


def _by_day(hourly: NDArray[np.float64] | Bools) -> Floats:
    return np.asarray(hourly, np.float64).reshape(-1, HOURS)


def _daily_values(truth: HourlyTruth, extremes: int) -> dict[str, Floats]:
    """Every daily item. Maxima and minima are of samples between the hours, so a little beyond the hourly ones."""
    day = np.arange(len(truth.air) // HOURS)
    values: dict[str, Floats] = {}

    def spread(prefix: str, hourly: Floats, scale: float, low: float = -np.inf, high: float = np.inf) -> None:
        table = _by_day(hourly)
        above, below = (uniform(key(extremes, prefix, side), day) * 2.0 * scale for side in ("max", "min"))
        values[f"{prefix}-avg"] = table.mean(axis=1)
        values[f"{prefix}-max"] = np.minimum(table.max(axis=1) + above, high)
        values[f"{prefix}-min"] = np.maximum(table.min(axis=1) - below, low)

    spread("day-air-tmp", truth.air, 0.5)
    spread("day-rel-hum", truth.humidity, 1.5, 0.0, 100.0)
    spread("day-soil-tmp", truth.soil, 0.1)
    spread("day-vap-pres", truth.vapour, 0.03, 0.01)
    values["day-dew-pnt"] = dew_point(values["day-vap-pres-avg"])
    values["day-eto"] = _by_day(truth.eto).sum(axis=1)
    values["day-asce-eto"] = _by_day(truth.asce_eto).sum(axis=1)
    values["day-precip"] = _by_day(truth.precipitation).sum(axis=1)
    values["day-sol-rad-avg"] = _by_day(truth.solar).mean(axis=1)
    values["day-sol-rad-net"] = _by_day(truth.net).mean(axis=1)
    values["day-wind-spd-avg"] = _by_day(truth.wind).mean(axis=1)
    run = _by_day(truth.wind) * _KM_PER_HOUR
    values["day-wind-run"] = run.sum(axis=1)
    octant = np.floor(_by_day(truth.direction) / 45.0)
    for number, name in enumerate(OCTANTS):
        values[f"day-wind-{name}"] = np.where(octant == number, run, 0.0).sum(axis=1)
    return values


def _daily_rule(slug: str) -> tuple[tuple[str, ...], int, bool]:
    """(sensors, flag, null) of a daily item whose sensor was out of service the whole day."""
    if slug.startswith("day-air-tmp"):
        return ("air",), qc.OUT_OF_SERVICE, True
    if slug.startswith("day-rel-hum"):
        return ("humidity", "air"), qc.UNTESTED, True
    if slug == "day-dew-pnt":
        return ("humidity",), qc.IGNORE, True
    if slug.startswith("day-vap-pres"):
        return ("humidity",), qc.OUT_OF_SERVICE, True
    if slug.startswith("day-soil"):
        return ("soil",), qc.OUT_OF_SERVICE, True
    if slug.startswith("day-wind"):
        return ("wind",), qc.IGNORE, False
    if slug.endswith("eto"):
        return ("air", "humidity", "solar", "wind"), qc.AVERAGE, False
    sensor = {"day-precip": "rain", "day-sol-rad-avg": "solar", "day-sol-rad-net": "net"}[slug]
    return (sensor,), qc.OUT_OF_SERVICE, True


def _daily(truth: HourlyTruth, quality: Quality, sensors: dict[str, Bools], extremes: int) -> dict[str, Column]:
    values = _daily_values(truth, extremes)
    lost_hours = {name: _by_day(down).sum(axis=1) for name, down in sensors.items()}
    out = _by_day(quality.outage).sum(axis=1) == HOURS
    size = len(out)
    columns: dict[str, Column] = {}
    for item in DAILY_ITEMS:
        if _lacking(item.slug, quality):
            columns[item.slug] = _not_collected(size)
            continue
        needed, flag, null = _daily_rule(item.slug)
        flags = quality.daily_limits(item.slug)
        present = np.ones(size, np.bool_)
        for name in needed:
            lost = lost_hours[name]
            flags[(lost > 0) & (flags == GOOD)] = qc.HOURS_FLAGGED
            flags[lost == HOURS] = flag
            if null:
                present &= lost < HOURS
        is_average = flag == qc.AVERAGE
        flags[out] = qc.AVERAGE if is_average else qc.MISSING
        columns[item.slug] = Column(values[item.slug], present if is_average else present & ~out, flags)
    return columns
