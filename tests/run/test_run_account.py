"""What a run's details tell: the same from its report as from its journal."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace
from runs_app import CUT, DONE, LIVE, data_dir
from tui_journal import ended

from cimis_engine.run.figures import StationSum, account_of
from cimis_engine.run.past import PastRun
from cimis_engine.run.state import RunState


def whole_bytes(station: StationSum) -> StationSum:
    return replace(station, wire_bytes=round(station.wire_bytes), busy_ms=round(station.busy_ms))


def test_from_report_and_journal_alike(tmp_path: Path) -> None:
    run = PastRun.of(data_dir(tmp_path) / "runs" / DONE)
    reported = run.details()
    (run.run_dir / "report.json").write_text("{torn")
    folded = run.details()
    assert reported is not None and folded is not None
    assert reported[0] == folded[0] == run.figures()
    one, other = reported[1], folded[1]
    assert replace(one, stations=()) == replace(other, stations=())
    assert [whole_bytes(s) for s in one.stations] == [whole_bytes(s) for s in other.stations]


def test_station_years_and_errors(tmp_path: Path) -> None:
    details = PastRun.of(data_dir(tmp_path) / "runs" / CUT).details()
    assert details is not None
    account = details[1]
    assert (account.done, account.failed, account.undecided) == (80, 4, 108)
    assert account.faults == {"http_503": 3, "http_429": 1}
    assert account.retries == 1


def test_what_failed_is_first_and_its_records_are_not_called_missing() -> None:
    state = RunState()
    for stamped in ended():
        state.apply(stamped)
    account = account_of(state)
    first = account.stations[0]
    assert (first.number, first.done, first.failed, first.missing) == (83, 0, 4, 0)
    assert first.why.startswith("http_503: ")
    busy = [station.busy_ms for station in account.stations[1:]]
    assert busy == sorted(busy, reverse=True)
    assert account.missing == 0 < state.missing


def test_no_journal_no_details(tmp_path: Path) -> None:
    run_dir = data_dir(tmp_path) / "runs" / LIVE
    (run_dir / "events.jsonl").unlink()
    assert PastRun.of(run_dir).details() is None
