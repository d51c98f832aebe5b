"""A recorded run, played: at a speed, by steps, from any moment to any other.

One thread folds; what the keys ask for is a wish it fulfils, and the newest wish counts. Forwards it folds on under
the lock, so that the screen shows the way. Backwards it makes another fold from a checkpoint and puts it in place of
the old one, which stays on screen meanwhile.
"""

from __future__ import annotations

import contextlib
import math
import threading
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from pathlib import Path

from cimis_engine.clock import Clock
from cimis_engine.run.events import RunFinished
from cimis_engine.run.past import JOURNAL
from cimis_engine.run.process import running_engine
from cimis_engine.run.state import RunState
from cimis_engine.run.timeline import CHECKPOINT_EVERY, Head, Moment, Timeline
from cimis_tui.feed.source import at_once
from cimis_tui.view.frame import Feed
from cimis_tui.view.replay import SPEEDS, Playing, speed_text

_POLL, _BREATH = 0.06, 0.02
"""Seconds between two looks at the clock while playing; and what the screen is left between two stretches of work."""
_TURN_SECONDS = 0.04
"""How long the thread plays before it looks at its wishes again."""
_STEP_SECONDS = 1.0
_AHEAD = 1000
"""Events the scout folds between two looks at the wishes."""


@dataclass(frozen=True, slots=True)
class Opening:
    """How a replay begins: at Unix time `at` (None: the start; inf: the end), playing at `speed` or standing still.

    It ends at `until`, however long the journal goes on.
    """

    at: float | None = None
    until: float = math.inf
    speed: float = 1.0
    playing: bool = True


AT_THE_END = Opening(at=math.inf, playing=False)


class Replay:
    """A `Source` over `run_dir`'s journal as it is when this is made."""

    mode = "replay"

    def __init__(self, run_dir: Path, *, clock: Clock, opening: Opening = AT_THE_END) -> None:
        self.lock = threading.Lock()
        self.turn = 0
        self.fault = ""
        self.run_id = run_dir.name
        self.speed, self.playing = opening.speed, opening.playing
        self._clock = clock
        self._timeline = Timeline(run_dir / JOURNAL)
        first, last = self._timeline.first, self._timeline.last
        self.begins = first.t if first else 0.0
        recorded = last.t if last else 0.0
        self.ends = max(self.begins, min(opening.until, recorded))
        whole = last is not None and isinstance(last.event, RunFinished)
        self._cut = not whole and self.ends >= recorded and running_engine(run_dir) is None
        self._last_seq = last.seq if last and self.ends >= recorded else 0
        self._head = Head(self._timeline.journal)
        self._scout: Head | None = None
        self._at = self.begins
        self._wish: float | None = self.begins if opening.at is None else self._within(opening.at)
        self._steps = 0
        self._busy = False
        self._ticked = clock.monotonic()
        self._woken, self._end = threading.Event(), threading.Event()
        self._reading = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="journal-replay", daemon=True)

    @property
    def state(self) -> RunState:
        return self._head.state

    # what the keys ask for

    def play(self, on: bool | None = None) -> None:
        """Play, stand still, or (None) the other of the two; at the end, playing begins at the start again."""
        self._ticked = self._clock.monotonic()
        self.playing = not self.playing if on is None else on
        if self.playing and self._at >= self.ends:
            self._wish = self.begins
        self._woken.set()

    def change_speed(self, step: int) -> None:
        """The next higher or lower speed of `SPEEDS`."""
        at = bisect_right(SPEEDS, self.speed) if step > 0 else bisect_left(SPEEDS, self.speed) - 1
        self.speed = SPEEDS[min(len(SPEEDS) - 1, max(0, at))]

    def seek(self, t: float) -> None:
        """Go to a moment, within the recording."""
        self._wish = self._within(t)
        self._woken.set()

    def step(self, direction: int) -> None:
        """Stand still one event further on or back, but no more than a second; the engine's own cost does not count."""
        self.playing = False
        self._steps += direction
        self._woken.set()

    def _within(self, t: float) -> float:
        return min(self.ends, max(self.begins, t))

    # the source

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._end.set()
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join(1.0)
        self._timeline.close()

    def catch_up(self) -> None:
        """It keeps its own time."""

    def quiet(self) -> bool:
        return not (self.playing or self._busy or self._steps or self._wish is not None)

    def now(self) -> float:
        return self._at

    def word(self) -> str:
        return f"replay {speed_text(self.speed)}"

    def feed(self) -> Feed:
        if self.fault:
            return Feed("LOST", 0.0)
        if self._over:
            return Feed("CUT" if self._cut else "END", 0.0)
        return Feed("PLAY" if self.playing else "HELD", 0.0)

    @property
    def _over(self) -> bool:
        """Whether the last event is shown, too: several may be of the last moment."""
        return self._at >= self.ends and self.state.seq >= self._last_seq

    def position(self) -> Playing:
        """Where the replay stands, for its bar."""
        return Playing(
            run_id=self.run_id,
            speed=self.speed,
            playing=self.playing,
            begins=self.begins,
            at=self._at,
            ends=self.ends,
            over=self._over,
            busy=self._busy,
            cut=self._cut,
        )

    def read_once(self) -> int:
        """Fulfil what is wished, then play on by the clock; how many events were folded. Raises `OSError`."""
        with self._reading:
            folded = 0
            while (wish := self._take_wish()) is not None:
                folded += self._go(wish)
            return folded + self._play()

    # the thread

    def _run(self) -> None:
        while not self._end.is_set():
            try:
                self.read_once()
                self._scout_ahead()
            except Exception as error:  # a dead reader must be seen on screen, whatever it died of
                self.fault = f"{type(error).__name__}: {error}"
                return
            self._woken.wait(self._pause())
            self._woken.clear()

    def _pause(self) -> float | None:
        """Seconds until there is work again; None until somebody wishes something."""
        if self.playing:
            return _POLL if self.speed < math.inf else _BREATH
        return None if self._timeline.complete else _BREATH

    def _take_wish(self) -> Moment | None:
        if (t := self._wish) is not None:
            self._wish, self._steps = None, 0
            return Moment(t)
        if not (steps := self._steps):
            return None
        self._steps -= 1 if steps > 0 else -1
        if steps > 0:
            following = self._head.next()
            return Moment(self._within(self._at + _STEP_SECONDS), following.seq if following else math.inf)
        before = [seq for seq in self._head.trail if seq < self.state.seq]
        return Moment(seq=before[-1]) if before else Moment(self._within(self._at - _STEP_SECONDS))

    def _go(self, to: Moment) -> int:
        """Bring the fold to a moment; given up when there is a newer wish."""
        self._busy = True
        head, near = self._head, self._timeline.nearest(to)
        passed = head.state.seq > to.seq or head.state.now > to.t
        if passed or near.seq > head.state.seq + CHECKPOINT_EVERY:
            head = self._timeline.open(near)
        folded = 0
        while done := self._fold(head, to):
            folded += done
            if head is self._head:
                self._at = self._within(head.state.now)
            if self._wish is not None or self._end.is_set():
                return folded
        if head is not self._head:
            head.state.dirty = set(head.state.stations)
            with self.lock:
                self._head = head
                self.turn += 1
        self._at = head.state.now if head.state.seq >= to.seq else to.t
        self._ticked = self._clock.monotonic()
        self._busy = False
        return folded

    def _fold(self, head: Head, until: Moment) -> int:
        """A batch; how many events that was. The fold on screen is changed under the lock."""
        with self.lock if head is self._head else contextlib.nullcontext():
            done = head.run(until, at_once(head.state))
        self._timeline.note(head)
        return done

    def _play(self) -> int:
        """Play by the clock, for a while at most."""
        now = self._clock.monotonic()
        passed, self._ticked = now - self._ticked, now
        if not self.playing:
            return 0
        target = self.ends if self.speed == math.inf else min(self.ends, self._at + passed * self.speed)
        folded = 0
        while self._wish is None and self.playing:
            done = self._fold(self._head, Moment(target))
            folded += done
            if not done:
                self._at = target
                self.playing = target < self.ends
                break
            if self._clock.monotonic() - now >= _TURN_SECONDS:  # it cannot keep up: as fast as it goes
                self._at = min(target, max(self._at, self.state.now))
                break
        return folded

    def _scout_ahead(self) -> None:
        """Fold ahead of what is shown, for the checkpoints: then any moment is near. At full speed that is no help."""
        if self._timeline.complete or (self.playing and self.speed == math.inf):
            self._scout = None
            return
        if self._scout is None or self._scout.state.seq < self._timeline.known:
            self._scout = self._timeline.open(self._timeline.nearest(Moment()))
        self._scout.run(Moment(), _AHEAD)
        self._timeline.note(self._scout)
