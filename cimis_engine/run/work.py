"""The work of a run: its jobs and their pages, what is open, waiting, failed or held back. Bookkeeping over `now`.

Pages wait in a heap until they are due. Nothing here starts, sends or stores anything.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from cimis_engine.fetch.pipeline import Session
from cimis_engine.fetch.transport import Slot
from cimis_engine.model.batch import RecordBatch
from cimis_engine.model.paging import PageSpec
from cimis_engine.model.plan import JobSpec, Plan


@dataclass(slots=True, eq=False)
class Job:
    """A job being worked on. `pages_left` counts pages not yet finished; `next_page` numbers those a split makes."""

    spec: JobSpec
    pages_left: int = 0
    next_page: int = 0
    begun: bool = False
    settled: bool = False
    attempts: int = 0
    unexpected: int = 0
    batches: dict[int, list[RecordBatch]] = field(default_factory=dict)

    @property
    def held_bytes(self) -> int:
        return sum(b.nbytes for parts in self.batches.values() for b in parts)


@dataclass(slots=True, eq=False)
class Page:
    """`attempt` numbers the attempt under way or last made, `refusals` counts those that the server did not look at.

    `since` is when the first one started, `started` the last, `failed_at` when one first failed (Unix seconds).
    """

    job: Job
    spec: PageSpec
    attempt: int = 0
    refusals: int = 0
    since: float = 0.0
    started: float = 0.0
    failed_at: float | None = None
    slot: Slot | None = None
    session: Session | None = None


class Work:
    """`open`: jobs not yet done or given up, by id; `unclaimed` those of them that were not leased from the ledger."""

    def __init__(self, plan: Plan) -> None:
        self.specs = {j.id: j for j in plan.jobs}
        self.stations = {s.number for s in plan.stations}
        self.open = set(self.specs)
        self.unclaimed = set(self.specs)
        self.failed: set[str] = set()
        self.jobs: dict[str, Job] = {}
        self.paused = False
        self.paused_stations: set[int] = set()
        self._waiting: list[tuple[float, int, Page]] = []
        self._order = itertools.count()

    @property
    def left(self) -> bool:
        """Whether anything waits to be started."""
        return bool(self._waiting or self.unclaimed)

    def claimed(self, names: Iterable[str], now: float) -> None:
        """The ledger leased these jobs: their pages are due."""
        for name in names:
            if name not in self.open:
                continue  # cancelled while it was being claimed
            spec = self.specs[name]
            job = self.jobs[name] = Job(spec, pages_left=len(spec.pages), next_page=len(spec.pages) + 1)
            for page in spec.pages:
                self.push(Page(job, page), now)

    def push(self, page: Page, at: float) -> None:
        """Let a page wait until it is due `at` (Unix seconds)."""
        heapq.heappush(self._waiting, (at, next(self._order), page))

    def pop(self, now: float) -> Page | None:
        """The page that has been due the longest, paused ones left out; None if there is none."""
        held_back: list[tuple[float, int, Page]] = []
        found: Page | None = None
        while self._waiting and self._waiting[0][0] <= now:
            entry = heapq.heappop(self._waiting)
            if self._may_run(entry[2]):
                found = entry[2]
                break
            held_back.append(entry)
        for entry in held_back:
            heapq.heappush(self._waiting, entry)
        return found

    def due(self, now: float) -> int:
        """How many pages are due, paused ones too."""
        return sum(at <= now for at, _, _ in self._waiting)

    def next_due(self) -> float:
        """When the next page that is not paused is due; infinity if there is none."""
        return min((at for at, _, page in self._waiting if self._may_run(page)), default=math.inf)

    def take_fresh(self, job: Job) -> list[Page]:
        """Take out the pages of a job that wait and were not begun."""
        fresh = [entry for entry in self._waiting if entry[2].job is job and entry[2].attempt == 0]
        self._waiting = [entry for entry in self._waiting if entry not in fresh]
        heapq.heapify(self._waiting)
        return [page for _, _, page in fresh]

    def settle(self, job: Job, *, failed: bool) -> None:
        """A job is done, or given up: none of its pages waits any longer."""
        name = job.spec.id
        job.settled = True
        self.open.discard(name)
        self.unclaimed.discard(name)
        self.jobs.pop(name, None)
        if failed:
            job.batches.clear()
            self.failed.add(name)
            self._waiting = [entry for entry in self._waiting if entry[2].job is not job]
            heapq.heapify(self._waiting)

    def open_jobs(self, station: int) -> list[Job]:
        """The jobs of a station that are not settled, begun or not, in order of their ids."""
        jobs = [self.jobs.get(name) or Job(self.specs[name]) for name in sorted(self.open)]
        return [job for job in jobs if job.spec.station == station and not job.settled]

    def reopen(self, stations: Collection[int] | None) -> list[JobSpec]:
        """The failed jobs of these stations, or of all, open again; to be claimed once the ledger has them queued."""
        again = [self.specs[n] for n in sorted(self.failed) if stations is None or self.specs[n].station in stations]
        names = {spec.id for spec in again}
        self.failed -= names
        self.open |= names
        return again

    def _may_run(self, page: Page) -> bool:
        return not self.paused and page.job.spec.station not in self.paused_stations
