"""`cimis runs`: the runs of a data directory, newest first, each with its figures."""

from __future__ import annotations

import os
from argparse import Namespace
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from cimis_engine.model.period import PST
from cimis_engine.run.figures import Figures
from cimis_engine.run.past import PastRun, past_runs
from cimis_tui.cli.output import SCHEMA_VERSION, Output, duration, size, table
from cimis_tui.cli.settings import data_dir_of
from cimis_tui.view import units

HEAD = ["run", "state", "started (PST)", "command", "took", "stations", "records", "rec/s", "TTFB p50", "p95 ms"]
HEAD += ["errors", "ratio", "on disk"]


def runs(args: Namespace, output: Output) -> int:
    """List the runs of a data directory, newest first."""
    data_dir = data_dir_of(args, os.environ, Path())
    found = [(run, run.figures()) for run in past_runs(data_dir)]
    if args.json:
        document = {"schema_version": SCHEMA_VERSION, "runs": [_document(run, figures) for run, figures in found]}
        output.document(document)
    elif not found:
        output.note(f"no runs in {data_dir}")
    else:
        for line in table(HEAD, [_line(run, figures) for run, figures in found], left=4):
            output.data(line)
    return 0


def _document(run: PastRun, figures: Figures | None) -> dict[str, Any]:
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
        "bytes_on_disk": run.bytes_on_disk,
        "figures": msgspec.to_builtins(figures),
    }


def _line(run: PastRun, figures: Figures | None) -> list[str]:
    f = figures
    return [
        run.run_id,
        run.status,
        f"{datetime.fromtimestamp(run.first.t, PST):%Y-%m-%d %H:%M}" if run.first else "–",
        run.started.command if run.started else "–",
        duration(run.elapsed_ms),
        f"{f.stations_done}/{f.stations}" if f else "–",
        f"{f.records:,}" if f else "–",
        units.count(f.records_per_s) if f and f.records_per_s is not None else "–",
        units.ms(f.ttfb_p50_ms if f else None),
        units.ms(f.ttfb_p95_ms if f else None),
        units.percent(f.error_rate if f else None),
        units.ratio(f.ratio if f else None),
        size(run.bytes_on_disk),
    ]
