"""How many requests may be in flight: additive increase, multiplicative decrease, and one gate for all slots.

TCP's congestion control (RFC 5681), with requests for segments. The limit doubles a round of successes up to a
threshold (slow start) and grows by one a round beyond it. Slowness halves it. A refusal closes the gate for all slots,
and the limit starts again from one: the gate's end lets a single request through, whose success opens the way for more,
so a server that said stop never meets a crowd at the door. Requests that were under way when the limit was lowered say
nothing about the lower limit: a round of failures lowers it once (RFC 6582's recovery point), however long its
timeouts are spread, and their successes do not raise it. A state machine over `now`.
"""

from __future__ import annotations

import statistics
from collections import deque
from dataclasses import dataclass

START = 4
SLOWER = 1.5
"""A round whose median time to the first byte is this much above the usual one raises nothing: by Little's law, more in
flight then waits in the server's queue and brings nothing sooner. It lowers nothing either, and below `START` it is not
asked: a slow API must not keep a run from recovering."""
ROUNDS_KEPT = 64
"""What is usual is the best of so many rounds, so that one lucky round does not hold the limit down for ever."""


@dataclass(frozen=True, slots=True)
class LimitChange:
    """`old` equals `new` where only the gate moved."""

    old: int
    new: int
    cause: str


class Throttle:
    """`limit` requests may be in flight (1..ceiling), and none may start before `gate_until` (Unix seconds).

    `refusals` counts the refused rounds in a row, whatever for. `started` is, everywhere, when a request was sent.
    """

    def __init__(self, ceiling: int) -> None:
        self.ceiling = max(1, ceiling)
        self.limit = min(self.ceiling, START)
        self.gate_until = 0.0
        self.refusals = 0
        self._refused_for = ("", 0)  # the cause of the last refused round, and how many in a row had it
        self._threshold = self.ceiling
        self._lowered_at = float("-inf")
        self._successes = 0
        self._waits: list[float] = []
        self._medians: deque[float] = deque(maxlen=ROUNDS_KEPT)

    def on_success(self, started: float, ttfb: float | None) -> LimitChange | None:
        """A request was answered, its first byte after `ttfb` (any unit; None: it does not compare with others)."""
        if started <= self._lowered_at:
            return None
        self.refusals, self._refused_for = 0, ("", 0)
        self._successes += 1
        if ttfb is not None:
            self._waits.append(ttfb)
        return self._round() if self._successes >= self.limit else None

    def _round(self) -> LimitChange | None:
        """As many successes as requests may be in flight: raise the limit, unless the server has become slower."""
        old, slower = self.limit, self._slower()
        self._new_round()
        if old == self.ceiling:
            return None
        if slower and old >= START:
            self._threshold = old
            return None
        slow_start = old < self._threshold
        self.limit = min(2 * old, self._threshold) if slow_start else old + 1
        return LimitChange(old, self.limit, "slow start" if slow_start else "recovered")

    def _slower(self) -> bool:
        if not self._waits:
            return False
        median = statistics.median(self._waits)
        self._medians.append(median)
        return median > SLOWER * min(self._medians)

    def _new_round(self) -> None:
        self._successes = 0
        self._waits.clear()

    def set_ceiling(self, ceiling: int) -> LimitChange | None:
        """The operator's number. A lower one holds at once; towards a higher one the limit grows in slow start."""
        old, raised = self.limit, ceiling > self.ceiling
        self.ceiling = max(1, ceiling)
        self.limit = min(old, self.ceiling)
        self._threshold = self.ceiling if raised else min(self._threshold, self.ceiling)
        return LimitChange(old, self.limit, "operator") if old != self.limit else None

    def refusal(self, started: float) -> int:
        """Which refusal in a row one of this request is, from 1; those of one round are one."""
        return max(1, self.refusals + (started > self._lowered_at))

    def refused_for(self, cause: str) -> int:
        """How many rounds in a row, up to the last one, were refused for this cause."""
        last, rounds = self._refused_for
        return rounds if cause == last else 0

    def on_overload(self, now: float, started: float, cause: str, hold: float = 0.0) -> LimitChange | None:
        """A request was refused, and all wait `hold` seconds; or, without `hold`, it was merely too slow."""
        old, gate, news = self.limit, self.gate_until, started > self._lowered_at
        if news:
            self._threshold = max(1, old // 2)
            self.limit = self._threshold
        if hold > 0:
            self.refusals = self.refusal(started)
            if news:
                self._refused_for = cause, self.refused_for(cause) + 1
            self.gate_until = max(gate, now + hold)
            self.limit = 1
        if news or hold > 0:
            self._lowered_at = now
            self._new_round()
        return LimitChange(old, self.limit, cause) if (old, gate) != (self.limit, self.gate_until) else None
