"""Runs of a data directory as they stand on disk: going on, ended, or cut off."""

from __future__ import annotations

import json
import os
from argparse import Namespace
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cimis_engine.errors import CimisError, UsageError
from cimis_engine.model.period import PST
from cimis_engine.run.events import RunFinished, RunStarted, Stamped, decode
from cimis_engine.run.process import LOG_FILE, running_engine
from cimis_tui.cli.output import SCHEMA_VERSION, Output, duration, table
from cimis_tui.cli.settings import data_dir_of

JOURNAL, REPORT = "events.jsonl", "report.json"
_TAIL_BYTES = 64 * 1024


class EngineDiedError(CimisError):
    """The engine ended without ending its run. `run_id`, and `returncode` where it is known."""

    def __init__(self, run_id: str, returncode: int | None, last_words: str) -> None:
        code = "" if returncode is None else f" (exit code {returncode})"
        super().__init__(
            f"the engine of run {run_id} ended early{code}{': ' + last_words if last_words else ''}",
            hint="the same command resumes; engine.log in the run directory says more",
        )
        self.run_id, self.returncode = run_id, returncode
        if returncode is not None and returncode > 0:
            self.exit_code = returncode


@dataclass(frozen=True, slots=True)
class PastRun:
    """A run directory, read: its first and last events, and the pid of its engine while that lives."""

    run_dir: Path
    first: Stamped | None
    last: Stamped | None
    pid: int | None

    @classmethod
    def of(cls, run_dir: Path) -> PastRun:
        pid = running_engine(run_dir)  # before the journal: an engine that ends in between has its last event there
        first, last = _ends(run_dir / JOURNAL)
        return cls(run_dir, first, last, pid)

    @property
    def run_id(self) -> str:
        return self.run_dir.name

    @property
    def started(self) -> RunStarted | None:
        return self.first.event if self.first and isinstance(self.first.event, RunStarted) else None

    @property
    def finished(self) -> RunFinished | None:
        return self.last.event if self.last and isinstance(self.last.event, RunFinished) else None

    @property
    def running(self) -> bool:
        return self.pid is not None and self.finished is None

    @property
    def status(self) -> str:
        """running, done, partial, failed, interrupted; or `cut off` where the engine died."""
        if self.finished:
            return self.finished.outcome
        return "running" if self.running else "cut off"

    @property
    def elapsed_ms(self) -> float | None:
        return (self.last.t - self.first.t) * 1000 if self.first and self.last else None

    def report(self) -> dict[str, Any] | None:
        """The run's report as it was written, or None where it never was."""
        try:
            return dict(json.loads((self.run_dir / REPORT).read_bytes()))
        except (OSError, ValueError):
            return None

    def last_words(self) -> str:
        """The last line of the engine's own log, or nothing."""
        try:
            lines = (self.run_dir / LOG_FILE).read_text(errors="replace").split("\n")
        except OSError:
            return ""
        return next((line for line in lines if line.startswith("error: ")), "").removeprefix("error: ")


def _ends(path: Path) -> tuple[Stamped | None, Stamped | None]:
    """First and last event of a journal, without reading what is between."""
    try:
        with path.open("rb") as file:
            head = file.readline()
            file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
            tail = file.read().split(b"\n")[:-1]
    except OSError:
        return None, None
    events = (_event(line) for line in (*reversed(tail), head))
    return _event(head), next((event for event in events if event), None)


def _event(line: bytes) -> Stamped | None:
    try:
        return decode(line)
    except ValueError:  # a torn line, or the middle of one; msgspec's errors are ValueErrors
        return None


def past_runs(data_dir: Path) -> list[PastRun]:
    """Every run of a data directory, newest first. An absent directory has none."""
    found = [PastRun.of(path) for path in (data_dir / "runs").glob("*/") if (path / "spec.json").exists()]
    return sorted(found, key=lambda r: (r.run_dir / "spec.json").stat().st_mtime_ns, reverse=True)


def find_run(data_dir: Path, run_id: str | None) -> PastRun:
    """A run by its id, or the newest. Raises `UsageError`."""
    runs = past_runs(data_dir)
    if not runs:
        raise UsageError(f"no runs in {data_dir}", hint="`cimis backfill` or `cimis demo` makes one; see --data-dir")
    if run_id is None:
        return runs[0]
    for run in runs:
        if run.run_id == run_id:
            return run
    raise UsageError(f"no run '{run_id}' in {data_dir}", hint="`cimis runs` lists them")


def runs(args: Namespace, output: Output) -> int:
    """List the runs of a data directory, newest first."""
    data_dir = data_dir_of(args, os.environ, Path())
    found = past_runs(data_dir)
    if args.json:
        output.document({"schema_version": SCHEMA_VERSION, "runs": [_document(run) for run in found]})
    elif not found:
        output.note(f"no runs in {data_dir}")
    else:
        for line in table(
            ["run", "state", "started (PST)", "took", "command", "stations", "jobs"], _lines(found), left=5
        ):
            output.data(line)
    return 0


def _document(run: PastRun) -> dict[str, Any]:
    started, finished = run.started, run.finished
    return {
        "run_id": run.run_id,
        "state": run.status,
        "pid": run.pid if run.running else None,
        "started": run.first.t if run.first else None,
        "elapsed_ms": run.elapsed_ms,
        "command": started.command if started else None,
        "stations": len(started.stations) if started else None,
        "jobs": len(started.jobs) if started else None,
        "exit_code": finished.exit_code if finished else None,
        "resumable": finished.resumable if finished else not run.running,
    }


def _lines(found: list[PastRun]) -> list[list[str]]:
    return [
        [
            run.run_id,
            run.status,
            f"{datetime.fromtimestamp(run.first.t, PST):%Y-%m-%d %H:%M}" if run.first else "–",
            duration(run.elapsed_ms),
            run.started.command if run.started else "–",
            str(len(run.started.stations)) if run.started else "–",
            str(len(run.started.jobs)) if run.started else "–",
        ]
        for run in found
    ]
