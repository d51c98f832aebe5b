"""Which request goes wrong, and how: a pure function of (seed, scenario, request, n-th time it is seen).

A request goes wrong at most twice, so a client that tries three times gets its answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from cimis_engine.simulator.noise import key, uniform


class Fault(StrEnum):
    """`refused`: this connection is reset, and the listening socket closes for a moment: connects are refused."""

    RETRY_AFTER = "retry_after"
    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"
    REFUSED = "refused"
    RESET = "reset"
    RESET_BODY = "reset_body"
    STALL = "stall"
    TRUNCATED = "truncated"
    BLOCKED = "blocked"


COLD_START = "cold_start"
"""Counted with the faults: the first request after the start, or after idleness, waits."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """`chances` of a fault the first and second time; `cold` seconds of a cold start."""

    chances: tuple[float, ...]
    kinds: tuple[Fault, ...]
    cold: float


_MILD = (Fault.RETRY_AFTER, Fault.UNAVAILABLE, Fault.RESET, Fault.RESET_BODY, Fault.TRUNCATED)
_SCENARIOS = {
    "none": Scenario((), (), 0.0),
    "mild": Scenario((0.08, 0.02), _MILD, 0.1),
    "storm": Scenario((0.4, 0.15), tuple(Fault), 0.4),
}


def scenario(name: str) -> Scenario:
    return _SCENARIOS[name]


def decide(seed: int, name: str, identity: str, seen: int) -> Fault | None:
    """The fault of a request that is seen for the `seen`-th time (from 1), or None."""
    chosen = _SCENARIOS[name]
    if seen > len(chosen.chances):
        return None
    chance, kind = uniform(key(seed, name, identity, seen), np.arange(2)).tolist()
    return chosen.kinds[int(kind * len(chosen.kinds))] if chance < chosen.chances[seen - 1] else None


def jitter(seed: int, identity: str, seen: int) -> float:
    """A number in [0, 1) for the delay of a request."""
    return float(uniform(key(seed, "jitter", identity, seen), np.zeros(1))[0])
