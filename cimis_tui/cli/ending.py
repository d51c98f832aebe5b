"""How a run ends for the one who asked: its report where it is wanted, and the exit code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cimis_engine.run.report import write_report
from cimis_tui.cli.output import Output

PARTIAL, UNREACHED = 3, 4


def hand_over(report: dict[str, Any], output: Output, *, to_stdout: bool, file: str | None) -> None:
    """The report where it is wanted: stdout, a file, or both."""
    if file:
        write_report(Path(file), report)
    if to_stdout:
        output.document(report)


def settle(exit_code: int, fail_on: str, missing: int, *, interrupted: bool) -> int:
    """The exit code under `--fail-on`. Only the codes of failed jobs bend; interruption and damage never do.

    >>> [settle(code, "never", 0, interrupted=False) for code in (0, 3, 4, 5)]
    [0, 0, 0, 5]
    >>> settle(3, "all", 0, interrupted=False), settle(3, "all", 0, interrupted=True)
    (0, 3)
    >>> settle(0, "missing", 2, interrupted=False)
    3
    """
    if interrupted:
        return exit_code
    if fail_on == "never" and exit_code in (PARTIAL, UNREACHED):
        return 0
    if fail_on == "all" and exit_code == PARTIAL:
        return 0
    if fail_on == "missing" and exit_code == 0 and missing:
        return PARTIAL
    return exit_code
