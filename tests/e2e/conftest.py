"""A real simulator process, and the real command line in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cimis_engine.simulator.process import SimulatorProcess, start_simulator

KEY = "CANARY-7f3a91c4e2"
REAL_DATA = Path(os.environ.get("CIMIS_REAL_DATA") or Path(__file__).parents[3] / "shared" / "data")
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def simulator() -> Iterator[SimulatorProcess]:
    with start_simulator(["--seed", "1"]) as running:
        yield running


@pytest.fixture(scope="session")
def slow() -> Iterator[SimulatorProcess]:
    """One whose answers take long enough to step in between. Shared, as it makes each station's weather but once."""
    with start_simulator(["--latency", "200"]) as running:
        yield running


@pytest.fixture
def cimis(tmp_path: Path) -> Run:
    """Run `cimis ARGS` against a simulator; `code` is the exit code it must end with."""

    def run(*args: str, on: SimulatorProcess, code: int | None = 0, **env: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "cimis_tui", *args],
            env=environment(on, **env),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=100,
            stdin=subprocess.DEVNULL,
        )
        if code is not None:
            assert done.returncode == code, f"{args}: {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        assert KEY not in done.stdout + done.stderr
        told = [p for p in tmp_path.rglob("*") if p.is_file() and KEY.encode() in p.read_bytes()]
        assert not told, f"the key stands in {told}"
        return done

    return run


def environment(on: SimulatorProcess, **more: str) -> dict[str, str]:
    env = {k: v for k, v in os.environ.items() if not k.startswith("CIMIS_")}
    env |= {"CIMIS_APP_KEY": KEY, "CIMIS_BASE_URL": on.url, "PYTHONPATH": str(Path(__file__).parents[2])}
    if on.ca_file:
        env["CIMIS_CA_FILE"] = str(on.ca_file)
    return env | more


def chunks(data_dir: Path) -> dict[str, bytes]:
    """Every chunk of a data directory by its relative path."""
    root = data_dir / "stations"
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.glob("*/*.zst"))}


def journal(data_dir: Path) -> list[dict[str, Any]]:
    """All events of all runs of a data directory; a line that is being written is none yet."""
    files = sorted(data_dir.glob("runs/*/events.jsonl"), key=lambda p: p.stat().st_mtime_ns)
    return [json.loads(line) for f in files for line in f.read_bytes().split(b"\n")[:-1]]


@pytest.fixture
def real_data() -> Path:
    if not (REAL_DATA / "daily").is_dir():
        pytest.skip(f"no recorded CIMIS responses in {REAL_DATA} (set CIMIS_REAL_DATA)")
    return REAL_DATA
