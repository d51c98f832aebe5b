"""`query`: stored records of some stations and a range of dates, as a table, JSON, CSV or a Parquet file."""

from __future__ import annotations

import contextlib
import os
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cimis_engine.export.parquet import write_parquet
from cimis_engine.model.items import Interval, UnitSystem, items_of
from cimis_engine.model.period import Span, parse_date
from cimis_engine.store.blocks import BlockCache
from cimis_engine.store.query import QueryResult, stations_named
from cimis_engine.store.query import query as read
from cimis_engine.store.store import Store
from cimis_tui.cli.choice import stations_of
from cimis_tui.cli.limits import plausibility
from cimis_tui.cli.output import Output, counted, duration, size
from cimis_tui.cli.records import LEGEND, as_csv, as_table, chosen_items, document, marked_values
from cimis_tui.cli.settings import data_dir_of


def query(args: Namespace, output: Output) -> int:
    """Print the stored records of a range of dates. Nothing stored is no error: it says so and prints no data."""
    span = Span(parse_date(args.start), parse_date(args.end))
    interval = Interval.HOURLY if args.hourly else Interval.DAILY
    items = chosen_items(args.items, interval, as_table=not (args.json or args.csv or args.parquet))
    rules = plausibility(Path()) if args.plausible else None
    data_dir = data_dir_of(args, os.environ, Path())
    with contextlib.closing(Store.open(data_dir)) as store:
        if args.cache is not None:
            store.cache = BlockCache(args.cache)
        stations = stations_of(args.stations, data_dir)
        if stations is None:
            stations = stations_named(store, "all", interval)
        runs = [
            read(
                store,
                stations,
                interval,
                span,
                items,
                units=UnitSystem(args.units) if args.units else None,
                drop_severe=args.drop_severe,
                plausible=rules,
            )
            for _ in range(args.repeat)
        ]
    found = runs[0]
    if args.json:
        output.document(document(found) | ({"perf": perf_document(runs)} if args.perf else {}))
    elif args.csv:
        output.data(as_csv(found))
    elif args.parquet:
        written = write_parquet(Path(args.parquet), found.to_arrow())
        output.note(f"{counted(len(found), 'record')} written to {args.parquet} ({size(written)})")
    elif len(found):
        for line in as_table(found, with_station=len(stations) > 1):
            output.data(line)
    _remarks(args, output, found, data_dir)
    if args.perf or args.repeat > 1:
        for line in perf_lines(runs):
            output.note(line)
    return 0


def _remarks(args: Namespace, output: Output, found: QueryResult, data_dir: Path) -> None:
    """What the data cannot say of itself, on stderr."""
    if not len(found):
        output.note(f"no {found.interval} records of {_who(args.stations)} in {found.span} are stored in {data_dir}")
        output.note("  hint: `cimis coverage` says what is; `cimis backfill` fetches more")
        return
    total = len(items_of(found.interval))
    if not (args.items or args.json or args.csv or args.parquet):
        output.note(f"{len(found.columns)} of {total} items shown; --items all, --json and --csv give more")
    if converted := int(found.converted.sum()):
        assert found.units is not None
        other = UnitSystem.ENGLISH if found.units is UnitSystem.METRIC else UnitSystem.METRIC
        output.note(
            f"{counted(converted, 'record')} converted from {other.standard} units, rounded to the agency's decimals"
        )
    if args.drop_severe:
        output.note(f"{counted(found.dropped, 'value')} with a severe flag (I, M, S) dropped")
    if args.plausible:
        ranged, jumped = marked_values(found)
        output.note(f"{counted(ranged, 'value')} out of range, {jumped} changed too fast ({LEGEND})")


def _who(stations: str) -> str:
    if stations.strip().lower() == "all":
        return "any station"
    return f"station {int(stations):03d}" if stations.strip().isdigit() else f"stations {stations}"


def perf_document(runs: Sequence[QueryResult]) -> dict[str, Any]:
    """What the first run cost, and the middle one of the later ones. "Cold" is of this program, not of the disk."""
    cold, warm = _cold_and_warm(runs)
    return {"runs": len(runs), "cold": asdict(cold.cost), "warm": asdict(warm.cost) if warm else None}


def _cold_and_warm(runs: Sequence[QueryResult]) -> tuple[QueryResult, QueryResult | None]:
    later = sorted(runs[1:], key=lambda run: run.cost.total_ms)
    return runs[0], later[(len(later) - 1) // 2] if later else None


def perf_lines(runs: Sequence[QueryResult]) -> list[str]:
    """`perf_document` in words."""
    cold, warm = _cold_and_warm(runs)
    what = f"Query: {counted(len(cold), 'record')}"
    if warm is None:
        return [f"{what} {_told(cold)}"]
    return [what, f"  cold: {_told(cold)}", f"  warm: {_told(warm)} (the median of {len(runs) - 1})"]


def _told(found: QueryResult) -> str:
    cost = found.cost
    return (
        f"from {counted(cost.chunks, 'chunk')} in {duration(cost.total_ms)}"
        f" (read {size(cost.bytes_read)} in {duration(cost.read_ms)}, decode {cost.blocks_decoded} of"
        f" {counted(cost.blocks, 'block')} in {duration(cost.decode_ms)}, select {duration(cost.select_ms)};"
        f" cache: hits {cost.cache_hits}, misses {cost.cache_misses}, evictions {cost.cache_evictions},"
        f" {size(cost.cache_bytes)} held)"
    )
