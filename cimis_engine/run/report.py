"""The report of a run: one JSON document, a view of the folded state. `schemas/report.schema.json` describes it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from cimis_engine.errors import CimisError
from cimis_engine.model.completeness import range_texts
from cimis_engine.model.items import Interval
from cimis_engine.run.figures import figures_of
from cimis_engine.run.results import ResultState
from cimis_engine.run.state import RunState

SCHEMA_VERSION = "1.0"
TRANSIENT_EXIT = 4


class ReportError(CimisError):
    """The report cannot be written. `path` and the system's `reason` say why; an earlier report there is untouched."""

    def __init__(self, path: Path, reason: OSError) -> None:
        super().__init__(
            f"cannot write the report {path}: {reason.strerror or reason}",
            hint="what was fetched is stored all the same; see `cimis runs`",
        )
        self.path, self.reason = path, reason


@dataclass(frozen=True, slots=True)
class AllocMetrics:
    """Memory of one result, measured around decoding by whoever runs with tracing on; None: not measured.

    Bytes kept by traced allocations, growth of the process's heap in bytes, live objects more than before, bytes
    retained a record, and bytes at the peak a record.
    """

    delta_alloc: int | None = None
    delta_heap: int | None = None
    objects: int | None = None
    bytes_per_record: float | None = None
    peak_bytes_per_record: float | None = None


NOT_MEASURED = AllocMetrics()


def build_report(state: RunState, *, allocs: Mapping[tuple[int, int], AllocMetrics] | None = None) -> dict[str, Any]:
    """The report so far. A station-year that is not decided yet is in `undecided` only, not among the results.

    `allocs` by (station, year). Attempts count for each year their page touches, so they add up to more than the
    run's own where a page feeds several years.
    """
    decided = [r for r in state.results.values() if r.success is not None]
    good = sum(1 for r in decided if r.success)
    measured = allocs or {}
    ended = state.now if state.finished_at is None else state.finished_at
    interval = state.started.interval if state.started else ""
    return {
        "schema_version": SCHEMA_VERSION,
        "run_id": state.run_id,
        "timestamp": datetime.fromtimestamp(ended, UTC).isoformat(timespec="milliseconds"),
        "total_stations": len(state.started.stations) if state.started else 0,
        "successful": good,
        "failed": len(decided) - good,
        "undecided": len(state.results) - len(decided),
        "already_stored": state.started.stored if state.started else 0,
        "total_records": sum(r.records for r in decided),
        "total_revised": sum(r.revised for r in decided),
        "interrupted": state.outcome == "interrupted",
        "resumable": state.resumable if state.outcome else len(decided) < len(state.results),
        "outcome": state.outcome or None,
        "exit_code": state.exit_code,
        "message": state.message,
        "elapsed_ms": state.elapsed_s * 1000,
        "retry_after_seconds": _retry_after(state),
        "rss_peak_bytes": state.rss_peak or None,
        "figures": msgspec.to_builtins(figures_of(state)),
        "faults": dict(sorted(state.faults.items())),
        "retries": [
            {"station": r.station, "page": r.page, "attempt": r.attempt, "cause": r.cause, "delay_ms": r.delay_ms}
            for _, r in state.retry_log
        ],
        "results": [_result(r, interval, measured.get((r.station, r.year), NOT_MEASURED)) for r in decided],
        "failures": [_failure(r, interval) for r in decided if not r.success],
    }


def _retry_after(state: RunState) -> float | None:
    """Seconds worth waiting when nothing came for passing reasons: the throttle's gate, else the last backoff."""
    if state.exit_code != TRANSIENT_EXIT:
        return None
    if state.gate_until is not None and state.gate_until > state.now:
        return state.gate_until - state.now
    return state.retry_log[-1][1].delay_ms / 1000 if state.retry_log else None


def _result(result: ResultState, interval: str, allocs: AllocMetrics) -> dict[str, Any]:
    return {
        "station_id": result.station,
        "interval": interval,
        "year": result.year,
        "success": result.success,
        "records": result.records,
        "expected": result.expected,
        "missing": result.missing,
        "missing_slots": range_texts(Interval(interval), result.year, result.missing_slots),
        "unexpected": result.unexpected + result.out_of_span,
        "provisional": result.provisional,
        "revised": result.revised,
        "nulls": result.nulls,
        "attempts": result.attempts,
        "retry_causes": dict(sorted(result.retry_causes.items())),
        "timings": {**{f"{phase}_ms": ms for phase, ms in result.timings.items()}, "total_ms": result.total_ms},
        "bytes_transferred": round(result.wire_bytes),
        "bytes_decoded": round(result.decoded_bytes),
        "content_encoding": result.content_encoding or None,
        "bytes_raw": result.raw_bytes,
        "bytes_compressed": result.stored_bytes,
        "compression_ratio": result.raw_bytes / result.stored_bytes if result.stored_bytes else None,
        "changed": result.changed,
        "digest": result.digest or None,
        "path": result.path or None,
        "alloc_metrics": asdict(allocs),
    }


def _failure(result: ResultState, interval: str) -> dict[str, Any]:
    return {
        "station_id": result.station,
        "interval": interval,
        "year": result.year,
        "job": result.job,
        "error_class": result.error_class,
        "attempts": result.attempts,
        "last_error": result.message,
        "hint": result.hint,
    }


def write_report(path: Path, report: Mapping[str, Any]) -> None:
    """Write the report whole or not at all: a file beside it, then a rename. Raises `ReportError`."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("w", encoding="utf-8") as file:
            json.dump(report, file, indent=2, allow_nan=False)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise ReportError(path, error) from error
