"""Paging: the fewest pages a cap allows, exactly over the span; jobs that no other grouping could fetch in fewer."""

from __future__ import annotations

import itertools
from datetime import date, timedelta
from math import ceil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cimis_engine.errors import UsageError
from cimis_engine.model.items import DataItem, Interval, UnitSystem, items_of
from cimis_engine.model.paging import DEFAULT_CAPS, cut, days_a_page, lowered, recut, split_pages
from cimis_engine.model.period import Span
from cimis_engine.model.plan import JOB_PAGES, build_plan, job_id, parse_job_id, plan_jobs
from cimis_engine.model.station import Station

DATES = st.dates(date(1982, 6, 7), date(2018, 12, 31))
SPANS = st.tuples(DATES, st.integers(0, 2800)).map(lambda p: Span(p[0], p[0] + timedelta(days=p[1])))
INTERVALS = st.sampled_from(list(Interval))
CAPS = st.integers(1, 12_000)
TODAY = date(2026, 11, 23)


def days(span: Span) -> list[date]:
    return [span.start + timedelta(days=n) for n in range(span.days)]


@settings(deadline=None)  # a loaded machine is no failure
@given(SPANS, INTERVALS, CAPS)
def test_pages_cover_the_span_in_order_under_the_cap_and_are_as_few_as_can_be(
    span: Span, interval: Interval, cap: int
) -> None:
    pages = cut(span, interval, cap)
    assert pages[0].start == span.start and pages[-1].end == span.end
    assert all(a.end + timedelta(days=1) == b.start for a, b in itertools.pairwise(pages))
    one_day = Span(span.start, span.start).records(interval)
    assert all(p.records(interval) <= max(cap, one_day) for p in pages)
    assert len(pages) == ceil(span.days / max(1, cap // one_day))


@settings(deadline=None)
@given(SPANS, INTERVALS, CAPS)
def test_a_page_ends_with_a_year_where_that_costs_nothing(span: Span, interval: Interval, cap: int) -> None:
    """Moving any one cut to a year's end would push a neighbour over the cap, or it is at one, or none is in reach."""
    pages, limit = cut(span, interval, cap), days_a_page(interval, cap)
    for page in pages[:-1]:
        rest = (span.end - page.start).days + 1
        left = ceil(rest / limit)
        free = [
            year
            for year in span.years
            if rest - (left - 1) * limit <= (date(year, 12, 31) - page.start).days + 1 <= min(limit, rest - left + 1)
            and date(year, 12, 31) >= page.start
        ]
        assert not free or (page.end.month, page.end.day) == (12, 31)


def test_hourly_years_are_cut_in_halves_and_four_daily_years_in_pairs() -> None:
    hourly = cut(Span(date(2023, 1, 1), date(2023, 12, 31)), Interval.HOURLY, 5000)
    assert [str(p) for p in hourly] == ["2023-01-01..2023-06-30", "2023-07-01..2023-12-31"]
    for cap in (1000, 1200):  # under 1,200 the first year's end would do as well: the nearest to the middle is taken
        daily = cut(Span(date(2015, 1, 1), date(2018, 12, 31)), Interval.DAILY, cap)
        assert [str(p) for p in daily] == ["2015-01-01..2016-12-31", "2017-01-01..2018-12-31"]
    thirds = cut(Span(date(2015, 1, 1), date(2018, 12, 31)), Interval.DAILY, 500)
    assert [p.days for p in thirds] == [487, 487, 487]


@settings(deadline=None)
@given(SPANS, INTERVALS, CAPS, CAPS, st.data())
def test_pages_cut_anew_hold_the_same_days_in_the_fewest_pages(
    span: Span, interval: Interval, cap: int, smaller: int, data: st.DataObject
) -> None:
    kept = [p for p in cut(span, interval, max(cap, 2000)) if data.draw(st.booleans())]
    again = recut(kept, interval, smaller)
    assert [d for p in again for d in days(p)] == [d for p in kept for d in days(p)]
    runs = [len(list(group)) for _, group in itertools.groupby(enumerate(days_of(kept)), lambda e: e[1] - e[0])]
    assert len(again) == sum(ceil(n / days_a_page(interval, smaller)) for n in runs)


def days_of(spans: list[Span]) -> list[int]:
    return [d.toordinal() for span in spans for d in days(span)]


@settings(deadline=None)
@given(st.integers(2, 20_000), st.integers(1, 20_000), st.none() | st.integers(0, 40_000))
def test_a_refusal_always_lowers_the_cap_below_what_was_asked(asked: int, cap: int, named: int | None) -> None:
    found = lowered(cap, asked, named)
    assert 1 <= found <= cap and found < asked


@pytest.mark.parametrize(
    ("named", "cap"),
    [(1000, 1000), (None, 730), (1461, 730), (5020, 730), (0, 730)],
    ids=["named", "not named", "as asked", "more than asked", "nothing"],
)
def test_what_a_refusal_names_is_believed_where_it_can_be(named: int | None, cap: int) -> None:
    assert lowered(1750, 1461, named) == cap


def station(number: int = 2, connect: date = date(1982, 6, 7), disconnect: date | None = None) -> Station:
    return Station(number, "FivePoints", "", "Fresno", "", connect, disconnect, True, 285, "Grass", 36.3, -120.1)


@settings(deadline=None)
@given(
    SPANS,
    INTERVALS,
    st.sets(st.integers(1982, 2026), max_size=3),
)
def test_no_other_grouping_of_years_needs_fewer_pages(span: Span, interval: Interval, stored: set[int]) -> None:
    plan = build_plan(
        [station()],
        interval=interval,
        span=span,
        units=UnitSystem.METRIC,
        items=items_of(interval),
        today=TODAY,
        open_slots=lambda number, year, wanted: range(0) if year in stored else wanted,
    )
    pieces = [p for year in span.years if year not in stored and (p := span.within_year(year))]
    assert [d for j in plan.jobs for p in j.pages for d in days(p.span)] == [d for p in pieces for d in days(p)]
    assert all(j.span.days <= JOB_PAGES[interval] * days_a_page(interval, DEFAULT_CAPS[interval]) for j in plan.jobs)
    assert plan.pages == fewest(pieces, interval)


def fewest(pieces: list[Span], interval: Interval) -> int:
    """Pages of the best way to make jobs of these year-pieces: every way is tried."""
    limit = days_a_page(interval, DEFAULT_CAPS[interval])
    best = [0]
    for end in range(1, len(pieces) + 1):
        ways = []
        for begin in range(end):
            group = pieces[begin:end]
            adjoining = all(a.end + timedelta(days=1) == b.start for a, b in itertools.pairwise(group))
            size = sum(p.days for p in group)
            if adjoining and size <= JOB_PAGES[interval] * limit:
                ways.append(best[begin] + ceil(size / limit))
        best.append(min(ways))
    return best[-1]


@pytest.mark.parametrize(("begins", "end"), [(date(2022, 2, 7), date(2026, 11, 22)), (date(2022, 2, 8), TODAY)])
def test_today_is_asked_for_only_where_it_takes_no_page_more(begins: date, end: date) -> None:
    (job,) = build_plan(
        [station()],
        interval=Interval.DAILY,
        span=Span(begins, TODAY),
        units=UnitSystem.METRIC,
        items=items_of(Interval.DAILY),
        today=TODAY,
        open_slots=lambda number, year, wanted: wanted,
    ).jobs
    assert (job.span.end, len(job.pages), job.expected) == (end, 1, (TODAY - begins).days)
    again = plan_jobs([job.id], [station()], today=TODAY).jobs
    assert again == (job,), "a job planned from its id is the job that was planned"


def test_a_learned_cap_changes_pages_and_not_jobs() -> None:
    def planned(cap: int | None) -> list[tuple[str, int]]:
        made = build_plan(
            [station()],
            interval=Interval.DAILY,
            span=Span(date(2015, 1, 1), date(2022, 12, 31)),
            units=UnitSystem.METRIC,
            items=items_of(Interval.DAILY),
            today=TODAY,
            open_slots=lambda number, year, wanted: wanted,
            cap=cap,
        )
        return [(j.id, len(j.pages)) for j in made.jobs]

    assert [pages for _, pages in planned(None)] == [1, 1]
    assert [(name, 4) for name, _ in planned(None)] == planned(400)
    assert [pages for _, pages in planned(5000)] == [1], "a larger cap of the settings makes larger jobs"


@st.composite
def job_parts(draw: st.DrawFn) -> tuple[int, Interval, Span, UnitSystem, tuple[DataItem, ...]]:
    interval = draw(INTERVALS)
    items = draw(st.lists(st.sampled_from(items_of(interval)), min_size=1, unique=True))
    chosen = tuple(sorted(items, key=lambda i: i.code))
    return draw(st.integers(1, 9999)), interval, draw(SPANS), draw(st.sampled_from(list(UnitSystem))), chosen


@settings(deadline=None)
@given(job_parts())
def test_a_job_can_be_read_back_from_its_id(
    parts: tuple[int, Interval, Span, UnitSystem, tuple[DataItem, ...]],
) -> None:
    key = parse_job_id(job_id(*parts))
    assert (key.station, key.interval, key.span, key.units, key.items) == parts


@pytest.mark.parametrize(
    "text",
    [
        "",
        "d002",
        "d002-20150101-20181231-M-0",  # no item
        "d002-20150101-20181231-M-ffffffff",  # items that there are not
        "d002-20150101-20181231-M-01",  # not as it would be written
        "d002-20150230-20181231-M-1",
        "d002-20181231-20150101-M-1",
        "x002-20150101-20181231-M-1",
        "d0002-20150101-20181231-M-1",
        "../../etc/passwd",
    ],
)
def test_what_is_not_a_job_is_said_to_be_none(text: str) -> None:
    with pytest.raises(UsageError, match="not a job"):
        parse_job_id(text)


def test_jobs_are_planned_from_their_ids_alone() -> None:
    names = ["d005-20190101-20221231-M-3", "d002-20150101-20181231-M-3"]
    plan = plan_jobs(names, [station(2), station(5, connect=date(2020, 1, 1)), station(9)], today=TODAY, cap=800)
    assert [(j.id, len(j.pages), j.expected) for j in plan.jobs] == [(names[1], 2, 1461), (names[0], 2, 1096)]
    assert [s.number for s in plan.stations] == [2, 5]
    assert [i.slug for i in plan.items] == ["day-air-tmp-avg", "day-air-tmp-max"]
    assert (str(plan.span), plan.cap) == ("2015-01-01..2022-12-31", 800)


@pytest.mark.parametrize(
    ("names", "word"),
    [
        (["d002-20150101-20181231-M-3", "d002-20150101-20181231-E-3"], "share"),
        (["d003-20150101-20181231-M-3"], "no station 3"),
    ],
)
def test_jobs_that_cannot_be_one_run(names: list[str], word: str) -> None:
    with pytest.raises(UsageError, match=word):
        plan_jobs(names, [station(2)], today=TODAY)


def test_split_pages_numbers_from_one() -> None:
    pages = split_pages(Span(date(2024, 1, 1), date(2024, 12, 31)), Interval.HOURLY, 24 * 100)
    assert [p.index for p in pages] == [1, 2, 3, 4]
