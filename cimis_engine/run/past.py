"""Runs of a data directory as they stand on disk: going on, ended, or cut off."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from cimis_engine.errors import CimisError, UsageError
from cimis_engine.run.events import RunFinished, RunStarted, Stamped
from cimis_engine.run.figures import Account, Figures, YearResult, account_of, figures_of, sum_stations
from cimis_engine.run.journal import ends_of, events_of
from cimis_engine.run.process import LOG_FILE, running_engine
from cimis_engine.run.state import RETRIES_KEPT, RunState

JOURNAL, REPORT = "events.jsonl", "report.json"


class _Reported(msgspec.Struct):
    """What of a report is read for a list; the rest, much longer, is skipped over."""

    figures: Figures | None = None


class _Timings(msgspec.Struct):
    total_ms: float


class _Result(msgspec.Struct):
    station_id: int
    success: bool
    records: int
    missing: int
    bytes_transferred: int
    bytes_compressed: int
    timings: _Timings


class _Failure(msgspec.Struct):
    station_id: int
    error_class: str
    last_error: str


class _Accounted(msgspec.Struct):
    """What of a report is read for a run's details."""

    figures: Figures
    successful: int
    failed: int
    undecided: int
    faults: dict[str, int]
    retries: list[msgspec.Raw]
    results: list[_Result]
    failures: list[_Failure]

    def account(self) -> Account:
        why = {f.station_id: f"{f.error_class}: {f.last_error}" for f in reversed(self.failures)}
        return Account(
            done=self.successful,
            failed=self.failed,
            undecided=self.undecided,
            missing=sum(result.missing for result in self.results if result.success),
            retries=len(self.retries) if len(self.retries) < RETRIES_KEPT else None,
            faults=self.faults,
            stations=sum_stations(
                YearResult(
                    r.station_id,
                    r.success,
                    r.records,
                    r.missing,
                    r.bytes_transferred,
                    r.bytes_compressed,
                    r.timings.total_ms,
                    "" if r.success else why.get(r.station_id, ""),
                )
                for r in self.results
            ),
        )


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
        first, last = ends_of(run_dir / JOURNAL)
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

    def figures(self) -> Figures | None:
        """The run's figures: from its report, else by folding its journal; None where there is neither."""
        with contextlib.suppress(OSError, msgspec.MsgspecError):
            known = msgspec.json.decode((self.run_dir / REPORT).read_bytes(), type=_Reported).figures
            if known is not None and not self.running:
                return known
        try:
            return figures_of(folded(self.run_dir / JOURNAL))
        except OSError:
            return None

    def details(self) -> tuple[Figures, Account] | None:
        """As `figures`, with all else that is told of a run."""
        with contextlib.suppress(OSError, msgspec.MsgspecError):
            if not self.running:
                known = msgspec.json.decode((self.run_dir / REPORT).read_bytes(), type=_Accounted)
                return known.figures, known.account()
        try:
            state = folded(self.run_dir / JOURNAL)
        except OSError:
            return None
        return figures_of(state), account_of(state)

    @property
    def bytes_on_disk(self) -> int:
        """Of everything in the run's folder: journal, report, logs."""
        return sum(file.lstat().st_size for file in self.run_dir.rglob("*") if not file.is_dir())

    def last_words(self) -> str:
        """The last line of the engine's own log, or nothing."""
        try:
            lines = (self.run_dir / LOG_FILE).read_text(errors="replace").split("\n")
        except OSError:
            return ""
        return next((line for line in lines if line.startswith("error: ")), "").removeprefix("error: ")


def run_dirs(data_dir: Path) -> list[Path]:
    """The folders of a data directory's runs, newest first. An absent directory has none."""
    found = [path for path in (data_dir / "runs").glob("*/") if (path / "spec.json").exists()]
    return sorted(found, key=lambda path: (path / "spec.json").stat().st_mtime_ns, reverse=True)


def past_runs(data_dir: Path) -> list[PastRun]:
    """Every run of a data directory, read, newest first."""
    return [PastRun.of(path) for path in run_dirs(data_dir)]


def find_run_dir(data_dir: Path, run_id: str | None) -> Path:
    """The folder of a run by its id, or of the newest. Raises `UsageError`."""
    runs = run_dirs(data_dir)
    if not runs:
        raise UsageError(f"no runs in {data_dir}", hint="`cimis backfill` or `cimis demo` makes one; see --data-dir")
    if run_id is None:
        return runs[0]
    for path in runs:
        if path.name == run_id:
            return path
    raise UsageError(f"no run '{run_id}' in {data_dir}", hint="`cimis runs` lists them")


def find_run(data_dir: Path, run_id: str | None) -> PastRun:
    """A run by its id, or the newest, read. Raises `UsageError`."""
    return PastRun.of(find_run_dir(data_dir, run_id))


def folded(journal: Path, until: float | None = None) -> RunState:
    """A journal folded from its start to its end, or as far as Unix time `until`. Raises `OSError`."""
    state = RunState()
    for stamped in events_of(journal):
        if until is not None and stamped.t > until:
            break
        state.apply(stamped)
    return state
