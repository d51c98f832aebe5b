"""`cimis runs`, `replay` and `compare` without a terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from runs_app import CUT, DONE, LIVE, OLDER, data_dir

from cimis_engine.run.past import PastRun
from cimis_tui.__main__ import main


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return data_dir(tmp_path)


def test_runs_from_reports_and_journals_are_alike(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = PastRun.of(data / "runs" / DONE)
    reported = run.figures()
    (run.run_dir / "report.json").write_text("{torn")
    assert run.figures() == reported
    (run.run_dir / "report.json").unlink()
    assert run.figures() == reported
    assert reported is not None
    assert (reported.stations_done, reported.stations, reported.records) == (47, 48, 68_620)
    assert main(["runs", "--data-dir", str(data), "--json"]) == 0
    runs = {entry["run_id"]: entry for entry in json.loads(capsys.readouterr().out)["runs"]}
    assert runs[DONE]["figures"]["records"] == 68_620
    assert runs[CUT]["state"] == "cut off"
    assert runs[CUT]["bytes_on_disk"] > 100_000


def test_runs_in_words(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", "--data-dir", str(data)]) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert set(lines) == {"run", LIVE, DONE, OLDER, CUT}
    assert "47/48" in lines[DONE] and "68,620" in lines[DONE] and "8.3:1" in lines[DONE]


def test_a_run_without_a_journal_has_no_figures(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (data / "runs" / CUT / "events.jsonl").unlink()
    assert main(["runs", "--data-dir", str(data)]) == 0
    capsys.readouterr()
    assert main(["replay", CUT, "--data-dir", str(data), "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["class"] == "UsageError"
    assert main(["compare", CUT, DONE, "--data-dir", str(data)]) == 2
    assert "no journal" in capsys.readouterr().err


def test_replay_as_of_a_moment(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", DONE, "--until", "50%", "--data-dir", str(data), "--json"]) == 0
    half = json.loads(capsys.readouterr().out)
    assert (half["state"], half["cut_off"], half["run_id"]) == ("running", False, DONE)
    assert half["begins"] < half["as_of"] < half["ends"]
    assert half["figures"] == half["report"]["figures"]
    assert half["report"]["outcome"] is None
    assert main(["replay", DONE, "--data-dir", str(data), "--json"]) == 0
    whole = json.loads(capsys.readouterr().out)
    assert whole["as_of"] == whole["ends"]
    assert whole["report"] == json.loads((data / "runs" / DONE / "report.json").read_text())
    assert half["figures"]["records"] < whole["figures"]["records"]


def test_replay_of_a_run_cut_off_says_so(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", CUT, "--data-dir", str(data)]) == 0
    out, err = capsys.readouterr()
    assert "its engine died" in err
    assert out.splitlines()[1].split() == ["stations", "done", "20", "of", "48"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--until", "soon"], "no moment of a run: 'soon'"),
        (["--from", "60%", "--until", "50%"], "--until is before --from"),
        (["--speed", "0"], "not a speed: '0'"),
        (["--speed", "fast"], "not a speed: 'fast'"),
    ],
)
def test_wrong_moments_and_speeds(
    data: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert main(["replay", DONE, *arguments, "--data-dir", str(data)]) == 2
    assert words in capsys.readouterr().err


def test_compare(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", OLDER, DONE, "--data-dir", str(data)]) == 0
    out, err = capsys.readouterr()
    lines = {line[:12].strip(): line for line in out.splitlines()}
    assert lines["TTFB p50"].endswith("worse !")
    assert lines["compression"].endswith("same")
    assert "changed between the runs in 1 of 188 station-years: 2 2016" in out
    assert "over 48 stations both have" in err
    assert main(["compare", OLDER, DONE, "--data-dir", str(data), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["changed"] == [{"station": 2, "year": 2016, "interval": "daily", "a": "1" * 64, "b": "0" * 64}]
    assert document["slower"][0]["change"] > 0.25
    assert main(["compare", DONE, "none", "--data-dir", str(data)]) == 2
    assert "no run 'none'" in capsys.readouterr().err
