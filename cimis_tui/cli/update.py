"""`update`: ask again for what the agency may have changed, and fetch the days that have passed since."""

from __future__ import annotations

import contextlib
import os
import time
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cimis_engine.errors import UsageError
from cimis_engine.run.events import Stamped, encode
from cimis_engine.run.report import build_report
from cimis_engine.run.spec import Request
from cimis_engine.run.state import RunState
from cimis_engine.run.today import agency_today
from cimis_engine.run.update import update_requests
from cimis_engine.store.store import Store
from cimis_tui.cli.backfill import wants_dashboard, watch_new_run
from cimis_tui.cli.choice import stations_of
from cimis_tui.cli.dry_run import dry_runs
from cimis_tui.cli.ending import PARTIAL, UNREACHED, hand_over, settle
from cimis_tui.cli.output import SCHEMA_VERSION, Output, counted
from cimis_tui.cli.progress import Progress
from cimis_tui.cli.run import Job, run_here
from cimis_tui.cli.settings import load_settings, read_key


def update(args: Namespace, output: Output) -> int:
    """A run for each interval, unit system and set of items that is stored: usually one, or one daily and one hourly.

    Watched on the dashboard where there is a terminal and one run; several, or `--json`, have plain progress.
    """
    settings, data_dir = load_settings(args, os.environ, folder=Path())
    requests = _requests(args, data_dir)
    jobs = [Job(args.command, request, settings, data_dir, read_key(os.environ)) for request in requests]
    if args.dry_run:
        return dry_runs(jobs, output, as_json=args.json, as_events=args.jsonl)
    if len(jobs) == 1 and not args.json and not args.report and wants_dashboard(args, os.environ):
        return watch_new_run(jobs[0], args, output)
    reports: list[dict[str, Any]] = []
    codes: list[int] = []
    for job in jobs:
        state = _run(job, args, output)
        reports.append(build_report(state))
        missing = sum(r.missing for r in state.results.values())
        interrupted = state.outcome == "interrupted"
        codes.append(settle(state.exit_code or 0, args.fail_on, missing, interrupted=interrupted))
        if interrupted or codes[-1] not in (0, PARTIAL, UNREACHED):
            break  # interrupted, or refused for good: the next run would fare no better
    told = document(reports, joint_code(codes))
    output.note(summary(told["changed"], told["revised"]))
    hand_over(told, output, to_stdout=args.json, file=args.report)
    return joint_code(codes)


def _requests(args: Namespace, data_dir: Path) -> list[Request]:
    """What is stored of the stations asked for, as requests. Raises `UsageError` where there is nothing."""
    stations = stations_of(args.stations, data_dir)
    with contextlib.closing(Store.open(data_dir)) as store:
        entries = store.catalog.entries()
    requests = update_requests(
        entries, stations=stations, since=parse_days(args.since), today=agency_today(time.time())
    )
    if not requests:
        whose = "" if stations is None else f" of station {args.stations}"
        raise UsageError(f"nothing{whose} is stored in {data_dir}", hint="`cimis backfill` fetches stations and years")
    return requests


def _run(job: Job, args: Namespace, output: Output) -> RunState:
    progress = Progress(output)

    def follow(stamped: Stamped) -> None:
        if args.jsonl:
            output.raw(encode(stamped))
        progress(stamped)

    return run_here(job, output, follow)


def summary(changed: int, revised: int) -> str:
    """What came of it all, in words.

    >>> summary(0, 0), summary(12, 0), summary(1, 1)
    ('nothing changed', '12 chunks changed, no stored value revised', '1 chunk changed, 1 stored value revised')
    """
    values = counted(revised, "stored value") if revised else "no stored value"
    return f"{counted(changed, 'chunk')} changed, {values} revised" if changed else "nothing changed"


def document(reports: Sequence[dict[str, Any]], exit_code: int) -> dict[str, Any]:
    """The update as a whole, and the report of each of its runs."""
    results = [r for report in reports for r in report["results"]]
    return {
        "schema_version": SCHEMA_VERSION,
        "changed": sum(bool(r["changed"]) for r in results),
        "revised": sum(r["revised"] for r in results),
        "runs": list(reports),
        "exit_code": exit_code,
    }


def joint_code(codes: Sequence[int]) -> int:
    """The exit code of several runs.

    >>> joint_code([0, 0]), joint_code([4, 4]), joint_code([0, 4]), joint_code([0, 130]), joint_code([3, 5])
    (0, 4, 3, 130, 5)
    """
    if codes[-1] not in (0, PARTIAL, UNREACHED) or len(set(codes)) == 1:
        return codes[-1]
    return PARTIAL


def parse_days(text: str) -> int:
    """`45d` or `45` as days. Raises `UsageError`."""
    digits = text.strip().lower().removesuffix("d")
    if not digits.isascii() or not digits.isdigit() or len(digits) > 5:
        raise UsageError(f"not a number of days: '{text}'", hint="write 45d")
    return int(digits)
