"""Jobs that gave up, on the real simulator: what failed is listed, queued again, dropped, and fetched once more."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import KEY, Run, chunks, journal

from cimis_engine.model.plan import parse_job_id
from cimis_engine.run.process import start_engine
from cimis_engine.run.spec import RunSpec, Settings, save_spec
from cimis_engine.simulator.process import SimulatorProcess, start_simulator
from cimis_tui.cli.retry import of_ledger, request_for

COMMAND = "backfill --stations 2,5,6 --years 2015-2022 --items day-eto,day-precip --headless --data-dir D".split()
FAILED = ["d005-20150101-20181231-M-90", "d005-20190101-20221231-M-90"]


@pytest.fixture
def broken(cimis: Run) -> Iterator[SimulatorProcess]:
    """A simulator that has nothing for station 5, and a data directory `D` filled from it: two jobs gave up."""
    with start_simulator(["--fail-station", "5"]) as simulator:
        cimis(*COMMAND, "--report", "first.json", on=simulator, code=3, CIMIS_BACKOFF_BASE="0.01")
        yield simulator


def states(cimis: Run, on: SimulatorProcess, *flags: str) -> dict[str, str]:
    document = json.loads(cimis("ledger", "list", "--json", "--data-dir", "D", *flags, on=on).stdout)
    return {j["job"]: j["state"] for j in document["jobs"]}


def data_requests(on: SimulatorProcess) -> list[tuple[str, str, str]]:
    return [(e["station"], e["start"], e["end"]) for e in on.log() if "GetDataByStationNumber" in e["path"]]


def test_retry_fetches_just_the_jobs_that_failed(
    cimis: Run, broken: SimulatorProcess, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    assert states(cimis, broken, "--state", "failed") == dict.fromkeys(FAILED, "failed")
    assert len(states(cimis, broken)) == 6
    again = cimis(*"retry --headless --data-dir D".split(), on=broken, code=4, CIMIS_BACKOFF_BASE="0.01")
    assert "2 jobs to try again" in again.stderr
    before = len(data_requests(simulator))
    plan = json.loads(cimis(*"retry --dry-run --json --data-dir D".split(), on=simulator).stdout)
    command = "retry --headless --json --concurrency 1 --data-dir D".split()
    report = json.loads(cimis(*command, on=simulator).stdout)
    asked = data_requests(simulator)[before:]
    assert asked == [("5", "2015-01-01", "2018-12-31"), ("5", "2019-01-01", "2022-12-31")]
    assert [(str(p["station"]), p["start"], p["end"]) for p in plan["page_list"]] == asked
    assert (report["successful"], report["failed"]) == (8, 0)
    assert set(states(cimis, simulator).values()) == {"done"}
    cimis(*COMMAND[:-1], "E", on=simulator)
    assert chunks(tmp_path / "D") == chunks(tmp_path / "E")
    nothing = cimis(*"retry --headless --json --data-dir D".split(), on=simulator)
    assert json.loads(nothing.stdout) == {"schema_version": "1.0", "jobs": 0, "exit_code": 0}
    assert "no failed jobs in D" in nothing.stderr


def test_retry_from_a_report_needs_nothing_but_the_report(
    cimis: Run, broken: SimulatorProcess, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    failures = json.loads((tmp_path / "first.json").read_text())["failures"]
    assert {f["job"] for f in failures} == set(FAILED) and len(failures) == 8
    report = json.loads(cimis(*"retry --from first.json --headless --json --data-dir F".split(), on=simulator).stdout)
    assert (report["successful"], report["total_stations"]) == (8, 1)
    assert {r["station_id"] for r in report["results"]} == {5}
    assert {Path(name).parts[0] for name in chunks(tmp_path / "F")} == {"005"}


def test_the_same_command_tries_again_what_gave_up(
    cimis: Run, broken: SimulatorProcess, simulator: SimulatorProcess
) -> None:
    before = len(data_requests(simulator))
    cimis(*COMMAND, on=simulator)
    assert {station for station, *_ in data_requests(simulator)[before:]} == {"5"}
    assert set(states(cimis, simulator).values()) == {"done"}


def test_redriven_jobs_are_the_next_retry(
    cimis: Run, broken: SimulatorProcess, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    done = cimis("ledger", "redrive", FAILED[1], "--data-dir", "D", on=simulator)
    assert done.stdout == "1 job queued again; `cimis retry` runs them\n"
    assert states(cimis, simulator, "--state", "queued") == {FAILED[1]: "queued"}
    cimis(*"retry --headless --data-dir D".split(), on=simulator)
    last = [e for e in journal(tmp_path / "D") if e["kind"] == "run.started"][-1]
    assert [j["job"] for j in last["jobs"]] == [FAILED[1]]
    assert states(cimis, simulator, "--state", "failed") == {FAILED[0]: "failed"}
    every = json.loads(cimis(*"ledger redrive --all --json --data-dir D".split(), on=simulator).stdout)
    assert every == {"schema_version": "1.0", "redriven": [FAILED[0]]}


def test_jobs_of_several_kinds_are_tried_one_kind_at_a_time(
    cimis: Run, broken: SimulatorProcess, simulator: SimulatorProcess
) -> None:
    hourly = "backfill --stations 5 --years 2022 --hourly --headless --data-dir D".split()
    cimis(*hourly, on=broken, code=4, CIMIS_BACKOFF_BASE="0.01")
    cimis(*"ledger redrive --all --data-dir D".split(), on=simulator)
    first = cimis(*"retry --headless --data-dir D".split(), on=simulator)
    assert "of another interval, units or items" in first.stderr
    cimis(*"retry --headless --data-dir D".split(), on=simulator)
    assert set(states(cimis, simulator).values()) == {"done"}


def test_dropped_jobs_are_forgotten_and_planned_anew_by_who_asks(
    cimis: Run, broken: SimulatorProcess, simulator: SimulatorProcess
) -> None:
    assert cimis("ledger", "drop", *FAILED, "--data-dir", "D", on=simulator).stdout == "2 jobs dropped\n"
    assert FAILED[0] not in states(cimis, simulator)
    assert "no failed jobs" in cimis(*"ledger list --state failed --data-dir D".split(), on=simulator).stderr
    assert "no failed jobs in D" in cimis(*"retry --headless --data-dir D".split(), on=simulator).stderr
    plan = json.loads(cimis(*COMMAND, "--dry-run", "--json", on=simulator).stdout)
    assert list(dict.fromkeys(p["job"] for p in plan["page_list"])) == FAILED


def test_the_ledger_as_a_person_reads_it(cimis: Run, broken: SimulatorProcess) -> None:
    lines = cimis(*"ledger list --state failed --data-dir D".split(), on=broken).stdout.splitlines()
    assert lines[0].split()[:4] == ["job", "state", "attempts", "run"]
    assert [line.split()[0] for line in lines[1:]] == FAILED
    assert all("http_500" in line and "HTTP 500" in line for line in lines[1:])


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("ledger redrive", "which jobs"),
        (f"ledger redrive --all {FAILED[0]}", "which jobs"),
        ("ledger redrive d002-20150101-20181231-M-90", "is done"),
        ("ledger drop nonsense", "no job 'nonsense'"),
        ("ledger", "ACTION"),
        ("ledger list --state lost", "lost"),
        ("retry --from absent.json", "cannot read absent.json"),
        ("retry --from D/stations.json", "not the report of a run"),
        ("ledger list --data-dir nowhere", "no CIMIS data in nowhere"),
        ("retry --data-dir nowhere", "no CIMIS data in nowhere"),
    ],
)
def test_what_cannot_be_is_said(cimis: Run, broken: SimulatorProcess, line: str, word: str) -> None:
    done = cimis(*line.split(), on=broken, code=2, CIMIS_DATA_DIR="D")
    assert word in done.stderr and "hint:" in done.stderr


def test_the_engine_behind_a_dashboard_retries_the_same_jobs(
    cimis: Run, broken: SimulatorProcess, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    """A dashboard starts `python -m cimis_engine.run` on a spec; the spec alone says which jobs."""
    keys = [parse_job_id(name) for name in of_ledger(tmp_path / "D")]
    spec = RunSpec(
        run_id="again",
        command="retry",
        data_dir=str(tmp_path / "D"),
        request=request_for(keys),
        settings=Settings(base_url=simulator.url),
    )
    save_spec(spec)
    assert start_engine(spec, key=KEY).wait(60) == 0
    report = json.loads((spec.run_dir / "report.json").read_text())
    assert (report["successful"], report["total_stations"]) == (8, 1)
    assert set(states(cimis, simulator).values()) == {"done"}
