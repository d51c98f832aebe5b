"""How long to wait before the next attempt, and when to give up. Pure.

There are two waits, both exponential. A page's own failure (a reset, a cut body, HTTP 500) is waited out by that page
alone, with full jitter: a random part of the whole interval, because pages that failed together must not come back
together. A refusal (429, 503, the firewall, no connection) is meant for the whole run, which waits at one gate with
equal jitter: half of the interval for certain and a random part of the other half, because a server that said stop is
owed a wait, and a draw near zero would be none. Both are from M. Brooker, "Exponential Backoff And Jitter", AWS
Architecture Blog, 2015.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from cimis_engine.fetch.classify import Verdict, VerdictKind

_BLOCKED_FIRST, _BLOCKED_GROWTH = 5.0, 3.0
_MAX_STEPS = 60
"""Of growth: beyond any cap, and short of what a float holds."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """`base` × 1, 2, 4, 8 … seconds up to `cap`; the firewall's × 5, 15, 45 …, without jitter. `Retry-After` wins.

    `max_attempts` counts the first one; `budget` is the wall-clock seconds a page may take, waits included.
    """

    max_attempts: int = 3
    base: float = 1.0
    cap: float = 60.0
    budget: float = 900.0

    def delay(self, failures: int, verdict: Verdict, rng: random.Random, elapsed: float = 0.0) -> float | None:
        """Seconds a page waits after failure number `failures` (from 1), `elapsed` since it began; None: give up."""
        if verdict.kind not in (VerdictKind.RETRY, VerdictKind.BLOCKED) or failures >= self.max_attempts:
            return None
        wait = self.wait(failures, verdict, rng)
        return wait if self.affords(elapsed, wait) else None

    def wait(self, n: int, verdict: Verdict, rng: random.Random) -> float:
        """Seconds a page waits the `n`-th time, however often that is."""
        if verdict.retry_after is not None:
            return verdict.retry_after
        if verdict.kind is VerdictKind.BLOCKED:
            return self._blocked(n)
        return rng.random() * self._interval(n)

    def hold(self, refusals: int, verdict: Verdict, rng: random.Random) -> float:
        """Seconds all slots wait after the run's refusal number `refusals` in a row; 0 if it was none."""
        if verdict.retry_after is not None:
            return verdict.retry_after
        if verdict.kind is VerdictKind.BLOCKED:
            return self._blocked(refusals)
        return (1.0 + rng.random()) / 2.0 * self._interval(refusals) if verdict.unserved else 0.0

    def affords(self, elapsed: float, wait: float) -> bool:
        """Whether a page that began `elapsed` seconds ago may wait that long."""
        return elapsed + wait <= self.budget

    def _interval(self, n: int) -> float:
        return min(self.cap, self.base * 2.0 ** min(n - 1, _MAX_STEPS))

    def _blocked(self, n: int) -> float:
        return min(self.cap, self.base * _BLOCKED_FIRST * _BLOCKED_GROWTH ** min(n - 1, _MAX_STEPS))
