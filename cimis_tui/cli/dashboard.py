"""Starting, and coming back to, the dashboard. The engine of the run is a process of its own that outlives it."""

from __future__ import annotations

import errno
import gc
import os
import select
import signal
import subprocess
import sys
import threading
import time
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from cimis_engine.heap import give_back
from cimis_engine.run.control import ControlClient
from cimis_engine.run.past import EngineDiedError, PastRun, find_run_dir
from cimis_engine.run.process import running_engine
from cimis_tui.cli.crash import DashboardCrashedError
from cimis_tui.cli.output import SCHEMA_VERSION, Output, duration
from cimis_tui.cli.settings import data_dir_of

if TYPE_CHECKING:
    from cimis_tui.feed.replay import Opening
    from cimis_tui.looks import Looks

SIGNALLED = {143, 129, 130}
ENDING_SECONDS = 10.0
LEAVING_SECONDS = 2.0
SWITCH_SECONDS = 0.001
"""How long a thread that reads may keep the screen waiting. Python's own 5 ms add up: a key waits many times."""


def attach(args: Namespace, output: Output) -> int:
    """The dashboard on a run that goes on, or on the journal of one that ended."""
    from cimis_tui.cli.looks import looks_of

    run_dir = find_run_dir(data_dir_of(args, os.environ, Path()), args.run)
    looks = looks_of(args, os.environ, Path())
    pid = running_engine(run_dir)
    code = watch(run_dir, "attached" if pid else "replay", pid, looks)
    if pid is None:
        return code
    return leave(run_dir, code, Namespace(json=False, report=None, fail_on="any"), output, None)


def watch(run_dir: Path, mode: str, pid: int | None, looks: Looks | None = None, opening: Opening | None = None) -> int:
    """The dashboard until it is left; its exit code. Raises `DashboardCrashedError`.

    `opening` says how a replay begins: if nothing, at its end, standing still.
    """
    gc.disable()  # until all is loaded: the collector would walk again and again through what is there to stay
    sys.setswitchinterval(SWITCH_SECONDS)
    from cimis_tui.app import CimisApp
    from cimis_tui.feed.replay import AT_THE_END

    send = ControlClient(run_dir).send
    begin = opening or AT_THE_END
    app = CimisApp(run_dir, mode=mode, engine_pid=pid, send=send, looks=looks, opening=begin, loaded=_collect_from_now)
    gone = threading.Event()
    if os.isatty(sys.stdin.fileno()) or os.environ.get("TEXTUAL_DRIVER"):
        threading.Thread(target=_go_with_the_terminal, args=(gone,), name="terminal-watch", daemon=True).start()
    try:
        app.run()
    except OSError:
        if not gone.is_set():
            raise
        return 128 + signal.SIGHUP
    finally:
        gc.enable()
    if app.crash is None:
        return app.return_code or 0
    if isinstance(app.crash, OSError) and app.crash.errno in (errno.EIO, errno.EPIPE):  # nothing left to draw on
        return 128 + signal.SIGHUP
    raise DashboardCrashedError(run_dir, app.crash, mode) from app.crash


def _collect_from_now() -> None:
    """Code is never garbage: out of the collector's sight it makes no key wait for a full round (40 ms)."""
    gc.freeze()
    gc.enable()
    give_back()


def _go_with_the_terminal(gone: threading.Event) -> None:
    """End when the terminal is gone. A terminal that is not ours to control takes its leave without a SIGHUP, and the
    screen then blocks on what nobody reads, with a core kept busy; so it is told, and not trusted to obey."""
    poll = select.poll()
    poll.register(sys.stdin.fileno(), 0)  # a hang-up is always reported
    poll.poll()
    gone.set()
    os.kill(os.getpid(), signal.SIGHUP)
    time.sleep(LEAVING_SECONDS)
    os._exit(128 + signal.SIGHUP)


def leave(run_dir: Path, code: int, args: Namespace, output: Output, engine: subprocess.Popen[bytes] | None) -> int:
    """After the screen: how the run stands, its report, the exit code. 0 while the engine goes on without us."""
    from cimis_tui.cli.ending import hand_over, settle  # and numpy with it, a fifth of the way to the first paint

    run = PastRun.of(run_dir)
    if run.finished is None and (run.running or (engine is not None and engine.poll() is None)):
        output.note(f"run {run.run_id} goes on; `cimis attach {run.run_id}` returns to it")
        if args.json:
            output.document({"schema_version": SCHEMA_VERSION, "run_id": run.run_id, "detached": True, "exit_code": 0})
        return code if code in SIGNALLED else 0
    returncode = _returncode(run_dir, engine)
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
    return settle(finished.exit_code, args.fail_on, missing, interrupted=finished.outcome == "interrupted")


def _returncode(run_dir: Path, engine: subprocess.Popen[bytes] | None) -> int | None:
    """Wait for an engine that has said its last event to write its report and end; None where it is not our child."""
    deadline = time.monotonic() + ENDING_SECONDS
    while running_engine(run_dir) is not None and time.monotonic() < deadline:
        time.sleep(0.02)
    return engine.poll() if engine else None
