"""A frame: everything the dashboard needs for one paint, frozen. Made by the pump, applied by widgets."""

from __future__ import annotations

from msgspec import Struct, field

from cimis_tui.view.log import LogRow
from cimis_tui.view.present import Row

Series = tuple[float | None, ...]


class SelfCost(Struct, frozen=True):
    """The dashboard's own cost: resident bytes, CPU as percent of one core, and its frames a second."""

    rss_bytes: int
    cpu_percent: float
    fps: float


class Feed(Struct, frozen=True):
    """`word`: WAIT (no event yet), LIVE, STALE, LOST (engine gone) or END. `age`: seconds since the last event.

    Of a recorded run: PLAY, HELD (standing still), END, or CUT where the engine died. They have no age.
    """

    word: str
    age: float


class Vitals(Struct, frozen=True):
    """The run as a whole. Times in Unix seconds and seconds, sizes in bytes, series a second a value, newest last."""

    run_id: str
    mode: str
    pid: int | None
    phase: str  # starting, running, paused, draining, done, partial, failed, interrupted
    feed: Feed
    now: float
    elapsed: float | None
    eta: float | None
    progress: float
    stations: int
    by_status: dict[str, int]
    records: int
    records_per_s: float | None
    records_series: Series
    wire_per_s: float | None
    wire_series: Series
    ratio: float | None
    ttfb: tuple[float | None, float | None, float | None]
    ttfb_series: Series
    errors: int
    attempts: int
    errors_series: Series
    failed_warn: float | None
    failed_bad: float | None
    """The share of failed attempts from which on the alert rule on retries warns, and is critical."""
    engine_rss: int | None
    engine_cpu: float | None
    engine_lag_ms: float | None
    in_flight: int
    limit: int  # requests that may be in flight as things stand
    ceiling: int  # and what the operator allows at most
    own: SelfCost
    alerts: int
    held_back: int | None = None  # updates held back while the display is frozen; None: not frozen
    stalled: bool = False  # requests are in flight, and no record has come for a minute


class Spread(Struct, frozen=True):
    """A histogram of recent times: counts of equal steps on a log axis from `low` to `high` ms, `count` in all."""

    counts: tuple[int, ...] = ()
    low: float = 0.0
    high: float = 0.0
    count: int = 0


class PhaseFacts(Struct, frozen=True):
    """The selected station: its last attempt's phases (ms, None where not happened), and TTFB of all stations."""

    station: int
    name: str
    status: str
    pages_done: int
    pages: int
    records: int
    expected: int
    attempt: int
    max_attempts: int
    reused: bool
    phases: tuple[tuple[str, float | None], ...]
    total: float | None
    p95: float | None
    ratio: float | None
    held_bytes: int
    message: str
    hint: str
    spread: Spread
    ttfb: tuple[float | None, ...]  # p50, p90, p95, p99 and max of the run, ms


class AlertRow(Struct, frozen=True):
    """An alert that fires, for the bar. `rule`, `value` in words; `quiet`: it was acknowledged."""

    severity: str
    rule: str
    subject: str
    value: str
    seconds: float
    quiet: bool


class Ending(Struct, frozen=True):
    """How the run ended, for the banner."""

    outcome: str
    chunks: int
    unchanged: int
    records: int
    missing: int
    failed_jobs: int
    ratio: float | None
    elapsed: float
    data_dir: str
    message: str
    hint: str
    resumable: bool


class Frame(Struct, frozen=True):
    """What changed since the last frame. A part that is None did not change."""

    rows: dict[int, Row] = field(default_factory=dict)
    vitals: Vitals | None = None
    facts: PhaseFacts | None = None
    log: tuple[LogRow, ...] = ()
    alerts: tuple[AlertRow, ...] | None = None
    ending: Ending | None = None
    leapt: bool = False  # to another time: what was shown before holds no more


class Chrome(Struct, frozen=True):
    """What every screen shows besides its own part. A part that is None did not change. `leapt` as of a frame."""

    vitals: Vitals | None = None
    alerts: tuple[AlertRow, ...] | None = None
    leapt: bool = False
