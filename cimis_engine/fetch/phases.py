"""Phase clocks of one attempt."""

from __future__ import annotations

from dataclasses import dataclass

from cimis_engine.clock import Clock

CONSECUTIVE = ("pool_wait", "dns", "tcp", "tls", "send", "ttfb", "read")
PHASES = (*CONSECUTIVE, "decode", "encode", "write", "verify", "commit")
"""All phases in order: the first seven follow one another, the rest are busy time that may overlap reading."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Phases:
    """Milliseconds of the consecutive phases; None where a phase did not happen. They sum to at most `total_ms`."""

    pool_wait: float | None = None
    dns: float | None = None
    tcp: float | None = None
    tls: float | None = None
    send: float | None = None
    ttfb: float | None = None
    read: float | None = None
    reused: bool = False
    total_ms: float = 0.0


class PhaseRecorder:
    """Turns marks into phases: `begin` closes the phase before it, `end` the open one."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._start = clock.monotonic()
        self._open: tuple[str, float] | None = None
        self._ms: dict[str, float] = {}
        self.begin("pool_wait")

    def begin(self, phase: str) -> None:
        now = self._close()
        self._open = (phase, now)

    def end(self) -> None:
        self._close()
        self._open = None

    def _close(self) -> float:
        now = self._clock.monotonic()
        if self._open is not None:
            phase, since = self._open
            self._ms[phase] = self._ms.get(phase, 0.0) + (now - since) * 1000
        return now

    def phases(self) -> Phases:
        """What has happened so far; an open phase counts up to now."""
        now = self._close()
        if self._open is not None:
            self._open = (self._open[0], now)
        connected = any(name in self._ms for name in ("dns", "tcp", "tls"))
        reused = "send" in self._ms and not connected
        return Phases(**self._ms, reused=reused, total_ms=(now - self._start) * 1000)
