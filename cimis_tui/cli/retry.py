"""`retry`: run again just the jobs that failed, as the ledger or a report names them."""

from __future__ import annotations

import contextlib
import json
import os
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from cimis_engine.errors import UsageError
from cimis_engine.model.plan import JobKey, parse_job_id
from cimis_engine.run.ledger import Ledger
from cimis_engine.run.spec import Request
from cimis_engine.store.store import Store
from cimis_tui.cli.backfill import launch
from cimis_tui.cli.output import SCHEMA_VERSION, Output, counted
from cimis_tui.cli.run import Job
from cimis_tui.cli.settings import load_settings, read_key


def retry(args: Namespace, output: Output) -> int:
    """Fetch the failed jobs again, whole, watched like a backfill. Nothing failed: nothing is done, exit code 0."""
    settings, data_dir = load_settings(args, os.environ, folder=Path())
    names = of_report(Path(args.from_report)) if args.from_report else of_ledger(data_dir)
    if not names:
        output.note(f"no failed jobs in {args.from_report or data_dir}")
        if args.json:
            output.document({"schema_version": SCHEMA_VERSION, "jobs": 0, "exit_code": 0})
        return 0
    chosen, left = of_one_kind([parse_job_id(name) for name in names])
    output.note(f"{counted(len(chosen), 'job')} to try again")
    if left:
        output.note(f"{counted(left, 'job')} of another interval, units or items left for another `cimis retry`")
    return launch(Job("retry", request_for(chosen), settings, data_dir, read_key(os.environ)), args, output)


def of_ledger(data_dir: Path) -> list[str]:
    """The jobs that `ledger redrive` queued; if none, those that failed in the newest run that left any."""
    with contextlib.closing(Store.open(data_dir)) as store:
        return [row.id for row in Ledger(store.database).to_retry()]


def of_report(path: Path) -> list[str]:
    """The jobs behind a report's `failures`, those that a person cancelled excepted. Raises `UsageError`."""
    try:
        failures = json.loads(path.read_bytes())["failures"]
        return list(dict.fromkeys(str(f["job"]) for f in failures if f["error_class"] != "cancelled"))
    except OSError as error:
        reason = error.strerror or error
        raise UsageError(f"cannot read {path}: {reason}", hint="give the report.json of a run") from None
    except (ValueError, KeyError, TypeError):
        raise UsageError(
            f"{path} is not the report of a run", hint="give the report.json of a run, or a file of --report"
        ) from None


def of_one_kind(keys: Sequence[JobKey]) -> tuple[list[JobKey], int]:
    """The jobs of the first one's kind, which can be one run, and how many are of another."""
    chosen = [key for key in keys if key.kind == keys[0].kind]
    return chosen, len(keys) - len(chosen)


def request_for(keys: Sequence[JobKey]) -> Request:
    """A request for exactly these jobs, of one kind."""
    first = keys[0]
    return Request(
        stations=",".join(map(str, sorted({key.station for key in keys}))),
        start=str(min(key.span.start for key in keys)),
        end=str(max(key.span.end for key in keys)),
        interval=first.interval.value,
        units=first.units.value,
        items=tuple(item.slug for item in first.items),
        jobs=tuple(key.id for key in keys),
    )
