"""Leaving the dashboard of a real run, each way there is, by its keys on a terminal: nothing is ever lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Run, chunks, environment, journal
from terminal import Terminal
from waiting import wait_for

from cimis_engine.run.process import running_engine
from cimis_engine.simulator.process import SimulatorProcess

COMMAND = "backfill --sample 4 --years 1993-2024 --data-dir D".split()
HEADLESS = [*COMMAND, "--headless"]
ALL = 128


def under_way(folder: Path, api: SimulatorProcess) -> tuple[Terminal, Path]:
    """A dashboard on a run that has stored something and asks how to leave."""
    terminal = Terminal(folder, environment(api), COMMAND)
    terminal.read_until(b"RUNNING")
    wait_for(folder / "D", "chunk.finished")
    (run_dir,) = (folder / "D" / "runs").iterdir()
    terminal.type(b"q")
    terminal.read_until(b"Detach")
    return terminal, run_dir


def test_detach_leaves_the_engine_at_work(tmp_path: Path, slow: SimulatorProcess) -> None:
    terminal, run_dir = under_way(tmp_path, slow)
    terminal.type(b"d")
    terminal.read_to_end()
    assert terminal.process.returncode == 0
    assert running_engine(run_dir)
    wait_for(tmp_path / "D", "run.finished")
    assert len(chunks(tmp_path / "D")) == ALL


@pytest.mark.parametrize(("key", "then"), [(b"w", b"q"), (b"s", b"")], ids=["drain", "stop"])
def test_what_was_stored_before_leaving_stays_and_the_rest_follows(
    key: bytes, then: bytes, tmp_path: Path, cimis: Run, slow: SimulatorProcess
) -> None:
    terminal, run_dir = under_way(tmp_path, slow)
    before = chunks(tmp_path / "D")
    assert 0 < len(before) < ALL
    terminal.type(key)
    if then:
        terminal.read_until(b"INTERRUPTED")
        terminal.type(then)
    terminal.read_to_end()
    assert terminal.process.returncode == 3
    assert running_engine(run_dir) is None
    kept = chunks(tmp_path / "D")
    assert {name: kept[name] for name in before} == before
    finished = [e for e in journal(tmp_path / "D") if e["kind"] == "chunk.finished"]
    assert len(kept) == len(finished), "every chunk on disk was announced, and no other"
    ended = journal(tmp_path / "D")[-1]
    assert (ended["kind"], ended["outcome"], ended["resumable"]) == ("run.finished", "interrupted", True)
    cimis(*HEADLESS, on=slow)
    after = chunks(tmp_path / "D")
    assert len(after) == ALL and {name: after[name] for name in kept} == kept, "nothing was fetched twice"
