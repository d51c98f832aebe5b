"""The dispatcher: which page starts when, and what the outcome of an attempt means.

A page in flight holds one slot; once its last byte is in, the slot is free for the next page while the decoder
finishes. Backoff is a page waiting in `work`: it holds nothing. What an operator may command is in `steering`.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable, Collection, Coroutine
from typing import Any

from cimis_engine.clock import Clock
from cimis_engine.errors import CimisError
from cimis_engine.fetch.classify import Verdict, VerdictKind
from cimis_engine.fetch.decode import DecodedPage, PageDecoder
from cimis_engine.fetch.decode_ijson import IjsonPageDecoder
from cimis_engine.fetch.dialect import dialect_of
from cimis_engine.fetch.pipeline import DecodePipeline
from cimis_engine.fetch.retry import RetryPolicy
from cimis_engine.fetch.throttle import LimitChange, Throttle
from cimis_engine.fetch.transport import Slot
from cimis_engine.model.paging import PageSpec, lowered, recut
from cimis_engine.model.plan import Plan
from cimis_engine.run import events as ev
from cimis_engine.run import telling
from cimis_engine.run.attempt import AttemptOutcome, run_attempt
from cimis_engine.run.caps import CapTable
from cimis_engine.run.filing import ChunkNotStoredError, Filing
from cimis_engine.run.ledger import Ledger
from cimis_engine.run.spec import RunSpec
from cimis_engine.run.stops import Allowance, InternalError, MassFailureError, RunStoppedError
from cimis_engine.run.work import Job, Page, Work

_IDLE_SECONDS = 3600.0
_PAGES_AHEAD = 2
"""Pages a slot that are leased before they can start."""


class Dispatcher:
    """Takes `work` through the slots until none is left, or the run is drained or stopped."""

    def __init__(
        self,
        spec: RunSpec,
        plan: Plan,
        work: Work,
        *,
        new_slot: Callable[[], Slot],
        pipeline: DecodePipeline,
        filing: Filing,
        ledger: Ledger,
        caps: CapTable,
        emit: Callable[[ev.Event], None],
        clock: Clock,
        rng: random.Random,
    ) -> None:
        self._settings = settings = spec.settings
        self._run_id, self._plan, self._work = spec.run_id, plan, work
        self._pipeline, self._filing, self._ledger = pipeline, filing, ledger
        self._new_slot, self._idle_slots, self._in_use = new_slot, list[Slot](), 0
        self._emit, self._clock, self._rng = emit, clock, rng
        self._api = dialect_of(self._settings.api, self._settings.base_url)
        self._caps, self._cap = caps, plan.cap
        self._policy = RetryPolicy(settings.max_attempts, settings.backoff_base, budget=settings.page_budget)
        self._throttle = Throttle(ceiling=settings.concurrency)
        self._allowance = Allowance(settings.max_requests, settings.max_duration)
        self._began = clock.monotonic()
        self._requests = 0
        self._served_at = 0.0
        self._flights: dict[asyncio.Task[None], Page] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._stopping = False
        self._claiming = False
        self._consecutive_failures = 0
        self._warned: set[str] = set()
        self.stopped_by: str | None = None
        self.fatal: CimisError | None = None

    async def run(self) -> None:
        """Until every job is done or given up, or the run is drained or stopped. Nothing is in flight afterwards."""
        jobs, now, limit = self._plan.jobs, self._clock.time(), self._throttle.limit
        if limit < self._throttle.ceiling:
            self._note_limit(LimitChange(limit, limit, "slow start"))
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
        return self._in_use

    def held(self) -> dict[str, int]:
        """Bytes each station's jobs hold now: queued and buffered bytes, and columns."""
        bytes_of: dict[str, int] = {}
        for job in self._work.jobs.values():
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
            now = self._clock.time()
            self._claim_ahead(now)
            while (page := self._next_page(now)) is not None:
                self._start_page(page)
            if self._idle():
                return
            await self._sleep_until_woken(self._pause(now))

    def _pause(self, now: float) -> float:
        """Seconds until a page could start, if nothing happens before."""
        if self._full() or self.stopped_by:
            return _IDLE_SECONDS
        due = max(self._work.next_due(), self._throttle.gate_until) - now
        return max(0.0, min(due, self._allowance.remaining(self._elapsed), _IDLE_SECONDS))

    @property
    def _elapsed(self) -> float:
        return self._clock.monotonic() - self._began

    def _full(self) -> bool:
        return self._in_use >= self._throttle.limit

    def _next_page(self, now: float) -> Page | None:
        used_up = self._allowance.used_up(self._requests, self._elapsed)
        if used_up and self._work.left and not self.stopped_by:
            self._wind_down(used_up)
        if self._stopping or self.stopped_by or self._full() or self._throttle.gate_until > now:
            return None
        return self._work.pop(now)

    def _idle(self) -> bool:
        if self._flights or self._tasks:
            return False
        if self.stopped_by:
            return True
        return not self._work.left

    def _claim_ahead(self, now: float) -> None:
        """Lease jobs while the pages of those leased before still last.

        A lease is written behind the chunks that wait to be: slots never wait for the disk, and a disk that is slower
        than the API holds back what is begun, not memory.
        """
        wanted = _PAGES_AHEAD * self._throttle.limit - self._work.due(now)
        if wanted <= 0 or self._claiming or not self._work.unclaimed or self._work.paused or self.stopped_by:
            return
        self._claiming = True
        self._background(self._claim(wanted))

    async def _claim(self, count: int) -> None:
        try:
            now = self._clock.time()
            claimed = await self._filing.on_disk(lambda: self._ledger.claim(self._run_id, count, now))
            self._work.unclaimed.difference_update(claimed or self._work.specs)
            self._work.claimed(claimed, self._clock.time())
        finally:
            self._claiming = False

    async def _sleep_until_woken(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()

    # -- one page -----------------------------------------------------------------------------------------------

    def _start_page(self, page: Page) -> None:
        job, span = page.job.spec, page.spec.span
        if page.attempt == 0 and span.days > 1 and span.records(self._plan.interval) > self._cap:
            self._repage(page)  # the cap was learned after it was planned
            return
        page.started = self._clock.time()
        if not page.job.begun:
            page.job.begun = True
            self._emit(ev.JobStarted(job=job.id, station=job.station))
        if page.attempt == 0:
            page.since = page.started
            self._emit(telling.page_started(page))
        page.attempt += 1
        page.job.attempts += 1
        self._requests += 1
        self._emit(telling.attempt_started(page))
        page.slot = self._idle_slots.pop() if self._idle_slots else self._new_slot()
        self._in_use += 1
        task = asyncio.create_task(self._fly(page, page.slot), name=f"{job.id} page {page.spec.index}")
        self._flights[task] = page
        task.add_done_callback(self._landed)

    def _landed(self, task: asyncio.Task[None]) -> None:
        page = self._flights.pop(task)
        self._release(page)
        if task.cancelled():
            self._emit(telling.attempt_cancelled(page))
        elif (error := task.exception()) is not None:
            self._stop(error if isinstance(error, CimisError) else InternalError(error))

    async def _fly(self, page: Page, slot: Slot) -> None:
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

    def _release(self, page: Page) -> None:
        """Give the page's slot back, once."""
        if page.slot is not None:
            self._idle_slots.append(page.slot)
            self._in_use -= 1
            page.slot = None
        self._wake.set()

    def _judge(self, page: Page, outcome: AttemptOutcome) -> None:
        """What the verdict of an attempt means for its page, its job and the pace of the run."""
        verdict, now = outcome.verdict, self._clock.time()
        if verdict.kind in (VerdictKind.OK, VerdictKind.EMPTY) and outcome.page is not None:
            self._served_at = now
            # An answer without records costs the server next to nothing: it says nothing of how busy it is.
            ttfb = outcome.timings.ttfb if outcome.page.records else None
            self._note_limit(self._throttle.on_success(page.started, ttfb))
            self._page_done(page, outcome, outcome.page)
            return
        self._emit(telling.attempt_failed(page, outcome))
        if verdict.overload:
            hold = self._policy.hold(self._throttle.refusal(page.started), verdict, self._rng)
            self._note_limit(self._throttle.on_overload(now, page.started, verdict.error_class, hold))
        if page.job.settled:
            return
        if verdict.kind is VerdictKind.STOP_RUN:
            self._page_failed(page, verdict)
            self._stop(RunStoppedError(verdict))
        elif verdict.kind is VerdictKind.SPLIT and page.spec.span.days > 1:
            self._split(page, verdict)
        elif verdict.kind in (VerdictKind.RETRY, VerdictKind.BLOCKED):
            self._try_again(page, verdict, now)
        else:
            self._page_failed(page, verdict)

    def _try_again(self, page: Page, verdict: Verdict, now: float) -> None:
        """Another attempt, if the page may have one.

        A page that went unserved keeps its attempts: it did nothing wrong, and its time bounds its waiting. One that
        the firewall turned away loses one, and its last as soon as it turns the whole run away that often in a row.
        When a page gives up so and nobody else was served meanwhile, the run stops: nobody will be.
        """
        elapsed = now - page.since
        page.failed_at = now if page.failed_at is None else page.failed_at
        blocked = verdict.kind is VerdictKind.BLOCKED
        if verdict.unserved:
            page.refusals += 1
            wait = max(self._policy.wait(page.refusals, verdict, self._rng), self._throttle.gate_until - now)
            delay = wait if self._policy.affords(elapsed, wait) else None
        else:
            failures = page.attempt - page.refusals
            failures = max(failures, self._throttle.refused_for(verdict.error_class)) if blocked else failures
            delay = self._policy.delay(failures, verdict, self._rng, elapsed)
        if delay is None:
            self._page_failed(page, verdict)
            if (verdict.unserved or blocked) and self._served_at < page.failed_at:
                self._stop(RunStoppedError(verdict))
            return
        allowed = self._settings.max_attempts + page.refusals
        self._emit(telling.retry_scheduled(page, verdict, now, delay, allowed))
        self._work.push(page, now + delay)

    def _split(self, page: Page, verdict: Verdict) -> None:
        """The API found the page too large: the cap is learned, for this run and the next, and the page cut anew."""
        interval, now = self._plan.interval, self._clock.time()
        cap = lowered(self._cap, page.spec.span.records(interval), verdict.limit)
        if cap < self._cap:
            self._cap = cap
            text = f"the API takes at most {cap:,} {interval} records a request: pages are cut to that from here on"
            self._emit(ev.Warned(code="page-cap", message=text))
            url = self._settings.base_url
            self._background(self._filing.on_disk(lambda: self._caps.learn(url, interval, cap, now)))
        self._repage(page)

    def _repage(self, page: Page) -> None:
        """Cut a page, and what of its job was not begun, under the cap as it is now.

        Pages not begun give their numbers to the new ones; the number of a refused page is used up.
        """
        job = page.job
        old = [page, *self._work.take_fresh(job)]
        free = sorted(p.spec.index for p in old if p.attempt == 0)
        spans = recut((p.spec.span for p in old), self._plan.interval, self._cap)
        job.pages_left += len(spans) - len(old)
        for span in spans:
            number = free.pop(0) if free else job.next_page
            job.next_page = max(job.next_page, number + 1)
            self._work.push(Page(job, PageSpec(number, span)), 0.0)

    def _page_done(self, page: Page, outcome: AttemptOutcome, decoded: DecodedPage) -> None:
        self._consecutive_failures = 0
        self._emit(telling.attempt_finished(page, outcome, decoded))
        if self._settings.gzip and outcome.content_encoding == "identity" and decoded.records:
            text = "gzip was asked for and not given: the response came uncompressed"
            self._warn_once("no-gzip", text)
        self._emit(telling.page_finished(page, decoded))
        if decoded.unexpected:
            text = f"{decoded.unexpected} records outside {page.spec.span} were left out"
            self._emit(ev.Warned(code="unexpected-records", message=text, station=page.job.spec.station))
        if page.job.settled:
            return
        page.job.unexpected += decoded.unexpected
        for batch in decoded.batches:
            page.job.batches.setdefault(batch.year, []).append(batch)
        page.job.pages_left -= 1
        if page.job.pages_left == 0:
            page.job.settled = True
            self._background(self._file(page.job))

    def _page_failed(self, page: Page, verdict: Verdict) -> None:
        self._emit(telling.page_failed(page, verdict))
        self._job_failed(page.job, verdict.error_class, verdict.reason, verdict.hint, page.attempt)

    def _job_failed(self, job: Job, error_class: str, message: str, hint: str, attempts: int) -> None:
        spec = job.spec
        self._work.settle(job, failed=True)
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

    async def _file(self, job: Job) -> None:
        spec = job.spec
        try:
            chunks = await self._filing.file(spec, job.batches)
        except ChunkNotStoredError as error:
            self._job_failed(job, error.error_class, str(error), error.hint, job.attempts)
            return
        await self._filing.on_disk(lambda: self._ledger.finish(spec.id, job.attempts, self._clock.time()))
        self._work.settle(job, failed=False)
        self._emit(
            ev.JobFinished(
                job=spec.id,
                station=spec.station,
                records=sum(c.records for c in chunks),
                expected=spec.expected,
                missing=sum(c.missing for c in chunks),
                unexpected=job.unexpected + sum(c.unexpected for c in chunks),
                provisional=sum(c.provisional for c in chunks),
                revised=sum(c.revised for c in chunks),
            )
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

    # -- for steering -------------------------------------------------------------------------------------------

    def abort(self, station: int) -> None:
        """Abort what is in flight for a station's unsettled jobs."""
        for task, page in list(self._flights.items()):
            if page.job.spec.station == station and not page.job.settled:
                task.cancel()

    def cancel(self, job: Job) -> None:
        """Give a job up for the operator."""
        hint = "retry it while the run goes on, or run the same command again"
        self._job_failed(job, "cancelled", "cancelled by the operator", hint, job.attempts)

    async def retry_failed(self, stations: Collection[int] | None) -> int:
        """Queue the failed jobs of these stations, or of all, once more; how many."""
        again = self._work.reopen(stations)
        for spec in again:
            self._emit(ev.JobQueued(job=spec.id, station=spec.station))
        names, now = [spec.id for spec in again], self._clock.time()
        await self._filing.on_disk(lambda: self._ledger.requeue(names, now))
        self._work.unclaimed.update(names)
        self._consecutive_failures = 0
        self.wake()
        return len(again)

    def set_concurrency(self, ceiling: int) -> None:
        """How many requests may be in flight at most, from now on. What is in flight beyond that is finished."""
        old = self._throttle.ceiling
        if ceiling == old:
            return
        change = self._throttle.set_ceiling(ceiling)
        self._emit(ev.ConcurrencyChanged(old=old, new=ceiling))
        self._note_limit(change)
        self.wake()

    def wake(self) -> None:
        """Look again at what may start."""
        self._wake.set()

    # -- stopping -----------------------------------------------------------------------------------------------

    def drain(self, reason: str) -> None:
        """Start no more pages; end when those in flight are done and stored. A second call stops at once."""
        if self.stopped_by:
            self.stop_now()
            return
        self._wind_down(reason)
        asyncio.get_running_loop().call_later(self._settings.drain_timeout, self.stop_now)

    def _wind_down(self, reason: str) -> None:
        """Start no more pages; what is in flight has all the time that an attempt may take."""
        self.stopped_by = reason
        self._emit(ev.RunPaused(reason="drain"))
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
