"""How far a long piece of work is, on stderr: a bar on a terminal, else a line every two seconds."""

from __future__ import annotations

import time
from collections.abc import Callable

from cimis_tui.cli.output import Output, duration
from cimis_tui.cli.progress import EVERY_SECONDS

WIDTH = 30
_REDRAW_SECONDS = 0.1


class Bar:
    """Called with how much is done of how much. Work that ends within the first interval leaves no trace."""

    def __init__(self, output: Output, noun: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._output, self._noun, self._clock = output, noun, clock
        self._began = self._said = clock()
        self._drawn = False

    def __call__(self, done: int, total: int) -> None:
        now, live = self._clock(), self._output.live
        if live and done == total and self._drawn:
            self._output.redraw("")
            self._drawn = False
        if done == total or now - self._said < (_REDRAW_SECONDS if live else EVERY_SECONDS):
            return
        self._said = now
        left = (now - self._began) / done * (total - done) * 1000 if done else None
        told = f"{done}/{total} {self._noun}, {duration(left)} left"
        if live:
            full = WIDTH * done // max(1, total)
            self._output.redraw(f"{'█' * full}{'░' * (WIDTH - full)} {told}")
            self._drawn = True
        else:
            self._output.note(f"{duration((now - self._began) * 1000):>7}  {told}")
