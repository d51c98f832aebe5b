"""What an update asks for again; and when the agency's day begins."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from cimis_engine.errors import UsageError
from cimis_engine.model.batch import Covered
from cimis_engine.model.items import Interval, UnitSystem
from cimis_engine.model.period import Span, moment_of
from cimis_engine.model.plan import Plan
from cimis_engine.model.station import Station
from cimis_engine.run.prepare import make_plan
from cimis_engine.run.spec import Request
from cimis_engine.run.today import agency_today
from cimis_engine.run.update import update_requests
from cimis_engine.store.catalog import ChunkEntry
from cimis_engine.store.store import Store

DAILY, HOURLY = Interval.DAILY, Interval.HOURLY
TODAY = date(2024, 6, 20)  # day 172
ALL = (1 << 29) - 1


def station(number: int, disconnect: date | None = None) -> Station:
    return Station(number, "", "", "", "", date(1982, 6, 7), disconnect, True, 0, "Grass", 36.0, -120.0)


def entry(
    year: int = 2024,
    first: int = 1,
    last: int = 100,
    *,
    who: int = 2,
    pending: tuple[tuple[int, int], ...] = (),
    interval: Interval = DAILY,
    units: UnitSystem = UnitSystem.METRIC,
    mask: int = ALL,
) -> ChunkEntry:
    covered = (Covered(first, last, mask),)
    return ChunkEntry(who, interval, year, units, 1, 29, 9, 0, 1, 9, 9, 9, "d", "a", covered, (), pending, 0.0)


class Stored(Store):
    """A store of catalog entries only: planning reads nothing else."""

    def __init__(self, *entries: ChunkEntry) -> None:
        self.held = {e.key: e for e in entries}

    def entry(self, station: int, interval: Interval, year: int) -> ChunkEntry | None:
        return self.held.get((station, interval, year))


def plans(*entries: ChunkEntry, since: int = 45, today: date = TODAY, closed: date | None = None) -> list[Plan]:
    requests = update_requests(entries, stations=None, since=since, today=today)
    directory = [station(n, closed) for n in (2, 5)]
    return [make_plan(Stored(*entries), request, directory, today) for request in requests]


def spans(*entries: ChunkEntry, since: int = 45, today: date = TODAY, closed: date | None = None) -> list[str]:
    return [f"{j.station} {j.span}" for p in plans(*entries, since=since, today=today, closed=closed) for j in p.jobs]


def day(year: int, slot: int) -> date:
    return moment_of(DAILY, year, slot)[0]


def test_a_chunk_up_to_date_is_asked_for_the_last_days() -> None:
    (plan,) = plans(entry(last=171), since=45)
    assert [str(j.span) for j in plan.jobs] == [f"{TODAY - timedelta(45)}..2024-06-19"]
    assert spans(entry(last=171), since=0) == []


def test_a_chunk_that_lags_is_extended_to_yesterday() -> None:
    assert spans(entry(last=100), since=0) == [f"2 {day(2024, 101)}..2024-06-19"]
    assert spans(entry(last=100), since=45) == [f"2 {day(2024, 101)}..2024-06-19"], (
        "what was never asked is no revision"
    )
    assert spans(entry(2022, 1, 100), since=0) == ["2 2022-04-11..2022-12-31"]


def test_a_closed_station_is_not_extended() -> None:
    assert spans(entry(last=100), since=45, closed=date(2024, 4, 9)) == []
    assert spans(entry(last=150), since=45, closed=date(2024, 6, 1)) == [f"2 {TODAY - timedelta(45)}..{day(2024, 150)}"]


def test_pending_values_are_asked_for_however_old() -> None:
    old = entry(2020, 1, 366, pending=((10, 12), (40, 40)))
    assert spans(old, since=45) == ["2 2020-01-10..2020-02-09"]


def test_the_new_year_is_begun_and_years_nobody_fetched_are_not() -> None:
    january = date(2025, 1, 3)
    assert spans(entry(2024, 1, 366), since=0, today=january) == ["2 2025-01-01..2025-01-02"]
    assert spans(entry(2024, 1, 300), since=0, today=january) == [f"2 {day(2024, 301)}..2025-01-02"]
    assert spans(entry(2024, 1, 366), since=0, today=date(2025, 1, 1)) == []
    assert spans(entry(2023, 1, 365), since=0, today=january) == []
    (plan,) = plans(entry(2019, 1, 365), entry(2022, 1, 365), today=january)
    assert (plan.jobs, plan.stored) == ((), 2), "years between are neither stored nor wanted"


def test_one_request_for_each_kind_of_record() -> None:
    requests = update_requests(
        [
            entry(),
            entry(2020, who=5),
            entry(interval=HOURLY, mask=0b101),
            entry(who=5, units=UnitSystem.ENGLISH, mask=0b11),
        ],
        stations=None,
        since=45,
        today=TODAY,
    )
    assert [(r.stations, r.interval, r.units, len(r.items), r.start, r.end) for r in requests] == [
        ("2,5", "daily", "M", 29, "2020-01-01", "2024-06-19"),
        ("2", "hourly", "M", 2, "2024-01-01", "2024-06-19"),
        ("5", "daily", "E", 2, "2024-01-01", "2024-06-19"),
    ]
    assert requests[1].items == ("hly-air-tmp", "hly-eto")
    only = update_requests([entry(), entry(who=5)], stations=(5,), since=45, today=TODAY)
    assert [r.stations for r in only] == ["5"]


def test_chunks_of_other_items_or_units_are_left_to_their_own_run() -> None:
    made = plans(entry(2023, 1, 200), entry(2024, mask=1), since=0)
    assert [(p.units, len(p.items), [str(j.span) for j in p.jobs]) for p in made] == [
        (UnitSystem.METRIC, 29, ["2023-07-20..2023-12-31"]),
        (UnitSystem.METRIC, 1, ["2024-04-10..2024-06-19"]),
    ]


def test_a_station_the_agency_dropped_is_told_and_stops_nothing() -> None:
    (plan,) = plans(entry(), entry(who=99))
    assert [j.station for j in plan.jobs] == [2]
    assert any("99" in note for note in plan.notes)


def test_the_day_begins_at_midnight_pst_summer_or_not() -> None:
    midnight = datetime(2024, 7, 2, 8, 0, tzinfo=UTC).timestamp()  # 01:00 daylight time: the agency keeps none
    assert agency_today(midnight - 1, {}) == date(2024, 7, 1)
    assert agency_today(midnight, {}) == date(2024, 7, 2)
    assert agency_today(midnight, {"CIMIS_TODAY": "2020-02-29"}) == date(2020, 2, 29)
    with pytest.raises(UsageError):
        agency_today(midnight, {"CIMIS_TODAY": "tomorrow"})


@pytest.mark.parametrize(
    ("second", "end", "expected"), [(-1, date(2024, 7, 1), 181 + 1), (0, date(2024, 7, 2), 182 + 1)]
)
def test_a_plan_made_around_midnight(second: int, end: date, expected: int, tmp_path: Path) -> None:
    today = agency_today(datetime(2024, 7, 2, 8, 0, tzinfo=UTC).timestamp() + second, {})
    request = Request(stations="2", start="2024-01-01", end="2024-12-31")
    plan = make_plan(None, request, [station(2)], today)
    (job,) = plan.jobs
    assert (job.span, job.expected, plan.today) == (Span(date(2024, 1, 1), end), expected, end)
