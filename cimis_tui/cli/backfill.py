"""`backfill`: the main job, with the dashboard, or without one."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TextIO

from cimis_engine.run.events import Stamped, encode
from cimis_engine.run.process import start_engine
from cimis_engine.run.report import build_report
from cimis_tui.cli.dashboard import leave, watch
from cimis_tui.cli.dry_run import dry_run
from cimis_tui.cli.ending import hand_over, settle
from cimis_tui.cli.output import Output
from cimis_tui.cli.progress import Progress
from cimis_tui.cli.request import request_of
from cimis_tui.cli.run import Job, open_store, plan_to_run, run_here, spec_of
from cimis_tui.cli.settings import load_settings, read_key


def backfill(args: Namespace, output: Output) -> int:
    """Fetch stations and years into the store, watched on the dashboard where there is a terminal."""
    settings, data_dir = load_settings(args, os.environ, folder=Path())
    return launch(Job(args.command, request_of(args), settings, data_dir, read_key(os.environ)), args, output)


def launch(job: Job, args: Namespace, output: Output) -> int:
    """Run a job as its flags say: only planned, watched on the dashboard, or here."""
    if args.dry_run:
        return dry_run(job, output, as_json=args.json, as_events=args.jsonl)
    if wants_dashboard(args, os.environ):
        return watch_new_run(job, args, output)
    return run_headless(job, args, output)


def wants_dashboard(
    args: Namespace, environ: Mapping[str, str], stdin: TextIO | None = None, stderr: TextIO | None = None
) -> bool:
    """Whether a person can see one: stdin and stderr are terminals, or a Textual driver stands in. Never by stdout."""
    if args.headless or args.jsonl:
        return False
    if environ.get("TEXTUAL_DRIVER"):
        return True
    return bool((stdin or sys.stdin).isatty() and (stderr or sys.stderr).isatty())


def run_headless(job: Job, args: Namespace, output: Output) -> int:
    """Run here with plain progress on stderr, events (`--jsonl`) or the report (`--json`) on stdout."""
    progress = Progress(output)

    def follow(stamped: Stamped) -> None:
        if args.jsonl:
            output.raw(encode(stamped))
        progress(stamped)

    state = run_here(job, output, follow)
    hand_over(build_report(state), output, to_stdout=args.json, file=args.report)
    missing = sum(r.missing for r in state.results.values())
    return settle(state.exit_code or 0, args.fail_on, missing, interrupted=state.outcome == "interrupted")


def watch_new_run(
    job: Job,
    args: Namespace,
    output: Output,
    *,
    pass_fds: Sequence[int] = (),
    on_started: Callable[[], None] = lambda: None,
) -> int:
    """Start the engine of a job, then the dashboard on it. What cannot work is said before any screen opens.

    `pass_fds` stay open in the engine, `on_started` is called once it holds them.
    """
    from cimis_tui.cli.looks import looks_of  # loads textual, which a run without a dashboard must not

    looks = looks_of(args, os.environ, Path())
    with open_store(job.data_dir, job.settings.store_format) as store, store.lock():
        plan_to_run(job, store)
    spec = spec_of(job)
    engine = start_engine(spec, key=job.key, pass_fds=pass_fds)
    on_started()
    code = watch(spec.run_dir, "live", engine.pid, looks)
    return leave(spec.run_dir, code, args, output, engine)
