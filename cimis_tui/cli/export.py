"""`export`: stored records into Parquet or CSV files."""

from __future__ import annotations

import contextlib
import os
import time
from argparse import Namespace
from pathlib import Path

from cimis_engine.export.export import Exported, Form, Survey, survey
from cimis_engine.export.export import export as write
from cimis_engine.model.items import Interval, UnitSystem, parse_items
from cimis_engine.model.period import parse_years
from cimis_engine.run.kept_directory import kept_directory
from cimis_engine.store.query import stations_named
from cimis_engine.store.store import Store
from cimis_tui.cli.bar import Bar
from cimis_tui.cli.choice import stations_of
from cimis_tui.cli.output import SCHEMA_VERSION, Output, counted, duration, size
from cimis_tui.cli.settings import data_dir_of


def export(args: Namespace, output: Output) -> int:
    """Write files; progress and a summary on stderr, with `--json` what was written on stdout."""
    interval = Interval.HOURLY if args.hourly else Interval.DAILY
    form, target = (Form.PARQUET, Path(args.parquet)) if args.parquet else (Form.CSV, Path(args.csv))
    data_dir = data_dir_of(args, os.environ, Path())
    began = time.perf_counter()
    with contextlib.closing(Store.open(data_dir)) as store:
        stations = stations_of(args.stations, data_dir)
        plan = survey(
            store,
            interval,
            stations=stations_named(store, "all", interval) if stations is None else stations,
            years=parse_years(args.years).years if args.years else None,
            items=parse_items(args.items.split(","), interval) if args.items else None,
            units=UnitSystem(args.units) if args.units else None,
        )
        kept = kept_directory(data_dir)
        names = {station.number: station.name for station in kept.stations} if kept else {}
        if form is Form.CSV and not names:
            output.warn("no station directory is stored here: the column 'Stn Name' stays empty")
        bar = Bar(output, "chunks")

        def progress(done: Exported) -> None:
            bar(done.chunks, len(plan.chunks))

        done = write(store, plan, form, target, hive=args.hive, names=names, progress=progress)
    elapsed = (time.perf_counter() - began) * 1000
    what = f"{done.records} records of {counted(done.chunks, 'chunk')}, {len(plan.items)} items"
    output.note(
        f"{what} written to {target} ({counted(done.files, 'file')}, {size(done.bytes)}) in {duration(elapsed)}"
    )
    if args.json:
        output.document(_document(plan, done, form, target, elapsed))
    return 0


def _document(plan: Survey, done: Exported, form: Form, target: Path, elapsed_ms: float) -> dict[str, object]:
    return {
        "schema_version": SCHEMA_VERSION,
        "format": form.value,
        "path": str(target),
        "interval": plan.interval.value,
        "units": plan.units.value,
        "items": [item.slug for item in plan.items],
        "chunks": done.chunks,
        "records": done.records,
        "files": done.files,
        "bytes": done.bytes,
        "elapsed_ms": elapsed_ms,
    }
