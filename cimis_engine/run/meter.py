"""The engine's own cost: memory, CPU and event-loop lag."""

from __future__ import annotations

import asyncio
import os

import psutil

from cimis_engine.clock import Clock
from cimis_engine.run.events import Resources

_BEAT = 0.05


class Meter:
    """`beat()` runs beside the engine and measures how late the loop wakes it; `sample()` reads and resets."""

    def __init__(self, clock: Clock) -> None:
        self.pid = os.getpid()
        self._clock = clock
        self._process = psutil.Process()
        self._process.cpu_percent()
        self._lag = 0.0

    async def beat(self) -> None:
        while True:
            due = self._clock.monotonic() + _BEAT
            await asyncio.sleep(_BEAT)
            self._lag = max(self._lag, self._clock.monotonic() - due)

    def sample(self, in_flight: int, held: dict[str, int]) -> Resources:
        lag, self._lag = self._lag, 0.0
        return Resources(
            rss_bytes=self._process.memory_info().rss,
            cpu_percent=self._process.cpu_percent(),
            loop_lag_ms=lag * 1000,
            in_flight=in_flight,
            held_bytes=sum(held.values()),
            held=held,
        )
