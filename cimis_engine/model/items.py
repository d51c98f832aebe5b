"""CIMIS data items: 29 daily, 14 hourly, their names on the wire and their units.

Source of names: the item table of the CIMIS web API as kept in mkoohafkan/cimir (`dataitems.xlsx`); unit strings as
seen in real response bodies, including the agency's own oddities (`(W./sq.m)`; wind run's English unit reads `(MPH)`
although the value is in miles).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from cimis_engine.errors import UsageError


class Interval(StrEnum):
    """`daily`: one record a day. `hourly`: 24 records a day, hour-ending 0100 to 2400."""

    DAILY = "daily"
    HOURLY = "hourly"


class UnitSystem(StrEnum):
    """The `unitOfMeasure` of the API: M metric, E English."""

    METRIC = "M"
    ENGLISH = "E"

    @property
    def standard(self) -> str:
        """The word a response's `Standard` field uses for this system: `metric` or `english`."""
        return "metric" if self is UnitSystem.METRIC else "english"


@dataclass(frozen=True, slots=True)
class DataItem:
    """One measured quantity.

    `slug` names it in requests (`day-air-tmp-avg`), `field` in responses (`DayAirTmpAvg`). `code` is its stable number
    within its interval, used in stored chunks: never renumber. `decimals` is the usual number of decimals the current
    API prints, for display only; stored values keep their own exponent.
    """

    slug: str
    field: str
    interval: Interval
    code: int
    label: str
    unit_metric: str
    unit_english: str
    decimals: int

    def unit(self, units: UnitSystem) -> str:
        """The unit string as it stands in a response, e.g. `(C)`."""
        return self.unit_metric if units is UnitSystem.METRIC else self.unit_english


_TEMPERATURE = ("(C)", "(F)", 1)
_WATER = ("(mm)", "(in)", 2)
_HUMIDITY = ("(%)", "(%)", 0)
_RADIATION = ("(W./sq.m)", "(Ly/day)", 0)
_PRESSURE = ("(kPa)", "(mBars)", 2)
_SPEED = ("(m/s)", "(MPH)", 1)
_RUN = ("(km)", "(MPH)", 1)
_ANGLE = ("(°)", "(°)", 0)

_DAILY = (
    ("day-air-tmp-avg", "Air temperature, average", _TEMPERATURE),
    ("day-air-tmp-max", "Air temperature, maximum", _TEMPERATURE),
    ("day-air-tmp-min", "Air temperature, minimum", _TEMPERATURE),
    ("day-dew-pnt", "Dew point", _TEMPERATURE),
    ("day-eto", "CIMIS reference ETo", _WATER),
    ("day-asce-eto", "ASCE standardized ETo", _WATER),
    ("day-asce-etr", "ASCE standardized ETr", _WATER),
    ("day-precip", "Precipitation", _WATER),
    ("day-rel-hum-avg", "Relative humidity, average", _HUMIDITY),
    ("day-rel-hum-max", "Relative humidity, maximum", _HUMIDITY),
    ("day-rel-hum-min", "Relative humidity, minimum", _HUMIDITY),
    ("day-soil-tmp-avg", "Soil temperature, average", _TEMPERATURE),
    ("day-soil-tmp-max", "Soil temperature, maximum", _TEMPERATURE),
    ("day-soil-tmp-min", "Soil temperature, minimum", _TEMPERATURE),
    ("day-sol-rad-avg", "Solar radiation, average", _RADIATION),
    ("day-sol-rad-net", "Net radiation", _RADIATION),
    ("day-vap-pres-avg", "Vapour pressure, average", _PRESSURE),
    ("day-vap-pres-max", "Vapour pressure, maximum", _PRESSURE),
    ("day-vap-pres-min", "Vapour pressure, minimum", _PRESSURE),
    ("day-wind-ene", "Wind run from ENE", _SPEED),
    ("day-wind-ese", "Wind run from ESE", _SPEED),
    ("day-wind-nne", "Wind run from NNE", _SPEED),
    ("day-wind-nnw", "Wind run from NNW", _SPEED),
    ("day-wind-run", "Wind run", _RUN),
    ("day-wind-spd-avg", "Wind speed, average", _SPEED),
    ("day-wind-sse", "Wind run from SSE", _SPEED),
    ("day-wind-ssw", "Wind run from SSW", _SPEED),
    ("day-wind-wnw", "Wind run from WNW", _SPEED),
    ("day-wind-wsw", "Wind run from WSW", _SPEED),
)
_HOURLY = (
    ("hly-air-tmp", "Air temperature", _TEMPERATURE),
    ("hly-dew-pnt", "Dew point", _TEMPERATURE),
    ("hly-eto", "CIMIS reference ETo", _WATER),
    ("hly-net-rad", "Net radiation", _RADIATION),
    ("hly-asce-eto", "ASCE standardized ETo", _WATER),
    ("hly-asce-etr", "ASCE standardized ETr", _WATER),
    ("hly-precip", "Precipitation", _WATER),
    ("hly-rel-hum", "Relative humidity", _HUMIDITY),
    ("hly-res-wind", "Resultant wind", _SPEED),
    ("hly-soil-tmp", "Soil temperature", _TEMPERATURE),
    ("hly-sol-rad", "Solar radiation", _RADIATION),
    ("hly-vap-pres", "Vapour pressure", _PRESSURE),
    ("hly-wind-dir", "Wind direction", _ANGLE),
    ("hly-wind-spd", "Wind speed", _SPEED),
)


def _table(rows: tuple[tuple[str, str, tuple[str, str, int]], ...], interval: Interval) -> tuple[DataItem, ...]:
    return tuple(
        DataItem(slug, "".join(p.capitalize() for p in slug.split("-")), interval, code, label, *unit)
        for code, (slug, label, unit) in enumerate(rows)
    )


DAILY_ITEMS = _table(_DAILY, Interval.DAILY)
HOURLY_ITEMS = _table(_HOURLY, Interval.HOURLY)
_BY_NAME = {name.lower(): item for item in (*DAILY_ITEMS, *HOURLY_ITEMS) for name in (item.slug, item.field)}


def items_of(interval: Interval) -> tuple[DataItem, ...]:
    """All items of an interval, in the order of their codes."""
    return DAILY_ITEMS if interval is Interval.DAILY else HOURLY_ITEMS


def parse_items(names: Iterable[str], interval: Interval) -> tuple[DataItem, ...]:
    """Items by slug or field name (case does not matter), in code order, without repeats.

    Raises `UsageError` for an unknown name or one of the other interval.
    """
    found: dict[int, DataItem] = {}
    for name in names:
        item = _BY_NAME.get(name.strip().lower())
        if item is None:
            raise UsageError(f"unknown data item '{name}'", hint="`cimis items` lists them all")
        if item.interval is not interval:
            raise UsageError(
                f"data item '{item.slug}' is {item.interval}, the request is {interval}",
                hint="add or drop --hourly",
            )
        found[item.code] = item
    return tuple(found[code] for code in sorted(found))
