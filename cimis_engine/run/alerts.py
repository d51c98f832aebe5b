"""The one table of alert rules, and how they are judged. Pure: the folded state in, events out.

A rule is raised past its `limit` and cleared only past `clear_below`, so a value that wavers does not flicker. With
fewer than `minimum` samples nothing is said: an alert is neither raised nor cleared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass

from cimis_engine.run.events import AlertCleared, AlertRaised
from cimis_engine.run.state import RunState

RUN = "run"
Measure = Callable[[RunState, float, int], Iterable[tuple[str, float, int]]]
"""(state, now, seconds) → (subject, value, samples) for each subject that has a value."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One condition. `subject` is the kind of thing judged: `run`, or `station` (then named by its number as text).

    `for_s`: the value is taken over the last so many seconds, a memory size being the least in them; 0: over the whole
    run. `low_is_bad`: raised under `limit` and cleared over `clear_below`, instead of over and under.
    `minimum` samples are needed, counted in what `description` names.
    """

    name: str
    severity: str
    subject: str
    limit: float
    clear_below: float
    for_s: int
    minimum: int
    unit: str
    description: str
    measure: Measure
    low_is_bad: bool = False

    def raises(self, value: float) -> bool:
        return value < self.limit if self.low_is_bad else value > self.limit

    def clears(self, value: float) -> bool:
        return value > self.clear_below if self.low_is_bad else value < self.clear_below


def _fetch(q: float) -> Measure:
    def measure(state: RunState, now: float, seconds: int) -> Iterable[tuple[str, float, int]]:
        value = state.total_ring.percentile(q, now, seconds)
        if value is not None:
            yield RUN, value, state.total_ring.count(now, seconds)

    return measure


def _retries(state: RunState, now: float, seconds: int) -> Iterable[tuple[str, float, int]]:
    ended = state.attempts_ring.total(now, seconds)
    if ended:
        yield RUN, state.retries_ring.total(now, seconds) / ended, int(ended)


def _pages_failed(state: RunState, now: float, seconds: int) -> Iterable[tuple[str, float, int]]:
    ended = state.pages_ring.total(now, seconds)
    if ended:
        yield RUN, state.pages_failed_ring.total(now, seconds) / ended, int(ended)


def _success(state: RunState, now: float, seconds: int) -> Iterable[tuple[str, float, int]]:
    decided = state.jobs_done + state.jobs_failed
    if decided:
        yield RUN, state.jobs_done / decided, decided


def _compression(state: RunState, now: float, seconds: int) -> Iterable[tuple[str, float, int]]:
    if state.ratio is not None:
        yield RUN, state.ratio, state.chunk_records


def _retained(state: RunState, now: float, seconds: int) -> Iterable[tuple[str, float, int]]:
    if state.batch_records:
        yield RUN, state.batch_bytes / state.batch_records, state.batch_records


def _checksum(state: RunState, now: float, seconds: int) -> Iterable[tuple[str, float, int]]:
    broken = Counter(r.station for r in state.failures.values() if r.error_class == "integrity")
    for number in state.stations:
        yield str(number), float(broken[number]), 1


def _memory(state: RunState, now: float, seconds: int) -> Iterable[tuple[str, float, int]]:
    sizes = [size for size in state.rss_ring.series(now, seconds) if size is not None]
    if sizes:
        yield RUN, min(sizes), len(sizes)


WARNING, CRITICAL = "warning", "critical"
RULES: tuple[Rule, ...] = (
    Rule(
        "fetch_p50", WARNING, RUN, 2000, 1600, 60, 20, "ms",
        "half of the attempts of the last minute took longer than 2 s (of at least 20)", _fetch(0.5),
    ),
    Rule(
        "fetch_p99", WARNING, RUN, 5000, 4000, 120, 50, "ms",
        "one in a hundred attempts of the last two minutes took longer than 5 s (of at least 50)", _fetch(0.99),
    ),
    Rule(
        "retry_ratio", WARNING, RUN, 0.10, 0.05, 60, 20, "ratio",
        "over 10 % of the attempts of the last minute have to be repeated (of at least 20)", _retries,
    ),
    Rule(
        "error_rate", CRITICAL, RUN, 0.01, 0.005, 120, 20, "ratio",
        "over 1 % of the pages of the last two minutes were given up (of at least 20)", _pages_failed,
    ),
    Rule(
        "success_rate", CRITICAL, RUN, 0.95, 0.96, 0, 20, "ratio",
        "under 95 % of the jobs that ended are done (of at least 20)", _success, low_is_bad=True,
    ),
    Rule(
        "compression", WARNING, RUN, 2.0, 2.1, 0, 1000, "x",
        "chunks take over half of their records' fixed-width bytes (of at least 1,000 records)", _compression,
        low_is_bad=True,
    ),
    Rule(
        "retained", WARNING, RUN, 100, 90, 0, 1000, "B",
        "decoded columns keep over 100 B a record (of at least 1,000 records)", _retained,
    ),
    Rule(
        "checksum", CRITICAL, "station", 0, 1, 0, 1, "chunks",
        "a chunk read back from the disk was not what was written; cleared when a retry stores it well", _checksum,
    ),
    Rule(
        "memory", WARNING, RUN, 200e6, 180e6, 5, 3, "B",
        "the engine held over 200 MB for 5 s (of at least 3 samples)", _memory,
    ),
)  # fmt: skip


def evaluate(
    rules: Sequence[Rule], state: RunState, now: float, active: Container[tuple[str, str]]
) -> list[AlertRaised | AlertCleared]:
    """What changed: rules to raise that are not in `active` ((rule, subject) pairs), and active ones to clear."""
    changes: list[AlertRaised | AlertCleared] = []
    for rule in rules:
        for subject, value, samples in rule.measure(state, now, rule.for_s):
            if samples < rule.minimum:
                continue
            if (rule.name, subject) in active:
                if rule.clears(value):
                    changes.append(AlertCleared(rule=rule.name, subject=subject, value=value))
            elif rule.raises(value):
                changes.append(
                    AlertRaised(
                        rule=rule.name, severity=rule.severity, subject=subject, value=value, limit=float(rule.limit)
                    )
                )
    return changes
