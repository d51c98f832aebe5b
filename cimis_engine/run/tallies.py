"""What the fold keeps of a station, a job, a page, an attempt; and how a page's cost is shared among its years."""

from __future__ import annotations

import math
import sys
from bisect import bisect_left, insort
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from datetime import date

from msgspec import Struct, field, msgpack

from cimis_engine.run import events as ev
from cimis_engine.run.events import JobRef, StationRef, Timings
from cimis_engine.run.results import ResultState

SETTLED = frozenset(("done", "failed", "cancelled"))
TRAIL = 40
"""Attempts kept a station: enough for a screen of them."""
_TOTALS_KEPT = 128


class AttemptState(Struct, array_like=True):
    """One try of a page, as its station's trail keeps it. Times are Unix seconds.

    `verdict` is empty while in flight, `ok` after an answer that was kept, else the classifier's word or `cancelled`.
    `wait_until`: when the next try of the page starts, known once it is planned.
    """

    page: int
    attempt: int
    start: str  # dates of the page, inclusive; interned, as many pages are of the same ones
    end: str
    began: float
    ended: float | None = None
    verdict: str = ""
    status: int | None = None
    error_class: str = ""
    reason: str = ""
    reused: bool = False
    encoding: str = ""
    timings: Timings | None = None
    wire_bytes: int = 0
    decoded_bytes: int = 0
    records: int = 0
    wait_until: float | None = None

    def finish(self, event: ev.AttemptFinished | ev.AttemptFailed, t: float) -> None:
        """Take over how it ended, at Unix time `t`."""
        self.ended, self.status, self.reused, self.timings = t, event.status, event.reused, event.timings
        self.wire_bytes, self.decoded_bytes = event.wire_bytes, event.decoded_bytes
        if isinstance(event, ev.AttemptFinished):
            self.verdict, self.records = "ok", event.records
            self.encoding = sys.intern(event.content_encoding)
        else:
            self.verdict, self.error_class = sys.intern(event.verdict), sys.intern(event.error_class)
            self.reason = event.reason


class AttemptTrail(Struct):
    """A station's newest attempts, at most `TRAIL`, the oldest first.

    One that nothing more will be told of is kept packed, in 0.2 kB: a run of 300 stations keeps 12,000 of them.
    """

    _kept: list[AttemptState | bytes] = field(default_factory=list)  # an empty deque is 0.6 kB

    def follow(self, attempt: AttemptState) -> None:
        """Add one that begins; the oldest makes room."""
        if len(self._kept) >= TRAIL:
            del self._kept[0]
        self._kept.append(attempt)

    def settle(self, attempt: AttemptState) -> None:
        """Nothing more will be told of it."""
        for at in range(len(self._kept) - 1, -1, -1):
            if self._kept[at] is attempt:
                self._kept[at] = _PACK(attempt)
                return

    def __len__(self) -> int:
        return len(self._kept)

    def __iter__(self) -> Iterator[AttemptState]:
        return (_UNPACK(kept) if isinstance(kept, bytes) else kept for kept in self._kept)


_PACK = msgpack.Encoder().encode
_UNPACK = msgpack.Decoder(AttemptState).decode


class StationState(Struct):
    """A station's line on the dashboard. `status`: queued, running, retrying, paused, done, failed, cancelled."""

    ref: StationRef
    jobs: int = 0
    jobs_done: int = 0
    jobs_failed: int = 0
    pages: int = 0
    pages_done: int = 0
    records: int = 0
    expected: int = 0
    missing: int = 0
    attempts: int = 0
    retries: int = 0
    attempt: int = 0  # number of the attempt under way or last made, of the current page
    allowed: int = 0  # how many that page may make, as it stands
    in_flight: int = 0
    paused: bool = False
    status: str = "queued"
    retry_at: float | None = None  # Unix time of the next attempt while retrying
    retry_cause: str = ""
    last: Timings | None = None  # of the last ended attempt
    last_reused: bool = False
    trail: AttemptTrail = field(default_factory=AttemptTrail)
    encode_ms: float | None = None  # of the last chunk
    write_ms: float | None = None
    verify_ms: float | None = None
    commit_ms: float | None = None
    totals_ms: deque[float] | None = None  # total of recent ok attempts, for P95; None until there is one
    ranked_ms: list[float] = field(default_factory=list)  # the same, in order of size
    raw_bytes: int = 0
    stored_bytes: int = 0
    wire_bytes: int = 0
    decoded_bytes: int = 0
    held_bytes: int = 0
    error_class: str = ""
    message: str = ""
    hint: str = ""
    started_at: float | None = None
    updated_at: float = 0.0

    @property
    def p95_ms(self) -> float | None:
        """Nearest-rank 95th percentile of the recent ok attempts' totals."""
        ranked = self.ranked_ms
        return ranked[math.ceil(0.95 * len(ranked)) - 1] if ranked else None

    def add_total(self, ms: float) -> None:
        """Count one more ok attempt's total; the oldest makes room."""
        if self.totals_ms is None:
            self.totals_ms = deque(maxlen=_TOTALS_KEPT)
        if len(self.totals_ms) == _TOTALS_KEPT:
            del self.ranked_ms[bisect_left(self.ranked_ms, self.totals_ms[0])]
        self.totals_ms.append(ms)
        insort(self.ranked_ms, ms)

    @property
    def ratio(self) -> float | None:
        """Compression ratio: fixed-width bytes over stored bytes of the chunks finished so far."""
        return self.raw_bytes / self.stored_bytes if self.stored_bytes else None

    @property
    def progress(self) -> float:
        """Pages done of pages planned, 0..1; 1 for a station the plan had no work for."""
        return min(1.0, self.pages_done / self.pages) if self.pages else 1.0


class LogLine(Struct, frozen=True):
    """`level`: INFO, WARN or ERROR; `station` None for the run as a whole."""

    seq: int
    t: float
    level: str
    station: int | None
    text: str


class ActiveAlert(Struct, frozen=True):
    """An alert that was raised at Unix time `since` and not cleared. `raised`: the last time, at its worst."""

    raised: ev.AlertRaised
    since: float
    acknowledged: bool = False


class EndedAlert(Struct, frozen=True):
    """An alert that was cleared at Unix time `ended`."""

    raised: ev.AlertRaised
    since: float
    ended: float


class PageState(Struct):
    """What an open page has cost so far."""

    station: int
    years: set[int]
    attempts: int = 0
    allowed: int = 0  # attempts, once a retry has said so
    start: str = ""  # its dates, once it has started
    end: str = ""
    latest: AttemptState | None = None
    flying: bool = False
    retry_at: float | None = None
    retry_cause: str = ""
    phases: dict[str, float] = field(default_factory=dict)
    total_ms: float = 0.0
    wire_bytes: int = 0
    decoded_bytes: int = 0
    unexpected: int = 0
    content_encoding: str = ""
    causes: Counter[str] = field(default_factory=Counter)

    def give_up(self, t: float) -> None:
        """Its latest attempt, if in flight, will not be heard of again."""
        if self.latest is not None and self.latest.ended is None:
            self.latest.ended, self.latest.verdict = t, "cancelled"


class JobState(Struct):
    """A planned job under way. `status`: queued, running, done, failed or cancelled."""

    ref: JobRef
    years: range
    pages: int
    pages_done: int = 0
    records: int = 0
    missing: int = 0
    status: str = "queued"
    open_pages: dict[int, PageState] = field(default_factory=dict)

    @property
    def settled(self) -> bool:
        return self.status in SETTLED


def share(total: float, weights: Sequence[int]) -> list[float]:
    """`total` in proportion to weights (their sum > 0)."""
    whole = sum(weights)
    return [total * w / whole for w in weights]


def share_int(total: int, weights: Sequence[int]) -> list[int]:
    """As `share`, in whole numbers that add up to `total` exactly."""
    whole, shares, used, weight = sum(weights), [], 0, 0
    for w in weights:
        weight += w
        upto = total * weight // whole
        shares.append(upto - used)
        used = upto
    return shares


def spend_all(result: ResultState, page: PageState) -> None:
    """What `_close_page` does where there is nothing to share: most pages are of one year."""
    result.spend(page.phases.items())
    result.add(
        total_ms=page.total_ms,
        wire_bytes=page.wire_bytes,
        decoded_bytes=page.decoded_bytes,
        out_of_span=page.unexpected,
    )
    result.content_encoding = page.content_encoding or result.content_encoding


def years_of(start: str, end: str) -> range:
    return range(int(start[:4]), int(end[:4]) + 1)


def days_by_year(start: str, end: str) -> list[int]:
    first, last = date.fromisoformat(start), date.fromisoformat(end)
    return [
        (min(last, date(year, 12, 31)) - max(first, date(year, 1, 1))).days + 1
        for year in range(first.year, last.year + 1)
    ]
