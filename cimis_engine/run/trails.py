"""Trails: what each alert rule measured over the last ten minutes, a value every ten seconds.

Kept by the fold itself, from the events it has seen, so that a viewer that comes late and a replay see the same.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from cimis_engine.run.alerts import RULES

if TYPE_CHECKING:
    from cimis_engine.run.state import RunState

STEP = 10
"""Seconds between two values."""
LENGTH = 60


class Trails:
    def __init__(self) -> None:
        self._slots: deque[tuple[int, dict[str, float]]] = deque(maxlen=LENGTH)

    def sample(self, state: RunState, t: float) -> None:
        """Measure every rule, if it is time to. Of several subjects the highest value counts."""
        slot = int(t) // STEP
        if self._slots and slot <= self._slots[-1][0]:
            return
        values: dict[str, float] = {}
        for rule in RULES:
            for _, value, samples in rule.measure(state, t, rule.window_s):
                if samples >= rule.minimum:
                    values[rule.name] = max(value, values.get(rule.name, value))
        self._slots.append((slot, values))

    def series(self, rule: str, now: float) -> list[float | None]:
        """The values of the last `LENGTH` steps up to `now`, oldest first; None where there was nothing to measure."""
        last = int(now) // STEP
        known = {slot: values.get(rule) for slot, values in self._slots}
        return [known.get(slot) for slot in range(last - LENGTH + 1, last + 1)]
