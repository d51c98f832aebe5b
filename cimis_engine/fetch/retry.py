"""How long to wait before the next attempt of a page, and when to give up. Pure."""

from __future__ import annotations

import random
from dataclasses import dataclass

from cimis_engine.fetch.classify import Verdict, VerdictKind

_BLOCKED_FIRST, _BLOCKED_GROWTH = 5.0, 3.0


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Full jitter over `base` × 1, 2, 4, 8 … seconds up to `cap`; a blocked page waits `base` × 5, 15, 45 … instead.

    `max_attempts` counts the first one; `budget` is the wall-clock seconds a page may take, waits included.
    """

    max_attempts: int = 3
    base: float = 1.0
    cap: float = 60.0
    budget: float = 900.0

    def delay(self, attempt: int, verdict: Verdict, rng: random.Random, elapsed: float = 0.0) -> float | None:
        """Seconds to wait after attempt number `attempt` (from 1); None: give up. `Retry-After` wins over backoff."""
        if verdict.kind not in (VerdictKind.RETRY, VerdictKind.BLOCKED) or attempt >= self.max_attempts:
            return None
        if verdict.retry_after is not None:
            wait = verdict.retry_after
        elif verdict.kind is VerdictKind.BLOCKED:
            wait = min(self.cap, self.base * _BLOCKED_FIRST * _BLOCKED_GROWTH ** (attempt - 1))
        else:
            wait = rng.random() * min(self.cap, self.base * 2.0 ** (attempt - 1))
        return wait if elapsed + wait <= self.budget else None
