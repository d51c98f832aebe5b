"""An operator at the control door of a real run: every command, what the journal says of it, what is refused."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from conftest import environment, journal
from pacing import sent, violations
from waiting import until

from cimis_engine.run.control import ControlClient, ControlError
from cimis_engine.simulator.process import SimulatorProcess, start_simulator

COMMAND = "backfill --stations 2,5,6,7,8,12 --years 1999-2024 --headless --concurrency 3 --data-dir D".split()
ALERTS = "[alerts.memory]\nwarn = 1e6\ncritical = 900e6\nclear = 1e6\nfor = 0\n"


@contextmanager
def going(folder: Path, api: SimulatorProcess) -> Iterator[tuple[ControlClient, subprocess.Popen[bytes]]]:
    """A headless run that has begun, and its control door."""
    (folder / "cimis.toml").write_text(ALERTS)
    command = [sys.executable, "-m", "cimis_tui", *COMMAND]
    process = subprocess.Popen(command, env=environment(api), cwd=folder, stderr=subprocess.DEVNULL)
    try:
        until(lambda: "attempt.started" in kinds(folder))
        (run_dir,) = (folder / "D" / "runs").iterdir()
        yield ControlClient(run_dir), process
    finally:
        process.kill()
        process.wait()


def kinds(folder: Path) -> list[str]:
    return [event["kind"] for event in journal(folder / "D")]


def last(folder: Path, kind: str) -> dict[str, Any]:
    return [event for event in journal(folder / "D") if event["kind"] == kind][-1]


def test_every_command_is_carried_out_and_told(tmp_path: Path) -> None:
    with start_simulator(["--latency", "120"]) as api, going(tmp_path, api) as (door, process):
        assert door.send({"cmd": "concurrency", "limit": 8})["limit"] == 8
        assert (last(tmp_path, "concurrency.changed")["old"], last(tmp_path, "concurrency.changed")["new"]) == (3, 8)
        until(lambda: "throttle.changed" in kinds(tmp_path) and last(tmp_path, "throttle.changed")["new"] > 3)
        door.send({"cmd": "concurrency", "limit": 2})
        assert (last(tmp_path, "throttle.changed")["new"], last(tmp_path, "throttle.changed")["cause"]) == (
            2,
            "operator",
        )
        door.send({"cmd": "concurrency", "limit": 4})
        door.send({"cmd": "pause", "stations": [8, 12]})
        assert kinds(tmp_path).count("station.paused") == 2
        given_up = door.send({"cmd": "cancel", "stations": [12]})["jobs"]
        assert door.send({"cmd": "retry", "stations": [12]})["jobs"] == given_up > 0
        until(lambda: "alert.raised" in kinds(tmp_path))
        assert door.send({"cmd": "ack", "rule": "memory", "subject": "run"})["alerts"] == 1
        assert door.send({"cmd": "ack"})["alerts"] == 0, "there was but the one"
        door.send({"cmd": "mute", "rule": "memory", "subject": "run", "seconds": 60})
        assert last(tmp_path, "alert.muted")["until"] == pytest.approx(last(tmp_path, "alert.muted")["t"] + 60, abs=1)
        door.send({"cmd": "unmute", "rule": "memory", "subject": "run"})
        assert last(tmp_path, "alert.muted")["until"] is None
        door.send({"cmd": "resume", "stations": [8, 12]})
        assert process.wait(60) == 0
        log = api.log()
    events = journal(tmp_path / "D")
    assert not violations(sent(events, log)), "what may be in flight was kept all the while"
    assert kinds(tmp_path).count("alert.acknowledged") == 1
    (rule,) = (r for r in events[0]["rules"] if r["name"] == "memory")
    assert (rule["warn"], rule["for_s"]) == (1e6, 0), "the journal tells the rules in force"


def test_what_cannot_be_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"cmd": "concurrency", "limit": 0}, "from 1 to 64"),
        ({"cmd": "concurrency", "limit": 65}, "from 1 to 64"),
        ({"cmd": "concurrency"}, "from 1 to 64"),
        ({"cmd": "pause", "stations": [2, 999]}, "station 999 is not part of this run"),
        ({"cmd": "pause", "stations": 2}, "a list of numbers"),
        ({"cmd": "cancel"}, "unknown command"),
        ({"cmd": "ack", "rule": "memory", "subject": "nobody"}, "not firing"),
        ({"cmd": "mute", "rule": "weather", "subject": "run"}, "no alert rule 'weather'"),
        ({"cmd": "mute", "rule": "memory", "subject": "run", "seconds": -1}, "up to a day"),
    ]
    with start_simulator(["--latency", "400"]) as api, going(tmp_path, api) as (door, _):
        for command, word in wrong:
            with pytest.raises(ControlError, match=word):
                door.send(command)
        told = set(kinds(tmp_path))
        assert not told & {"concurrency.changed", "station.paused", "alert.acknowledged", "alert.muted"}
