"""What the dashboard itself costs, for its own card: a monitor should not be the top user of the machine."""

from __future__ import annotations

import psutil

from cimis_tui.view.frame import SelfCost


class SelfMeter:
    """Measures this process: resident bytes, and CPU since the last call."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._process.cpu_percent(None)

    def __call__(self, fps: float) -> SelfCost:
        with self._process.oneshot():
            return SelfCost(self._process.memory_info().rss, self._process.cpu_percent(None), fps)
