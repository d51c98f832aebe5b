"""kill -9 at any moment costs at most the jobs in flight; a dashboard that dies costs nothing."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from conftest import Run, chunks, environment, journal
from terminal import Terminal
from test_e2e_backfill import wait_for

from cimis_engine.run.process import running_engine
from cimis_engine.simulator.process import start_simulator

COMMAND = "backfill --sample 8 --years 1993-2024 --headless --json --concurrency 4 --data-dir D".split()


def start(directory: Path, env: dict[str, str], args: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "cimis_tui", *args],
        env=env,
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def kill_and_resume(cimis: Run, tmp_path: Path, kills: int, seed: int) -> None:
    """Kill the engine after a random number of stored chunks, again and again; then let it finish."""
    rng = random.Random(seed)
    with start_simulator(["--latency", "30", "--jitter", "20"]) as api:
        for name in ("calm", "killed"):
            (tmp_path / name).mkdir()
        calm = start(tmp_path / "calm", environment(api), COMMAND)
        assert calm.wait(60) == 0
        done: set[str] = set()
        for _ in range(kills):
            process = start(tmp_path / "killed", environment(api), COMMAND)
            target = len(chunks(tmp_path / "killed" / "D")) + rng.randrange(1, 40)
            while process.poll() is None and len(chunks(tmp_path / "killed" / "D")) < target:
                pass
            process.kill()
            process.wait()
            done |= set(chunks(tmp_path / "killed" / "D"))
            if process.returncode == 0:
                break
        last = start(tmp_path / "killed", environment(api), COMMAND)
        assert last.wait(60) == 0
    assert chunks(tmp_path / "killed" / "D") == chunks(tmp_path / "calm" / "D")
    assert not list((tmp_path / "killed" / "D" / "stations").glob("**/.*.tmp"))
    events = journal(tmp_path / "killed" / "D")
    written = Counter((e["station"], e["year"]) for e in events if e["kind"] == "chunk.finished")
    assert max(written.values()) == 1, "nothing whose chunk was announced was fetched again"


def test_kill_9_then_the_same_command(cimis: Run, tmp_path: Path) -> None:
    kill_and_resume(cimis, tmp_path, kills=3, seed=1)


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(20))
def test_kill_9_many_times(cimis: Run, tmp_path: Path, seed: int) -> None:
    kill_and_resume(cimis, tmp_path, kills=8, seed=seed)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_dashboard_that_is_told_to_go_detaches(number: int, code: int, tmp_path: Path, cimis: Run) -> None:
    with start_simulator(["--latency", "100"]) as api:
        terminal = Terminal(tmp_path, environment(api), "backfill --sample 8 --years 1993-2024 --data-dir D".split())
        terminal.read_until(b"RUNNING")
        wait_for(tmp_path / "D", "chunk.finished")
        (run_dir,) = (tmp_path / "D" / "runs").iterdir()
        assert running_engine(run_dir)
        terminal.process.send_signal(number)
        terminal.read_to_end()
        assert terminal.process.returncode == code
        assert b"\x1b[?1049l" in terminal.drawn, "the terminal was given back"
        assert running_engine(run_dir), "the engine goes on without its dashboard"
        again = Terminal(tmp_path, environment(api), ["attach", "--data-dir", "D"])
        again.read_until(b"attached")
        again.process.kill()
        again.process.wait()
        wait_for(tmp_path / "D", "run.finished")
        assert len(chunks(tmp_path / "D")) == 256


def test_a_dashboard_whose_terminal_is_gone_ends_and_the_engine_goes_on(tmp_path: Path, cimis: Run) -> None:
    """The terminal is not the dashboard's own to control, so no SIGHUP tells of its end."""
    with start_simulator(["--latency", "100"]) as api:
        terminal = Terminal(tmp_path, environment(api), "backfill --sample 8 --years 1993-2024 --data-dir D".split())
        terminal.read_until(b"RUNNING")
        (run_dir,) = (tmp_path / "D" / "runs").iterdir()
        os.close(terminal.master)
        assert terminal.process.wait(20) == 129
        assert running_engine(run_dir)
        wait_for(tmp_path / "D", "run.finished")
