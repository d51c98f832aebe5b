"""`revisions`: what the agency changed of values that were stored."""

from __future__ import annotations

import contextlib
import csv
import io
import os
import time
from argparse import Namespace
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from cimis_engine.errors import UsageError
from cimis_engine.model.items import DataItem, Interval, parse_items
from cimis_engine.model.period import PST, moment_of, parse_date
from cimis_engine.store.revisions import Revision
from cimis_engine.store.store import Store
from cimis_tui.cli.output import SCHEMA_VERSION, Output, counted, table
from cimis_tui.cli.settings import data_dir_of
from cimis_tui.cli.update import parse_days

_HEAD = ("seen (PST)", "station", "date", "hour", "item", "what", "before", "now", "unit")
_FIELDS = ("seen", "run", "station", "interval", "date", "hour", "item", "unit", "kind")
_CELLS = ("old_value", "old_qc", "new_value", "new_qc")


def revisions(args: Namespace, output: Output) -> int:
    """List revisions, by station, interval and when they were seen. None is no error: it says so."""
    item = _item(args.item) if args.item else None
    since = _moment(args.since, time.time()) if args.since else None
    data_dir = data_dir_of(args, os.environ, Path())
    with contextlib.closing(Store.open(data_dir)) as store:
        found = store.catalog.revisions(
            stations=(args.station,) if args.station else (), item=item, since=since, run_id=args.run
        )
    if args.json:
        output.document({"schema_version": SCHEMA_VERSION, "revisions": [_document(r) for r in found]})
    elif args.csv:
        output.data(_csv(found))
    elif found:
        for line in table(_HEAD, [_line(r) for r in found], left=6):
            output.data(line)
    output.note(_told(found) if found else "no revisions are recorded")
    return 0


def _told(found: Sequence[Revision]) -> str:
    stations = counted(len({r.station for r in found}), "station")
    records = counted(len({(r.station, r.interval, r.year, r.slot) for r in found}), "record")
    kinds = Counter(r.kind for r in found)
    told = ", ".join(f"{kinds[kind]} {kind}" for kind in ("changed", "settled", "appeared", "vanished") if kinds[kind])
    return f"{counted(len(found), 'value')} revised ({told}), in {records} of {stations}"


def _item(slug: str) -> DataItem:
    return parse_items([slug], Interval.HOURLY if slug.strip().lower().startswith("hly-") else Interval.DAILY)[0]


def _moment(text: str, now: float) -> float:
    """Unix time of `45d` ago, or of the beginning of a date (PST). Raises `UsageError`."""
    if "-" not in text:
        return now - parse_days(text) * 86400
    try:
        day = parse_date(text)
    except UsageError:
        raise UsageError(f"neither days nor a date: '{text}'", hint="write 45d or yyyy-mm-dd") from None
    return datetime(day.year, day.month, day.day, tzinfo=PST).timestamp()


def _when(revision: Revision) -> tuple[str, str]:
    day, hour = moment_of(revision.interval, revision.year, revision.slot)
    return str(day), "" if hour is None else f"{hour:02d}00"


def _line(revision: Revision) -> list[str]:
    gone, new = revision.kind == "vanished", revision.kind == "appeared"
    return [
        f"{datetime.fromtimestamp(revision.seen_at, PST):%Y-%m-%d %H:%M}",
        f"{revision.station:03d}",
        *_when(revision),
        revision.item.slug,
        revision.kind,
        "" if new else _cell(revision.old_value, revision.old_flag),
        "" if gone else _cell(revision.new_value, revision.new_flag),
        revision.item.unit(revision.units),
    ]


def _cell(value: Decimal | None, flag: str | None) -> str:
    """Value and flag; the flag has a place of its own, so that digits stay aligned."""
    return f"{'–' if value is None else format(value, 'f')}{(flag or '').strip() or ' '}"


def _facts(revision: Revision) -> tuple[object, ...]:
    day, hour = _when(revision)
    seen = datetime.fromtimestamp(revision.seen_at, PST).isoformat(timespec="seconds")
    unit = revision.item.unit(revision.units)
    place = (revision.station, revision.interval.value, day, hour or None, revision.item.slug, unit)
    return (seen, revision.run_id, *place, revision.kind)


def _document(revision: Revision) -> dict[str, Any]:
    values = [None if v is None else float(v) for v in (revision.old_value, revision.new_value)]
    cells = (values[0], revision.old_flag, values[1], revision.new_flag)
    return dict(zip((*_FIELDS, *_CELLS), (*_facts(revision), *cells), strict=True))


def _csv(found: Sequence[Revision]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow((*_FIELDS, *_CELLS))
    for r in found:
        values = ["" if v is None else format(v, "f") for v in (r.old_value, r.new_value)]
        writer.writerow((*_facts(r), values[0], (r.old_flag or "").strip(), values[1], (r.new_flag or "").strip()))
    return text.getvalue().rstrip("\n")
