"""`backfill`: the main job, with the dashboard, or without one."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

from cimis_engine.run.events import Stamped, encode
from cimis_tui.cli.output import Output
from cimis_tui.cli.progress import Progress
from cimis_tui.cli.request import request_of
from cimis_tui.cli.run import Job, hand_over, report_of, run_here, settle
from cimis_tui.cli.settings import load_settings, read_key


def backfill(args: Namespace, output: Output) -> int:
    """Fetch stations and years into the store, watched on the dashboard where there is a terminal."""
    settings, data_dir = load_settings(args, os.environ, folder=Path())
    job = Job(args.command, request_of(args), settings, data_dir, read_key(os.environ))
    if wants_dashboard(args, os.environ):
        from cimis_tui.cli.dashboard import watch_new_run

        return watch_new_run(job, args, output)
    return run_headless(job, args, output)


def wants_dashboard(
    args: Namespace, environ: Mapping[str, str], stdin: TextIO | None = None, stderr: TextIO | None = None
) -> bool:
    """Whether a person can see one: stdin and stderr are terminals, or a Textual driver stands in. stdout has no say."""
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
    hand_over(report_of(state), output, to_stdout=args.json, file=args.report)
    return settle(state.exit_code or 0, args.fail_on, sum(r.missing for r in state.results.values()))
