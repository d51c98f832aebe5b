"""The dispatcher: which page starts when, and what the outcome of an attempt means.

Pages wait in a heap until they are due; a page in flight holds one slot; once its last byte is in, the slot is free
for the next page while the decoder finishes. Backoff is a page waiting in the heap: it holds nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from cimis_engine.clock import Clock
from cimis_engine.errors import CimisError
from cimis_engine.fetch.api import StationWebApi
from cimis_engine.fetch.classify import Verdict, VerdictKind
from cimis_engine.fetch.decode import DecodedPage, PageDecoder
from cimis_engine.fetch.decode_ijson import IjsonPageDecoder
from cimis_engine.fetch.pipeline import DecodePipeline, Session
from cimis_engine.fetch.retry import RetryPolicy
from cimis_engine.fetch.throttle import LimitChange, Throttle
from cimis_engine.fetch.transport import Slot
from cimis_engine.model.batch import RecordBatch
from cimis_engine.model.plan import JobSpec, PageSpec, Plan, split_pages
from cimis_engine.run import events as ev
from cimis_engine.run.attempt import AttemptOutcome, run_attempt
from cimis_engine.run.control import ControlError
from cimis_engine.run.filing import ChunkNotStoredError, Filing
from cimis_engine.run.ledger import Ledger
from cimis_engine.run.spec import RunSpec
from cimis_engine.run.stops import InternalError, MassFailureError, RunStoppedError

_IDLE_SECONDS = 3600.0


@dataclass(slots=True, eq=False)
class _Job:
    """A job being worked on. `pages_left` counts pages not yet finished; `next_page` numbers those a split makes."""

    spec: JobSpec
    pages_left: int = 0
    next_page: int = 0
    begun: bool = False
    settled: bool = False
    attempts: int = 0
    batches: dict[int, list[RecordBatch]] = field(default_factory=dict)

    @property
    def held_bytes(self) -> int:
        return sum(b.nbytes for parts in self.batches.values() for b in parts)


@dataclass(slots=True, eq=False)
class _Page:
    job: _Job
    spec: PageSpec
    attempt: int = 0
    since: float = 0.0
    slot: Slot | None = None
    session: Session | None = None


class Dispatcher:
    """Works a plan's jobs through the slots until none is left, or the run is drained or stopped."""

    def __init__(
        self,
        spec: RunSpec,
        plan: Plan,
        *,
        slots: list[Slot],
        pipeline: DecodePipeline,
        filing: Filing,
        ledger: Ledger,
        emit: Callable[[ev.Event], None],
        clock: Clock,
        rng: random.Random,
    ) -> None:
        self._settings, self._run_id, self._plan = spec.settings, spec.run_id, plan
        self._slots, self._pipeline, self._filing, self._ledger = slots, pipeline, filing, ledger
        self._emit, self._clock, self._rng = emit, clock, rng
        self._api = StationWebApi(self._settings.base_url)
        self._policy = RetryPolicy(max_attempts=self._settings.max_attempts, base=self._settings.backoff_base)
        self._throttle = Throttle(ceiling=self._settings.concurrency)
        self._numbers = {s.number for s in plan.stations}
        self._specs = {j.id: j for j in plan.jobs}
        self._open = set(self._specs)
        self._unclaimed = set(self._specs)
        self._failed: set[str] = set()
        self._jobs: dict[str, _Job] = {}
        self._ready: list[tuple[float, int, _Page]] = []
        self._order = itertools.count()
        self._flights: dict[asyncio.Task[None], _Page] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._paused = False
        self._paused_stations: set[int] = set()
        self._stopping = False
        self._consecutive_failures = 0
        self._warned: set[str] = set()
        self.stopped_by: str | None = None
        self.fatal: CimisError | None = None

    async def run(self) -> None:
        """Until every job is done or given up, or the run is drained or stopped. Nothing is in flight afterwards."""
        jobs, now = self._plan.jobs, self._clock.time()
        await self._filing.on_disk(lambda: self._ledger.enqueue(jobs, self._run_id, now))
        try:
            await self._dispatch()
        finally:
            while self._flights or self._tasks:
                await asyncio.wait([*self._flights, *self._tasks])
            await self._filing.on_disk(lambda: self._ledger.release(self._run_id, self._clock.time()))

    async def heartbeat(self) -> None:
        """Keep the leases of this run's jobs alive."""
        await self._filing.on_disk(lambda: self._ledger.heartbeat(self._run_id, self._clock.time()))

    @property
    def in_flight(self) -> int:
        return self._settings.concurrency - len(self._slots)

    def held(self) -> dict[str, int]:
        """Bytes each station's jobs hold now: queued and buffered bytes, and columns."""
        bytes_of: dict[str, int] = {}
        for job in self._jobs.values():
            if size := job.held_bytes:
                key = str(job.spec.station)
                bytes_of[key] = bytes_of.get(key, 0) + size
        for page in self._flights.values():
            if page.session is not None:
                key = str(page.job.spec.station)
                bytes_of[key] = bytes_of.get(key, 0) + page.session.held_bytes
        return bytes_of

    # -- what happens next --------------------------------------------------------------------------------------

    async def _dispatch(self) -> None:
        """Start pages while there is room; return when nothing is left to start or to wait for."""
        while not self._stopping:
            self._wake.clear()
            await self._claim()
            now = self._clock.time()
            while (page := self._next_page(now)) is not None:
                self._start_page(page)
            if self._idle():
                return
            due = [at for at, _, p in self._ready if self._may_run(p)]
            wait = max(min(due, default=now + _IDLE_SECONDS), self._throttle.gate_until) - now
            await self._sleep_until_woken(_IDLE_SECONDS if self._full() else max(0.0, wait))

    def _full(self) -> bool:
        return not self._slots or self.in_flight >= self._throttle.limit

    def _may_run(self, page: _Page) -> bool:
        return not self._paused and not self.stopped_by and page.job.spec.station not in self._paused_stations

    def _next_page(self, now: float) -> _Page | None:
        if self._full() or self._throttle.gate_until > now:
            return None
        held_back: list[tuple[float, int, _Page]] = []
        found: _Page | None = None
        while self._ready and self._ready[0][0] <= now:
            entry = heapq.heappop(self._ready)
            if self._may_run(entry[2]):
                found = entry[2]
                break
            held_back.append(entry)
        for entry in held_back:
            heapq.heappush(self._ready, entry)
        return found

    def _idle(self) -> bool:
        if self._flights or self._tasks:
            return False
        if self.stopped_by:
            return True
        return not self._ready and not self._unclaimed

    async def _claim(self) -> None:
        """Lease just enough jobs that the slots never wait for work."""
        now = self._clock.time()
        wanted = 2 * self._throttle.limit - sum(at <= now for at, _, _ in self._ready)
        if wanted <= 0 or not self._unclaimed or self._paused or self.stopped_by:
            return
        claimed = await self._filing.on_disk(lambda: self._ledger.claim(self._run_id, wanted, now))
        self._unclaimed.difference_update(claimed or self._specs)
        for name in claimed:
            if name not in self._open:
                continue  # cancelled while it was being claimed
            spec = self._specs[name]
            job = _Job(spec, pages_left=len(spec.pages), next_page=len(spec.pages) + 1)
            self._jobs[name] = job
            for page in spec.pages:
                self._push(_Page(job, page), 0.0)

    def _push(self, page: _Page, at: float) -> None:
        heapq.heappush(self._ready, (at, next(self._order), page))

    async def _sleep_until_woken(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()

    # -- one page -----------------------------------------------------------------------------------------------

    def _start_page(self, page: _Page) -> None:
        job, spec = page.job.spec, page.spec
        if not page.job.begun:
            page.job.begun = True
            self._emit(ev.JobStarted(job=job.id, station=job.station))
        if page.attempt == 0:
            page.since = self._clock.time()
            start, end = str(spec.span.start), str(spec.span.end)
            self._emit(ev.PageStarted(job=job.id, station=job.station, page=spec.index, start=start, end=end))
        page.attempt += 1
        page.job.attempts += 1
        self._emit(ev.AttemptStarted(job=job.id, station=job.station, page=spec.index, attempt=page.attempt))
        page.slot = self._slots.pop()
        task = asyncio.create_task(self._fly(page, page.slot), name=f"{job.id} page {spec.index}")
        self._flights[task] = page
        task.add_done_callback(self._landed)

    def _landed(self, task: asyncio.Task[None]) -> None:
        page = self._flights.pop(task)
        self._release(page)
        if task.cancelled():
            self._emit(cancelled_event(page.job.spec, page.spec, page.attempt))
        elif (error := task.exception()) is not None:
            self._stop(error if isinstance(error, CimisError) else InternalError(error))

    async def _fly(self, page: _Page, slot: Slot) -> None:
        plan, job = self._plan, page.job.spec
        decoder_type = IjsonPageDecoder if self._settings.decoder == "ijson" else PageDecoder
        decoder = decoder_type(
            interval=plan.interval, units=plan.units, items=plan.items, span=page.spec.span, station=job.station
        )
        page.session = session = self._pipeline.open(decoder)
        request = self._api.data_request(job.station, page.spec.span, plan.interval, plan.units, plan.items)
        outcome = await run_attempt(
            slot,
            request,
            session,
            clock=self._clock,
            whole_body=self._settings.whole_body,
            release=lambda: self._release(page),
        )
        page.session = None
        self._judge(page, outcome)

    def _release(self, page: _Page) -> None:
        """Give the page's slot back, once."""
        if page.slot is not None:
            self._slots.append(page.slot)
            page.slot = None
        self._wake.set()

    def _judge(self, page: _Page, outcome: AttemptOutcome) -> None:
        """What the verdict of an attempt means for its page, its job and the pace of the run."""
        verdict, now = outcome.verdict, self._clock.time()
        if verdict.kind in (VerdictKind.OK, VerdictKind.EMPTY) and outcome.page is not None:
            self._note_limit(self._throttle.on_success(now))
            self._page_done(page, outcome, outcome.page)
            return
        self._emit(failed_event(page.job.spec, page.spec, page.attempt, outcome))
        if page.job.settled:
            return
        if verdict.kind is VerdictKind.STOP_RUN:
            self._page_failed(page, verdict)
            self._stop(RunStoppedError(verdict))
        elif verdict.kind is VerdictKind.SPLIT and page.spec.span.days > 1:
            self._split(page)
        elif verdict.kind in (VerdictKind.RETRY, VerdictKind.BLOCKED):
            if verdict.overload:
                self._note_limit(self._throttle.on_overload(now, verdict.error_class, verdict.retry_after))
            delay = self._policy.delay(page.attempt, verdict, self._rng, now - page.since)
            if delay is None:
                self._page_failed(page, verdict)
                if verdict.kind is VerdictKind.BLOCKED:
                    self._stop(RunStoppedError(verdict))
            else:
                self._retry(page, verdict, now, delay)
        else:
            self._page_failed(page, verdict)

    def _retry(self, page: _Page, verdict: Verdict, now: float, delay: float) -> None:
        job = page.job.spec
        self._emit(
            ev.RetryScheduled(
                job=job.id,
                station=job.station,
                page=page.spec.index,
                attempt=page.attempt + 1,
                max_attempts=self._settings.max_attempts,
                delay_ms=delay * 1000,
                at=now + delay,
                cause=verdict.error_class,
            )
        )
        self._push(page, now + delay)

    def _split(self, page: _Page) -> None:
        """The API found the page too large: two halves take its place, under new page numbers."""
        halves = split_pages(
            page.spec.span, self._plan.interval, max(1, page.spec.span.records(self._plan.interval) // 2)
        )
        page.job.pages_left += len(halves) - 1
        for half in halves:
            self._push(_Page(page.job, PageSpec(page.job.next_page, half.span)), 0.0)
            page.job.next_page += 1

    def _page_done(self, page: _Page, outcome: AttemptOutcome, decoded: DecodedPage) -> None:
        job, spec = page.job.spec, page.spec
        self._consecutive_failures = 0
        self._emit(
            ev.AttemptFinished(
                job=job.id,
                station=job.station,
                page=spec.index,
                attempt=page.attempt,
                status=outcome.status or 0,
                reused=outcome.reused,
                timings=outcome.timings,
                wire_bytes=outcome.wire_bytes,
                decoded_bytes=outcome.decoded_bytes,
                content_encoding=outcome.content_encoding,
                records=decoded.records,
            )
        )
        if self._settings.gzip and outcome.content_encoding == "identity" and decoded.records:
            text = "gzip was asked for and not given: the response came uncompressed"
            self._warn_once("no-gzip", text)
        by_year = {str(b.year): len(b) for b in decoded.batches}
        self._emit(
            ev.PageFinished(
                job=job.id,
                station=job.station,
                page=spec.index,
                attempts=page.attempt,
                records=decoded.records,
                records_by_year=by_year,
                unexpected=decoded.unexpected,
            )
        )
        if decoded.unexpected:
            text = f"{decoded.unexpected} records outside {spec.span} were left out"
            self._emit(ev.Warned(code="unexpected-records", message=text, station=job.station))
        if page.job.settled:
            return
        for batch in decoded.batches:
            page.job.batches.setdefault(batch.year, []).append(batch)
        page.job.pages_left -= 1
        if page.job.pages_left == 0:
            page.job.settled = True
            self._background(self._file(page.job))

    def _page_failed(self, page: _Page, verdict: Verdict) -> None:
        job = page.job.spec
        self._emit(
            ev.PageFailed(
                job=job.id,
                station=job.station,
                page=page.spec.index,
                attempts=page.attempt,
                error_class=verdict.error_class,
                message=verdict.reason,
            )
        )
        self._job_failed(page.job, verdict.error_class, verdict.reason, verdict.hint, page.attempt)

    def _job_failed(self, job: _Job, error_class: str, message: str, hint: str, attempts: int) -> None:
        job.settled = True
        job.batches.clear()
        self._ready = [entry for entry in self._ready if entry[2].job is not job]
        heapq.heapify(self._ready)
        spec = job.spec
        self._failed.add(spec.id)
        self._open.discard(spec.id)
        self._jobs.pop(spec.id, None)
        self._emit(
            ev.JobFailed(
                job=spec.id,
                station=spec.station,
                error_class=error_class,
                message=message,
                hint=hint,
                attempts=attempts,
            )
        )
        now = self._clock.time()
        self._background(
            self._filing.on_disk(lambda: self._ledger.fail(spec.id, job.attempts, error_class, message, now))
        )
        if error_class != "cancelled":
            self._consecutive_failures += 1
            if self._consecutive_failures >= self._settings.max_failures:
                self._stop(MassFailureError(self._consecutive_failures, error_class, message))

    def _note_limit(self, change: LimitChange | None) -> None:
        if change is not None:
            gate = self._throttle.gate_until
            until = gate if gate > self._clock.time() else None
            self._emit(ev.ThrottleChanged(old=change.old, new=change.new, cause=change.cause, gate_until=until))

    def _warn_once(self, code: str, text: str) -> None:
        if code not in self._warned:
            self._warned.add(code)
            self._emit(ev.Warned(code=code, message=text))

    # -- filing -------------------------------------------------------------------------------------------------

    async def _file(self, job: _Job) -> None:
        spec = job.spec
        try:
            records, missing = await self._filing.file(spec, job.batches)
        except ChunkNotStoredError as error:
            self._job_failed(job, error.error_class, str(error), error.hint, job.attempts)
            return
        await self._filing.on_disk(lambda: self._ledger.finish(spec.id, job.attempts, self._clock.time()))
        self._jobs.pop(spec.id, None)
        self._open.discard(spec.id)
        self._emit(
            ev.JobFinished(job=spec.id, station=spec.station, records=records, expected=spec.expected, missing=missing)
        )

    def _background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._background_done)

    def _background_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._wake.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            self._stop(error if isinstance(error, CimisError) else InternalError(error))

    # -- steering -----------------------------------------------------------------------------------------------

    async def command(self, message: dict[str, Any]) -> dict[str, Any]:
        """Carry out one command of the control door; see `control` for the words. Raises `ControlError`."""
        word, station = message.get("cmd"), message.get("station")
        if station is not None and station not in self._numbers:
            raise ControlError(f"station {station} is not part of this run")
        self._wake.set()
        if word == "pause":
            return self._pause(station)
        if word == "resume":
            return self._resume(station)
        if word == "retry":
            return await self._retry_failed(station)
        if word == "cancel" and station is not None:
            return self._cancel(station)
        if word == "drain":
            self.drain("operator")
            return {"in_flight": self.in_flight}
        if word == "stop":
            self.drain("operator")
            self.stop_now()
            return {}
        if word == "status":
            return {"in_flight": self.in_flight, "jobs_open": len(self._open), "jobs_failed": len(self._failed)}
        raise ControlError(f"unknown command: {word!r}")

    def _pause(self, station: int | None) -> dict[str, Any]:
        if station is None:
            self._paused = True
            self._emit(ev.RunPaused(reason="operator"))
        else:
            self._paused_stations.add(station)
            self._emit(ev.StationPaused(station=station))
        return {}

    def _resume(self, station: int | None) -> dict[str, Any]:
        if station is None:
            self._paused = False
            self._emit(ev.RunResumed())
        else:
            self._paused_stations.discard(station)
            self._emit(ev.StationResumed(station=station))
        return {}

    async def _retry_failed(self, station: int | None) -> dict[str, Any]:
        again = [self._specs[name] for name in sorted(self._failed) if station in (None, self._specs[name].station)]
        for spec in again:
            self._failed.discard(spec.id)
            self._open.add(spec.id)
            self._emit(ev.JobQueued(job=spec.id, station=spec.station))
        now = self._clock.time()
        await self._filing.on_disk(lambda: self._ledger.requeue([s.id for s in again], now))
        self._unclaimed.update(s.id for s in again)
        self._consecutive_failures = 0
        self._wake.set()
        return {"jobs": len(again)}

    def _cancel(self, station: int) -> dict[str, Any]:
        """Give up the station's jobs that are not done. What is already stored stays."""
        for task, page in list(self._flights.items()):
            if page.job.spec.station == station and not page.job.settled:
                task.cancel()
        cancelled = 0
        for name in sorted(self._open):
            job = self._jobs.get(name) or _Job(self._specs[name])
            if job.spec.station == station and not job.settled:
                self._unclaimed.discard(name)
                self._job_failed(job, "cancelled", "cancelled by the operator", "r tries it again", job.attempts)
                cancelled += 1
        return {"jobs": cancelled}

    def drain(self, reason: str) -> None:
        """Start no more pages; end when those in flight are done and stored. A second call stops at once."""
        if self.stopped_by:
            self.stop_now()
            return
        self.stopped_by = reason
        self._emit(ev.RunPaused(reason="drain"))
        asyncio.get_running_loop().call_later(self._settings.drain_timeout, self.stop_now)
        self._wake.set()

    def stop_now(self) -> None:
        """Abort what is in flight. Chunks being written are finished: they are whole or not there."""
        self._stopping = True
        for task in self._flights:
            if task is not asyncio.current_task():  # which has just brought the reason, and ends by itself
                task.cancel()
        self._wake.set()

    def _stop(self, error: CimisError) -> None:
        if self.fatal is None:
            self.fatal = error
            word = getattr(error, "error_class", type(error).__name__)
            self._emit(ev.RunFailed(error_class=word, message=str(error), hint=error.hint))
        self.stop_now()


def failed_event(job: JobSpec, page: PageSpec, attempt: int, outcome: AttemptOutcome) -> ev.AttemptFailed:
    verdict = outcome.verdict
    return ev.AttemptFailed(
        job=job.id,
        station=job.station,
        page=page.index,
        attempt=attempt,
        verdict=verdict.kind.value,
        error_class=verdict.error_class,
        reason=verdict.reason,
        status=outcome.status,
        reused=outcome.reused,
        timings=outcome.timings,
        wire_bytes=outcome.wire_bytes,
        decoded_bytes=outcome.decoded_bytes,
    )


def cancelled_event(job: JobSpec, page: PageSpec, attempt: int) -> ev.AttemptFailed:
    """An attempt that was aborted from our side: its clocks were not read."""
    return ev.AttemptFailed(
        job=job.id,
        station=job.station,
        page=page.index,
        attempt=attempt,
        verdict="cancelled",
        error_class="cancelled",
        reason="aborted by the operator",
        status=None,
        reused=False,
        timings=ev.Timings(),
        wire_bytes=0,
        decoded_bytes=0,
    )
