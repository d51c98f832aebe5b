"""How many requests may be in flight: additive increase, multiplicative decrease, and one gate for all slots.

Latency never raises the limit; only successes do, a whole round of them at a time. A state machine over `now`.
"""

from __future__ import annotations

from dataclasses import dataclass

START = 4
WINDOW = 1.0
"""Seconds within which overloads count as one: the requests of a round fail together."""


@dataclass(frozen=True, slots=True)
class LimitChange:
    """`old` equals `new` where only the gate moved."""

    old: int
    new: int
    cause: str


class Throttle:
    """`limit` requests may be in flight (1..ceiling), and none may start before `gate_until` (Unix seconds)."""

    def __init__(self, ceiling: int) -> None:
        self.ceiling = max(1, ceiling)
        self.limit = min(self.ceiling, START)
        self.gate_until = 0.0
        self._slow_start = True
        self._successes = 0
        self._decreased_at = float("-inf")

    def on_success(self, now: float) -> LimitChange | None:
        """A round of successes doubles the limit until the first overload, and adds one after it."""
        if now < self.gate_until:
            return None
        self._successes += 1
        if self._successes < self.limit or self.limit == self.ceiling:
            return None
        self._successes = 0
        old = self.limit
        self.limit = min(self.ceiling, old * 2 if self._slow_start else old + 1)
        return LimitChange(old, self.limit, "slow start" if self._slow_start else "recovered")

    def on_overload(self, now: float, cause: str, retry_after: float | None) -> LimitChange | None:
        """Halve the limit, once a window; a `Retry-After` holds every slot until it has passed."""
        old, gate = self.limit, self.gate_until
        self._slow_start, self._successes = False, 0
        if retry_after is not None:
            self.gate_until = max(gate, now + retry_after)
        if now - self._decreased_at >= WINDOW:
            self._decreased_at = now
            self.limit = max(1, old // 2)
        return LimitChange(old, self.limit, cause) if (old, gate) != (self.limit, self.gate_until) else None
