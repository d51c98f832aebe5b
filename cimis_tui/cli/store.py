"""`init`, `stats`, `verify`, `rebuild`: the data directory itself."""

from __future__ import annotations

import contextlib
import os
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cimis_engine.errors import IntegrityError
from cimis_engine.model.items import Interval
from cimis_engine.store.catalog import ChunkEntry
from cimis_engine.store.store import Store
from cimis_engine.store.verify import VerifyReport
from cimis_engine.store.verify import verify as read_everything
from cimis_tui.cli.output import SCHEMA_VERSION, Output, counted, ratio, shown, size, table
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


def verify(args: Namespace, output: Output) -> int:
    """Read every chunk and check every checksum. 6 where a stored record is lost; what is only untidy is told."""
    data_dir = data_dir_of(args, os.environ, Path())
    report = read_everything(Store.open(data_dir))
    exit_code = 0 if report.sound else IntegrityError.exit_code
    if args.json:
        output.document(document(report, exit_code))
        return exit_code
    for finding in report.findings:
        output.data(f"{finding.kind.value}: {shown(finding.path)}: {finding.what}")
    earlier = f" and {counted(report.generations, 'earlier generation')}" if report.generations else ""
    output.data(
        f"{counted(report.chunks, 'chunk')}{earlier} verified, {report.records} records, "
        f"{size(report.bytes)}, {counted(len(report.findings), 'finding')}"
    )
    if exit_code:
        output.fail(
            f"{counted(len(report.damaged), 'chunk')} damaged, {len(report.missing_files)} missing",
            "move a damaged chunk away and run the backfill again: it fetches what is not there",
        )
    return exit_code


def rebuild(args: Namespace, output: Output) -> int:
    """Make the catalog again from the chunks alone. 6 where a chunk could not be read: it is left out."""
    data_dir = data_dir_of(args, os.environ, Path())
    with contextlib.closing(Store.open(data_dir)) as store, store.lock():
        report = store.rebuild()
    exit_code = IntegrityError.exit_code if report.damaged else 0
    if args.json:
        damaged = [{"path": str(e.path), "message": str(e)} for e in report.damaged]
        output.document(
            {"schema_version": SCHEMA_VERSION, "chunks": report.chunks, "damaged": damaged, "exit_code": exit_code}
        )
        return exit_code
    for error in report.damaged:
        output.data(str(error))
    output.data(f"{counted(report.chunks, 'chunk')} in the catalog, {len(report.damaged)} left out as damaged")
    return exit_code


def document(report: VerifyReport, exit_code: int) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "chunks": report.chunks,
        "sound": report.ok,
        "generations": report.generations,
        "records": report.records,
        "stored_bytes": report.bytes,
        "findings": [{"kind": f.kind.value, "path": str(f.path), "message": f.what} for f in report.findings],
        "exit_code": exit_code,
    }
