"""Where screens have their facts from: a fold somebody keeps up to date; live or replayed, they cannot tell."""

from __future__ import annotations

import threading
from typing import Protocol

from cimis_engine.run.state import RunState
from cimis_tui.view.frame import Feed

_AT_ONCE, _AT_FIRST = 200, 8000


def at_once(state: RunState) -> int:
    """How many events to fold under one hold of the lock: so few (~5 ms) that the screen never waits for it; but the
    first ones together (~0.2 s), or the cursor would stay on whatever station half a journal puts first."""
    return _AT_ONCE if state.seq else _AT_FIRST


class Source(Protocol):
    """`state` is read, and its `dirty` set taken, under `lock`; it may be another one after each `turn`.

    `mode`: live, attached or replay. `turn` counts the leaps in time: after one, nothing shown before holds any more.
    `fault` says why reading ended early.
    """

    mode: str
    lock: threading.Lock
    turn: int
    fault: str

    @property
    def state(self) -> RunState:
        """The fold. Take it anew under each hold of the lock."""

    def start(self) -> None:
        """Begin to read, in a thread of its own."""

    def stop(self) -> None:
        """End that thread, waiting for it a moment."""

    def read_once(self) -> int:
        """Fold what is due; how many events that was. Raises `OSError` when the journal cannot be read."""

    def catch_up(self) -> None:
        """A frame is about to be drawn: have its thread read what there is by now, but do not wait long for it."""

    def feed(self) -> Feed:
        """How fresh what is shown is."""

    def quiet(self) -> bool:
        """Whether nothing is going on: no event of late, and none being brought."""

    def now(self) -> float:
        """The time to show, Unix seconds."""

    def word(self) -> str:
        """What the header calls the mode."""
