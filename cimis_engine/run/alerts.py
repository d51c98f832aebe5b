"""The one table of alert rules: what is measured, and past which values it worries. Pure.

`hysteresis` judges by them; `[alerts]` of `cimis.toml` changes their numbers (`configure`).
"""

from __future__ import annotations

import difflib
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec

from cimis_engine.errors import UsageError
from cimis_engine.run.events import RuleRef

if TYPE_CHECKING:  # the fold samples these measures itself
    from cimis_engine.run.state import RunState

RUN = "run"
WARNING, CRITICAL = "warning", "critical"
MUTE_SECONDS = 600.0
"""How long an alert is muted where nobody says how long."""
LONGEST_FOR = 3600
Measure = Callable[["RunState", float, int], Iterable[tuple[str, float, int]]]
"""(state, now, seconds) → (subject, value, samples) for each subject that has a value."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One condition. `subject` is the kind of thing judged: `run`, or `station` (then named by its number as text).

    Raised when the value has been past `warn` or `critical` (None: no such level) for `for_s` seconds without a break,
    cleared only at `clear` or better, so a value that wavers does not flicker. `low_is_bad`: past means under.
    `window_s`: the value is taken over the last so many seconds; 0: over the whole run. With fewer than `minimum`
    samples, counted in what `description` names, nothing is said: an alert is neither raised nor cleared.
    """

    name: str
    subject: str
    warn: float | None
    critical: float | None
    clear: float
    for_s: float
    window_s: int
    minimum: int
    unit: str
    description: str
    measure: Measure
    low_is_bad: bool = False

    def limit(self, severity: str) -> float | None:
        return self.critical if severity == CRITICAL else self.warn

    def past(self, value: float, severity: str) -> bool:
        limit = self.limit(severity)
        return limit is not None and is_past(self, value, limit)

    def clears(self, value: float) -> bool:
        return value >= self.clear if self.low_is_bad else value <= self.clear

    def ref(self) -> RuleRef:
        """The rule as the journal tells it."""
        names = [name for name in RuleRef.__struct_fields__ if name != "low_is_bad"]
        return RuleRef(low_is_bad=self.low_is_bad, **{name: getattr(self, name) for name in names})


def is_past(rule: Rule | RuleRef, value: float, limit: float) -> bool:
    """Whether a value is past a limit of its rule."""
    return value < limit if rule.low_is_bad else value > limit


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
        yield RUN, sizes[-1], len(sizes)


RULES: tuple[Rule, ...] = (
    Rule(
        "fetch_p50", RUN, 2000, 5000, 1600, 30, 60, 20, "ms",
        "what half of the attempts of the last minute take longer than (of at least 20)", _fetch(0.5),
    ),
    Rule(
        "fetch_p99", RUN, 5000, 15_000, 4000, 30, 120, 50, "ms",
        "what one in a hundred attempts of the last two minutes takes longer than (of at least 50)", _fetch(0.99),
    ),
    Rule(
        "retry_ratio", RUN, 0.10, 0.30, 0.05, 15, 60, 20, "ratio",
        "attempts of the last minute that have to be repeated (of at least 20)", _retries,
    ),
    Rule(
        "error_rate", RUN, None, 0.01, 0.005, 10, 120, 20, "ratio",
        "pages of the last two minutes that were given up (of at least 20)", _pages_failed,
    ),
    Rule(
        "success_rate", RUN, None, 0.95, 0.96, 0, 0, 20, "ratio",
        "jobs that are done, of those that ended (of at least 20)", _success, low_is_bad=True,
    ),
    Rule(
        "compression", RUN, 2.0, None, 2.1, 0, 0, 1000, "x",
        "fixed-width bytes of the records over the bytes stored (of at least 1,000 records)", _compression,
        low_is_bad=True,
    ),
    Rule(
        "retained", RUN, 100, None, 90, 0, 0, 1000, "B/record",
        "what decoded columns keep of a record (of at least 1,000 records)", _retained,
    ),
    Rule(
        "checksum", "station", None, 0, 0, 0, 0, 1, "chunks",
        "chunks that read back from the disk otherwise than written; cleared when a retry stores them well", _checksum,
    ),
    Rule(
        "memory", RUN, 200e6, 400e6, 180e6, 5, 3, 1, "B",
        "resident memory of the engine", _memory,
    ),
)  # fmt: skip


def in_words(value: float, unit: str) -> str:
    """A value of a rule in words.

    >>> in_words(0.0213, "ratio"), in_words(213.4e6, "B"), in_words(2310.4, "ms"), in_words(1.0, "chunks")
    ('2.13%', '213 MB', '2,310 ms', '1 chunk')
    """
    match unit:
        case "ratio":
            return f"{value * 100:.3g}%"
        case "B":
            return f"{value / 1e6:,.0f} MB"
        case "x":
            return f"{value:.1f}:1"
        case "chunks" if value == 1:
            return "1 chunk"
        case "":
            return f"{value:.4g}"
    return f"{value:,.0f} {unit}"


class RuleSetting(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What `[alerts.NAME]` changes of a rule, in its unit; None: as in the table. `off`: it is not judged at all."""

    warn: float | None = None
    critical: float | None = None
    clear: float | None = None
    for_s: float | None = msgspec.field(default=None, name="for")
    off: bool = False


def configure(changes: Mapping[str, RuleSetting], rules: Sequence[Rule] = RULES) -> tuple[Rule, ...]:
    """The rules with these changes. Raises `UsageError` for an unknown one, and for limits that cannot be."""
    known = [rule.name for rule in rules]
    for name in changes:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(known)}"
            raise UsageError(f"unknown alert rule '{name}' in [alerts]", hint=hint)
    return tuple(
        _changed(rule, changes.get(rule.name, RuleSetting()))
        for rule in rules
        if not changes.get(rule.name, RuleSetting()).off
    )


def _changed(rule: Rule, change: RuleSetting) -> Rule:
    given = {
        name: value for name in ("warn", "critical", "clear", "for_s") if (value := getattr(change, name)) is not None
    }
    new = replace(rule, **given)
    if not all(math.isfinite(value) for value in given.values()) or not 0 <= new.for_s <= LONGEST_FOR:
        raise UsageError(
            f"[alerts.{rule.name}] has a value that cannot be: {given}",
            hint=f"limits are numbers in {rule.unit}, `for` is 0 to {LONGEST_FOR} seconds",
        )
    limits = [limit for limit in (new.clear, new.warn, new.critical) if limit is not None]
    twice = new.warn is not None and new.warn == new.critical
    if given and (twice or sorted(limits, reverse=rule.low_is_bad) != limits):
        order = "clear >= warn > critical" if rule.low_is_bad else "clear <= warn < critical"
        raise UsageError(
            f"[alerts.{rule.name}] would never settle: clear {new.clear:,.10g}, warn {_or_none(new.warn)}, "
            f"critical {_or_none(new.critical)} {rule.unit}",
            hint=f"it needs {order}: set all that change",
        )
    return new


def _or_none(value: float | None) -> str:
    return "none" if value is None else f"{value:,.10g}"
