"""Steering: what the commands of the control door do to a run under way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cimis_engine.run import events as ev
from cimis_engine.run.alerts import MUTE_SECONDS
from cimis_engine.run.control import ControlError
from cimis_engine.run.dispatcher import Dispatcher
from cimis_engine.run.spec import MAX_CONCURRENCY
from cimis_engine.run.state import RunState
from cimis_engine.run.work import Work


class Steering:
    """Commands onto a dispatcher and its work. They take effect between attempts, except `cancel` and `stop`.

    `state` is the fold of the run so far: which alerts fire. `now` tells Unix time.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        work: Work,
        state: RunState,
        emit: Callable[[ev.Event], None],
        *,
        now: Callable[[], float],
    ) -> None:
        self._dispatcher, self._work, self._state, self._emit, self._now = dispatcher, work, state, emit, now

    async def command(self, message: dict[str, Any]) -> dict[str, Any]:
        """Carry out one command of the control door; see `control` for the words. Raises `ControlError`."""
        word, stations = message.get("cmd"), self._stations(message)
        if word == "pause":
            return self._pause(stations)
        if word == "resume":
            return self._resume(stations)
        if word == "retry":
            return {"jobs": await self._dispatcher.retry_failed(stations)}
        if word == "cancel" and stations is not None:
            return {"jobs": sum(self._cancel(station) for station in stations)}
        if word == "concurrency":
            return self._concurrency(message.get("limit"))
        if word == "ack":
            return self._acknowledge(message.get("rule"), message.get("subject"))
        if word in ("mute", "unmute"):
            return self._mute(message.get("rule"), message.get("subject"), message, muted=word == "mute")
        if word == "drain":
            self._dispatcher.drain("operator")
            return {"in_flight": self._dispatcher.in_flight}
        if word == "stop":
            self._dispatcher.drain("operator")
            self._dispatcher.stop_now()
            return {}
        if word == "status":
            work = self._work
            return {
                "in_flight": self._dispatcher.in_flight,
                "jobs_open": len(work.open),
                "jobs_failed": len(work.failed),
            }
        raise ControlError(f"unknown command: {word!r}")

    def _stations(self, message: dict[str, Any]) -> list[int] | None:
        """The stations a command is for; None: the whole run."""
        stations = message.get("stations")
        if stations is None:
            return None
        if not isinstance(stations, list) or not stations:
            raise ControlError(f"stations is a list of numbers, or null for the whole run, not {stations!r}")
        for station in stations:
            if station not in self._work.stations:
                raise ControlError(f"station {station} is not part of this run")
        return stations

    def _pause(self, stations: list[int] | None) -> dict[str, Any]:
        if stations is None:
            self._work.paused = True
            self._emit(ev.RunPaused(reason="operator"))
        for station in stations or ():
            self._work.paused_stations.add(station)
            self._emit(ev.StationPaused(station=station))
        return {}

    def _resume(self, stations: list[int] | None) -> dict[str, Any]:
        if stations is None:
            self._work.paused = False
            self._emit(ev.RunResumed())
        for station in stations or ():
            self._work.paused_stations.discard(station)
            self._emit(ev.StationResumed(station=station))
        self._dispatcher.wake()
        return {}

    def _cancel(self, station: int) -> int:
        """Give up the station's jobs that are not done; how many. What is already stored stays."""
        jobs = self._work.open_jobs(station)
        self._dispatcher.abort(station)
        for job in jobs:
            self._dispatcher.cancel(job)
        return len(jobs)

    def _concurrency(self, limit: object) -> dict[str, Any]:
        if not isinstance(limit, int) or not 1 <= limit <= MAX_CONCURRENCY:
            raise ControlError(f"the limit of requests in flight runs from 1 to {MAX_CONCURRENCY}, not {limit!r}")
        self._dispatcher.set_concurrency(limit)
        return {"limit": limit}

    def _acknowledge(self, rule: Any, subject: Any) -> dict[str, Any]:
        firing = [key for key, alert in self._state.active_alerts.items() if not alert.acknowledged]
        wanted = firing if rule is None else [key for key in firing if key == (rule, subject)]
        if rule is not None and not wanted:
            raise ControlError(f"alert {rule} ({subject}) is not firing, or was acknowledged before")
        for name, of in wanted:
            self._emit(ev.AlertAcknowledged(rule=name, subject=of))
        return {"alerts": len(wanted)}

    def _mute(self, rule: Any, subject: Any, message: dict[str, Any], *, muted: bool) -> dict[str, Any]:
        started = self._state.started
        known = {r.name for r in started.rules} if started else set()
        seconds = message.get("seconds", MUTE_SECONDS)
        if rule not in known or not isinstance(subject, str):
            raise ControlError(f"there is no alert rule {rule!r} in this run")
        if not isinstance(seconds, int | float) or not 0 < seconds <= 86400:
            raise ControlError(f"an alert is muted for up to a day, not {seconds!r} seconds")
        self._emit(ev.AlertMuted(rule=rule, subject=subject, until=self._now() + seconds if muted else None))
        return {}
