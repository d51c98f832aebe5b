"""The engine in a process and session of its own, so that closing a terminal loses nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import psutil

from cimis_engine.run.spec import RunSpec

KEY_VARIABLE = "CIMIS_APP_KEY"
PID_FILE = "engine.pid"
LOG_FILE = "engine.log"


def start_engine(spec: RunSpec, *, key: str, pass_fds: Sequence[int] = ()) -> subprocess.Popen[bytes]:
    """Start `python -m cimis_engine.run RUN_DIR`, detached from the terminal; its output goes to `engine.log`.

    The key travels in the environment of the child, never in its arguments. `pass_fds` stay open in the child.
    """
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CIMIS_APP_KEY")}
    environment[KEY_VARIABLE] = key
    with (spec.run_dir / LOG_FILE).open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "cimis_engine.run", str(spec.run_dir)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment,
            pass_fds=tuple(pass_fds),
            start_new_session=True,
        )


def mark_running(run_dir: Path) -> None:
    """Leave this process's pid and start time in the run directory: a pid alone may be reused."""
    process = psutil.Process()
    (run_dir / PID_FILE).write_text(f"{process.pid} {process.create_time():.2f}\n")


def running_engine(run_dir: Path) -> int | None:
    """The pid of the run's engine while it lives, else None."""
    try:
        pid, started = (run_dir / PID_FILE).read_text().split()
        process = psutil.Process(int(pid))
        alive = abs(process.create_time() - float(started)) < 1.0 and process.status() != psutil.STATUS_ZOMBIE
    except (OSError, ValueError, psutil.Error):
        return None
    return int(pid) if alive else None
