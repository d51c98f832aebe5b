"""`ledger list`, `redrive`, `drop`: the durable table of jobs, above all of those that gave up."""

from __future__ import annotations

import contextlib
import os
import time
from argparse import Namespace
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from cimis_engine.errors import UsageError
from cimis_engine.model.period import PST
from cimis_engine.model.plan import parse_job_id
from cimis_engine.run.ledger import GIVEN_UP, STATES, Ledger, LedgerRow
from cimis_engine.store.store import Store
from cimis_tui.cli.output import SCHEMA_VERSION, Output, counted, table
from cimis_tui.cli.settings import data_dir_of

_HEAD = ("job", "state", "attempts", "run", "since (PST)", "class", "last error")
_ERROR_WIDTH = 60


@contextlib.contextmanager
def _ledger(args: Namespace, *, alone: bool) -> Iterator[Ledger]:
    """The ledger of the data directory; with `alone` while no run works on it. Raises `StoreLockedError`."""
    with contextlib.ExitStack() as held:
        store = held.enter_context(contextlib.closing(Store.open(data_dir_of(args, os.environ, Path()))))
        if alone:
            held.enter_context(store.lock())
        yield Ledger(store.database)


def list_jobs(args: Namespace, output: Output) -> int:
    """List jobs with their state and last error; `--state` picks one state."""
    with _ledger(args, alone=False) as ledger:
        rows = ledger.rows(states=(args.state,) if args.state else STATES)
    if args.json:
        output.document({"schema_version": SCHEMA_VERSION, "jobs": [_document(row) for row in rows]})
    elif not rows:
        output.note(f"no {args.state or 'known'} jobs")
    else:
        for line in table(_HEAD, [_line(row) for row in rows], left=len(_HEAD)):
            output.data(line)
    return 0


def redrive(args: Namespace, output: Output) -> int:
    """Queue failed or cancelled jobs again: the next `cimis retry` takes just these."""
    with _ledger(args, alone=True) as ledger:
        jobs = _chosen(args, ledger, GIVEN_UP)
        ledger.requeue(jobs, time.time())
    if args.json:
        output.document({"schema_version": SCHEMA_VERSION, "redriven": jobs})
    else:
        output.data(f"{counted(len(jobs), 'job')} queued again" + ("; `cimis retry` runs them" if jobs else ""))
    return 0


def drop(args: Namespace, output: Output) -> int:
    """Forget jobs. Stored chunks stay; a backfill that asks for what is not stored plans it again."""
    with _ledger(args, alone=True) as ledger:
        jobs = _chosen(args, ledger, STATES)
        ledger.drop(jobs)
    if args.json:
        output.document({"schema_version": SCHEMA_VERSION, "dropped": jobs})
    else:
        output.data(f"{counted(len(jobs), 'job')} dropped")
    return 0


def _chosen(args: Namespace, ledger: Ledger, states: Collection[str]) -> list[str]:
    """The jobs named, each known and in one of `states`; with `--all` every job that gave up. Raises `UsageError`."""
    if bool(args.jobs) == args.all:
        raise UsageError("which jobs?", hint="name some of `cimis ledger list --state failed`, or give --all")
    if args.all:
        return [row.id for row in ledger.rows(states=GIVEN_UP)]
    state_of = {row.id: row.state for row in ledger.rows()}
    for job in args.jobs:
        if job not in state_of:
            raise UsageError(f"no job '{job}' in the ledger", hint="`cimis ledger list` shows them")
        if state_of[job] not in states:
            raise UsageError(f"job {job} is {state_of[job]}", hint="only failed and cancelled jobs can be queued again")
    return list(dict.fromkeys(args.jobs))


def _document(row: LedgerRow) -> dict[str, Any]:
    key = parse_job_id(row.id)
    return {
        "job": row.id,
        "station_id": key.station,
        "interval": key.interval.value,
        "start": str(key.span.start),
        "end": str(key.span.end),
        "units": key.units.value,
        "items": len(key.items),
        "state": row.state,
        "attempts": row.attempts,
        "run_id": row.run_id,
        "error_class": row.error_class,
        "last_error": row.error,
        "updated_at": row.updated_at,
    }


def _line(row: LedgerRow) -> Sequence[str]:
    error = row.error or "–"
    return (
        row.id,
        row.state,
        str(row.attempts),
        row.run_id,
        f"{datetime.fromtimestamp(row.updated_at, PST):%Y-%m-%d %H:%M}",
        row.error_class or "–",
        error if len(error) <= _ERROR_WIDTH else error[: _ERROR_WIDTH - 1] + "…",
    )
