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
from conftest import chunks, environment, journal
from terminal import Terminal
from waiting import until, wait_for

from cimis_engine.run.process import running_engine
from cimis_engine.simulator.process import SimulatorProcess, start_simulator

YEARS = 32


def start(directory: Path, env: dict[str, str], args: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "cimis_tui", *args],
        env=env,
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def stored_or_ended(process: subprocess.Popen[bytes], data_dir: Path, more: int) -> None:
    """Wait until it has stored so many chunks more, or has ended."""

    def count() -> int:
        return len(list(data_dir.glob("stations/*/*.zst")))

    target = count() + more
    until(lambda: process.poll() is not None or count() >= target)


def backfill(stations: int) -> list[str]:
    """The arguments of one of so many stations."""
    return f"backfill --sample {stations} --years 1993-2024 --data-dir D".split()


def kill_and_resume(tmp_path: Path, stations: int, kills: int, seed: int) -> None:
    """Kill the engine after a random number of stored chunks, again and again; then let it finish."""
    command = [*backfill(stations), "--headless", "--json", "--concurrency", "4"]
    rng = random.Random(seed)
    with start_simulator(["--latency", "30", "--jitter", "20"]) as api:
        for name in ("calm", "killed"):
            (tmp_path / name).mkdir()
        calm = start(tmp_path / "calm", environment(api), command)
        assert calm.wait(60) == 0
        done: set[str] = set()
        for _ in range(kills):
            process = start(tmp_path / "killed", environment(api), command)
            stored_or_ended(process, tmp_path / "killed" / "D", rng.randrange(1, 40))
            process.kill()
            process.wait()
            done |= set(chunks(tmp_path / "killed" / "D"))
            if process.returncode == 0:
                break
        last = start(tmp_path / "killed", environment(api), command)
        assert last.wait(60) == 0
    assert chunks(tmp_path / "killed" / "D") == chunks(tmp_path / "calm" / "D")
    assert not list((tmp_path / "killed" / "D" / "stations").glob("**/.*.tmp"))
    events = journal(tmp_path / "killed" / "D")
    written = Counter((e["station"], e["year"]) for e in events if e["kind"] == "chunk.finished")
    assert max(written.values()) == 1, "nothing whose chunk was announced was fetched again"


def test_kill_9_then_the_same_command(tmp_path: Path) -> None:
    kill_and_resume(tmp_path, stations=4, kills=3, seed=1)


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(20))
def test_kill_9_many_times(tmp_path: Path, seed: int) -> None:
    kill_and_resume(tmp_path, stations=8, kills=8, seed=seed)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_dashboard_that_is_told_to_go_detaches(
    number: int, code: int, tmp_path: Path, slow: SimulatorProcess
) -> None:
    terminal = Terminal(tmp_path, environment(slow), backfill(4))
    terminal.read_until(b"RUNNING")
    wait_for(tmp_path / "D", "chunk.finished")
    (run_dir,) = (tmp_path / "D" / "runs").iterdir()
    assert running_engine(run_dir)
    terminal.process.send_signal(number)
    terminal.read_to_end()
    assert terminal.process.returncode == code
    assert b"\x1b[?1049l" in terminal.drawn, "the terminal was given back"
    assert running_engine(run_dir), "the engine goes on without its dashboard"
    again = Terminal(tmp_path, environment(slow), ["attach", "--data-dir", "D"])
    again.read_until(b"attached")
    again.process.kill()
    again.process.wait()
    wait_for(tmp_path / "D", "run.finished")
    assert len(chunks(tmp_path / "D")) == 4 * YEARS


def test_a_dashboard_whose_terminal_is_gone_ends_and_the_engine_goes_on(tmp_path: Path, slow: SimulatorProcess) -> None:
    """The terminal is not the dashboard's own to control, so no SIGHUP tells of its end."""
    terminal = Terminal(tmp_path, environment(slow), backfill(4))
    terminal.read_until(b"RUNNING")
    (run_dir,) = (tmp_path / "D" / "runs").iterdir()
    os.close(terminal.master)
    assert terminal.process.wait(20) == 129
    assert running_engine(run_dir)
    wait_for(tmp_path / "D", "run.finished")
