"""Starting, and coming back to, the dashboard. The engine of the run is a process of its own that outlives it."""

from __future__ import annotations

import os
import subprocess
from argparse import Namespace
from collections.abc import Callable, Sequence
from pathlib import Path

from cimis_engine.run.control import ControlClient
from cimis_engine.run.process import running_engine, start_engine
from cimis_tui.cli.output import SCHEMA_VERSION, Output, duration
from cimis_tui.cli.past import EngineDiedError, PastRun, find_run
from cimis_tui.cli.run import Job, hand_over, open_store, plan_of, settle, spec_of
from cimis_tui.cli.settings import data_dir_of

SIGNALLED = {143, 129}
ENDING_SECONDS = 10.0


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
    plan_of(job, open_store(job.data_dir))
    spec = spec_of(job)
    engine = start_engine(spec, key=job.key, pass_fds=pass_fds)
    on_started()
    code = _watch(spec.run_dir, "live", engine.pid)
    return _leave(spec.run_dir, code, args, output, engine)


def attach(args: Namespace, output: Output) -> int:
    """The dashboard on a run that goes on, or on the journal of one that ended."""
    run = find_run(data_dir_of(args, os.environ, Path()), args.run)
    pid = running_engine(run.run_dir)
    code = _watch(run.run_dir, "attached" if pid else "replay", pid)
    if pid is None:
        return 0
    return _leave(run.run_dir, code, Namespace(json=False, report=None, fail_on="any"), output, None)


def _watch(run_dir: Path, mode: str, pid: int | None) -> int:
    from cimis_tui.app import CimisApp

    app = CimisApp(run_dir, mode=mode, engine_pid=pid, send=ControlClient(run_dir).send)
    app.run()
    return app.return_code or 0


def _leave(run_dir: Path, code: int, args: Namespace, output: Output, engine: subprocess.Popen[bytes] | None) -> int:
    """After the screen: how the run stands, its report, the exit code. 0 while the engine goes on without us."""
    run = PastRun.of(run_dir)
    if run.running:
        output.note(f"run {run.run_id} goes on (pid {run.pid}); `cimis attach {run.run_id}` returns to it")
        if args.json:
            output.document({"schema_version": SCHEMA_VERSION, "run_id": run.run_id, "detached": True, "exit_code": 0})
        return code if code in SIGNALLED else 0
    returncode = engine.wait(ENDING_SECONDS) if engine else None  # the report is written after the last event
    report, finished = run.report(), run.finished
    if report is None or finished is None:
        raise EngineDiedError(run.run_id, returncode, run.last_words())
    output.note(
        f"run {run.run_id}: {finished.outcome}, {report['total_records']} records in {duration(run.elapsed_ms)}"
    )
    if finished.message:
        output.note(f"  {finished.message}")
    hand_over(report, output, to_stdout=args.json, file=args.report)
    missing = sum(int(r.get("missing") or 0) for r in report["results"])
    return settle(finished.exit_code, args.fail_on, missing)
