"""Records as a table, CSV and JSON. Pure: columns in, text out, every value exact."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any

from cimis_engine.model.batch import Column, RecordBatch
from cimis_engine.model.items import DataItem, Interval, UnitSystem, items_of, parse_items
from cimis_engine.model.period import Span, moment_of
from cimis_tui.cli.output import SCHEMA_VERSION, table

_TABLE_ITEMS = {
    Interval.DAILY: "air-tmp-avg air-tmp-max air-tmp-min dew-pnt eto precip rel-hum-avg sol-rad-avg wind-spd-avg",
    Interval.HOURLY: "air-tmp dew-pnt eto precip rel-hum sol-rad soil-tmp wind-spd wind-dir",
}
_PREFIX = {Interval.DAILY: "day-", Interval.HOURLY: "hly-"}


def chosen_items(names: str | None, interval: Interval, *, as_table: bool) -> tuple[DataItem, ...]:
    """The items asked for; by default the main ones in a table, all of them in data formats. Raises `UsageError`."""
    if names and names.strip().lower() != "all":
        return parse_items(names.split(","), interval)
    if names or not as_table:
        return items_of(interval)
    return parse_items([_PREFIX[interval] + name for name in _TABLE_ITEMS[interval].split()], interval)


def short_name(item: DataItem) -> str:
    """An item's slug without `day-` or `hly-`."""
    return item.slug.removeprefix(_PREFIX[item.interval])


def _records(items: Sequence[DataItem], batches: Sequence[RecordBatch]) -> Iterator[tuple[str, str, list[Any]]]:
    """Date, hour (`0100`, or empty) and per item its (column, index) of every record in order."""
    for batch in batches:
        columns = [batch.column_of(item) for item in items]
        for index, slot in enumerate(batch.slots.tolist()):
            day, hour = moment_of(batch.interval, batch.year, slot)
            yield str(day), "" if hour is None else f"{hour:02d}00", [(column, index) for column in columns]


def _text(column: Column | None, index: int) -> str:
    value = None if column is None else column.value(index)
    return "" if value is None or column is None else format(value, "f")


def _flag(column: Column | None, index: int) -> str:
    return "" if column is None else (column.flag(index) or "").strip()


def as_table(interval: Interval, items: Sequence[DataItem], batches: Sequence[RecordBatch]) -> list[str]:
    """Aligned columns: the value, `–` where it is missing, then its QC flag if it has one."""
    units = batches[0].units
    when = ["date"] if interval is Interval.DAILY else ["date", "hour"]
    # A value and its flag: digits stay aligned because every cell ends in the flag's one place.
    lines = [
        [
            *([day] if interval is Interval.DAILY else [day, hour]),
            *(f"{_text(c, n) or '–'}{_flag(c, n) or ' '}" for c, n in cells),
        ]
        for day, hour, cells in _records(items, batches)
    ]
    unit_line = [*([""] * len(when)), *(f"{item.unit(units)} " for item in items)]
    head = [*when, *(f"{short_name(item)} " for item in items)]
    return table(head, [unit_line, *lines], left=len(when))


def as_csv(interval: Interval, items: Sequence[DataItem], batches: Sequence[RecordBatch]) -> str:
    """A header, then a line a record: every item's exact value and its QC flag, empty where missing."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    when = ["date"] if interval is Interval.DAILY else ["date", "hour"]
    writer.writerow([*when, *(name for item in items for name in (item.slug, f"{item.slug}-qc"))])
    for day, hour, cells in _records(items, batches):
        moment = [day] if interval is Interval.DAILY else [day, hour]
        writer.writerow([*moment, *(cell for c, n in cells for cell in (_text(c, n), _flag(c, n)))])
    return text.getvalue().rstrip("\n")


def document(
    station: int, interval: Interval, span: Span, items: Sequence[DataItem], batches: Sequence[RecordBatch]
) -> dict[str, Any]:
    """The records as JSON: numbers exact to the digits stored, null where missing, the QC flag as received."""
    units: UnitSystem | None = batches[0].units if batches else None
    records = [
        {
            "date": day,
            **({"hour": hour} if hour else {}),
            "values": {item.slug: _value(c, n) for item, (c, n) in zip(items, cells, strict=True)},
        }
        for day, hour, cells in _records(items, batches)
    ]
    return {
        "schema_version": SCHEMA_VERSION,
        "station": station,
        "interval": interval.value,
        "start": str(span.start),
        "end": str(span.end),
        "units": units.value if units else None,
        "items": [{"slug": item.slug, "unit": item.unit(units) if units else None} for item in items],
        "records": records,
    }


def _value(column: Column | None, index: int) -> dict[str, Any]:
    if column is None:
        return {"value": None, "qc": None}
    value = column.value(index)
    number = None if value is None else (float(value) if column.exponent else int(value))
    return {"value": number, "qc": column.flag(index)}
