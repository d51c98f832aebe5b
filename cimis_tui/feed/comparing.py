"""Reading two runs for their comparison: in a thread, told how far it is, and ended when nobody waits any more."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from cimis_engine.clock import Clock
from cimis_engine.run.events import Stamped
from cimis_engine.run.journal import JournalReader
from cimis_tui.view.compare import Reading

_TELL_EVERY = 0.5
"""Seconds between two words on how far the journals are read."""
_BLOCK = 1 << 20


class ClosedError(Exception):
    """Nobody waits for the comparison any more."""


class ComparisonReader:
    """Reads two journals, the one after the other, and says how far it has come."""

    def __init__(
        self, journals: Sequence[Path], closed: Callable[[], bool], clock: Clock, tell: Callable[[Reading], None]
    ) -> None:
        """`closed`: whether nobody waits any more. Raises `OSError` where a journal is not there."""
        self._journals, self._sizes = journals, [path.stat().st_size for path in journals]
        self._closed, self._clock, self._tell = closed, clock, tell
        self._told_at = float("-inf")

    def events(self, side: int) -> Iterator[Stamped]:
        """Of one of them. Raises `ClosedError` as soon as it is closed."""
        reader = JournalReader(self._journals[side], block=_BLOCK)
        self._say(side, 0)
        while new := reader.read_new():
            for stamped in new:
                if self._closed():
                    raise ClosedError
                yield stamped
            self._say(side, reader.offset)

    def _say(self, side: int, read: int) -> None:
        now = self._clock.monotonic()
        if now - self._told_at >= _TELL_EVERY and not self._closed():
            self._told_at = now
            size, before = max(read, self._sizes[side]), sum(self._sizes[:side])
            both = max(before + read, sum(self._sizes))
            self._tell(Reading("AB"[side], self._journals[side].parent.name, read, size, before + read, both))
