"""RunState: the one fold over a run's events. Report, metrics, alerts and dashboard read it; none keeps its own counts.

`apply` is O(1) an event; whatever grows with time is bounded (rings, fixed-bucket histograms). Results grow with the
plan only: one a station, interval and year.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from cimis_engine.run.events import JobRef, RunStarted, Stamped, StationRef, Timings


@dataclass(slots=True)
class ResultState:
    """One station and year: what the report says of it. Timings (ms) are sums over attempts, shared by records."""

    station: int
    year: int
    job: str
    success: bool | None = None  # None: not decided yet
    records: int = 0
    expected: int = 0
    missing: int = 0
    nulls: int = 0
    attempts: int = 0
    timings: dict[str, float | None] = field(default_factory=dict)  # the twelve phases
    total_ms: float = 0.0
    wire_bytes: float = 0.0
    decoded_bytes: float = 0.0
    content_encoding: str = ""
    raw_bytes: int = 0
    stored_bytes: int = 0
    chunk_records: int = 0
    batch_bytes: int = 0
    digest: str = ""
    path: str = ""
    changed: bool = False
    error_class: str = ""
    message: str = ""
    hint: str = ""


@dataclass(slots=True)
class StationState:
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
    in_flight: int = 0
    paused: bool = False
    status: str = "queued"
    retry_at: float | None = None  # Unix time of the next attempt while retrying
    retry_cause: str = ""
    last: Timings | None = None  # of the last ended attempt
    last_reused: bool = False
    encode_ms: float | None = None  # of the last chunk
    write_ms: float | None = None
    verify_ms: float | None = None
    commit_ms: float | None = None
    totals_ms: deque[float] = field(default_factory=lambda: deque(maxlen=128))  # total of recent ok attempts, for P95
    raw_bytes: int = 0
    stored_bytes: int = 0
    wire_bytes: int = 0
    held_bytes: int = 0
    error_class: str = ""
    message: str = ""
    hint: str = ""
    started_at: float | None = None
    updated_at: float = 0.0

    @property
    def p95_ms(self) -> float | None: ...

    @property
    def ratio(self) -> float | None: ...

    @property
    def progress(self) -> float: ...


@dataclass(slots=True, frozen=True)
class LogLine:
    """`level`: INFO, WARN or ERROR; `station` None for the run as a whole."""

    seq: int
    t: float
    level: str
    station: int | None
    text: str
