"""`verify` and `rebuild`: is what is stored intact; make it so again."""

from __future__ import annotations

import contextlib
import os
from argparse import Namespace
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from cimis_engine.errors import CimisError, IntegrityError
from cimis_engine.model.completeness import range_texts
from cimis_engine.model.plan import JobKey
from cimis_engine.run.report import build_report
from cimis_engine.store.repair import Repair, repair
from cimis_engine.store.store import Store
from cimis_engine.store.verify import Finding, Kind, VerifyReport
from cimis_engine.store.verify import verify as examine
from cimis_tui.cli.bar import Bar
from cimis_tui.cli.choice import held_stations
from cimis_tui.cli.output import SCHEMA_VERSION, Output, counted, shown, size
from cimis_tui.cli.progress import Progress
from cimis_tui.cli.retry import of_one_kind, request_for
from cimis_tui.cli.run import Job, run_here
from cimis_tui.cli.settings import data_dir_of, load_settings, read_key

_LOST_SHOWN = 3


def verify(args: Namespace, output: Output) -> int:
    """Check every checksum. 6 where something stored is lost; what is only untidy is told. `--repair` sees to it."""
    if args.repair:
        return _verify_and_repair(args, output)
    data_dir = data_dir_of(args, os.environ, Path())
    with contextlib.closing(Store.open(data_dir)) as store:
        stations = held_stations(args.stations, data_dir, store)
        report = examine(store, read_data=args.read_data, stations=stations, step=Bar(output, "files"))
    exit_code = 0 if report.sound else IntegrityError.exit_code
    if args.json:
        output.document(document(report, exit_code))
    else:
        _tell(report, output)
    if exit_code:
        output.fail(_lost(report), "`cimis verify --repair` keeps what is sound and fetches the rest again")
    return exit_code


def _verify_and_repair(args: Namespace, output: Output) -> int:
    """Verify, save what can be saved, fetch what was lost, and verify again."""
    settings, data_dir = load_settings(args, os.environ, folder=Path())
    with contextlib.closing(Store.open(data_dir, format=settings.store_format)) as store, store.lock():
        stations = held_stations(args.stations, data_dir, store)
        report = examine(store, read_data=args.read_data, stations=stations, step=Bar(output, "files"))
        # Before anything is touched: what cannot be fetched must not be taken apart.
        key = read_key(os.environ) if report.damaged or report.missing_files else ""
        repairs = repair(store, report)
    if not args.json:
        _tell(report, output)
        for done in repairs:
            output.data(f"repair: {shown(done.finding.path)}: {_done(done)}")
    reports = _fetch([job for r in repairs for job in r.jobs], data_dir, settings, key, output)
    with contextlib.closing(Store.open(data_dir)) as store:
        again = _again(store, repairs, args.read_data)
    codes = [r["exit_code"] for r in reports if r["exit_code"]]
    failed = any(r.error for r in repairs) or not again.sound
    exit_code = codes[0] if codes else IntegrityError.exit_code if failed else 0
    if args.json:
        output.document(
            document(report, exit_code)
            | {
                "repairs": [_repair_document(r) for r in repairs],
                "runs": reports,
                "left": [_finding_document(f) for f in again.lost],
            }
        )
    elif repairs:
        output.data(
            f"{counted(len(repairs), 'repair')}, {counted(len(reports), 'run')}, "
            f"{counted(len(again.lost), 'loss', 'losses')} left"
        )
    if exit_code:
        output.fail(
            "the repair is not complete", "`cimis retry` fetches what failed; `cimis verify` says what is still lost"
        )
    return exit_code


def _again(store: Store, repairs: Sequence[Repair], read_data: bool) -> VerifyReport:
    """Verify once more the stations that were repaired."""
    touched = {r.finding.key[0] for r in repairs if r.finding.key}
    return examine(store, read_data=read_data, stations=touched)


def _fetch(keys: Sequence[JobKey], data_dir: Path, settings: Any, key: str, output: Output) -> list[dict[str, Any]]:
    """A run for the jobs of each kind, in this process; their reports. Stops where a run was interrupted or refused."""
    reports: list[dict[str, Any]] = []
    while keys:
        chosen, left = of_one_kind(keys)
        output.note(f"{counted(len(chosen), 'job')} to fetch again")
        state = run_here(Job("verify", request_for(chosen), settings, data_dir, key), output, Progress(output))
        reports.append(build_report(state) | {"exit_code": state.exit_code or 0})
        if (state.exit_code or 0) not in (0, 3):
            break
        keys = [k for k in keys if k.kind != chosen[0].kind] if left else []
    return reports


def _tell(report: VerifyReport, output: Output) -> None:
    for finding in report.findings:
        output.data(f"{finding.kind.value}: {shown(finding.path)}: {finding.what}{_dates(finding)}")
    sound = "" if report.ok == report.chunks else f", {report.ok} sound"
    earlier = f" and {counted(report.generations, 'earlier generation')}" if report.generations else ""
    output.data(
        f"{counted(report.chunks, 'chunk')}{earlier} verified{sound}, {report.records} records, "
        f"{size(report.bytes)}, {counted(len(report.findings), 'finding')}"
    )


def _dates(finding: Finding) -> str:
    """` (lost: 2024-01-15..2024-01-28)`."""
    ranges = _ranges(finding)
    if not ranges:
        return ""
    told = ", ".join(
        r["first"] if r["first"] == r["last"] else f"{r['first']}..{r['last']}" for r in ranges[:_LOST_SHOWN]
    )
    more = f", and {len(ranges) - _LOST_SHOWN} more" if len(ranges) > _LOST_SHOWN else ""
    return f" (lost: {told}{more})"


def _ranges(finding: Finding) -> list[dict[str, str]]:
    if finding.key is None:
        return []
    _, interval, year = finding.key
    return range_texts(interval, year, finding.lost)


_LOSS = {
    Kind.DAMAGED: ("chunk", "damaged"),
    Kind.MISSING_FILE: ("chunk", "missing"),
    Kind.DAMAGED_GENERATION: ("earlier generation", "damaged"),
    Kind.NEWER_FORMAT: ("file", "of a newer program"),
}


def _lost(report: VerifyReport) -> str:
    """`2 chunks damaged, 1 chunk missing`."""
    found = ((len(report.of(kind)), noun, what) for kind, (noun, what) in _LOSS.items())
    return ", ".join(f"{counted(n, noun)} {what}" for n, noun, what in found if n)


def _done(done: Repair) -> str:
    match done.how:
        case "restored":
            return f"restored from an earlier file of the same content, {done.records} records"
        case "salvaged":
            return f"{done.records} records of sound blocks kept, {_jobs(done.jobs)}"
        case "refetch":
            return _jobs(done.jobs)
        case "catalogued":
            return "catalogued"
        case "set-aside":
            return "set aside; an earlier generation cannot be fetched again"
    return f"failed: {_with_hint(done.error)}"


def _with_hint(error: CimisError | None) -> str:
    return f"{error}; {error.hint}" if error and error.hint else str(error)


def _jobs(jobs: Collection[JobKey]) -> str:
    return "to fetch again: " + ", ".join(str(job.span) for job in jobs)


def _finding_document(finding: Finding) -> dict[str, Any]:
    station, interval, year = finding.key or (None, None, None)
    return {
        "kind": finding.kind.value,
        "path": str(finding.path),
        "message": finding.what,
        "station_id": station,
        "interval": interval.value if interval else None,
        "year": year,
        "lost": _ranges(finding),
    }


def _repair_document(done: Repair) -> dict[str, Any]:
    return {
        "path": str(done.finding.path),
        "how": done.how,
        "records": done.records,
        "jobs": [job.id for job in done.jobs],
        "error": str(done.error) if done.error else None,
        "hint": done.error.hint if done.error else None,
    }


def document(report: VerifyReport, exit_code: int) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "chunks": report.chunks,
        "sound": report.ok,
        "generations": report.generations,
        "records": report.records,
        "stored_bytes": report.bytes,
        "findings": [_finding_document(f) for f in report.findings],
        "exit_code": exit_code,
    }


def rebuild(args: Namespace, output: Output) -> int:
    """Make the catalog again from the chunks alone. 6 where a chunk could not be read: it is left out."""
    data_dir = data_dir_of(args, os.environ, Path())
    with contextlib.closing(Store.open(data_dir)) as store, store.lock():
        report = store.rebuild(Bar(output, "chunks"))
    exit_code = IntegrityError.exit_code if report.damaged else 0
    if args.json:
        damaged = [{"path": str(e.path), "message": str(e)} for e in report.damaged]
        output.document(
            {"schema_version": SCHEMA_VERSION, "chunks": report.chunks, "damaged": damaged, "exit_code": exit_code}
        )
    else:
        for error in report.damaged:
            output.data(str(error))
        output.data(f"{counted(report.chunks, 'chunk')} in the catalog, {len(report.damaged)} left out as damaged")
    if exit_code:
        left_out = f"{counted(len(report.damaged), 'file')} left out of the catalog"
        output.fail(left_out, "`cimis verify` says what they held; with --repair it keeps what is sound")
    return exit_code
