"""`query`: stored records of one station and a range of dates, as a table, JSON or CSV."""

from __future__ import annotations

import os
import time
from argparse import Namespace
from pathlib import Path

from cimis_engine.model.items import Interval, items_of
from cimis_engine.model.period import Span, parse_date
from cimis_engine.store.query import query as read
from cimis_engine.store.store import Store
from cimis_tui.cli.output import Output, counted, duration, size
from cimis_tui.cli.records import as_csv, as_table, chosen_items, document
from cimis_tui.cli.settings import data_dir_of


def query(args: Namespace, output: Output) -> int:
    """Print the stored records of a range of dates. Nothing stored is no error: it says so and prints no data."""
    span = Span(parse_date(args.start), parse_date(args.end))
    interval = Interval.HOURLY if args.hourly else Interval.DAILY
    items = chosen_items(args.items, interval, as_table=not (args.json or args.csv))
    data_dir = data_dir_of(args, os.environ, Path())
    began = time.perf_counter()
    found = read(Store.open(data_dir), [args.station], interval, span)
    elapsed = (time.perf_counter() - began) * 1000
    batches, count = found.batches, len(found)
    if args.json:
        output.document(document(args.station, interval, span, items, batches))
    elif args.csv:
        output.data(as_csv(interval, items, batches))
    elif count:
        for line in as_table(interval, items, batches):
            output.data(line)
        if len(items) < len(items_of(interval)) and not args.items:
            output.note(
                f"{len(items)} of {len(items_of(interval))} items shown; --items all, --json and --csv give more"
            )
    if not count:
        output.note(f"no {interval} records of station {args.station:03d} in {span} are stored in {data_dir}")
    if args.perf:
        cost = found.cost
        output.note(
            f"Query: {count} records from {counted(cost.chunks, 'chunk')} in {duration(elapsed)}"
            f" (read {size(cost.bytes_read)} in {duration(cost.read_ms)}, decode {duration(cost.decode_ms)},"
            f" select {duration(cost.select_ms)})"
        )
    return 0
