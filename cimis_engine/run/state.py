"""RunState: the one fold over a run's events. Report, metrics, alerts and dashboard read it; none keeps its own counts.

`apply` looks at one station's jobs at most, however many events came before; whatever grows with time is bounded
(rings, fixed-bucket histograms). Results grow with the plan only: one a station, interval and year.

How timings are shared: a page's attempts, ended well or badly, are summed; the sums go to the page's years in
proportion to the records each year got from it, or equally over the years the page touches when it brought none.
`attempts` are not divided: a page's attempts count for each year it touches.
"""

from __future__ import annotations

import math
import sys
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from copy import copy
from operator import attrgetter
from typing import Any

from msgspec.structs import replace

from cimis_engine.fetch.phases import CONSECUTIVE, PHASES
from cimis_engine.run import events as ev
from cimis_engine.run.events import JobRef, RunStarted, Stamped, StationRef
from cimis_engine.run.histogram import Histogram, HistogramRing, Ring
from cimis_engine.run.results import Results, ResultState
from cimis_engine.run.tallies import (
    SETTLED,
    ActiveAlert,
    AttemptState,
    EndedAlert,
    JobState,
    LogLine,
    PageState,
    StationState,
    days_by_year,
    share,
    share_int,
    spend_all,
    years_of,
)
from cimis_engine.run.trails import Trails
from cimis_engine.run.wording import SILENT, describe

CHUNK_PHASES = ("encode", "write", "verify", "commit")
_TIMED = (*CONSECUTIVE, "decode")
_times = attrgetter(*_TIMED)
_OF_CHUNK = (
    *("records", "expected", "missing", "missing_slots", "unexpected", "provisional", "revised", "nulls"),
    *("chunk_records", "raw_bytes", "stored_bytes", "batch_bytes", "changed", "digest", "path"),
)
LOG_LINES = 5000
RETRIES_KEPT = 1000
ALERTS_KEPT = 200
ENDED_KEPT = 50
AlertEvent = ev.AlertRaised | ev.AlertCleared | ev.AlertAcknowledged | ev.AlertMuted
MINUTE = 60


class RunState:
    """Everything known of a run after the events applied so far.

    `status`: starting, running, paused, draining, done, partial, failed or interrupted. Times are Unix seconds; `now`
    is the time of the last event. `dirty` holds the stations touched since the consumer last cleared it;
    `by_status` has all of them by their status, `waiting` those with a page that waits to be tried again.
    `attempts` counts those started, `attempts_failed` those that ended badly of themselves, whatever came after.
    `records` are those of pages verified to their end, less those of jobs that failed before they were on disk.
    `concurrency` is the operator's ceiling of requests in flight, `concurrency_limit` how many may be as things stand.
    `mutes`: until when (Unix seconds) nobody is told of a rule and subject.
    """

    def __init__(self) -> None:
        self.run_id = ""
        self.started: RunStarted | None = None
        self.status = "starting"
        self.started_at: float | None = None
        self.now = 0.0
        self.finished_at: float | None = None
        self.seq = 0
        self.exit_code: int | None = None
        self.outcome = ""
        self.resumable = False
        self.error_class = ""
        self.message = ""
        self.hint = ""
        self.concurrency = self.concurrency_limit = 0
        self.gate_until: float | None = None

        self.jobs_total = self.jobs_done = self.jobs_failed = 0
        self.pages_total = self.pages_done = self.pages_failed = 0
        self.attempts = self.attempts_failed = self.retries = self.in_flight = 0
        self.faults: dict[str, int] = {}
        self.records = self.missing = self.expected = 0
        self.wire_bytes = self.decoded_bytes = self.raw_bytes = self.stored_bytes = 0
        self.chunks = self.chunks_changed = self.revised = 0
        self.batch_bytes = self.batch_records = self.chunk_records = 0

        self.stations: dict[int, StationState] = {}
        self.by_status: defaultdict[str, set[int]] = defaultdict(set)
        self.waiting: set[int] = set()
        self.results = Results()
        self.failures: dict[tuple[int, int], ResultState] = {}
        self.dirty: set[int] = set()
        self.log: deque[LogLine] = deque(maxlen=LOG_LINES)
        self.warnings = self.errors = 0
        self.retry_log: deque[tuple[float, ev.RetryScheduled]] = deque(maxlen=RETRIES_KEPT)
        self.active_alerts: dict[tuple[str, str], ActiveAlert] = {}
        self.ended_alerts: deque[EndedAlert] = deque(maxlen=ENDED_KEPT)
        self.mutes: dict[tuple[str, str], float] = {}
        self.alert_log: deque[tuple[float, AlertEvent]] = deque(maxlen=ALERTS_KEPT)
        self.trails = Trails()
        self.resources: ev.Resources | None = None
        self.rss_peak = 0

        self.histograms = {name: Histogram() for name in (*PHASES, "total")}
        self.records_ring, self.wire_ring, self.errors_ring, self.rss_ring = Ring(), Ring(), Ring(), Ring()
        self.attempts_ring, self.retries_ring = Ring(), Ring()
        self.pages_ring, self.pages_failed_ring = Ring(), Ring()
        self.ttfb_ring, self.total_ring = HistogramRing(), HistogramRing()

        self._jobs: dict[str, JobState] = {}
        self._station_jobs: dict[int, list[JobState]] = {}
        self._settled_expected = self._open_records = 0
        self._holding: set[int] = set()

    def apply(self, stamped: Stamped) -> None:
        """Fold one event in, in the order of the journal. Kinds without a meaning here only move the clock."""
        self.apply_all((stamped,))

    def apply_all(self, events: Iterable[Stamped]) -> None:
        """As `apply`, each in turn; how the stations stand is worked out once, after the last of them."""
        touched: dict[int, float] = {}
        for stamped in events:
            event, t = stamped.event, stamped.t
            self.seq, self.now = stamped.seq, t if t > self.now else self.now
            kind = type(event)
            handler = _HANDLERS.get(kind)
            if handler is not None:
                handler(self, event, t)
            number = getattr(event, "station", None)
            if isinstance(number, int):
                self._station(number)
                touched[number] = t
            if kind not in SILENT:
                self._tell(stamped, number)
        for number, t in touched.items():
            self._touch(number, t)

    def parts(self) -> Iterator[Any]:
        """The state in pieces that share nothing that changes, for packing one by one; `put_together` is the way back.

        `dirty` is not among them: it is the consumer's own, and touched by its thread.
        """
        whole = copy(self)
        whole.dirty, whole.stations, whole._jobs, whole._station_jobs = set(), {}, {}, {}
        yield whole
        for number, station in self.stations.items():
            yield number, station, self._station_jobs.get(number)

    @staticmethod
    def put_together(parts: Iterator[Any]) -> RunState:
        """The state whose `parts` these are."""
        state: RunState = next(parts)
        plan = state.started
        jobs = {ref.job: ref for ref in plan.jobs} if plan else {}
        places = {ref.number: ref for ref in plan.stations} if plan else {}
        for number, station, own in parts:
            station.ref = places.get(number, station.ref)  # the plan's own, as it was
            state.stations[number] = station
            if own is not None:
                state._station_jobs[number] = own
                for job in own:
                    job.ref = jobs.get(job.ref.job, job.ref)
                    state._jobs[job.ref.job] = job
        return state

    def _tell(self, stamped: Stamped, number: int | None) -> None:
        """Put an event's words in the log."""
        for level, text in describe(stamped.event, self.stations):
            self.log.append(LogLine(stamped.seq, stamped.t, level, number, text))
            self.warnings += level == "WARN"
            self.errors += level == "ERROR"

    @property
    def progress(self) -> float:
        """Pages done of pages planned, 0..1."""
        return min(1.0, self.pages_done / self.pages_total) if self.pages_total else 1.0

    @property
    def ratio(self) -> float | None:
        """Compression ratio: fixed-width bytes (4 B slot, 2 B station, 3 B an item) over stored bytes."""
        return self.raw_bytes / self.stored_bytes if self.stored_bytes else None

    @property
    def elapsed_s(self) -> float:
        if self.started_at is None:
            return 0.0
        return max(0.0, (self.now if self.finished_at is None else self.finished_at) - self.started_at)

    def records_per_s(self, window: int = 10) -> float:
        """Records of finished pages a second, over the last `window` (at most 120) seconds or since the start."""
        return self._rate(self.records_ring, window)

    def wire_per_s(self, window: int = 10) -> float:
        """Bytes received a second, as `records_per_s`."""
        return self._rate(self.wire_ring, window)

    @property
    def error_rate_1m(self) -> float | None:
        """Attempts that ended badly of all that ended in the last minute, 0..1; None if none ended."""
        ended = self.attempts_ring.total(self.now, MINUTE)
        return self.errors_ring.total(self.now, MINUTE) / ended if ended else None

    @property
    def eta_s(self) -> float | None:
        """Seconds until the records still expected have come, at the pace of the last minute, else of the last two.

        None while nothing can be said: not running, or no record came for two minutes.
        """
        if self.status not in ("running", "draining"):
            return None
        left = max(0, self.expected - self._settled_expected - self._open_records)
        if not left:
            return 0.0
        pace = self.records_per_s(MINUTE) or self.records_per_s(2 * MINUTE)
        return left / pace if pace > 0 else None

    def under_way(self) -> set[tuple[int, int]]:
        """(station, year) of the chunks that running jobs are to bring and that are not decided yet."""
        running = (job for jobs in self._station_jobs.values() for job in jobs if job.status == "running")
        cells = ((job.ref.station, year) for job in running for year in job.years)
        return {cell for cell in cells if self.results[cell].success is None}

    def _rate(self, ring: Ring, window: int) -> float:
        since = float(int(self.now) - window + 1)
        covered = self.now - max(since, self.started_at if self.started_at is not None else since)
        return ring.total(self.now, window) / max(1.0, covered)

    def _station(self, number: int) -> StationState:
        if number not in self.stations:
            ref = StationRef(number=number, name="", county="", latitude=None, longitude=None)
            self.stations[number] = StationState(ref)
        return self.stations[number]

    def _touch(self, number: int, t: float) -> None:
        """Work out a station's status anew after an event about it."""
        station = self._station(number)
        station.updated_at = t
        self.dirty.add(number)
        old = station.status
        first: PageState | None = None
        soonest = math.inf
        states = set()
        for job in self._station_jobs.get(number, ()):
            states.add(job.status)
            for page in job.open_pages.values():
                if page.retry_at is not None and page.retry_at < soonest:
                    first, soonest = page, page.retry_at
        station.retry_at, station.retry_cause = (first.retry_at, first.retry_cause) if first else (None, "")
        (self.waiting.add if first else self.waiting.discard)(number)
        if states <= SETTLED:
            station.status = "failed" if "failed" in states else "cancelled" if "cancelled" in states else "done"
        elif station.paused:
            station.status = "paused"
        elif first is not None and not station.in_flight:
            station.status = "retrying"
        else:
            station.status = "running" if "running" in states and self.finished_at is None else "queued"
        self.by_status[old].discard(number)
        self.by_status[station.status].add(number)

    def _page(self, event: Any) -> PageState | None:
        """The open page an event is about, opened if need be; None for a job the plan does not have."""
        job = self._jobs.get(event.job)
        if job is None:
            return None
        page = job.open_pages.get(event.page)
        if page is None:
            page = job.open_pages[event.page] = PageState(event.station, set(job.years))
        return page

    def _run_started(self, event: RunStarted, t: float) -> None:
        self.run_id, self.started, self.started_at, self.status = event.run_id, event, t, "running"
        self.concurrency = self.concurrency_limit = event.concurrency
        for ref in event.stations:
            self.stations[ref.number] = StationState(ref)
        for job in event.jobs:
            self._add_job(job)
        for number in self.stations:
            self._touch(number, t)

    def _add_job(self, ref: JobRef) -> None:
        job = self._jobs[ref.job] = JobState(ref, years_of(ref.start, ref.end), ref.pages)
        self._station_jobs.setdefault(ref.station, []).append(job)
        shares = share_int(ref.expected, days_by_year(ref.start, ref.end))
        self.results.plan(ref.station, job.years, ref.job, shares)
        station = self._station(ref.station)
        station.jobs += 1
        station.pages += ref.pages
        station.expected += ref.expected
        self.jobs_total += 1
        self.pages_total += ref.pages
        self.expected += ref.expected

    def _run_finished(self, event: ev.RunFinished, t: float) -> None:
        for job in self._jobs.values():
            self._close_pages(job, flying=True)
        self.outcome = self.status = event.outcome
        self.exit_code, self.resumable, self.finished_at = event.exit_code, event.resumable, t
        self.message = self.message or event.message
        self.gate_until = None if self.gate_until is not None and self.gate_until <= t else self.gate_until
        for number in self.stations:
            self._touch(number, t)

    def _run_failed(self, event: ev.RunFailed, t: float) -> None:
        self.status = "failed"
        self.error_class, self.message, self.hint = event.error_class, event.message, event.hint

    def _run_paused(self, event: ev.RunPaused, t: float) -> None:
        if event.reason == "drain":
            self.status = "draining"
        elif self.status == "running":
            self.status = "paused"

    def _run_resumed(self, event: ev.RunResumed, t: float) -> None:
        if self.status == "paused":
            self.status = "running"

    def _station_paused(self, event: ev.StationPaused, t: float) -> None:
        self._station(event.station).paused = True

    def _station_resumed(self, event: ev.StationResumed, t: float) -> None:
        self._station(event.station).paused = False

    def _job_started(self, event: ev.JobStarted, t: float) -> None:
        job, station = self._jobs.get(event.job), self._station(event.station)
        station.started_at = t if station.started_at is None else station.started_at
        if job is not None:
            self._reopen(job)
            job.status = "running"

    def _job_queued(self, event: ev.JobQueued, t: float) -> None:
        job = self._jobs.get(event.job)
        if job is not None:
            self._reopen(job)
            job.status = "queued"

    def _reopen(self, job: JobState) -> None:
        """Take back what a settled job had counted; costs of its earlier tries stay in its results."""
        if not job.settled:
            return
        station = self._station(job.ref.station)
        done = job.status == "done"
        station.jobs_done -= done
        self.jobs_done -= done
        station.jobs_failed -= not done
        self.jobs_failed -= not done
        self._settled_expected -= job.ref.expected
        self._count_records(job, 0)
        self._count_missing(job, 0)
        self._count_pages(job, job.ref.pages, 0)
        job.status = "queued"
        station.error_class = station.message = station.hint = ""
        for result in self._results(job):
            if result.success is False:
                result.success, result.missing = None, 0
                result.error_class = result.message = result.hint = ""
                self.failures.pop((result.station, result.year), None)

    def _results(self, job: JobState) -> list[ResultState]:
        return [self.results[job.ref.station, year] for year in job.years]

    def _count_records(self, job: JobState, records: int) -> None:
        """Set a job's records. Those of a settled job are out of `_open_records`: see `_settle`."""
        change = records - job.records
        job.records = records
        self.records += change
        self._station(job.ref.station).records += change
        if not job.settled:
            self._open_records += change

    def _count_missing(self, job: JobState, missing: int) -> None:
        change = missing - job.missing
        job.missing = missing
        self.missing += change
        self._station(job.ref.station).missing += change

    def _count_pages(self, job: JobState, pages: int, done: int) -> None:
        station = self._station(job.ref.station)
        station.pages += pages - job.pages
        self.pages_total += pages - job.pages
        station.pages_done += done - job.pages_done
        self.pages_done += done - job.pages_done
        job.pages, job.pages_done = pages, done

    def _settle(self, job: JobState, status: str) -> None:
        station = self._station(job.ref.station)
        done = status == "done"
        station.jobs_done += done
        self.jobs_done += done
        station.jobs_failed += not done
        self.jobs_failed += not done
        self._settled_expected += job.ref.expected
        self._open_records -= job.records
        job.status = status

    def _job_finished(self, event: ev.JobFinished, t: float) -> None:
        job = self._jobs.get(event.job)
        if job is None or job.settled:
            return
        self._close_pages(job, flying=True)
        self._count_records(job, event.records)
        self._count_missing(job, event.missing)
        self._count_pages(job, max(1, job.pages_done), max(1, job.pages_done))
        left = [r for r in self._results(job) if r.success is None]
        known = sum(r.expected for r in self._results(job) if r.success is not None)
        weights = [max(1, r.expected) for r in left]
        for result, expected in zip(
            left, share_int(max(0, event.expected - known), weights) if left else (), strict=True
        ):
            result.success, result.expected, result.missing = True, expected, expected
        self._settle(job, "done")

    def _job_failed(self, event: ev.JobFailed, t: float) -> None:
        job = self._jobs.get(event.job)
        if job is None or job.settled:
            return
        self._close_pages(job, flying=False)
        for result in self._results(job):
            if result.success is None:
                result.fail(event.error_class, event.message, event.hint)
                result.attempts = max(result.attempts, event.attempts)
                self.failures[result.station, result.year] = result
        results = self._results(job)
        self._count_records(job, sum(r.records for r in results))
        self._count_missing(job, sum(r.missing for r in results))
        station = self._station(event.station)
        station.error_class, station.message, station.hint = event.error_class, event.message, event.hint
        self._settle(job, "cancelled" if event.error_class == "cancelled" else "failed")

    def _page_started(self, event: ev.PageStarted, t: float) -> None:
        page = self._page(event)
        if page is not None:
            page.years = set(years_of(event.start, event.end))
            page.start, page.end = sys.intern(event.start), sys.intern(event.end)
            job = self._jobs[event.job]
            if event.page > job.pages:
                self._count_pages(job, event.page, job.pages_done)

    def _page_finished(self, event: ev.PageFinished, t: float) -> None:
        page = self._page(event)
        if page is None:
            return
        job = self._jobs[event.job]
        page.attempts = max(page.attempts, event.attempts)
        page.unexpected = event.unexpected
        self._close_page(job, event.page, {int(y): n for y, n in event.records_by_year.items()})
        if job.settled:
            return  # the job failed while this page was under way: it cost time, and nothing of it is kept
        self.pages_ring.add(t)
        self.records_ring.add(t, event.records)
        self._count_records(job, job.records + event.records)
        self._count_pages(job, max(job.pages, job.pages_done + 1), job.pages_done + 1)

    def _page_failed(self, event: ev.PageFailed, t: float) -> None:
        page = self._page(event)
        if page is None:
            return
        self.pages_ring.add(t)
        self.pages_failed_ring.add(t)
        self.pages_failed += 1
        page.attempts = max(page.attempts, event.attempts)
        self._close_page(self._jobs[event.job], event.page, {})

    def _close_pages(self, job: JobState, *, flying: bool) -> None:
        """Close what is open. A page still flying when its job fails is closed when it lands."""
        for number, page in list(job.open_pages.items()):
            if flying or not page.flying:
                self._close_page(job, number, {})

    def _close_page(self, job: JobState, number: int, records: dict[int, int]) -> None:
        """Share what a page cost between its years; see the module's first lines for the rule."""
        page = job.open_pages.pop(number)
        self._land(page)
        if page.latest is not None:
            self._station(page.station).trail.settle(page.latest)
        years = [year for year in job.years if year in page.years or records.get(year)]
        touched = [self.results[job.ref.station, year] for year in years]
        for result in touched:
            result.attempts += page.attempts
            for cause, count in page.causes.items():
                result.retry_causes = {**result.retry_causes, cause: result.retry_causes.get(cause, 0) + count}
        weighed = [(r, records[r.year]) for r in touched if records.get(r.year)] or [(r, 1) for r in touched]
        if not weighed:
            return
        if len(weighed) == 1:
            spend_all(weighed[0][0], page)
            return
        results, weights = [r for r, _ in weighed], [n for _, n in weighed]
        for phase, spent in page.phases.items():
            for result, ms in zip(results, share(spent, weights), strict=True):
                result.spend(((phase, ms),))
        totals, wires = share(page.total_ms, weights), share_int(page.wire_bytes, weights)
        decodeds, outsiders = share_int(page.decoded_bytes, weights), share_int(page.unexpected, weights)
        for result, total, wire, decoded, outside in zip(results, totals, wires, decodeds, outsiders, strict=True):
            result.add(total_ms=total, wire_bytes=wire, decoded_bytes=decoded, out_of_span=outside)
            result.content_encoding = page.content_encoding or result.content_encoding

    def _land(self, page: PageState) -> None:
        if page.flying:
            page.flying = False
            self.in_flight -= 1
            self._station(page.station).in_flight -= 1
            page.give_up(self.now)

    def _attempt_started(self, event: ev.AttemptStarted, t: float) -> None:
        page, station = self._page(event), self._station(event.station)
        self._number(station, page, event.attempt)
        station.attempts += 1
        self.attempts += 1
        if page is not None:
            page.attempts += 1
            page.retry_at, page.retry_cause = None, ""
            page.give_up(t)
            if page.latest is not None:
                station.trail.settle(page.latest)
            page.latest = AttemptState(event.page, event.attempt, page.start, page.end, t)
            station.trail.follow(page.latest)
            if not page.flying:
                page.flying = True
                self.in_flight += 1
                station.in_flight += 1

    def _number(self, station: StationState, page: PageState | None, attempt: int) -> None:
        station.attempt = attempt
        station.allowed = (page.allowed if page else 0) or (self.started.max_attempts if self.started else 0)

    def _attempt_ended(self, event: ev.AttemptFinished | ev.AttemptFailed, t: float) -> None:
        page, station = self._page(event), self._station(event.station)
        self.wire_bytes += event.wire_bytes
        self.decoded_bytes += event.decoded_bytes
        self.wire_ring.add(t, event.wire_bytes)
        self.attempts_ring.add(t)
        station.last, station.last_reused = event.timings, event.reused
        self._number(station, page, event.attempt)
        station.wire_bytes += event.wire_bytes
        station.decoded_bytes += event.decoded_bytes
        if page is None:
            return
        if page.latest is not None:
            page.latest.finish(event, t)
        self._land(page)
        phases = page.phases
        for phase, ms in zip(_TIMED, _times(event.timings), strict=True):
            if ms is not None:
                phases[phase] = phases.get(phase, 0.0) + ms
        page.total_ms += event.timings.total
        page.wire_bytes += event.wire_bytes
        page.decoded_bytes += event.decoded_bytes

    def _attempt_finished(self, event: ev.AttemptFinished, t: float) -> None:
        self._attempt_ended(event, t)
        for phase, ms in zip(_TIMED, _times(event.timings), strict=True):
            if ms is not None:
                self.histograms[phase].add(ms)
        self.histograms["total"].add(event.timings.total)
        self._station(event.station).add_total(event.timings.total)
        self.total_ring.add(t, event.timings.total)
        if event.timings.ttfb is not None:
            self.ttfb_ring.add(t, event.timings.ttfb)
        page = self._page(event)
        if page is not None:
            page.content_encoding = sys.intern(event.content_encoding)

    def _attempt_failed(self, event: ev.AttemptFailed, t: float) -> None:
        self._attempt_ended(event, t)
        job = self._jobs.get(event.job)
        if job is not None and job.settled:
            self._close_page(job, event.page, {})
        if event.verdict == "cancelled":
            return
        self.attempts_failed += 1
        self.errors_ring.add(t)
        self.faults[event.error_class] = self.faults.get(event.error_class, 0) + 1

    def _retry_scheduled(self, event: ev.RetryScheduled, t: float) -> None:
        self.retries += 1
        self.retries_ring.add(t)
        self.retry_log.append((t, event))
        self._station(event.station).retries += 1
        page = self._page(event)
        if page is not None:
            page.retry_at, page.retry_cause, page.allowed = event.at, event.cause, event.max_attempts
            page.causes[event.cause] += 1
            if page.latest is not None:
                page.latest.wait_until = event.at

    def _chunk_finished(self, event: ev.ChunkFinished, t: float) -> None:
        station = self._station(event.station)
        result = self.results.get((event.station, event.year))
        spent: list[tuple[str, float]] = []
        for phase in CHUNK_PHASES:
            ms: float = getattr(event, f"{phase}_ms")
            # An unchanged chunk is not written: its 0 means "did not happen".
            setattr(station, f"{phase}_ms", ms or None)
            if ms:
                self.histograms[phase].add(ms)
                spent.append((phase, ms))
        if result is not None:
            result.spend(spent)
            result.total_ms += sum(ms for _, ms in spent)
        self.chunks += 1
        self.chunks_changed += event.changed
        self.revised += event.revised
        self.raw_bytes += event.raw_bytes
        self.stored_bytes += event.stored_bytes
        self.batch_bytes += event.batch_bytes
        self.batch_records += event.records
        self.chunk_records += event.chunk_records
        station.raw_bytes += event.raw_bytes
        station.stored_bytes += event.stored_bytes
        if result is None:
            return
        result.success = True
        result.take(event, _OF_CHUNK)
        result.error_class = result.message = result.hint = ""
        self.failures.pop((event.station, event.year), None)

    def _chunk_failed(self, event: ev.ChunkFailed, t: float) -> None:
        self.faults[event.error_class] = self.faults.get(event.error_class, 0) + 1
        result = self.results.get((event.station, event.year))
        if result is not None:
            result.fail(event.error_class, event.message, event.hint)
            self.failures[event.station, event.year] = result

    def _throttle_changed(self, event: ev.ThrottleChanged, t: float) -> None:
        self.concurrency_limit, self.gate_until = event.new, event.gate_until

    def _concurrency_changed(self, event: ev.ConcurrencyChanged, t: float) -> None:
        self.concurrency = event.new

    def _resources(self, event: ev.Resources, t: float) -> None:
        self.resources = event
        self.rss_peak = max(self.rss_peak, event.rss_bytes)
        self.rss_ring.put(t, event.rss_bytes)
        held = {int(number): size for number, size in event.held.items()}
        for number in self._holding | held.keys():
            station, size = self._station(number), held.get(number, 0)
            if station.held_bytes != size:
                station.held_bytes = size
                self.dirty.add(number)
        self._holding = set(held)
        self.trails.sample(self, t)

    def muted_until(self, rule: str, subject: str, now: float) -> float | None:
        """Until when (Unix seconds) nobody is told of it; None if it is not muted `now`."""
        until = self.mutes.get((rule, subject), 0.0)
        return until if until > now else None

    def _alert_raised(self, event: ev.AlertRaised, t: float) -> None:
        before = self.active_alerts.get((event.rule, event.subject))
        self.active_alerts[event.rule, event.subject] = ActiveAlert(event, before.since if before else t)
        self.alert_log.append((t, event))

    def _alert_cleared(self, event: ev.AlertCleared, t: float) -> None:
        alert = self.active_alerts.pop((event.rule, event.subject), None)
        if alert is not None:
            self.ended_alerts.append(EndedAlert(alert.raised, alert.since, t))
        self.alert_log.append((t, event))

    def _alert_acknowledged(self, event: ev.AlertAcknowledged, t: float) -> None:
        alert = self.active_alerts.get((event.rule, event.subject))
        if alert is not None:
            self.active_alerts[event.rule, event.subject] = replace(alert, acknowledged=True)
        self.alert_log.append((t, event))

    def _alert_muted(self, event: ev.AlertMuted, t: float) -> None:
        if event.until is None:
            self.mutes.pop((event.rule, event.subject), None)
        else:
            self.mutes[event.rule, event.subject] = event.until
        self.alert_log.append((t, event))


_HANDLERS: dict[type[ev.Event], Callable[[RunState, Any, float], None]] = {
    ev.RunStarted: RunState._run_started,
    ev.RunFinished: RunState._run_finished,
    ev.RunFailed: RunState._run_failed,
    ev.RunPaused: RunState._run_paused,
    ev.RunResumed: RunState._run_resumed,
    ev.StationPaused: RunState._station_paused,
    ev.StationResumed: RunState._station_resumed,
    ev.JobStarted: RunState._job_started,
    ev.JobQueued: RunState._job_queued,
    ev.JobFinished: RunState._job_finished,
    ev.JobFailed: RunState._job_failed,
    ev.PageStarted: RunState._page_started,
    ev.PageFinished: RunState._page_finished,
    ev.PageFailed: RunState._page_failed,
    ev.AttemptStarted: RunState._attempt_started,
    ev.AttemptFinished: RunState._attempt_finished,
    ev.AttemptFailed: RunState._attempt_failed,
    ev.RetryScheduled: RunState._retry_scheduled,
    ev.ChunkFinished: RunState._chunk_finished,
    ev.ChunkFailed: RunState._chunk_failed,
    ev.ThrottleChanged: RunState._throttle_changed,
    ev.ConcurrencyChanged: RunState._concurrency_changed,
    ev.Resources: RunState._resources,
    ev.AlertRaised: RunState._alert_raised,
    ev.AlertCleared: RunState._alert_cleared,
    ev.AlertAcknowledged: RunState._alert_acknowledged,
    ev.AlertMuted: RunState._alert_muted,
}
