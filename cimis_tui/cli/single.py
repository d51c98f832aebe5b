"""`ingest` and `fetch`: one station and year, in the predecessor's words."""

from __future__ import annotations

import os
import time
from argparse import Namespace
from pathlib import Path

from cimis_engine.run.events import Stamped
from cimis_engine.run.results import ResultState
from cimis_tui.cli.output import Output, duration, ratio, shown
from cimis_tui.cli.progress import remark
from cimis_tui.cli.request import station_year
from cimis_tui.cli.run import Job, run_here
from cimis_tui.cli.settings import load_settings, read_key

DEPRECATED = "'fetch' command is deprecated. Use 'fetch-streaming' for better performance."


def ingest(args: Namespace, output: Output) -> int:
    """Fetch one station and year while decoding, store it, print how long each phase took."""
    return _station_year(args, output, whole_body=False)


def fetch(args: Namespace, output: Output) -> int:
    """The same, reading the whole body before decoding: the baseline that benchmarks compare with."""
    output.warn(DEPRECATED)
    return _station_year(args, output, whole_body=True)


def _station_year(args: Namespace, output: Output, *, whole_body: bool) -> int:
    settings, data_dir = load_settings(args, os.environ, folder=Path(), whole_body=whole_body)
    request = station_year(args, time.time())
    job = Job(args.command, request, settings, data_dir, read_key(os.environ))
    output.data(f"Fetching {request.interval} data for station {args.station}, year {args.year}...")

    def log(stamped: Stamped) -> None:
        if line := remark(stamped.event):
            output.note(line)

    state = run_here(job, output, log)
    for result in state.results.values():
        if result.success:
            for line in outcome_lines(result, request.interval, data_dir):
                output.data(line)
    if not state.results:
        output.note("  nothing to fetch")
    return state.exit_code or 0


def outcome_lines(result: ResultState, interval: str, data_dir: Path) -> list[str]:
    """Four lines on a stored station-year. A phase that did not happen (a reused connection) reads `–`."""
    phases = ", ".join(f"{label}: {duration(result.timings.get(name))}" for label, name in _SHOWN)
    return [
        f"  Fetch: {duration(result.total_ms)} ({phases})",
        f"Ingested {result.records} {interval} records",
        f"  Compressed: {result.stored_bytes} bytes ({ratio(result.raw_bytes, result.stored_bytes)} ratio)",
        f"  Stored in: {shown(data_dir / result.path)}",
    ]


_SHOWN = (("DNS", "dns"), ("TCP", "tcp"), ("TLS", "tls"), ("TTFB", "ttfb"))
