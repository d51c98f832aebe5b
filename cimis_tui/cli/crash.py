"""A crash of the dashboard: a line for the person, a file for who mends it."""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
import time
import traceback
from datetime import UTC, datetime
from pathlib import Path

from cimis_engine import __version__
from cimis_engine.errors import CimisError


class DashboardCrashedError(CimisError):
    """A bug ended the dashboard; the engine does not notice. `path` is where the details are, None if nowhere."""

    def __init__(self, run_dir: Path, error: Exception, mode: str) -> None:
        self.path = _write(run_dir, error, mode)
        kept = f"the details are in {self.path}" if self.path else "CIMIS_DEBUG=1 shows where"
        super().__init__(
            f"the dashboard crashed: {type(error).__name__}: {' '.join(str(error).split())[:200]}",
            hint=f"{kept}; the run is not touched by it: `cimis attach {run_dir.name}` opens it again",
        )


def crash_report(error: Exception, mode: str, at: float) -> str:
    """Traceback, versions and terminal. No local variables: they may hold what is nobody's business."""
    size = shutil.get_terminal_size()
    terminal = " ".join(f"{name}={os.environ.get(name, '')}" for name in ("TERM", "COLORTERM", "LANG", "NO_COLOR"))
    return (
        f"cimis {__version__}, Python {platform.python_version()}, {platform.platform()}\n"
        f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ} {mode} {size.columns}x{size.lines} {terminal}\n\n"
        + "".join(traceback.format_exception(error))
    )


def _write(run_dir: Path, error: Exception, mode: str) -> Path | None:
    """Into the run's folder, or where that cannot be written to into the system's for temporary files."""
    at = time.time()
    name = f"dashboard-crash-{datetime.fromtimestamp(at, UTC):%Y%m%dT%H%M%SZ}.txt"
    for folder in (run_dir, Path(tempfile.gettempdir())):
        try:
            (folder / name).write_text(crash_report(error, mode, at), encoding="utf-8")
        except OSError:
            continue
        return folder / name
    return None
