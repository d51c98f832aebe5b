from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from cimis_engine.errors import UsageError
from cimis_engine.run.events import Event, RunFinished, RunStarted, Stamped, encode
from cimis_engine.run.past import PastRun, find_run, past_runs
from cimis_tui.__main__ import main


def _started(run_id: str) -> RunStarted:
    return RunStarted(
        run_id=run_id,
        pid=1,
        version="0",
        command="backfill",
        base_url="https://x",
        data_dir="d",
        interval="daily",
        units="M",
        items=29,
        start="2024-01-01",
        end="2024-12-31",
        concurrency=4,
        max_attempts=3,
        stations=[],
        jobs=[],
        stored=0,
        notes=[],
    )


FINISHED = RunFinished(outcome="partial", exit_code=3, elapsed_ms=2000.0, resumable=True)


def _run(data_dir: Path, run_id: str, *events: Event, age: int = 0, torn: bytes = b"") -> Path:
    run_dir = data_dir / "runs" / run_id
    run_dir.mkdir(parents=True)
    (run_dir / "spec.json").write_text("{}")
    os.utime(run_dir / "spec.json", (1000 - age, 1000 - age))
    lines = (encode(Stamped(n, 1_700_000_000.0 + n, event)) for n, event in enumerate(events, 1))
    (run_dir / "events.jsonl").write_bytes(b"".join(lines) + torn)
    return run_dir


def test_a_finished_run(tmp_path: Path) -> None:
    run = PastRun.of(_run(tmp_path, "a", _started("a"), FINISHED))
    assert (run.status, run.running, run.elapsed_ms) == ("partial", False, 1000.0)


def test_a_run_cut_off_in_the_middle_of_a_line(tmp_path: Path) -> None:
    run = PastRun.of(_run(tmp_path, "a", _started("a"), torn=encode(Stamped(2, 0.0, FINISHED))[:-5]))
    assert (run.status, run.finished) == ("cut off", None)


def test_the_end_is_found_in_a_long_journal(tmp_path: Path) -> None:
    filler = [_started("a")] * 500
    run = PastRun.of(_run(tmp_path, "a", *filler, FINISHED))
    assert (run.run_dir / "events.jsonl").stat().st_size > 128 * 1024
    assert run.finished == FINISHED and run.started == _started("a")


def test_a_run_without_a_journal(tmp_path: Path) -> None:
    run_dir = _run(tmp_path, "a")
    (run_dir / "events.jsonl").unlink()
    assert PastRun.of(run_dir).status == "cut off"


def test_newest_first_and_by_id(tmp_path: Path) -> None:
    _run(tmp_path, "old", _started("old"), age=10)
    _run(tmp_path, "new", _started("new"))
    assert [r.run_id for r in past_runs(tmp_path)] == ["new", "old"]
    assert find_run(tmp_path, None).run_id == "new"
    assert find_run(tmp_path, "old").run_id == "old"
    with pytest.raises(UsageError, match="no run 'none'"):
        find_run(tmp_path, "none")


def test_attach_to_nothing_is_a_usage_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["attach", "--data-dir", str(tmp_path)]) == 2
    assert "no runs in" in capsys.readouterr().err


def test_last_words_of_an_engine(tmp_path: Path) -> None:
    run_dir = _run(tmp_path, "a")
    (run_dir / "engine.log").write_text("noise\nerror: the disk is full\nfree some\n")
    assert PastRun.of(run_dir).last_words() == "the disk is full"


def test_runs_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", "-data-dir", str(tmp_path)]) == 0
    out, err = capsys.readouterr()
    assert out == "" and "no runs" in err
    _run(tmp_path, "1114-1213-aaaa", _started("1114-1213-aaaa"), FINISHED)
    assert main(["runs", "-data-dir", str(tmp_path)]) == 0
    line = capsys.readouterr().out.splitlines()[1].split()
    size = f"{(tmp_path / 'runs/1114-1213-aaaa/events.jsonl').stat().st_size + 2} B".split()
    assert line == [
        "1114-1213-aaaa",
        "partial",
        "2023-11-14",
        "14:13",
        "backfill",
        "1.00s",
        "0/0",
        "0",
        "0",
        "–",
        "–",
        "–",
        "–",
        *size,
    ]
    assert main(["runs", "-data-dir", str(tmp_path), "-json"]) == 0
    (entry,) = json.loads(capsys.readouterr().out)["runs"]
    assert (entry["state"], entry["exit_code"], entry["resumable"], entry["pid"]) == ("partial", 3, True, None)
