"""`demo`: the simulator on this machine, and a backfill from it. No key and no network are needed."""

from __future__ import annotations

import os
import shutil
from argparse import Namespace
from pathlib import Path

from cimis_engine.errors import UsageError
from cimis_engine.run.process import running_engine
from cimis_engine.simulator.process import start_simulator
from cimis_tui.cli.backfill import run_headless, wants_dashboard, watch_new_run
from cimis_tui.cli.dry_run import dry_run
from cimis_tui.cli.output import Output
from cimis_tui.cli.request import request_of
from cimis_tui.cli.run import Job
from cimis_tui.cli.settings import load_settings

DATA_DIR = "demo-data"
MARKER = ".cimis-demo"
API = "station-web"
KEY = "demo-key-of-the-simulator"
SAMPLE, YEARS = 40, "2020-2024"
STALL_SECONDS, READ_TIMEOUT = 8.0, 4.0  # a stalled response is given up while the watcher still remembers it


def demo(args: Namespace, output: Output) -> int:
    """Start the simulator (TLS, some latency, mild faults) and backfill 40 stations and five years from it."""
    if not args.stations and not args.sample:
        args.sample = SAMPLE
    if not args.years and not args.start:
        args.years = YEARS
    _, data_dir = load_settings(args, os.environ, folder=Path(), data_dir=DATA_DIR, api=API)
    request = request_of(args)
    if not args.dry_run:
        if args.fresh:
            empty(data_dir)
        mark(data_dir)
    options = {
        "--key": KEY,
        "--latency": args.latency,
        "--jitter": args.latency / 4,
        "--faults": args.faults,
        "--seed": args.seed,
        "--fault-seed": args.seed,
        "--stall": STALL_SECONDS,
    }
    flags = ["--tls", *(str(word) for option in options.items() for word in option)]
    with start_simulator(flags) as simulator:
        settings, _ = load_settings(
            args,
            os.environ,
            folder=Path(),
            data_dir=DATA_DIR,
            api=API,
            base_url=simulator.url,
            ca_file=str(simulator.ca_file) if simulator.ca_file else None,
            read_timeout=READ_TIMEOUT,
        )
        output.detail(f"simulator at {simulator.url}")
        job = Job("demo", request, settings, data_dir, KEY)
        if args.dry_run:
            return dry_run(job, output, as_json=args.json, as_events=args.jsonl, fresh=args.fresh)
        if not wants_dashboard(args, os.environ):
            return run_headless(job, args, output)
        # The simulator lives while anyone holds its standard input: the engine takes it over, we let go.
        return watch_new_run(job, args, output, pass_fds=(simulator.stdin_fd,), on_started=simulator.release)


def mark(data_dir: Path) -> None:
    """Make the demo's data directory, and mark it as one that `--fresh` may empty."""
    if not data_dir.exists():
        data_dir.mkdir(parents=True)
        (data_dir / MARKER).write_text("made by `cimis demo`; `cimis demo --fresh` deletes this directory\n")


def empty(data_dir: Path) -> None:
    """Delete an earlier demo's data directory. Raises `UsageError` for any other, and while a demo runs in it."""
    if not data_dir.exists():
        return
    if not (data_dir / MARKER).is_file():
        raise UsageError(f"{data_dir} was not made by `cimis demo`", hint="give another --data-dir, or drop --fresh")
    for run in (data_dir / "runs").glob("*/"):
        if pid := running_engine(run):
            raise UsageError(f"run {run.name} (pid {pid}) is going on in {data_dir}", hint="`cimis attach` shows it")
    shutil.rmtree(data_dir)
