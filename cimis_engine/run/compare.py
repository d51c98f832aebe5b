"""Two runs side by side: the same figures over the stations both have, what got slower, and whether the data changed.

Every change is of A from B: B is what was, A is what is held against it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from cimis_engine.run import events as ev
from cimis_engine.run.events import Stamped
from cimis_engine.run.histogram import Histogram
from cimis_engine.run.state import RunState

SAME_WITHIN = 0.05
"""A figure that changed by less than this share is the same: runs are never alike to the last percent."""
SAME_POINTS = 0.002
"""…and a rate by less than so much (0.2 percentage points)."""
SLOWER_BY = 0.25
"""A station is slower when its attempts' median total grew by more than this share."""


@dataclass(slots=True)
class StationSide:
    """What a run says of one station; `ttfb` and `total` (ms) count the attempts that went well.

    `first` and `last`: Unix time of its first attempt and of the last event about it.
    """

    name: str
    first: float
    last: float
    records: int = 0
    attempts: int = 0
    attempts_failed: int = 0
    raw_bytes: int = 0
    stored_bytes: int = 0
    ttfb: Histogram = field(default_factory=Histogram)
    total: Histogram = field(default_factory=Histogram)


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two runs: the stations it made an attempt for, and the chunks it finished.

    `digests` are by (station, year, interval).
    """

    run_id: str
    rss_peak: int | None
    stations: Mapping[int, StationSide]
    digests: Mapping[tuple[int, int, str], str]


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure of both runs. `change`: a share of B, or for a rate (`points`) the difference; None: not known.

    `verdict`: better, worse, same, differs (where neither is better), or empty where a side has no such figure.
    """

    name: str
    unit: str
    a: float | None
    b: float | None
    change: float | None
    points: bool
    verdict: str


@dataclass(frozen=True, slots=True)
class Slower:
    """A station whose attempts' median total (ms) grew by more than `SLOWER_BY`; `change` is the share it grew by."""

    station: int
    name: str
    a_ms: float
    b_ms: float
    change: float


@dataclass(frozen=True, slots=True)
class Changed:
    """A chunk both runs finished, with other contents: the data changed between them."""

    station: int
    year: int
    interval: str
    a: str
    b: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """`stations` are those both runs have; the slower ones worst first, the changed chunks in order.

    `compared`: chunks that both runs finished.
    """

    a: str
    b: str
    stations: tuple[int, ...]
    only_a: int
    only_b: int
    metrics: tuple[Metric, ...]
    slower: tuple[Slower, ...]
    compared: int
    changed: tuple[Changed, ...]

    def document(self) -> dict[str, Any]:
        """As plain data, for JSON."""
        return asdict(self)


def side_of(events: Iterable[Stamped]) -> Side:
    """One run out of its journal, as far as it goes."""
    state, stations = RunState(), dict[int, StationSide]()
    for stamped in events:
        state.apply(stamped)
        event = stamped.event
        side = stations.get(getattr(event, "station", None) or 0)
        if side is not None:
            side.last = stamped.t
        if isinstance(event, ev.AttemptStarted):
            if side is None:
                side = stations[event.station] = _begun(state, event.station, stamped.t)
            side.attempts += 1
        elif side is None:
            continue
        elif isinstance(event, ev.AttemptFinished):
            side.total.add(event.timings.total)
            if event.timings.ttfb is not None:
                side.ttfb.add(event.timings.ttfb)
        elif isinstance(event, ev.AttemptFailed) and event.verdict != "cancelled":
            side.attempts_failed += 1
    for number, side in stations.items():
        known = state.stations[number]
        side.records, side.raw_bytes, side.stored_bytes = known.records, known.raw_bytes, known.stored_bytes
    interval = state.started.interval if state.started else ""
    digests = {(r.station, r.year, interval): r.digest for r in state.results.values() if r.digest}
    return Side(state.run_id, state.rss_peak or None, stations, digests)


def _begun(state: RunState, number: int, t: float) -> StationSide:
    return StationSide(state.stations[number].ref.name, first=t, last=t)


def compare(a: Side, b: Side) -> Comparison:
    """What differs between two runs, over the stations both have."""
    both = tuple(sorted(a.stations.keys() & b.stations.keys()))
    sums = _Sum(a, both), _Sum(b, both)
    shared = sorted(a.digests.keys() & b.digests.keys())
    return Comparison(
        a=a.run_id,
        b=b.run_id,
        stations=both,
        only_a=len(a.stations) - len(both),
        only_b=len(b.stations) - len(both),
        metrics=tuple(_metric(name, unit, better, *(of(s) for s in sums)) for name, unit, better, of in _METRICS),
        slower=_slower(a, b, both),
        compared=len(shared),
        changed=tuple(
            Changed(*key, a.digests[key], b.digests[key]) for key in shared if a.digests[key] != b.digests[key]
        ),
    )


class _Sum:
    """A side, summed over some of its stations."""

    def __init__(self, side: Side, stations: Iterable[int]) -> None:
        self.side = side
        self.records = self.attempts = self.failed = self.raw = self.stored = 0
        self.first, self.last = math.inf, -math.inf
        self.ttfb, self.total = Histogram(), Histogram()
        for number in stations:
            one = side.stations[number]
            self.first, self.last = min(self.first, one.first), max(self.last, one.last)
            self.records += one.records
            self.attempts += one.attempts
            self.failed += one.attempts_failed
            self.raw += one.raw_bytes
            self.stored += one.stored_bytes
            self.ttfb.merge(one.ttfb)
            self.total.merge(one.total)


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


_METRICS: tuple[tuple[str, str, str, Callable[[_Sum], float | None]], ...] = (
    ("records", "", "", lambda s: s.records),
    ("records/s", "/s", "more", lambda s: _share(s.records, max(0.0, s.last - s.first))),
    ("TTFB p50", "ms", "less", lambda s: s.ttfb.percentile(0.5)),
    ("TTFB p95", "ms", "less", lambda s: s.ttfb.percentile(0.95)),
    ("TTFB p99", "ms", "less", lambda s: s.ttfb.percentile(0.99)),
    ("attempt p95", "ms", "less", lambda s: s.total.percentile(0.95)),
    ("error rate", "%", "less", lambda s: _share(s.failed, s.attempts)),
    ("compression", ":1", "more", lambda s: _share(s.raw, s.stored)),
    ("peak RSS", "B", "less", lambda s: s.side.rss_peak),
)
"""Name, unit, what is better (more, less, or neither), and the figure. Records a second are those of the stations from
the first attempt for one of them to the last word on one; peak RSS is of the whole run."""


def _metric(name: str, unit: str, better: str, a: float | None, b: float | None) -> Metric:
    points = unit == "%"
    if a is None or b is None:
        return Metric(name, unit, a, b, None, points, "")
    change = a - b if points else _share(a - b, b)
    if change is None or not better:
        verdict = "same" if a == b else "differs"
    elif abs(change) < (SAME_POINTS if points else SAME_WITHIN):
        verdict = "same"
    else:
        verdict = "better" if (change > 0) == (better == "more") else "worse"
    return Metric(name, unit, a, b, change, points, verdict)


def _slower(a: Side, b: Side, stations: Iterable[int]) -> tuple[Slower, ...]:
    found = []
    for number in stations:
        now, was = a.stations[number].total.percentile(0.5), b.stations[number].total.percentile(0.5)
        if now is not None and was and now / was - 1 > SLOWER_BY:
            found.append(Slower(number, a.stations[number].name, now, was, now / was - 1))
    return tuple(sorted(found, key=lambda s: -s.change))
