"""How far long work is: a bar where a terminal can redraw it, lines where not, nothing where it is soon over."""

from __future__ import annotations

import io

import pytest

from cimis_tui.cli.bar import Bar
from cimis_tui.cli.output import Output


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def told(stderr: io.StringIO, seconds: float, *, quiet: bool = False, term: str = "xterm") -> str:
    """Four steps, so many seconds each."""
    now = [0.0]
    bar = Bar(Output(stderr=stderr, environ={"TERM": term}, quiet=quiet), "files", lambda: now[0])
    for done in range(1, 5):
        now[0] += seconds
        bar(done, 4)
    return stderr.getvalue()


def test_lines_without_a_terminal() -> None:
    assert told(io.StringIO(), 3.0) == (
        "  3.00s  1/4 files, 9.00s left\n  6.00s  2/4 files, 6.00s left\n  9.00s  3/4 files, 3.00s left\n"
    )


def test_a_bar_that_goes_away_on_a_terminal() -> None:
    drawn = told(Terminal(), 3.0).split("\r\x1b[K")
    assert drawn[1].startswith("█" * 7 + "░" * 23 + " 1/4 files, 9.00s left")
    assert (len(drawn), drawn[0], drawn[-1]) == (5, "", "")


@pytest.mark.parametrize("stderr", [io.StringIO(), Terminal()])
def test_work_that_is_soon_over_leaves_no_trace(stderr: io.StringIO) -> None:
    assert told(stderr, 0.001) == ""


def test_silence_is_kept_and_a_dumb_terminal_gets_lines() -> None:
    assert told(Terminal(), 3.0, quiet=True) == ""
    assert "\r" not in told(Terminal(), 3.0, term="dumb")
