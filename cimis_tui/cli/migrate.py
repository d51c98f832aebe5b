"""`migrate`, `rollback`, `gc`: the format of what is stored, and what earlier files are still wanted."""

from __future__ import annotations

import contextlib
import os
import time
from argparse import Namespace
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from cimis_engine.store.formats import Format
from cimis_engine.store.gc import Unwanted, remove, sweep
from cimis_engine.store.migrate import (
    Baseline,
    ContentChangedError,
    Switched,
    adopt_switched,
    capture,
    former_artifacts,
    migrate_station,
    not_in,
    roll_back_station,
)
from cimis_engine.store.paths import Key
from cimis_engine.store.store import Store
from cimis_tui.cli.bar import Bar
from cimis_tui.cli.choice import held_stations
from cimis_tui.cli.ending import PARTIAL
from cimis_tui.cli.output import SCHEMA_VERSION, Output, counted, duration, shown, size, table
from cimis_tui.cli.settings import data_dir_of
from cimis_tui.cli.update import parse_days

Work = TypeVar("Work")
_HEAD = ("", "chunks", "records", "content", "bytes", "bytes a record", "formats", "a year", "a week")
_WHY = {
    "artifact": "what a chunk says, in another file",
    "duplicate": "what an earlier generation says, in another file",
    "damaged": "set aside by a repair",
    "revision": "the only copy of a revised chunk's earlier content",
}


def migrate(args: Namespace, output: Output) -> int:
    """Write what is stored in another format, a station at a time. 3 where some station could not be switched."""
    to, data_dir = Format(args.to), data_dir_of(args, os.environ, Path())
    with contextlib.closing(Store.open(data_dir)) as store, store.lock():
        stations = held_stations(args.stations, data_dir, store)
        adopt_switched(store, stations)
        work = not_in(store, to, stations)

        def switch(station: int, keys: Sequence[Key]) -> Switched:
            return migrate_station(store, station, keys, to)

        return _switch_all(store, args, output, stations, work, switch, nothing=f"every chunk is {to} already")


def rollback(args: Namespace, output: Output) -> int:
    """Put back the files that the last change of format replaced, where the content is still the same."""
    data_dir = data_dir_of(args, os.environ, Path())
    with contextlib.closing(Store.open(data_dir)) as store, store.lock():
        stations = held_stations(args.stations, data_dir, store)
        adopt_switched(store, stations)
        work = former_artifacts(store, stations)

        def switch(station: int, kept: Mapping[Key, Path]) -> Switched:
            return roll_back_station(store, station, kept)

        return _switch_all(
            store, args, output, stations, work, switch, nothing="no earlier file says what a chunk says"
        )


def _switch_all(
    store: Store,
    args: Namespace,
    output: Output,
    stations: Sequence[int] | None,
    work: Mapping[int, Work],
    switch: Callable[[int, Work], Switched],
    *,
    nothing: str,
) -> int:
    """Switch station after station, between two looks at the whole; `nothing`: why there may be no work.

    Raises `ContentChangedError`.
    """
    before = capture(store, stations)
    bar = Bar(output, "stations")
    done: list[Switched] = []
    for station, chosen in work.items():
        done.append(switch(station, chosen))
        bar(len(done), len(work))
    after = capture(store, stations) if done else before
    if (before.chunks, before.records, before.content) != (after.chunks, after.records, after.content):
        raise ContentChangedError(before, after)
    errors = [d.error for d in done if d.error]
    code = 0 if not errors else PARTIAL if len(errors) < len(done) else errors[0].exit_code
    if work or args.json:
        _tell_switched(args, output, done, before, after, code)
    else:
        output.data(f"nothing to do: {nothing} ({counted(before.chunks, 'chunk')}, {size(before.stored_bytes)})")
    for one in done:
        if one.error:
            output.fail(f"station {one.station:03d} not switched: {one.error}", one.error.hint)
    return code


def _tell_switched(
    args: Namespace, output: Output, done: Sequence[Switched], before: Baseline, after: Baseline, code: int
) -> None:
    switched = [d for d in done if not d.error]
    if args.json:
        output.document(
            {
                "schema_version": SCHEMA_VERSION,
                "chunks": sum(d.chunks for d in switched),
                "stations": [_switched_document(d) for d in done],
                "before": asdict(before),
                "after": asdict(after),
                "exit_code": code,
            }
        )
        return
    for line in table(_HEAD, [_baseline_line("before", before), _baseline_line("after", after)]):
        output.data(line)
    chunks = sum(d.chunks for d in switched)
    what = f"{counted(chunks, 'chunk')} of {counted(len(switched), 'station')} switched"
    undo = "; `cimis rollback` puts the former files back, `cimis gc` removes them"
    output.data(what + undo if chunks and args.command == "migrate" else what)


def _switched_document(one: Switched) -> dict[str, Any]:
    return {
        "station_id": one.station,
        "chunks": one.chunks,
        "bytes_before": one.bytes_before,
        "bytes_after": one.bytes_after,
        "error": str(one.error) if one.error else None,
    }


def _baseline_line(name: str, found: Baseline) -> Sequence[str]:
    return (
        name,
        str(found.chunks),
        str(found.records),
        found.content[:12],
        size(found.stored_bytes),
        f"{found.stored_bytes / found.records:.2f}" if found.records else "–",
        " ".join(f"{format}:{count}" for format, count in found.formats.items()) or "–",
        _time(found.year_ms),
        _time(found.week_ms),
    )


def _time(ms: float | None) -> str:
    return f"{ms:.2f}ms" if ms is not None and ms < 10 else duration(ms)


def gc(args: Namespace, output: Output) -> int:
    """Remove earlier files that nothing needs; with `--keep`, the only copies of old revised contents too."""
    before = time.time() - parse_days(args.older_than) * 86400 if args.older_than else None
    with contextlib.ExitStack() as held:
        store = held.enter_context(contextlib.closing(Store.open(data_dir_of(args, os.environ, Path()))))
        if not args.dry_run:
            held.enter_context(store.lock())
        found = sweep(store, keep=args.keep, before=before, step=Bar(output, "chunks"))
        if not args.dry_run:
            remove(store, found.unwanted)
    freed = sum(u.size for u in found.unwanted)
    for path, why in found.in_doubt:
        output.warn(f"nothing beside {shown(path)} is removed: {why}")
    if args.json:
        output.document(
            {
                "schema_version": SCHEMA_VERSION,
                "dry_run": args.dry_run,
                "removed": [{"path": str(u.path), "bytes": u.size, "why": u.why} for u in found.unwanted],
                "freed_bytes": freed,
                "left_in_doubt": [{"path": str(path), "message": why} for path, why in found.in_doubt],
                "exit_code": 0,
            }
        )
        return 0
    for line in _by_reason(found.unwanted):
        output.data(line)
    for one in found.unwanted:
        output.detail(f"  {one.why}: {shown(one.path)}")
    verb = "would be freed" if args.dry_run else "freed"
    output.data(f"{counted(len(found.unwanted), 'file')}, {size(freed)} {verb}")
    return 0


def _by_reason(files: Iterable[Unwanted]) -> list[str]:
    groups: dict[str, list[Unwanted]] = {}
    for file in files:
        groups.setdefault(file.why, []).append(file)
    return [
        f"{why}: {counted(len(group), 'file')}, {size(sum(u.size for u in group))}: {_WHY[why]}"
        for why, group in groups.items()
    ]
