"""Jobs and pages as bookkeeping: what is due, held back, given up, taken up again."""

from __future__ import annotations

import math
from datetime import date

import pytest

from cimis_engine.model.items import Interval, UnitSystem, items_of
from cimis_engine.model.period import Span
from cimis_engine.model.plan import Plan, build_plan
from cimis_engine.model.station import by_number
from cimis_engine.run.work import Work
from cimis_engine.simulator.stations import stations


@pytest.fixture
def plan() -> Plan:
    return build_plan(
        [by_number(stations(None))[n] for n in (2, 5)],
        interval=Interval.HOURLY,
        span=Span(date(2023, 1, 1), date(2024, 12, 31)),
        units=UnitSystem.METRIC,
        items=items_of(Interval.HOURLY),
        today=date(2025, 6, 1),
        open_slots=lambda number, year, wanted: wanted,
    )


def test_pages_come_in_the_order_they_fell_due(plan: Plan) -> None:
    work = Work(plan)
    first, second, *rest = (job.id for job in plan.jobs)
    assert len(rest) == 2 and work.left
    work.claimed([first], 10.0)
    retried = work.pop(10.0)
    assert retried is not None
    work.push(retried, 12.0)
    work.claimed([second], 13.0)
    order = []
    while (page := work.pop(20.0)) is not None:
        order.append((page.job.spec.id, page.spec.index))
    assert order == [(first, 2), (first, 1), (second, 1), (second, 2)], "what was begun comes before what is fresh"


def test_nothing_comes_before_it_is_due(plan: Plan) -> None:
    work = Work(plan)
    work.claimed([plan.jobs[0].id], 10.0)
    assert (work.pop(9.9), work.due(9.9), work.next_due()) == (None, 0, 10.0)
    assert work.due(10.0) == 2


def test_paused_stations_are_passed_over_and_come_back(plan: Plan) -> None:
    work = Work(plan)
    work.claimed([j.id for j in plan.jobs], 10.0)
    work.paused_stations.add(2)
    found = [page.job.spec.station for _ in range(20) if (page := work.pop(11.0))]
    assert set(found) == {5} and work.next_due() == math.inf and work.left
    work.paused_stations.clear()
    work.paused = True
    assert work.pop(11.0) is None
    work.paused = False
    page = work.pop(11.0)
    assert page is not None and page.job.spec.station == 2


def test_a_failed_job_leaves_nothing_behind_and_can_be_opened_again(plan: Plan) -> None:
    work = Work(plan)
    name = plan.jobs[0].id
    work.claimed([name], 10.0)
    work.settle(work.jobs[name], failed=True)
    assert work.pop(99.0) is None and name not in work.open and name in work.failed
    assert [job.spec.id for job in work.open_jobs(2)] == [plan.jobs[1].id]
    assert [spec.id for spec in work.reopen([5])] == []
    assert [spec.id for spec in work.reopen(None)] == [name]
    assert name in work.open and not work.failed


def test_a_job_cancelled_while_it_was_being_claimed_does_not_start(plan: Plan) -> None:
    work = Work(plan)
    (job,) = (j for j in work.open_jobs(2) if j.spec.id == plan.jobs[0].id)
    work.settle(job, failed=True)
    work.claimed([plan.jobs[0].id], 10.0)
    assert work.pop(10.0) is None and plan.jobs[0].id not in work.unclaimed
