"""A disk without room: refused before anything begins, in the words and the code of the manual."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from cimis_engine.simulator.process import start_simulator
from cimis_tui.__main__ import main

LINE = "backfill --stations 2 --years 2024 --headless --json --data-dir D".split()


def test_a_run_is_refused_where_the_disk_has_no_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with start_simulator([]) as simulator:
        monkeypatch.setenv("CIMIS_BASE_URL", simulator.url)
        monkeypatch.setenv("CIMIS_APP_KEY", "any")
        monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=20_000_000))
        assert main(LINE) == 5
        said = capsys.readouterr()
        error = json.loads(said.out)["error"]
        assert error["class"] == "DiskSpaceError"
        assert "about 50 MB needed, 20 MB free" in error["message"] and "--data-dir" in error["hint"]
        assert not (tmp_path / "D" / "runs").exists(), "no run was begun"
        assert main([*LINE, "--dry-run"]) == 0
        said = capsys.readouterr()
        plan = json.loads(said.out)
        assert (plan["enough_space"], plan["free_bytes"]) == (False, 20_000_000)
        assert "a run would be refused" in said.err
        assert not [e for e in simulator.log() if "GetDataByStationNumber" in e["path"]]
        monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=plan["needed_bytes"]))
        assert main(LINE) == 0
