"""The plan: few, large pages; nothing planned that is stored, in the future, or before a station existed."""

from __future__ import annotations

from datetime import date

import pytest

from cimis_engine.errors import UsageError
from cimis_engine.model.items import DAILY_ITEMS, HOURLY_ITEMS, Interval, UnitSystem, parse_items
from cimis_engine.model.period import moment_of, parse_years, slot_of, slots_in_year, today_pst
from cimis_engine.model.plan import OpenSlots, Plan, build_plan
from cimis_engine.model.station import Station, parse_station_numbers

TODAY = date(2026, 11, 23)


def station(number: int = 2, connect: date = date(1982, 6, 7), disconnect: date | None = None) -> Station:
    return Station(number, "FivePoints", "", "Fresno", "", connect, disconnect, True, 285, "Grass", 36.3, -120.1)


def everything(number: int, year: int, wanted: range) -> range:
    return wanted


def plan(
    span: str, interval: Interval = Interval.DAILY, *, who: Station | None = None, todo: OpenSlots = everything
) -> Plan:
    items = DAILY_ITEMS if interval is Interval.DAILY else HOURLY_ITEMS
    return build_plan(
        [who or station()],
        interval=interval,
        span=parse_years(span),
        units=UnitSystem.METRIC,
        items=items,
        today=TODAY,
        open_slots=todo,
    )


def test_daily_jobs_are_four_years_in_one_page() -> None:
    made = plan("2015-2024")
    assert [(j.span.start.year, j.span.end.year, len(j.pages), j.expected) for j in made.jobs] == [
        (2015, 2018, 1, 1461),
        (2019, 2022, 1, 1461),
        (2023, 2024, 1, 731),
    ]
    assert made.chunks == 10


def test_a_part_of_a_year_goes_with_the_years_beside_it_while_one_page_holds_them() -> None:
    made = plan("1982-1990", who=station(connect=date(1982, 6, 7)))
    assert [(str(j.span), len(j.pages)) for j in made.jobs] == [
        ("1982-06-07..1986-12-31", 1),
        ("1987-01-01..1990-12-31", 1),
    ]


def test_hourly_jobs_are_a_year_in_two_halves_under_the_cap() -> None:
    made = plan("2023-2024", Interval.HOURLY)
    assert [[p.span.records(Interval.HOURLY) for p in j.pages] for j in made.jobs] == [[4344, 4416], [4368, 4416]]
    assert [j.expected for j in made.jobs] == [8760, 8784]


def test_what_the_store_covers_is_not_planned_again() -> None:
    made = plan("2015-2018", todo=lambda s, year, wanted: range(0) if year in (2015, 2017) else wanted)
    assert [str(j.span) for j in made.jobs] == ["2016-01-01..2016-12-31", "2018-01-01..2018-12-31"]
    assert made.stored == 2


def test_only_the_open_part_of_a_year_is_planned() -> None:
    made = plan("2024", todo=lambda s, year, wanted: range(100, 104))
    assert [(str(p.span), j.expected) for j in made.jobs for p in j.pages] == [("2024-04-09..2024-04-12", 4)]


def test_today_rides_along_and_later_is_left_out_with_a_note() -> None:
    made = plan("2026")
    (job,) = made.jobs
    assert (job.span.end, job.expected, made.span.end) == (TODAY, 326, date(2026, 11, 22))
    assert "yesterday" in made.notes[0]
    assert plan("2026", todo=lambda s, year, wanted: range(0)).jobs == (), "nothing is planned for today alone"
    behind = plan("2026", todo=lambda s, year, wanted: range(1, 100))
    assert [str(j.span) for j in behind.jobs] == ["2026-01-01..2026-04-09"], "today is not fetched across a gap"
    with pytest.raises(UsageError):
        plan("2027")


def test_dates_without_the_station_are_left_out_but_for_the_empty_records_after_its_end() -> None:
    made = plan("2010-2020", who=station(connect=date(2012, 3, 4), disconnect=date(2014, 8, 14)))
    (job,) = made.jobs
    assert str(job.span) == "2012-03-04..2014-08-21"
    assert job.expected == (date(2014, 8, 14) - date(2012, 3, 4)).days + 1
    assert "did not exist" in plan("2020", who=station(disconnect=date(2014, 8, 14))).notes[0]


def test_no_page_is_asked_for_half_a_year_without_the_station() -> None:
    closed = plan("2015", Interval.HOURLY, who=station(disconnect=date(2015, 3, 20)))
    opened = plan("2012", Interval.HOURLY, who=station(connect=date(2012, 10, 2)))
    assert [str(p.span) for made in (closed, opened) for j in made.jobs for p in j.pages] == [
        "2015-01-01..2015-03-27",
        "2012-10-02..2012-12-31",
    ]


def test_no_year_is_planned_for_empty_records_alone() -> None:
    made = plan("2014-2016", who=station(disconnect=date(2014, 12, 29)))
    assert [str(j.span) for j in made.jobs] == ["2014-01-01..2014-12-31"]


def test_the_same_work_has_the_same_job_id() -> None:
    assert [j.id for j in plan("2015-2024").jobs] == [j.id for j in plan("2015-2024").jobs]
    assert len({j.id for j in plan("2015-2024").jobs}) == 3


@pytest.mark.parametrize("interval", list(Interval))
def test_slots_and_moments_are_inverse_over_a_leap_year(interval: Interval) -> None:
    for slot in range(1, slots_in_year(interval, 2024) + 1):
        assert slot_of(*moment_of(interval, 2024, slot)) == slot
    assert moment_of(Interval.HOURLY, 2024, 24) == (date(2024, 1, 1), 24)


def test_today_is_the_agencys_not_utc() -> None:
    assert today_pst(1_700_000_000.0) == date(2023, 11, 14)
    assert today_pst(1_699_947_000.0) == date(2023, 11, 13)  # 07:30 UTC is still the evening before


@pytest.mark.parametrize(("text", "numbers"), [("2,5,10-12", (2, 5, 10, 11, 12)), ("7", (7,)), ("3,1-3", (1, 2, 3))])
def test_station_lists(text: str, numbers: tuple[int, ...]) -> None:
    assert parse_station_numbers(text) == numbers


@pytest.mark.parametrize("text", ["", "x", "5-2", "0", "1,,2", "1-", "../2", "10000"])
def test_bad_station_lists_are_usage_errors(text: str) -> None:
    with pytest.raises(UsageError):
        parse_station_numbers(text)


def test_items_by_slug_or_field_and_errors_that_help() -> None:
    assert [i.slug for i in parse_items(["DayEto", "day-air-tmp-avg"], Interval.DAILY)] == [
        "day-air-tmp-avg",
        "day-eto",
    ]
    assert (len(DAILY_ITEMS), len(HOURLY_ITEMS)) == (29, 14)
    assert DAILY_ITEMS[23].field == "DayWindRun"
    for name in ("nonsense", "hly-eto"):
        with pytest.raises(UsageError) as caught:
            parse_items([name], Interval.DAILY)
        assert caught.value.hint
