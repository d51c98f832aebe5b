"""The ledger on real SQLite: each job once, nothing lost, failures kept."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from cimis_engine.model.items import DAILY_ITEMS, Interval, UnitSystem
from cimis_engine.model.period import parse_years
from cimis_engine.model.plan import JobSpec, build_plan
from cimis_engine.model.station import Station
from cimis_engine.run.ledger import Ledger
from cimis_engine.store.database import open_database


def jobs(count: int) -> tuple[JobSpec, ...]:
    stations = [
        Station(n, "x", "", "", "", date(1982, 6, 7), None, True, 0, "", None, None) for n in range(1, count + 1)
    ]
    return build_plan(
        stations,
        interval=Interval.DAILY,
        span=parse_years("2024"),
        units=UnitSystem.METRIC,
        items=DAILY_ITEMS,
        today=date(2026, 1, 1),
        open_slots=lambda station, year, wanted: wanted,
    ).jobs


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(open_database(tmp_path / "metadata.sqlite3"))


def test_jobs_are_claimed_once_in_plan_order(ledger: Ledger) -> None:
    planned = jobs(5)
    ledger.enqueue(planned, "r1", 100.0)
    claimed = ledger.claim("r1", 2, 101.0) + ledger.claim("r1", 9, 102.0)
    assert claimed == [j.id for j in planned]
    assert ledger.claim("r1", 9, 103.0) == []
    assert ledger.claim("another run", 9, 103.0) == []


def test_a_new_run_takes_over_what_a_dead_one_left(ledger: Ledger) -> None:
    planned = jobs(3)
    ledger.enqueue(planned, "r1", 100.0)
    ledger.claim("r1", 3, 100.0)
    ledger.finish(planned[0].id, 1, 101.0)
    ledger.enqueue(planned[1:], "r2", 200.0)
    assert ledger.claim("r2", 9, 201.0) == [j.id for j in planned[1:]]
    assert [(r.state, r.run_id) for r in ledger.rows()] == [("done", "r1"), ("leased", "r2"), ("leased", "r2")]


def test_release_gives_back_only_what_is_unfinished(ledger: Ledger) -> None:
    planned = jobs(3)
    ledger.enqueue(planned, "r1", 100.0)
    ledger.claim("r1", 3, 100.0)
    ledger.finish(planned[0].id, 1, 101.0)
    ledger.fail(planned[1].id, 3, "http_503", "service unavailable", 101.0)
    ledger.release("r1", 102.0)
    assert [r.state for r in ledger.rows("r1")] == ["done", "failed", "queued"]
    failed = ledger.rows("r1")[1]
    assert (failed.attempts, failed.error_class, failed.error) == (3, "http_503", "service unavailable")


def test_failed_and_cancelled_jobs_can_be_queued_again(ledger: Ledger) -> None:
    planned = jobs(2)
    ledger.enqueue(planned, "r1", 100.0)
    ledger.claim("r1", 2, 100.0)
    ledger.fail(planned[0].id, 3, "reset", "x", 101.0)
    ledger.fail(planned[1].id, 0, "cancelled", "x", 101.0)
    assert [r.state for r in ledger.rows()] == ["failed", "cancelled"]
    ledger.requeue([j.id for j in planned], 102.0)
    assert ledger.claim("r1", 9, 103.0) == [j.id for j in planned]


def test_what_retry_takes_is_what_failed_last(ledger: Ledger) -> None:
    first, second = jobs(4)[:2], jobs(4)[2:]
    ledger.enqueue(first, "r1", 100.0)
    ledger.enqueue(second, "r2", 100.0)
    assert ledger.to_retry() == []
    ledger.fail(first[0].id, 3, "reset", "x", 101.0)
    assert [r.id for r in ledger.to_retry()] == [first[0].id]
    ledger.fail(second[0].id, 3, "reset", "x", 102.0)
    ledger.fail(second[1].id, 3, "cancelled", "x", 103.0)
    assert [r.id for r in ledger.to_retry()] == [second[0].id], "of the newest run with any, and not the cancelled"


def test_what_was_redriven_goes_first_until_it_is_done(ledger: Ledger) -> None:
    planned = jobs(3)
    ledger.enqueue(planned, "r1", 100.0)
    for job in planned:
        ledger.fail(job.id, 3, "reset", "x", 101.0)
    ledger.requeue([planned[1].id, planned[2].id], 102.0)
    redriven = [planned[1].id, planned[2].id]
    assert [r.id for r in ledger.to_retry()] == redriven
    ledger.enqueue(planned[1:], "r2", 103.0)
    ledger.claim("r2", 1, 104.0)
    assert [r.id for r in ledger.to_retry()] == redriven, "a retry that was killed is taken up again"
    for name in redriven:
        ledger.finish(name, 1, 105.0)
    assert [r.id for r in ledger.to_retry()] == [planned[0].id]


def test_rows_by_state_and_dropping_them(ledger: Ledger) -> None:
    planned = jobs(3)
    ledger.enqueue(planned, "r1", 100.0)
    ledger.fail(planned[0].id, 3, "reset", "x", 101.0)
    ledger.finish(planned[1].id, 1, 102.0)
    assert [(r.id, r.updated_at) for r in ledger.rows(states=("failed",))] == [(planned[0].id, 101.0)]
    assert [r.state for r in ledger.rows(states=("done", "queued"))] == ["done", "queued"]
    ledger.drop([planned[0].id])
    assert [r.id for r in ledger.rows()] == [planned[1].id, planned[2].id]
