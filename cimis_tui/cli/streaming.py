"""`fetch-streaming`: several stations, decoded while they arrive."""

from __future__ import annotations

import os
import tracemalloc
from argparse import Namespace
from collections.abc import Iterable
from pathlib import Path

from cimis_engine.fetch.phases import PHASES
from cimis_engine.run.report import AllocMetrics, build_report
from cimis_engine.run.state import ResultState, RunState
from cimis_tui.cli.dry_run import dry_run
from cimis_tui.cli.ending import hand_over, settle
from cimis_tui.cli.output import Output, duration, ratio, table
from cimis_tui.cli.progress import Progress
from cimis_tui.cli.request import request_of
from cimis_tui.cli.run import Job, run_here
from cimis_tui.cli.settings import load_settings, read_key


def fetch_streaming(args: Namespace, output: Output) -> int:
    """Fetch, store and print one line a station and year, or the report; `--dry-run` only plans."""
    settings, data_dir = load_settings(args, os.environ, folder=Path())
    job = Job(args.command, request_of(args), settings, data_dir, read_key(os.environ))
    if args.dry_run:
        return dry_run(job, output, as_json=args.json)
    if args.allocs:
        tracemalloc.start()
    progress = Progress(output)
    state = run_here(job, output, progress)
    peak = tracemalloc.get_traced_memory()[1] if args.allocs else None
    report = build_report(state, allocs=allocations(state, peak))
    hand_over(report, output, to_stdout=args.json, file=args.report)
    if not args.json:
        for line in _lines(state, perf=args.perf, peak=peak):
            output.data(line)
    missing = sum(r.missing for r in state.results.values())
    return settle(state.exit_code or 0, args.fail_on, missing, interrupted=state.outcome == "interrupted")


def _lines(state: RunState, *, perf: bool, peak: int | None) -> Iterable[str]:
    results = list(state.results.values())
    yield from map(result_line, results)
    if perf and results:
        yield ""
        yield from perf_table(results)
    if peak is not None and state.records:
        yield ""
        yield from alloc_lines(results, state.records, peak)


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


def allocations(state: RunState, peak: int | None) -> dict[tuple[int, int], AllocMetrics]:
    """What `--allocs` measured of each result. The traced peak is the whole run's: it tells of a result only alone."""
    if peak is None:
        return {}
    return {
        key: AllocMetrics(
            bytes_per_record=r.batch_bytes / r.records,
            peak_bytes_per_record=peak / r.records if len(state.results) == 1 else None,
        )
        for key, r in state.results.items()
        if r.success and r.records
    }


def alloc_lines(results: Iterable[ResultState], records: int, peak: int) -> list[str]:
    """Bytes a record: what a decoded batch keeps, and the traced peak of the whole process (imports excluded)."""
    retained = sum(r.batch_bytes for r in results)
    return [
        f"retained: {retained / records:.1f} bytes a record ({retained} bytes of columns, {records} records)",
        f"peak: {peak / records:.1f} bytes a record ({peak} bytes traced in this process at once)",
    ]
