"""`fetch-streaming`: several stations, decoded while they arrive."""

from __future__ import annotations

import asyncio
import os
from argparse import Namespace
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from cimis_engine.clock import SystemClock
from cimis_engine.fetch.phases import PHASES
from cimis_engine.run.allocs import AllocSample, measure_year
from cimis_engine.run.report import AllocMetrics, build_report
from cimis_engine.run.results import ResultState
from cimis_engine.run.state import RunState
from cimis_tui.cli.dry_run import dry_run
from cimis_tui.cli.ending import hand_over, settle
from cimis_tui.cli.output import Output, duration, ratio, table
from cimis_tui.cli.progress import Progress
from cimis_tui.cli.request import request_of
from cimis_tui.cli.run import Job, plan_of, run_here
from cimis_tui.cli.settings import load_settings, read_key


def fetch_streaming(args: Namespace, output: Output) -> int:
    """Fetch, store and print one line a station and year, or the report; `--dry-run` only plans."""
    settings, data_dir = load_settings(args, os.environ, folder=Path())
    job = Job(args.command, request_of(args), settings, data_dir, read_key(os.environ))
    if args.dry_run:
        return dry_run(job, output, as_json=args.json)
    progress = Progress(output)
    state = run_here(job, output, progress)
    samples = _samples(job, state) if args.allocs else {}
    report = build_report(state, allocs=allocations(state, samples) if args.allocs else {})
    hand_over(report, output, to_stdout=args.json, file=args.report)
    if not args.json:
        for line in _lines(state, perf=args.perf, samples=samples if args.allocs else None):
            output.data(line)
    missing = sum(r.missing for r in state.results.values())
    return settle(state.exit_code or 0, args.fail_on, missing, interrupted=state.outcome == "interrupted")


Samples = Mapping[tuple[int, int], Sequence[AllocSample]]
"""(station, year) → its samples, from small to large."""


def _samples(job: Job, state: RunState) -> Samples:
    """The first result that has records, fetched again at two sizes, alone: nothing else may be traced meanwhile."""
    measured = next((key for key, r in state.results.items() if r.success and r.records), None)
    if measured is None:
        return {}
    plan = plan_of(replace(job, request=msgspec.structs.replace(job.request, refetch=True)), None)
    return {measured: asyncio.run(measure_year(job.settings, job.key, SystemClock(), plan, *measured))}


def _lines(state: RunState, *, perf: bool, samples: Samples | None) -> Iterable[str]:
    results = list(state.results.values())
    yield from map(result_line, results)
    if perf and results:
        yield ""
        yield from perf_table(results)
    if samples is not None and state.records:
        yield ""
        yield from alloc_lines(results, samples)


def result_line(result: ResultState) -> str:
    """`station 002  2024  366 records  3538 bytes (2.61x)  1.15s`, or why not."""
    head = f"station {result.station:03d}  {result.year}  "
    if result.success:
        missing = f" ({result.missing} missing)" if result.missing else ""
        stored = f"{result.stored_bytes} bytes ({ratio(result.raw_bytes, result.stored_bytes)})"
        return f"{head}{result.records} records{missing}  {stored}  {duration(result.total_ms)}"
    return f"{head}not stored: {result.error_class or 'not finished'} {result.message}".rstrip()


def perf_table(results: Iterable[ResultState]) -> list[str]:
    """Phases of every result, summed over its attempts; `–` for one that did not happen."""
    lines = [
        [
            f"{r.station:03d}",
            str(r.year),
            str(r.attempts),
            *(duration(r.timings.get(phase)) for phase in PHASES),
            duration(r.total_ms),
        ]
        for r in results
    ]
    return table(["station", "year", "attempts", *PHASES, "total"], lines)


def allocations(state: RunState, samples: Samples) -> dict[tuple[int, int], AllocMetrics]:
    """What `--allocs` tells of each result: bytes a record of its columns; the rest of those that were measured."""
    found = {}
    for key, result in state.results.items():
        if not result.success or not result.records:
            continue
        metrics = AllocMetrics(bytes_per_record=result.batch_bytes / result.records)
        if measured := samples.get(key):
            sample = measured[-1]
            metrics = AllocMetrics(
                delta_alloc=sample.retained,
                delta_heap=sample.heap,
                objects=sample.objects,
                bytes_per_record=sample.retained / sample.records,
                peak_bytes_per_record=sample.peak / sample.records,
            )
        found[key] = metrics
    return found


def alloc_lines(results: Sequence[ResultState], samples: Samples) -> Iterable[str]:
    """Bytes a record that the columns keep, then what decoding one page alone held, at two sizes."""
    records, kept = sum(r.records for r in results), sum(r.batch_bytes for r in results)
    yield f"retained: {kept / max(1, records):.1f} bytes a record ({kept} bytes of columns, {records} records)"
    for (station, year), measured in samples.items():
        yield f"one page of station {station:03d}, {year}, decoded alone (tracemalloc, from the socket to the columns):"
        lines = [
            [
                f"{s.records}",
                f"{s.retained / s.records:.1f}",
                f"{s.peak / s.records:.1f}",
                f"{s.peak}",
                f"{s.transient}",
            ]
            for s in measured
        ]
        head = ["records", "retained B/record", "peak B/record", "peak B", "of that transient B"]
        yield from table(head, lines, left=0)
