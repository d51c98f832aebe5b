"""The pump: takes what changed in the fold since the last frame and makes a frozen Frame of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from cimis_engine.clock import Clock
from cimis_engine.run.state import RunState
from cimis_tui.feed.source import Source
from cimis_tui.view.frame import AlertRow, Chrome, Ending, Frame, PhaseFacts, SelfCost, Vitals
from cimis_tui.view.log import LogRow, news
from cimis_tui.view.present import Row, present_row
from cimis_tui.view.vitals import (
    present_alerts_of,
    present_ending_of,
    present_facts,
    present_vitals,
)

T = TypeVar("T")
VITALS_EVERY = 0.5
_CLOCK_EVERY = 1.0
"""While no event comes, only the clocks move."""
_PANELS_EVERY = 0.5
"""The log and the phases of the selected station, together with the vital signs: faster than that nobody reads."""
_BODY_EVERY = 0.25
"""The other screens, header and body."""
_METER_EVERY = 2.0
_FIRST_LOG = 500


class Pump:
    """Rows of waiting stations are made anew once a second."""

    def __init__(self, follower: Source, *, pid: int | None, clock: Clock, meter: Callable[[float], SelfCost]) -> None:
        self.follower = follower
        self.mode, self.pid = follower.mode, pid
        self.selected: int | None = None
        self._clock, self._meter = clock, meter
        self._cost: SelfCost | None = None
        self._cost_at = self._vitals_at = self._second = self._panels_at = float("-inf")
        self._vitals_seq = -1
        self._log_seq = 0
        self._facts: PhaseFacts | None = None
        self._alerts: tuple[AlertRow, ...] = ()
        self._ending: Ending | None = None
        self._seen: dict[str, tuple[float, int, int]] = {}  # of each screen: time, event and turn of its chrome
        self._turn = 0

    def select(self, station: int | None) -> None:
        """Show this station's phases from the next frame on."""
        self.selected = station
        with self.follower.lock:
            if station in self.follower.state.stations:
                self.follower.state.dirty.add(station)

    def pending(self) -> int:
        """Stations with changes not taken yet: what a frozen display holds back."""
        return len(self.follower.state.dirty)

    def ended(self) -> bool:
        return self.follower.state.finished_at is not None

    def now(self) -> float:
        """The time the screen shows."""
        return self.follower.now()

    def vitals(self, fps: float, held_back: int | None = None) -> Vitals:
        """The vital signs alone, for a frozen display."""
        with self.follower.lock:
            return self._make_vitals(fps, held_back)

    def look(self, make: Callable[[RunState, float], T]) -> T:
        """What `make` makes of the fold and the time on screen, while the fold stands still. Keep it short."""
        with self.follower.lock:
            return make(self.follower.state, self.now())

    def chrome(self, fps: float, view: str, *, anew: bool = False) -> Chrome | None:
        """Header and alerts for the screen `view`; None when neither it nor its body has anything new to show.

        `anew`: the screen shows nothing of ours yet.
        """
        with self.follower.lock:
            state, turn = self.follower.state, self.follower.turn
            now, tick = self.now(), self._clock.monotonic()
            seen = self._seen.get(view)
            leapt = seen is not None and seen[2] != turn
            since = float("inf") if anew or leapt or seen is None else tick - seen[0]
            if since < (_BODY_EVERY if seen is not None and state.seq != seen[1] else _CLOCK_EVERY):
                return None
            self._seen[view] = tick, state.seq, turn
            return Chrome(self._make_vitals(fps, None), present_alerts_of(state, float(int(now))), leapt)

    def take(self, fps: float, *, anew: bool = False) -> Frame | None:
        """What changed since the last call, or None. `anew`: whatever changed, the vital signs and panels, too."""
        with self.follower.lock:
            state, leapt = self.follower.state, self._turn != self.follower.turn
            if leapt:
                self._forget(self.follower.turn)
            now, tick = self.now(), self._clock.monotonic()
            if tick - self._second >= 1.0:
                self._second = tick
                state.dirty |= state.waiting
            since = tick - self._vitals_at
            due = since >= (VITALS_EVERY if state.seq != self._vitals_seq else _CLOCK_EVERY)
            due = due or anew or leapt
            panels = due or tick - self._panels_at >= _PANELS_EVERY
            if not (state.dirty or due or (panels and state.seq != self._log_seq)):
                return None
            changed, state.dirty = state.dirty, set()
            rows: dict[int, Row] = {n: present_row(state.stations[n], now) for n in changed}
            vitals = None
            if due:
                self._vitals_at, self._vitals_seq = tick, state.seq
                vitals = self._make_vitals(fps, None)
            if panels:
                self._panels_at = tick
            return Frame(
                rows=rows,
                vitals=vitals,
                facts=self._new_facts(state, panels),
                log=self._new_log(state) if panels else (),
                alerts=self._new_alerts(state, now),
                ending=self._new_ending(state),
                leapt=leapt,
            )

    def _forget(self, turn: int) -> None:
        """After a leap: nothing taken before holds any more."""
        self._turn, self._log_seq = turn, 0
        self._facts = None

    def _make_vitals(self, fps: float, held_back: int | None) -> Vitals:
        tick = self._clock.monotonic()
        if self._cost is None or tick - self._cost_at >= _METER_EVERY:
            self._cost, self._cost_at = self._meter(fps), tick
        return present_vitals(
            self.follower.state,
            mode=self.follower.word(),
            pid=self.pid,
            feed=self.follower.feed(),
            now=self.now(),
            own=self._cost,
            held_back=held_back,
        )

    def _new_facts(self, state: RunState, due: bool) -> PhaseFacts | None:
        """At once for another station; for the same one when it is time."""
        station = state.stations.get(self.selected) if self.selected is not None else None
        if station is None:
            return None
        known = self._facts
        if known is not None and known.station == station.ref.number and not due:
            return None
        facts = present_facts(state, station)
        if facts == known:
            return None
        self._facts = facts
        return facts

    def _new_log(self, state: RunState) -> tuple[LogRow, ...]:
        fresh = news(state, after=self._log_seq, most=_FIRST_LOG)
        self._log_seq = state.seq
        return fresh

    def _new_alerts(self, state: RunState, now: float) -> tuple[AlertRow, ...] | None:
        alerts = present_alerts_of(state, float(int(now)))
        if alerts == self._alerts:
            return None
        self._alerts = alerts
        return alerts

    def _new_ending(self, state: RunState) -> Ending | None:
        ending = present_ending_of(state)
        if ending == self._ending:
            return None
        self._ending = ending
        return ending
