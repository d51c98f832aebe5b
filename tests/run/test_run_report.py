"""The report: its keys, its arithmetic, its schema."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

import cimis_engine
from cimis_engine.fetch.phases import CONSECUTIVE, PHASES
from cimis_engine.run import events as ev
from cimis_engine.run.report import AllocMetrics, ReportError, build_report, write_report
from cimis_engine.run.state import RunState

TYPES: dict[str, Any] = {
    "object": dict, "array": list, "string": str, "boolean": bool, "null": type(None), "integer": int,
    "number": (int, float),
}  # fmt: skip


def complaints(value: Any, schema: dict[str, Any], root: dict[str, Any], at: str = "$") -> list[str]:
    """What a value breaks of the part of JSON Schema that the report's schema uses."""
    if "$ref" in schema:
        return complaints(value, root["$defs"][schema["$ref"].rsplit("/", 1)[1]], root, at)
    found: list[str] = []
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(isinstance(value, TYPES[k]) and (k == "boolean" or value is not True) for k in kinds):
        return [f"{at}: {value!r} is no {kinds}"]
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{at}: {value!r} not in enum")
    if "const" in schema and value != schema["const"]:
        found.append(f"{at}: {value!r} is not {schema['const']!r}")
    if isinstance(value, int | float) and value < schema.get("minimum", value):
        found.append(f"{at}: {value} too small")
    if isinstance(value, dict):
        found += [f"{at}.{key} is absent" for key in schema.get("required", []) if key not in value]
        known = schema.get("properties", {})
        for key, item in value.items():
            if key in known:
                found += complaints(item, known[key], root, f"{at}.{key}")
            elif isinstance(schema.get("additionalProperties"), dict):
                found += complaints(item, schema["additionalProperties"], root, f"{at}.{key}")
            else:
                found.append(f"{at}.{key} is not in the schema")
    if isinstance(value, list):
        for n, item in enumerate(value):
            found += complaints(item, schema["items"], root, f"{at}[{n}]")
    return found


@pytest.fixture
def schema() -> dict[str, Any]:
    file = Path(cimis_engine.__file__).parent / "schemas" / "report.schema.json"
    return dict(json.loads(file.read_text()))


def run(*events: ev.Event) -> RunState:
    jobs = [
        ev.JobRef(job=f"d{n}", station=n, start="2023-01-01", end="2024-12-31", pages=1, chunks=2, expected=731)
        for n in (2, 12, 15)
    ]
    start = ev.RunStarted(
        run_id="r1", pid=1, version="0.1.0", command="backfill", base_url="u", data_dir="d", interval="daily",
        units="M", items=29, start="2023-01-01", end="2024-12-31", concurrency=4, max_attempts=3,
        stations=[ev.StationRef(number=n, name="", county="", latitude=1.0, longitude=2.0) for n in (2, 12, 15)],
        jobs=jobs, stored=4, notes=[],
    )  # fmt: skip
    state = RunState()
    for seq, event in enumerate((start, *events), 1):
        state.apply(ev.Stamped(seq, 1_700_000_000.0 + seq, event))
    return state


def good(station: int) -> list[ev.Event]:
    at: dict[str, Any] = {"job": f"d{station}", "station": station}
    page = {**at, "page": 1}
    times = ev.Timings(pool_wait=0.1, send=0.2, ttfb=99.7, read=100.0, decode=80.0, total=200.0)
    chunks: list[ev.Event] = [
        ev.ChunkFinished(
            **at, year=year, path=f"p{year}", digest="d", records=records, expected=records, missing=0, nulls=1,
            chunk_records=records, raw_bytes=300, stored_bytes=100, changed=True, encode_ms=1, write_ms=1,
            verify_ms=1, commit_ms=1, batch_bytes=50,
        )
        for year, records in ((2023, 365), (2024, 366))
    ]  # fmt: skip
    return [
        ev.JobStarted(**at),
        ev.PageStarted(**page, start="2023-01-01", end="2024-12-31"),
        ev.AttemptStarted(**page, attempt=1),
        ev.AttemptFinished(
            **page, attempt=1, status=200, reused=True, timings=times, wire_bytes=731, decoded_bytes=7310,
            content_encoding="gzip", records=731,
        ),
        ev.PageFinished(
            **page, attempts=1, records=731, records_by_year={"2023": 365, "2024": 366}, unexpected=0
        ),
        *chunks,
        ev.JobFinished(**at, records=731, expected=731, missing=0),
    ]  # fmt: skip


def bad(station: int) -> list[ev.Event]:
    at: dict[str, Any] = {"job": f"d{station}", "station": station}
    page = {**at, "page": 1}
    return [
        ev.AttemptStarted(**page, attempt=1),
        ev.AttemptFailed(
            **page, attempt=1, verdict="retry", error_class="http_503", reason="busy", status=503, reused=False,
            timings=ev.Timings(ttfb=10.0, total=10.0), wire_bytes=5, decoded_bytes=0,
        ),
        ev.RetryScheduled(
            **page, attempt=2, max_attempts=2, delay_ms=1500, at=1_700_000_099, cause="http_503"
        ),
        ev.PageFailed(**page, attempts=2, error_class="http_503", message="busy"),
        ev.JobFailed(**at, error_class="http_503", message="busy", hint="later", attempts=2),
    ]  # fmt: skip


def finished(outcome: str, code: int, *, resumable: bool = True) -> ev.RunFinished:
    return ev.RunFinished(outcome=outcome, exit_code=code, elapsed_ms=1, resumable=resumable)


def test_report_of_a_partial_run(schema: dict[str, Any]) -> None:
    report = build_report(run(*good(2), *bad(12), finished("partial", 3)))
    assert complaints(report, schema, schema) == []
    wanted = {
        "schema_version": "1.0", "run_id": "r1", "total_stations": 3, "successful": 2, "failed": 2, "undecided": 2,
        "total_records": 731, "interrupted": False, "resumable": True, "outcome": "partial", "exit_code": 3,
        "already_stored": 4, "retry_after_seconds": None, "faults": {"http_503": 1},
    }  # fmt: skip
    assert {key: report[key] for key in wanted} == wanted
    assert report["timestamp"].startswith("2023-11-14T22:13:") and report["timestamp"].endswith("+00:00")
    assert report["retries"] == [
        {"station": 12, "page": 1, "attempt": 2, "cause": "http_503", "delay_ms": 1500.0}
    ]  # fmt: skip
    keys = ("station_id", "year", "error_class", "attempts", "last_error")
    assert [tuple(f[k] for k in keys) for f in report["failures"]] == [
        (12, 2023, "http_503", 2, "busy"),
        (12, 2024, "http_503", 2, "busy"),
    ]


def test_result_figures_and_null_phases() -> None:
    result = build_report(run(*good(2), finished("done", 0)))["results"][0]
    timings = result["timings"]
    assert list(timings) == [*(f"{p}_ms" for p in PHASES), "total_ms"]
    assert (timings["dns_ms"], timings["tcp_ms"], timings["tls_ms"]) == (None, None, None)
    assert timings["ttfb_ms"] == pytest.approx(99.7 * 365 / 731)
    assert sum(timings[f"{p}_ms"] or 0 for p in CONSECUTIVE) <= timings["total_ms"]
    assert (result["bytes_transferred"], result["compression_ratio"], result["bytes_compressed"]) == (365, 3.0, 100)
    assert set(result["alloc_metrics"].values()) == {None}


def test_failed_result_has_no_ratio_and_no_chunk_phases() -> None:
    result = build_report(run(*bad(12), finished("partial", 3)))["results"][0]
    assert (result["success"], result["records"], result["missing"]) == (False, 0, 0)
    assert (result["compression_ratio"], result["path"], result["timings"]["encode_ms"]) == (None, None, None)
    assert result["retry_causes"] == {"http_503": 1}


def test_measured_allocations_are_told_by_station_and_year() -> None:
    measured = AllocMetrics(delta_alloc=1, delta_heap=-2, objects=3, bytes_per_record=4.5, peak_bytes_per_record=6.0)
    first, second = build_report(run(*good(2)), allocs={(2, 2024): measured})["results"]
    assert first["alloc_metrics"]["delta_alloc"] is None
    assert second["alloc_metrics"] == {
        "delta_alloc": 1, "delta_heap": -2, "objects": 3, "bytes_per_record": 4.5, "peak_bytes_per_record": 6.0
    }  # fmt: skip


def test_interrupted_run_leaves_the_rest_undecided(schema: dict[str, Any]) -> None:
    report = build_report(run(*good(2), finished("interrupted", 130)))
    assert (report["interrupted"], report["resumable"], report["undecided"], report["failures"]) == (True, True, 4, [])
    assert complaints(report, schema, schema) == []


def test_unfinished_run_has_a_report_too(schema: dict[str, Any]) -> None:
    report = build_report(run())
    assert (report["outcome"], report["exit_code"], report["resumable"], report["undecided"]) == (None, None, True, 6)
    assert complaints(report, schema, schema) == []


def test_retry_after_is_the_gate_else_the_last_backoff() -> None:
    assert build_report(run(*bad(2), finished("failed", 4)))["retry_after_seconds"] == 1.5
    gate = ev.ThrottleChanged(old=4, new=1, cause="http_429", gate_until=1_700_000_030.0)
    assert build_report(run(*bad(2), gate, finished("failed", 4)))["retry_after_seconds"] == pytest.approx(22.0)


def test_the_schema_finds_what_is_wrong(schema: dict[str, Any]) -> None:
    report = build_report(run(*good(2)))
    del report["results"][0]["timings"]["dns_ms"]
    report["failed"] = "none"
    assert len(complaints(report, schema, schema)) == 2


def test_report_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "new" / "report.json"
    write_report(path, {"a": 1})
    assert json.loads(path.read_text()) == {"a": 1}

    def full(fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ReportError, match="No space left"):
        write_report(path, {"a": 2})
    assert json.loads(path.read_text()) == {"a": 1}
    assert [p.name for p in path.parent.iterdir()] == ["report.json"]
