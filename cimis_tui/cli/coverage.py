"""`coverage`: what is stored of what the stations recorded, what the agency has not, and what was never asked for."""

from __future__ import annotations

import contextlib
import os
import time
from argparse import Namespace
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

from cimis_engine.errors import UsageError
from cimis_engine.model.choice import choose
from cimis_engine.model.completeness import range_texts
from cimis_engine.model.items import Interval
from cimis_engine.model.period import ORIGIN, Span, parse_years
from cimis_engine.model.station import Station, by_number
from cimis_engine.run.kept_directory import kept_directory
from cimis_engine.run.today import agency_today
from cimis_engine.store.catalog import ChunkEntry
from cimis_engine.store.coverage import YearCoverage, year_coverage
from cimis_engine.store.store import Store
from cimis_tui.cli.output import SCHEMA_VERSION, Output, table
from cimis_tui.cli.settings import data_dir_of

_COUNTS = ("expected", "records", "missing", "unasked", "unexpected", "nulls")
_HEAD = ("expected", "records", "missing", "never asked", "unexpected", "null values")
_LEGEND = (
    "█ complete  ▓ known to the last slot, some missing at the agency  ▒ partly asked for  · never asked for"
    "  (blank: no station)"
)


def coverage(args: Namespace, output: Output) -> int:
    """One row a station, one place a year, and totals. Reads the catalog and the cached directory; asks no one."""
    interval = Interval.HOURLY if args.hourly else Interval.DAILY
    data_dir = data_dir_of(args, os.environ, Path())
    with contextlib.closing(Store.open(data_dir)) as store:
        entries = store.catalog.entries(interval=interval)
    kept = kept_directory(data_dir)
    directory = by_number(kept.stations if kept else ())
    if not directory:
        output.warn("no station directory is stored here: when stations opened and closed is not known")
    numbers = _stations(args.stations, entries, directory)
    span = _span(args.years, entries, agency_today(time.time()) - timedelta(days=1))
    rows = _rows(numbers, interval, span, directory, entries) if span else []
    if args.json:
        output.document(document(interval, span, rows))
    elif not rows:
        output.note(f"no {interval} records are stored in {data_dir}")
    elif args.missing:
        lines = _gaps(interval, rows)
        for line in lines:
            output.data(line)
        if not lines:
            output.note("nothing is missing, and nothing was left out")
    else:
        assert span is not None
        for line in heat(rows, span.years):
            output.data(line)
        output.note(_LEGEND)
    return 0


def _stations(asked: str | None, entries: Sequence[ChunkEntry], directory: dict[int, Station]) -> tuple[int, ...]:
    if not asked:
        return tuple(sorted({e.station for e in entries}))
    if asked.strip().lower() == "all":
        return tuple(sorted(directory.keys() | {e.station for e in entries}))
    return choose(asked, directory.values(), strict=False).numbers


def _span(years: str | None, entries: Sequence[ChunkEntry], yesterday: date) -> Span | None:
    """The years asked for, or the first to the last stored, up to yesterday. None where nothing is stored."""
    if not years and not entries:
        return None
    held = [e.year for e in entries]
    span = parse_years(years) if years else Span(date(min(held), 1, 1), date(max(held), 12, 31))
    cut = span.clip(ORIGIN, yesterday)
    if cut is None:
        raise UsageError(f"no complete day of CIMIS data in {span}", hint=f"the record ends yesterday, {yesterday}")
    return cut


def _rows(
    numbers: Sequence[int],
    interval: Interval,
    span: Span,
    directory: dict[int, Station],
    entries: Sequence[ChunkEntry],
) -> list[YearCoverage]:
    held = {(e.station, e.year): e for e in entries}
    rows = []
    for number in numbers:
        station = directory.get(number)
        life = span.clip(station.connect, station.disconnect) if station else span
        for year in span.years:
            found = year_coverage(number, interval, year, life, held.get((number, year)))
            if found.expected or found.records:
                rows.append(found)
    return rows


def mark(row: YearCoverage | None) -> str:
    """One year of a station in one character; see `_LEGEND`."""
    if row is None or not row.expected:
        return " "
    if row.unasked == row.expected:
        return "·"
    if row.unasked:
        return "▒"
    return "▓" if row.missing else "█"


def heat(rows: Sequence[YearCoverage], years: range) -> list[str]:
    """The table: a character a year, then the station's sums; the last line is of all."""
    lines = []
    for number, group in groupby(rows, key=lambda r: r.station):
        mine = list(group)
        by_year = {r.year: r for r in mine}
        lines.append([f"{number:03d}", "".join(mark(by_year.get(y)) for y in years), *_sums(mine)])
    lines.append(["total", "", *_sums(rows)])
    return table(["station", _ruler(years), *_HEAD], lines, left=2)


def _ruler(years: range) -> str:
    """The first year, and every tenth that has room: `2015 2020      2030`."""
    text = ""
    for year in years:
        place = year - years[0]
        if (place == 0 or year % 10 == 0) and len(text) <= max(0, place - 1):
            text = text.ljust(place) + str(year)
    return text


def _sums(rows: Sequence[YearCoverage]) -> list[str]:
    return [f"{sum(getattr(r, name) for r in rows):,}" for name in _COUNTS]


def _gaps(interval: Interval, rows: Sequence[YearCoverage]) -> list[str]:
    lines = [
        [f"{row.station:03d}", one["first"], one["last"], what]
        for row in rows
        for ranges, what in ((row.missing_slots, "missing"), (row.unasked_slots, "never asked"))
        for one in range_texts(interval, row.year, ranges)
    ]
    return table(("station", "first", "last", "what"), sorted(lines), left=4) if lines else []


def document(interval: Interval, span: Span | None, rows: Sequence[YearCoverage]) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "interval": interval.value,
        "start": str(span.start) if span else None,
        "end": str(span.end) if span else None,
        "years": [
            {
                "station": row.station,
                "year": row.year,
                **{name: getattr(row, name) for name in _COUNTS},
                "missing_slots": range_texts(interval, row.year, row.missing_slots),
                "unasked_slots": range_texts(interval, row.year, row.unasked_slots),
            }
            for row in rows
        ],
        "total": {name: sum(getattr(r, name) for r in rows) for name in _COUNTS},
    }
