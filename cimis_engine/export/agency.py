"""CSV as the agency's own reports lay it out: `Stn Id,Stn Name,CIMIS Region,Date,Jul,ETo (mm),qc,…`. Pure.

Headings, their order and the shape of lines are those of files that its web reports gave people, who keep them in
public repositories: the ten columns of the hourly default report (mrmangan/ATM233-Final, data/hourly_2019.csv); daily
lines, with `Net Rad` before the temperatures (chuhousen/biomet, input/cimis.csv); the fourteen columns of the daily
default report. Scripts that read such files name `PM ETo (mm)`, `PM ETr (mm)` and `Rose NNE`, and have `Net Rad` after
`Sol Rad`. Not known: where the columns after the default ones stand, and what the hourly resultant wind is called.

A value that is missing is empty, a good flag one blank, dates are M/D/YYYY, the day of the year has three digits. The
region is left empty: the station directory of the API does not have the reports' regions. Where units were asked for, a
last column `Converted` says `yes` or `no`, which the agency's files have not.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import date

from cimis_engine.model.items import DataItem, Interval, UnitSystem, items_of
from cimis_engine.store.records import Records

_DAILY = (
    ("day-eto", "ETo"),
    ("day-precip", "Precip"),
    ("day-sol-rad-avg", "Sol Rad"),
    ("day-sol-rad-net", "Net Rad"),
    ("day-vap-pres-avg", "Avg Vap Pres"),
    ("day-air-tmp-max", "Max Air Temp"),
    ("day-air-tmp-min", "Min Air Temp"),
    ("day-air-tmp-avg", "Avg Air Temp"),
    ("day-rel-hum-max", "Max Rel Hum"),
    ("day-rel-hum-min", "Min Rel Hum"),
    ("day-rel-hum-avg", "Avg Rel Hum"),
    ("day-dew-pnt", "Dew Point"),
    ("day-wind-spd-avg", "Avg Wind Speed"),
    ("day-wind-run", "Wind Run"),
    ("day-soil-tmp-avg", "Avg Soil Temp"),
    ("day-asce-eto", "PM ETo"),
    ("day-asce-etr", "PM ETr"),
    ("day-soil-tmp-max", "Max Soil Temp"),
    ("day-soil-tmp-min", "Min Soil Temp"),
    ("day-vap-pres-max", "Max Vap Pres"),
    ("day-vap-pres-min", "Min Vap Pres"),
    *((f"day-wind-{d.lower()}", f"Rose {d}") for d in ("NNE", "ENE", "ESE", "SSE", "SSW", "WSW", "WNW", "NNW")),
)
_HOURLY = (
    ("hly-eto", "ETo"),
    ("hly-precip", "Precip"),
    ("hly-sol-rad", "Sol Rad"),
    ("hly-net-rad", "Net Rad"),
    ("hly-vap-pres", "Vap Pres"),
    ("hly-air-tmp", "Air Temp"),
    ("hly-rel-hum", "Rel Hum"),
    ("hly-dew-pnt", "Dew Point"),
    ("hly-wind-spd", "Wind Speed"),
    ("hly-wind-dir", "Wind Dir"),
    ("hly-soil-tmp", "Soil Temp"),
    ("hly-asce-eto", "PM ETo"),
    ("hly-asce-etr", "PM ETr"),
    ("hly-res-wind", "Resultant Wind"),
)
_NAMES = dict((*_DAILY, *_HOURLY))
_UNITS = {
    "(C)": ("C", "F"),
    "(mm)": ("mm", "in"),
    "(W./sq.m)": ("W/sq.m", "Ly/day"),
    "(kPa)": ("kPa", "mBars"),
    "(m/s)": ("m/s", "mph"),
    "(km)": ("km", "miles"),
    "(%)": ("%", "%"),
    "(°)": ("0-360", "0-360"),
}


def in_order(items: Sequence[DataItem]) -> list[DataItem]:
    """Items as a report has them from left to right."""
    places = {slug: place for place, slug in enumerate(_NAMES)}
    return sorted(items, key=lambda item: places[item.slug])


def heading(item: DataItem, units: UnitSystem) -> str:
    """`ETo (mm)`; of the wind rose `Rose NNE`, without its unit."""
    if _NAMES[item.slug].startswith("Rose"):
        return _NAMES[item.slug]
    return f"{_NAMES[item.slug]} ({_UNITS[item.unit_metric][units is UnitSystem.ENGLISH]})"


def header(interval: Interval, items: Sequence[DataItem], units: UnitSystem, *, with_converted: bool) -> str:
    """The first line, its end included."""
    when = ["Date", "Hour (PST)", "Jul"] if interval is Interval.HOURLY else ["Date", "Jul"]
    names = [name for item in in_order(items) for name in (heading(item, units), "qc")]
    return _lines([["Stn Id", "Stn Name", "CIMIS Region", *when, *names, *(["Converted"] if with_converted else [])]])


def rows(records: Records, names: Mapping[int, str], *, with_converted: bool) -> str:
    """A line a record. `names` are the stations', by number."""
    days: list[date] = records.dates.tolist()
    hours = [()] * len(days) if records.hours is None else [(f"{hour:02d}00",) for hour in records.hours.tolist()]
    lines: list[list[str]] = [
        [str(n), names.get(n, ""), "", f"{d.month}/{d.day}/{d.year}", *hour, f"{d:%j}"]
        for n, d, hour in zip(records.stations.tolist(), days, hours, strict=True)
    ]
    columns = {column.item.slug: column for column in records.columns}
    for item in in_order([column.item for column in records.columns]):
        column = columns[item.slug]
        for line, value, flag in zip(lines, column.texts(), column.flags.tolist(), strict=True):
            line += (value, flag or "")
    if with_converted:
        for line, converted in zip(lines, records.converted.tolist(), strict=True):
            line.append("yes" if converted else "no")
    return _lines(lines)


def _lines(lines: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(lines)
    return text.getvalue()


assert {item.slug for interval in Interval for item in items_of(interval)} == _NAMES.keys()
