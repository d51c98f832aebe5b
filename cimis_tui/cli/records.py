"""Records as a table, CSV and JSON. Pure: columns in, text out, every value exact."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from cimis_engine.model.items import DataItem, Interval, items_of, parse_items
from cimis_engine.model.plausible import JUMP, MARK_WORDS, RANGE
from cimis_engine.store.query import QueryResult
from cimis_engine.store.records import Series
from cimis_tui.cli.output import SCHEMA_VERSION, table

_TABLE_ITEMS = {
    Interval.DAILY: "air-tmp-avg air-tmp-max air-tmp-min dew-pnt eto precip rel-hum-avg sol-rad-avg wind-spd-avg",
    Interval.HOURLY: "air-tmp dew-pnt eto precip rel-hum sol-rad soil-tmp wind-spd wind-dir",
}
_PREFIX = {Interval.DAILY: "day-", Interval.HOURLY: "hly-"}
_MARK_SIGNS = (" ", "!", "~", "!")
LEGEND = "! out of its plausible range  ~ changed faster than is plausible"


def chosen_items(names: str | None, interval: Interval, *, as_table: bool) -> tuple[DataItem, ...] | None:
    """The items asked for; by default the main ones in a table, all that are stored (None) in data formats.

    Raises `UsageError`.
    """
    if names and names.strip().lower() != "all":
        return parse_items(names.split(","), interval)
    if names:
        return items_of(interval)
    if not as_table:
        return None
    return parse_items([_PREFIX[interval] + name for name in _TABLE_ITEMS[interval].split()], interval)


def short_name(item: DataItem) -> str:
    """An item's slug without `day-` or `hly-`."""
    return item.slug.removeprefix(_PREFIX[item.interval])


def _moments(found: QueryResult) -> Iterator[list[str]]:
    """Station, date and, of hourly records, hour (`0100`) of every record."""
    hours = [()] * len(found) if found.hours is None else [(f"{hour:02d}00",) for hour in found.hours.tolist()]
    for station, day, hour in zip(found.stations.tolist(), found.dates.tolist(), hours, strict=True):
        yield [f"{station:03d}", str(day), *hour]


def _letters(column: Series) -> list[str]:
    """Flags without the blank of a good one."""
    return [(flag or "").strip() for flag in column.flags.tolist()]


def as_table(found: QueryResult, *, with_station: bool) -> list[str]:
    """Aligned columns: the value, `–` where it is missing, then its QC flag and its mark if it has them.

    Records that were stored in the other unit system end in `converted`.
    """
    when = ["date"] if found.hours is None else ["date", "hour"]
    rows = list(_moments(found))
    if with_station:
        when.insert(0, "station")
    else:
        rows = [row[1:] for row in rows]
    head, units = list(when), [""] * len(when)
    for column in found.columns:
        # A value, its flag and its mark: digits stay aligned because every cell ends in the same places.
        marks = None if column.marks is None else [_MARK_SIGNS[mark] for mark in column.marks.tolist()]
        blank = " " if marks is None else "  "
        head.append(short_name(column.item) + blank)
        units.append(column.unit + blank)
        cells = zip(rows, column.texts("–"), _letters(column), marks or [""] * len(rows), strict=True)
        for row, value, flag, mark in cells:
            row.append(f"{value}{flag or ' '}{mark}")
    if found.converted.any():
        head.append("")
        units.append("")
        for row, converted in zip(rows, found.converted.tolist(), strict=True):
            row.append("converted" if converted else "")
    return table(head, [units, *rows], left=len(when))


def as_csv(found: QueryResult) -> str:
    """A header, then a line a record: every item's exact value and its QC flag, empty where missing.

    Where units were asked for, `converted` says `yes` or `no`; where marks were, each item has a third column.
    """
    head = ["station", "date"] if found.hours is None else ["station", "date", "hour"]
    rows = list(_moments(found))
    if found.asked_units is not None:
        head.append("converted")
        for row, converted in zip(rows, found.converted.tolist(), strict=True):
            row.append("yes" if converted else "no")
    for column in found.columns:
        slug = column.item.slug
        head += [slug, f"{slug}-qc"]
        parts = [column.texts(), _letters(column)]
        if column.marks is not None:
            head.append(f"{slug}-mark")
            parts.append([word or "" for word in column.mark_words.tolist()])
        for row, *cells in zip(rows, *parts, strict=True):
            row += cells
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return text.getvalue().rstrip("\n")


def document(found: QueryResult) -> dict[str, Any]:
    """The records as JSON: numbers exact to the digits stored, null where missing, the QC flag as received.

    `converted` and `mark` are there where units and marks were asked for.
    """
    columns = [(column.item.slug, list(_cells(column))) for column in found.columns]
    return {
        "schema_version": SCHEMA_VERSION,
        "interval": found.interval.value,
        "start": str(found.span.start),
        "end": str(found.span.end),
        "units": found.units.value if found.units else None,
        "converted_records": int(found.converted.sum()),
        "dropped_values": found.dropped,
        "items": [{"slug": c.item.slug, "unit": c.unit or None} for c in found.columns],
        "records": [
            {
                "station": int(station),
                "date": day,
                **({"hour": hour[0]} if hour else {}),
                **({} if found.asked_units is None else {"converted": converted}),
                "values": {slug: cells[index] for slug, cells in columns},
            }
            for index, ((station, day, *hour), converted) in enumerate(
                zip(_moments(found), found.converted.tolist(), strict=True)
            )
        ],
    }


def _cells(column: Series) -> Iterator[dict[str, Any]]:
    numbers = column.values.tolist() if column.exponent else column.scaled.tolist()
    marks = [None] * len(column) if column.marks is None else column.marks.tolist()
    for value, here, flag, mark in zip(numbers, column.present.tolist(), column.flags.tolist(), marks, strict=True):
        cell: dict[str, Any] = {"value": value if here else None, "qc": flag}
        if mark is not None:
            cell["mark"] = MARK_WORDS[mark]
        yield cell


def marked_values(found: QueryResult) -> tuple[int, int]:
    """How many values are out of range, and how many jumped."""
    held = [column.marks for column in found.columns if column.marks is not None]
    return tuple(sum(int(((marks & bit) != 0).sum()) for marks in held) for bit in (RANGE, JUMP))  # type: ignore[return-value]
