"""`peek`: records of zip codes, coordinates or addresses, straight from the API onto stdout. Nothing is stored."""

from __future__ import annotations

import asyncio
import csv
import io
import os
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cimis_engine.clock import SystemClock
from cimis_engine.errors import UsageError
from cimis_engine.fetch.dialect import dialect_of
from cimis_engine.fetch.places import PlaceRecord, parse_places
from cimis_engine.model.items import DataItem, Interval, UnitSystem, items_of, parse_items
from cimis_engine.model.period import Span, parse_date
from cimis_engine.model.place import (
    Places,
    check_spatial,
    default_items,
    parse_addresses,
    parse_coordinates,
    parse_zip_codes,
)
from cimis_engine.run.connect import get_document
from cimis_tui.cli.output import SCHEMA_VERSION, Output, table
from cimis_tui.cli.records import chosen_items, short_name
from cimis_tui.cli.settings import load_settings, read_key


def peek(args: Namespace, output: Output) -> int:
    """Print the records of some places and dates: a table, JSON or CSV. What cannot be asked is said before asking."""
    places = places_of(args)
    span = Span(parse_date(args.start), parse_date(args.end))
    interval = Interval.HOURLY if args.hourly else Interval.DAILY
    units = UnitSystem(args.units)
    check_spatial(places, interval, span)
    if args.items and args.items.strip().lower() != "all":
        items = parse_items(args.items.split(","), interval)
    else:
        chosen = chosen_items(args.items, interval, as_table=not (args.json or args.csv))
        items = default_items(places, chosen or items_of(interval))
    settings, _ = load_settings(args, os.environ, folder=Path())
    request = dialect_of(settings.api, settings.base_url).places_request(places, span, interval, units, items)
    records = asyncio.run(
        get_document(
            settings,
            read_key(os.environ),
            SystemClock(),
            request,
            lambda body: parse_places(body, items, units),
            "the records of these places",
        )
    )
    if args.json:
        output.document(document(records, interval, span, units, items))
    elif args.csv:
        output.data(as_csv(records, interval, items))
    elif records:
        for line in as_table(records, interval, items):
            output.data(line)
        if not args.items and not places.spatial:
            shown = f"{len(items)} of {len(items_of(interval))} items shown"
            output.note(f"{shown}; --items all, --json and --csv give more")
    if not records:
        output.note(f"the API has no {interval} records of these places in {span}")
    return 0


def places_of(args: Namespace) -> Places:
    """Raises `UsageError`."""
    if args.zip:
        return parse_zip_codes(args.zip, args.prefer)
    if args.prefer:
        raise UsageError("--prefer is for --zip", hint="coordinates and addresses have spatial records only")
    return parse_coordinates(args.coordinates) if args.coordinates else parse_addresses(args.address)


def where(record: PlaceRecord) -> str:
    """The place of a record in one word or line: `station 6`, a coordinate, an address, or zip codes."""
    if record.station is not None:
        return f"station {record.station}"
    return record.coordinate or record.address or ", ".join(record.zip_codes)


def as_table(records: Sequence[PlaceRecord], interval: Interval, items: Sequence[DataItem]) -> list[str]:
    """Aligned columns: the value, `–` where it is missing, then its QC flag if it has one."""
    when = ["date"] if interval is Interval.DAILY else ["date", "hour"]
    rows = [
        [
            where(r),
            *([str(r.day)] if interval is Interval.DAILY else [str(r.day), r.hour]),
            *(f"{value or '–'}{flag or ' '}" for value, flag, _ in r.cells),
        ]
        for r in records
    ]
    unit_line = ["", *([""] * len(when)), *(f"{unit} " for _, _, unit in records[0].cells)]
    head = ["place", *when, *(f"{short_name(item)} " for item in items)]
    return table(head, [unit_line, *rows], left=1 + len(when))


def as_csv(records: Sequence[PlaceRecord], interval: Interval, items: Sequence[DataItem]) -> str:
    """A header, then a line a record: its place, its moment, every item's exact value and QC flag."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    when = ["date"] if interval is Interval.DAILY else ["date", "hour"]
    cells = [name for item in items for name in (item.slug, f"{item.slug}-qc")]
    writer.writerow(["station", "zip_codes", "coordinate", "address", *when, *cells])
    for r in records:
        moment = [str(r.day)] if interval is Interval.DAILY else [str(r.day), r.hour]
        place = ["" if r.station is None else r.station, " ".join(r.zip_codes), r.coordinate, r.address]
        writer.writerow([*place, *moment, *(text or "" for value, flag, _ in r.cells for text in (value, flag))])
    return text.getvalue().rstrip("\n")


def document(
    records: Sequence[PlaceRecord], interval: Interval, span: Span, units: UnitSystem, items: Sequence[DataItem]
) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "interval": interval.value,
        "start": str(span.start),
        "end": str(span.end),
        "units": units.value,
        "items": [{"slug": item.slug, "unit": item.unit(units)} for item in items],
        "records": [
            {
                "kind": r.kind,
                "station": r.station,
                "zip_codes": list(r.zip_codes),
                "coordinate": r.coordinate or None,
                "address": r.address or None,
                "date": str(r.day),
                **({"hour": r.hour} if r.hour else {}),
                "values": {
                    item.slug: {"value": _number(value), "qc": flag}
                    for item, (value, flag, _) in zip(items, r.cells, strict=True)
                },
            }
            for r in records
        ],
    }


def _number(text: str | None) -> float | int | None:
    if text is None:
        return None
    return float(text) if "." in text else int(text)
