"""`init` and `stats`: the data directory itself."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cimis_engine.model.items import Interval
from cimis_engine.store.catalog import ChunkEntry
from cimis_engine.store.store import Store
from cimis_tui.cli.output import SCHEMA_VERSION, Output, ratio, shown, size, table
from cimis_tui.cli.settings import data_dir_of

_HEAD = ("", "chunks", "stations", "years", "records", "missing values", "raw", "stored", "ratio", "bytes a record")


def init(args: Namespace, output: Output) -> int:
    """Make a data directory. One that exists already is left as it is."""
    data_dir = data_dir_of(args, os.environ, Path())
    if Store.exists(data_dir):
        output.data(f"Data directory {shown(data_dir)} exists already")
        return 0
    Store.create(data_dir).close()
    output.data(f"Initialized data directory {shown(data_dir)}")
    return 0


def stats(args: Namespace, output: Output) -> int:
    """What the catalog says is stored, by interval and in all. `ratio` is fixed-width rows over stored bytes."""
    data_dir = data_dir_of(args, os.environ, Path())
    entries = Store.open(data_dir).catalog.entries()
    groups = {i.value: [e for e in entries if e.interval is i] for i in Interval}
    by_interval = {name: figures(group) for name, group in groups.items() if group}
    total = figures(entries)
    if args.json:
        output.document({"schema_version": SCHEMA_VERSION, "intervals": by_interval, "total": total})
        return 0
    for line in table(_HEAD, [_cells(name, found) for name, found in (by_interval | {"total": total}).items()]):
        output.data(line)
    return 0


def figures(entries: Sequence[ChunkEntry]) -> dict[str, Any]:
    """Counts and bytes of some chunks. Years are calendar years with at least one chunk."""
    raw, stored = sum(e.raw_bytes for e in entries), sum(e.stored_bytes for e in entries)
    records = sum(e.records for e in entries)
    return {
        "chunks": len(entries),
        "stations": len({e.station for e in entries}),
        "years": len({e.year for e in entries}),
        "records": records,
        "missing_values": sum(e.nulls for e in entries),
        "raw_bytes": raw,
        "stored_bytes": stored,
        "compression_ratio": raw / stored if stored else None,
        "bytes_per_record": stored / records if records else None,
    }


def _cells(name: str, found: dict[str, Any]) -> list[str]:
    return [
        name,
        *(str(found[key]) for key in ("chunks", "stations", "years", "records", "missing_values")),
        size(found["raw_bytes"]),
        size(found["stored_bytes"]),
        ratio(found["raw_bytes"], found["stored_bytes"]),
        f"{found['bytes_per_record']:.1f}" if found["bytes_per_record"] else "–",
    ]
