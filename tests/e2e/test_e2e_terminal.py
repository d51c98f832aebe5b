"""However the dashboard ends, the terminal is given back as it was, and the exit code says how."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest
from terminal import Terminal

from cimis_tui.cli.crash import DashboardCrashedError

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "snapshot"))

from tui_journal import ended, write  # noqa: E402

ON = {
    "alternate screen": (b"\x1b[?1049h", b"\x1b[?1049l"),
    "hidden cursor": (b"\x1b[?25l", b"\x1b[?25h"),
    "bracketed paste": (b"\x1b[?2004h", b"\x1b[?2004l"),
    "mouse": (b"\x1b[?1000h", b"\x1b[?1000l"),
    "mouse motion": (b"\x1b[?1003h", b"\x1b[?1003l"),
    "mouse, SGR": (b"\x1b[?1006h", b"\x1b[?1006l"),
}
RUN = "1121-1904-7f3a"
CRASHING = """
import sys
from cimis_tui.screens.dashboard import DashboardScreen
def crash(self):
    token = "a secret of a local variable"
    raise RuntimeError("a bug in a key's handler\\nof two lines")
DashboardScreen.action_freeze = crash
from cimis_tui.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A place with a data directory `D` and a run in it that ended; modules there are found first."""
    run_dir = write(tmp_path / "D" / "runs" / RUN, ended())
    (run_dir / "spec.json").write_text("{}")
    return tmp_path


def environment(folder: Path) -> dict[str, str]:
    env = {k: v for k, v in os.environ.items() if not k.startswith(("CIMIS_", "TEXTUAL", "NO_COLOR"))}
    return env | {"PYTHONPATH": str(ROOT), "TMPDIR": str(folder)}


def left_on(drawn: bytes) -> list[str]:
    """What was switched on and not off again after that."""
    missing = [name for name, (on, _) in ON.items() if on not in drawn]
    assert not missing, "the test means nothing where these are not switched on"
    return [name for name, (on, off) in ON.items() if drawn.rfind(off) < drawn.rfind(on)]


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)], ids=lambda n: str(int(n))
)
def test_signals(folder: Path, number: int, code: int) -> None:
    terminal = Terminal(folder, environment(folder), ["attach", "--data-dir", "D"])
    terminal.read_until(b"PARTIAL")
    terminal.process.send_signal(number)
    terminal.read_to_end()
    assert not left_on(terminal.drawn)
    assert terminal.process.returncode == code
    assert b"Traceback" not in terminal.drawn


def test_the_key_that_leaves(folder: Path) -> None:
    terminal = Terminal(folder, environment(folder), ["attach", "--data-dir", "D"])
    terminal.read_until(b"PARTIAL")
    os.write(terminal.master, b"q")
    terminal.read_to_end()
    assert not left_on(terminal.drawn)
    assert terminal.process.returncode == 0


@pytest.mark.parametrize("read_only", [False, True])
def test_a_crash_is_one_line_and_a_file(folder: Path, read_only: bool) -> None:
    (folder / "crashing.py").write_text(CRASHING)
    terminal = Terminal(folder, environment(folder), ["attach", "--data-dir", "D"], program=["crashing.py"])
    terminal.read_until(b"PARTIAL")
    run_dir = folder / "D" / "runs" / RUN
    if read_only:
        run_dir.rename(folder / "moved")  # root may write anywhere: a folder that is gone stands in
    os.write(terminal.master, b"f")
    terminal.read_to_end()
    assert not left_on(terminal.drawn)
    assert terminal.process.returncode == 1
    after = terminal.drawn[terminal.drawn.rfind(ON["alternate screen"][1]) :].decode()
    (report,) = (folder if read_only else run_dir).glob("dashboard-crash-*.txt")
    assert "cimis: the dashboard crashed: RuntimeError: a bug in a key's handler of two lines" in after
    assert report.name in after and "Traceback" not in after and "secret" not in after
    written = report.read_text()
    assert "in crash" in written and "RuntimeError: a bug" in written and "TERM=xterm-256color" in written
    assert "Traceback" in written


def test_a_crash_that_cannot_be_written_down_is_said_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cimis_tui.cli.crash.tempfile.gettempdir", lambda: str(tmp_path / "nowhere"))
    error = DashboardCrashedError(tmp_path / "gone", RuntimeError("x"), "live")
    assert error.path is None and error.exit_code == 1 and "CIMIS_DEBUG=1" in error.hint
