"""The plan: which jobs, and which pages of them, bring the wanted chunks to disk. Pure arithmetic on dates.

A job is a station, an interval and adjoining years: as many as one daily page holds (four whole ones and what is left
of 1,750 days), or two hourly pages (one year); it is done or not done as a whole. A page is one request of it, see
`paging`. What the catalog already covers is not planned again.

What is promised: a job has the fewest pages that the cap allows. No calendar year is torn between jobs and no page is
shared by two; given that, no other grouping needs fewer pages under the default caps. (Under a smaller one, learned
from the API, the grouping stays as it is, so that a job keeps its id; a job may then have a page that is nearly empty.)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from cimis_engine.errors import UsageError
from cimis_engine.model.items import DataItem, Interval, UnitSystem, items_of
from cimis_engine.model.paging import DEFAULT_CAPS, PageSpec, cut, days_a_page, split_pages
from cimis_engine.model.period import ORIGIN, Span, moment_of
from cimis_engine.model.station import Station, by_number

AFTERLIFE = timedelta(days=7)
JOB_PAGES = {Interval.DAILY: 1, Interval.HOURLY: 2}
_JOB_ID = re.compile(r"([dh])([0-9]{3,4})-([0-9]{8})-([0-9]{8})-([ME])-([0-9a-f]{1,8})")


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
    """`stored` counts the station-years that needed no work; `notes` say in words what was left out and why.

    `cap`: the records a page may ask for.
    """

    interval: Interval
    span: Span
    units: UnitSystem
    items: tuple[DataItem, ...]
    stations: tuple[Station, ...]
    jobs: tuple[JobSpec, ...]
    stored: int
    notes: tuple[str, ...]
    cap: int
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
    """All that the work is, in a word: `d002-20150101-20181231-M-1fffffff`. `parse_job_id` reads it back."""
    mask = sum(1 << i.code for i in items)
    return f"{interval.value[0]}{station:03d}-{span.start:%Y%m%d}-{span.end:%Y%m%d}-{units.value}-{mask:x}"


@dataclass(frozen=True, slots=True)
class JobKey:
    """What a job's id says. Jobs of one `kind` can be of one run."""

    station: int
    interval: Interval
    span: Span
    units: UnitSystem
    items: tuple[DataItem, ...]

    @property
    def id(self) -> str:
        return job_id(self.station, self.interval, self.span, self.units, self.items)

    @property
    def kind(self) -> tuple[Interval, UnitSystem, tuple[DataItem, ...]]:
        return self.interval, self.units, self.items


def parse_job_id(text: str) -> JobKey:
    """The inverse of `job_id`. Raises `UsageError` for anything that it would not have made."""
    if match := _JOB_ID.fullmatch(text):
        letter, station, start, end, units, mask = match.groups()
        interval = Interval.DAILY if letter == "d" else Interval.HOURLY
        items = tuple(i for i in items_of(interval) if int(mask, 16) >> i.code & 1)
        try:
            span = Span(date.fromisoformat(start), date.fromisoformat(end))
            key = JobKey(int(station), interval, span, UnitSystem(units), items)
        except (ValueError, UsageError):
            key = None
        if key is not None and key.items and key.id == text:
            return key
    raise UsageError(f"not a job: '{text}'", hint="`cimis ledger list` shows them, d002-20150101-20181231-M-1fffffff")


def plan_jobs(names: Iterable[str], directory: Iterable[Station], *, today: date, cap: int | None = None) -> Plan:
    """A plan of just these jobs, whole, whatever the store holds: they were planned before, and failed.

    Raises `UsageError` for an id that is none, a station that is not in the directory, or jobs of several kinds.
    """
    keys = {name: parse_job_id(name) for name in names}
    if len({key.kind for key in keys.values()}) != 1:
        raise UsageError("jobs of one run share their interval, units and items")
    interval, units, items = next(iter(keys.values())).kind
    limit = cap or DEFAULT_CAPS[interval]
    known = by_number(directory)
    if unknown := [key.station for key in keys.values() if key.station not in known]:
        raise UsageError(f"no station {unknown[0]} in the directory", hint="`cimis stations` lists them all")
    jobs = tuple(
        _job(name, known[key.station], interval, key.span, limit, today)
        for name, key in sorted(keys.items(), key=lambda k: (k[1].station, k[1].span))
    )
    stations = tuple(known[n] for n in dict.fromkeys(j.station for j in jobs))
    span = Span(min(j.span.start for j in jobs), max(j.span.end for j in jobs))
    return Plan(interval, span, units, items, stations, jobs, 0, (), limit, today)


def _job(name: str, station: Station, interval: Interval, span: Span, cap: int, today: date) -> JobSpec:
    settled = span.clip(None, today - timedelta(days=1))
    expected = expected_records(station, interval, settled) if settled else 0
    return JobSpec(name, station.number, interval, span, split_pages(span, interval, cap), expected)


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
    limit = cap or DEFAULT_CAPS[interval]
    # Not by a smaller cap: a job must have the same id before and after the API refused a page of it.
    job_days = JOB_PAGES[interval] * days_a_page(interval, max(limit, DEFAULT_CAPS[interval]))
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
        for part in _group(todo, job_days):
            if part.end == yesterday and today <= span.end and today.year == yesterday.year:
                part = _with_today(part, today, interval, limit)
            name = job_id(station.number, interval, part, units, items)
            jobs.append(_job(name, station, interval, part, limit, today))
    return Plan(interval, wanted, units, items, tuple(chosen), tuple(jobs), stored, tuple(notes), limit, today)


def _with_today(part: Span, today: date, interval: Interval, cap: int) -> Span:
    """The span with today, unless that took a page more."""
    longer = Span(part.start, today)
    return longer if len(cut(longer, interval, cap)) == len(cut(part, interval, cap)) else part


def _group(spans: Sequence[Span], days: int) -> list[Span]:
    """Adjoining spans of a year or less, joined while the whole is at most `days` long."""
    groups: list[Span] = []
    for span in spans:
        if groups and groups[-1].end + timedelta(days=1) == span.start:
            both = Span(groups[-1].start, span.end)
            if both.days <= days:
                groups[-1] = both
                continue
        groups.append(span)
    return groups
