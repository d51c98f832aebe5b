"""The plan: which jobs, and which pages of them, bring the wanted chunks to disk. Pure arithmetic on dates.

A job is a station, an interval and up to four whole years (daily) or one year (hourly); it is done or not done as a
whole. A page is one request of it, under the API's volume caps: 1,750 daily records, 5,000 hourly ones (sources in
`docs/architecture.md`). What the catalog already covers is not planned again.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from cimis_engine.errors import UsageError
from cimis_engine.model.items import DataItem, Interval, UnitSystem
from cimis_engine.model.period import ORIGIN, Span, moment_of
from cimis_engine.model.station import Station

DAILY_CAP = 1750
HOURLY_CAP = 5000
AFTERLIFE = timedelta(days=7)
JOB_YEARS = {Interval.DAILY: 4, Interval.HOURLY: 1}


@dataclass(frozen=True, slots=True)
class PageSpec:
    """One request: `index` from 1 within its job, and its inclusive dates."""

    index: int
    span: Span


@dataclass(frozen=True, slots=True)
class JobSpec:
    """One unit of fetching. `id` is the same whenever the same work is planned again: it is the ledger's key."""

    id: str
    station: int
    interval: Interval
    span: Span
    pages: tuple[PageSpec, ...]
    expected: int
    """Records a complete answer would hold, from the dates and the station's life."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`stored` counts the station-years that needed no work; `notes` say in words what was left out and why."""

    interval: Interval
    span: Span
    units: UnitSystem
    items: tuple[DataItem, ...]
    stations: tuple[Station, ...]
    jobs: tuple[JobSpec, ...]
    stored: int
    notes: tuple[str, ...]
    today: date = date.max
    """The agency's day when the plan was made: records from then on are provisional, and are not stored."""

    @property
    def pages(self) -> int:
        return sum(len(j.pages) for j in self.jobs)

    @property
    def chunks(self) -> int:
        return sum(len(j.span.years) for j in self.jobs)

    @property
    def expected(self) -> int:
        return sum(j.expected for j in self.jobs)


OpenSlots = Callable[[int, int, range], range | None]
"""(station, year, wanted slots) → the range of slots still to fetch, empty if the store covers them, None if that
year is none of this plan's business."""


def split_pages(span: Span, interval: Interval, cap: int) -> tuple[PageSpec, ...]:
    """Consecutive pages of at most `cap` records: whole years together, an hourly year in halves, else even parts."""
    per_day = 1 if interval is Interval.DAILY else 24
    limit = max(1, cap // per_day)
    pieces: list[Span] = []
    if span.days <= limit:
        pieces = [span]
    elif interval is Interval.HOURLY and limit >= 184:
        for year in span.years:
            for first, last in ((date(year, 1, 1), date(year, 6, 30)), (date(year, 7, 1), date(year, 12, 31))):
                part = span.clip(first, last)
                if part:
                    pieces.append(part)
    else:
        count = -(-span.days // limit)
        edges = [span.start + timedelta(days=span.days * k // count) for k in range(count + 1)]
        pieces = [Span(a, b - timedelta(days=1)) for a, b in itertools.pairwise(edges)]
    return tuple(PageSpec(n, piece) for n, piece in enumerate(pieces, 1))


def last_answer(station: Station) -> date | None:
    """The last day worth asking for, None while the station is active.

    The API goes on with empty records flagged M for a few days after a station's end (166: to the third day), then has
    none. They are kept where they fall into the station's last year; no chunk is made for them alone.
    """
    if station.disconnect is None:
        return None
    return min(station.disconnect + AFTERLIFE, date(station.disconnect.year, 12, 31))


def expected_records(station: Station, interval: Interval, span: Span) -> int:
    """Records a complete answer holds: the slots of the span within the station's life."""
    alive = span.clip(station.connect, station.disconnect)
    return alive.records(interval) if alive else 0


def job_id(station: int, interval: Interval, span: Span, units: UnitSystem, items: Sequence[DataItem]) -> str:
    mask = sum(1 << i.code for i in items)
    return f"{interval.value[0]}{station:03d}-{span.start:%Y%m%d}-{span.end:%Y%m%d}-{units.value}-{mask:x}"


def build_plan(
    stations: Iterable[Station],
    *,
    interval: Interval,
    span: Span,
    units: UnitSystem,
    items: tuple[DataItem, ...],
    today: date,
    open_slots: OpenSlots,
    cap: int | None = None,
) -> Plan:
    """The jobs that are missing from the store for these stations and dates.

    Today is provisional, the future does not exist yet: no job is made for them. But where the span asked for includes
    today, a job that ends yesterday asks for today as well: it costs no request, and what comes is counted and dropped.
    Dates on which a station did not exist are left out.

    Raises `UsageError` where nothing could ever be fetched (a span in the future, or before the record began).
    """
    notes: list[str] = []
    yesterday = today - timedelta(days=1)
    wanted = span.clip(ORIGIN, yesterday)
    if wanted is None:
        raise UsageError(
            f"no complete day of CIMIS data in {span}",
            hint=f"the record runs from {ORIGIN} to yesterday ({yesterday})",
        )
    if wanted != span:
        notes.append(f"span cut to {wanted}: the record runs from {ORIGIN} to yesterday")
    limit = cap or (DAILY_CAP if interval is Interval.DAILY else HOURLY_CAP)
    chosen = sorted(stations, key=lambda s: s.number)
    jobs: list[JobSpec] = []
    stored = 0
    for station in chosen:
        alive = wanted.clip(station.connect, last_answer(station))
        if alive is None:
            notes.append(f"station {station.number:03d} {station.name} did not exist in {wanted}")
            continue
        todo: list[Span] = []
        for year in alive.years:
            slots = open_slots(station.number, year, alive.slot_range(interval, year))
            if not slots:
                stored += slots is not None
                continue
            first, last = (moment_of(interval, year, s)[0] for s in (slots[0], slots[-1]))
            todo.append(Span(first, last))
        for part in _group(todo, JOB_YEARS[interval]):
            expected = expected_records(station, interval, part)
            if part.end == yesterday and today <= span.end and today.year == yesterday.year:
                part = Span(part.start, today)
            pages = split_pages(part, interval, limit)
            name = job_id(station.number, interval, part, units, items)
            jobs.append(JobSpec(name, station.number, interval, part, pages, expected))
    return Plan(interval, wanted, units, items, tuple(chosen), tuple(jobs), stored, tuple(notes), today)


def _group(spans: Sequence[Span], years: int) -> list[Span]:
    """Adjoining one-year spans joined while they touch and span at most `years` calendar years."""
    groups: list[Span] = []
    for span in spans:
        if groups:
            last = groups[-1]
            if last.end + timedelta(days=1) == span.start and len(Span(last.start, span.end).years) <= years:
                groups[-1] = Span(last.start, span.end)
                continue
        groups.append(span)
    return groups
