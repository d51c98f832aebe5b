"""Everything a run says, as typed events. The journal is a file of these, one JSON object a line.

An envelope `{"v": 1, "seq": N, "t": unix seconds, "kind": "page.finished", ...}` surrounds each event's own fields.
`seq` starts at 1 and has no gaps. Readers skip kinds they do not know, and fields they do not know, so an old dashboard
reads a new journal. `*_ms` are milliseconds, `*_bytes` bytes; a phase that did not happen is null.
"""

from __future__ import annotations

from typing import get_args

import msgspec

VERSION = 1


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """Base of all events."""

    @property
    def kind(self) -> str:
        return str(self.__struct_config__.tag)


class Timings(msgspec.Struct, frozen=True, kw_only=True):
    """The consecutive phases of one attempt, then its busy decode time; milliseconds, null where not happened."""

    pool_wait: float | None = None
    dns: float | None = None
    tcp: float | None = None
    tls: float | None = None
    send: float | None = None
    ttfb: float | None = None
    read: float | None = None
    decode: float | None = None
    total: float = 0.0


class StationRef(msgspec.Struct, frozen=True, kw_only=True):
    """What a face needs to know of a station of the plan."""

    number: int
    name: str
    county: str
    latitude: float | None
    longitude: float | None


class JobRef(msgspec.Struct, frozen=True, kw_only=True):
    """A planned job: dates inclusive (`yyyy-mm-dd`), its pages, its chunks (years), the records expected."""

    job: str
    station: int
    start: str
    end: str
    pages: int
    chunks: int
    expected: int


class RuleRef(msgspec.Struct, frozen=True, kw_only=True):
    """An alert rule in force, in its unit: see `alerts.Rule` for what the fields mean."""

    name: str
    subject: str
    unit: str
    description: str
    warn: float | None
    critical: float | None
    clear: float
    for_s: float
    window_s: int
    minimum: int
    low_is_bad: bool = False


class RunStarted(Event, frozen=True, kw_only=True, tag="run.started"):
    """First event of every journal. `stored` counts station-years the store already held."""

    run_id: str
    pid: int
    version: str
    command: str
    base_url: str
    data_dir: str
    interval: str
    units: str
    items: int
    start: str
    end: str
    concurrency: int
    max_attempts: int
    stations: list[StationRef]
    jobs: list[JobRef]
    stored: int
    notes: list[str]
    rules: list[RuleRef] = []


class RunFinished(Event, frozen=True, kw_only=True, tag="run.finished"):
    """`outcome`: done, partial, failed or interrupted. `exit_code` as in the table of exit codes."""

    outcome: str
    exit_code: int
    elapsed_ms: float
    resumable: bool
    message: str = ""


class RunFailed(Event, frozen=True, kw_only=True, tag="run.failed"):
    """The run stopped itself: a rejected key, a blocked client, a full disk, too many failures, an internal error."""

    error_class: str
    message: str
    hint: str


class RunPaused(Event, frozen=True, kw_only=True, tag="run.paused"):
    """No new pages are started. `reason`: operator, or drain (the run ends when what is in flight is done)."""

    reason: str


class RunResumed(Event, frozen=True, kw_only=True, tag="run.resumed"):
    pass


class StationPaused(Event, frozen=True, kw_only=True, tag="station.paused"):
    station: int


class StationResumed(Event, frozen=True, kw_only=True, tag="station.resumed"):
    station: int


class JobStarted(Event, frozen=True, kw_only=True, tag="job.started"):
    job: str
    station: int


class JobFinished(Event, frozen=True, kw_only=True, tag="job.finished"):
    """Sums over the job's chunks; `unexpected` also counts records outside the dates asked for, which are left out."""

    job: str
    station: int
    records: int
    expected: int
    missing: int
    unexpected: int = 0
    provisional: int = 0
    revised: int = 0


class JobFailed(Event, frozen=True, kw_only=True, tag="job.failed"):
    """`error_class` is the classifier's word, or `cancelled`, or `store`. `attempts` are those of the failing page."""

    job: str
    station: int
    error_class: str
    message: str
    hint: str
    attempts: int


class JobQueued(Event, frozen=True, kw_only=True, tag="job.queued"):
    """A failed or cancelled job is to be tried again (an operator's retry)."""

    job: str
    station: int


class PageStarted(Event, frozen=True, kw_only=True, tag="page.started"):
    job: str
    station: int
    page: int
    start: str
    end: str


class PageFinished(Event, frozen=True, kw_only=True, tag="page.finished"):
    """`records_by_year` maps the year (as text) to its records: how timings are shared between chunks."""

    job: str
    station: int
    page: int
    attempts: int
    records: int
    records_by_year: dict[str, int]
    unexpected: int


class PageFailed(Event, frozen=True, kw_only=True, tag="page.failed"):
    job: str
    station: int
    page: int
    attempts: int
    error_class: str
    message: str


class AttemptStarted(Event, frozen=True, kw_only=True, tag="attempt.started"):
    job: str
    station: int
    page: int
    attempt: int


class AttemptFinished(Event, frozen=True, kw_only=True, tag="attempt.finished"):
    job: str
    station: int
    page: int
    attempt: int
    status: int
    reused: bool
    timings: Timings
    wire_bytes: int
    decoded_bytes: int
    content_encoding: str
    records: int


class AttemptFailed(Event, frozen=True, kw_only=True, tag="attempt.failed"):
    """`verdict`: retry, split, blocked, fail_job or stop_run. `status` null where no response came."""

    job: str
    station: int
    page: int
    attempt: int
    verdict: str
    error_class: str
    reason: str
    status: int | None
    reused: bool
    timings: Timings
    wire_bytes: int
    decoded_bytes: int


class RetryScheduled(Event, frozen=True, kw_only=True, tag="retry.scheduled"):
    """Attempt number `attempt` of the page starts at Unix time `at`, `delay_ms` from now, because of `cause`.

    `max_attempts`: how many the page may make as things stand. An attempt that the server refused to look at (429, 503,
    no connection) is not held against the page, and adds one.
    """

    job: str
    station: int
    page: int
    attempt: int
    max_attempts: int
    delay_ms: float
    at: float
    cause: str


class ChunkStarted(Event, frozen=True, kw_only=True, tag="chunk.started"):
    job: str
    station: int
    year: int


class ChunkFinished(Event, frozen=True, kw_only=True, tag="chunk.finished"):
    """A chunk is on disk, read back and in the catalog. `changed` false: the store already held the same content.

    `raw_bytes`: as fixed-width rows (4 B slot, 2 B station, 3 B an item); with `stored_bytes` the compression ratio.
    `records`, `expected` and `missing` are of the slots this job asked for, `chunk_records` of the whole chunk.
    `missing_slots` are the first and last slot of each run of missing ones, the first 50 runs. `unexpected` records are
    for slots before or after the station's life: kept, for they are data. `provisional` ones, of today or later, are
    left out. `revised` counts values that were stored before and are others now; the store's revisions say which.
    """

    job: str
    station: int
    year: int
    path: str
    digest: str
    records: int
    expected: int
    missing: int
    nulls: int
    chunk_records: int
    raw_bytes: int
    stored_bytes: int
    changed: bool
    encode_ms: float
    write_ms: float | None
    verify_ms: float | None
    commit_ms: float
    batch_bytes: int
    missing_slots: list[tuple[int, int]] = []
    unexpected: int = 0
    provisional: int = 0
    revised: int = 0


class ChunkFailed(Event, frozen=True, kw_only=True, tag="chunk.failed"):
    job: str
    station: int
    year: int
    error_class: str
    message: str
    hint: str


class ThrottleChanged(Event, frozen=True, kw_only=True, tag="throttle.changed"):
    """Requests allowed in flight went from `old` to `new`. `gate_until`: all slots wait until then (Unix), or null.

    `old` equals `new` where only the gate moved, and at the start of a run that may have more later.
    """

    old: int
    new: int
    cause: str
    gate_until: float | None = None


class ConcurrencyChanged(Event, frozen=True, kw_only=True, tag="concurrency.changed"):
    """The operator's ceiling of requests in flight went from `old` to `new`; the throttle says how many may be."""

    old: int
    new: int


class Resources(Event, frozen=True, kw_only=True, tag="resources"):
    """The engine's own cost, once a second. `held` maps a station number (as text) to the bytes its jobs hold now."""

    rss_bytes: int
    cpu_percent: float
    loop_lag_ms: float
    in_flight: int
    held_bytes: int
    held: dict[str, int]


class AlertRaised(Event, frozen=True, kw_only=True, tag="alert.raised"):
    """`severity`: warning or critical. A warning that became critical is raised once more."""

    rule: str
    severity: str
    subject: str
    value: float
    limit: float


class AlertCleared(Event, frozen=True, kw_only=True, tag="alert.cleared"):
    rule: str
    subject: str
    value: float


class AlertAcknowledged(Event, frozen=True, kw_only=True, tag="alert.acknowledged"):
    """A person has seen the alert. It goes on, without asking for attention, until it clears or becomes critical."""

    rule: str
    subject: str


class AlertMuted(Event, frozen=True, kw_only=True, tag="alert.muted"):
    """Nobody is told of this rule and subject until then (Unix seconds); null: it is no longer muted."""

    rule: str
    subject: str
    until: float | None


class Warned(Event, frozen=True, kw_only=True, tag="warning"):
    """Something a person should know that fails nothing. `station` null: the whole run."""

    code: str
    message: str
    station: int | None = None


AnyEvent = (
    RunStarted
    | RunFinished
    | RunFailed
    | RunPaused
    | RunResumed
    | StationPaused
    | StationResumed
    | JobStarted
    | JobFinished
    | JobFailed
    | JobQueued
    | PageStarted
    | PageFinished
    | PageFailed
    | AttemptStarted
    | AttemptFinished
    | AttemptFailed
    | RetryScheduled
    | ChunkStarted
    | ChunkFinished
    | ChunkFailed
    | ThrottleChanged
    | ConcurrencyChanged
    | Resources
    | AlertRaised
    | AlertCleared
    | AlertAcknowledged
    | AlertMuted
    | Warned
)
KINDS: dict[str, type[Event]] = {str(cls.__struct_config__.tag): cls for cls in get_args(AnyEvent)}


class Stamped(msgspec.Struct, frozen=True):
    """An event with its place in the journal: sequence number and Unix time."""

    seq: int
    t: float
    event: Event


class _Head(msgspec.Struct):
    v: int
    seq: int
    t: float
    kind: str


_encoder = msgspec.json.Encoder()
_head = msgspec.json.Decoder(_Head)
_bodies = {kind: msgspec.json.Decoder(cls) for kind, cls in KINDS.items()}


def encode(stamped: Stamped) -> bytes:
    """One journal line, newline included."""
    body = _encoder.encode(stamped.event)
    return b'{"v":%d,"seq":%d,"t":%s,%s\n' % (VERSION, stamped.seq, _encoder.encode(stamped.t), body[1:])


def decode(line: bytes) -> Stamped | None:
    """The event of a journal line, or None for a kind this version does not know. Raises `msgspec.DecodeError`."""
    head = _head.decode(line)
    body = _bodies.get(head.kind)
    return None if body is None else Stamped(head.seq, head.t, body.decode(line))
