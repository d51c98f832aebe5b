"""The reader: a thread that follows the journal of a run that goes on, so that no screen waits for data."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import psutil

from cimis_engine.clock import Clock
from cimis_engine.run.journal import JournalReader
from cimis_engine.run.past import JOURNAL
from cimis_engine.run.process import running_engine
from cimis_engine.run.state import RunState
from cimis_tui.feed.source import at_once
from cimis_tui.view.frame import Feed

STALE_SECONDS = 4.0
"""The engine speaks once a second; this long without a word is worth a mark."""
_ALONE_SECONDS = 1.0
"""Between two looks at the file when nobody asks for one."""
_PATIENCE_SECONDS = 0.010
"""How long a frame waits for what has come since the one before: reading it is quick, but on a sick disk."""
_QUIET_SECONDS = 1.5


def engine_alive(run_dir: Path, pid: int | None) -> bool:
    """Whether the run's engine lives; `pid` counts before the engine has left its own mark."""
    if running_engine(run_dir) is not None:
        return True
    try:
        return pid is not None and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


class Follower:
    """A `Source`: folds `run_dir`'s journal as it grows, until stopped. It never leaps."""

    def __init__(self, run_dir: Path, *, mode: str, clock: Clock, alive: Callable[[], bool]) -> None:
        self.mode = mode
        self.state = RunState()
        self.lock = threading.Lock()
        self.turn = 0
        self.fault = ""
        self._clock, self._alive = clock, alive
        self._reader = JournalReader(run_dir / JOURNAL)
        self._heard = clock.monotonic()
        self._asked = float("-inf")
        self._engine_alive = True
        self._end, self._woken, self._rests = threading.Event(), threading.Event(), threading.Event()
        self._reading = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="journal-follower", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the thread, waiting for it a moment."""
        self._end.set()
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join(1.0)

    def read_once(self) -> int:
        """Fold what is new; how many events that was. Raises `OSError` when the journal cannot be read."""
        total = 0
        with self._reading:
            while events := self._reader.read_new():
                size = at_once(self.state)
                for start in range(0, len(events), size):
                    with self.lock:
                        self.state.apply_all(events[start : start + size])
                total += len(events)
                self._heard = self._clock.monotonic()
                if self._end.is_set():
                    break
        return total

    def feed(self) -> Feed:
        """How fresh what is shown is."""
        age = self._clock.monotonic() - self._heard
        if self.state.finished_at is not None:
            return Feed("END", age)
        if self.fault:
            return Feed("LOST", age)
        if age < STALE_SECONDS:
            return Feed("LIVE" if self.state.started else "WAIT", age)
        return Feed("STALE" if self._engine_alive else "LOST", age)

    def now(self) -> float:
        """The clock's time; that of the last event once the run has ended."""
        return self._clock.time() if self.state.finished_at is None else self.state.now

    def word(self) -> str:
        return self.mode

    def quiet(self) -> bool:
        return self._clock.monotonic() - self._heard >= _QUIET_SECONDS

    def catch_up(self) -> None:
        """One wake-up of the processor for reading and drawing, whose caches are cold after each rest."""
        if self._rests.is_set() and self._thread.is_alive():
            self._rests.clear()
            self._woken.set()
            self._rests.wait(_PATIENCE_SECONDS)

    def _run(self) -> None:
        while not self._end.is_set():
            try:
                self.read_once()
            except Exception as error:  # a dead reader must be seen on screen, whatever it died of
                self.fault = f"{type(error).__name__}: {error}"
                return
            now = self._clock.monotonic()
            if now - self._asked >= 1.0 and now - self._heard >= STALE_SECONDS / 2:
                self._asked, self._engine_alive = now, self._alive()
            self._rests.set()
            self._woken.wait(_ALONE_SECONDS)
            self._woken.clear()
