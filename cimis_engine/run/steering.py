"""Steering: what the commands of the control door do to a run under way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cimis_engine.run import events as ev
from cimis_engine.run.control import ControlError
from cimis_engine.run.dispatcher import Dispatcher
from cimis_engine.run.work import Work


class Steering:
    """Commands onto a dispatcher and its work. They take effect between attempts, except `cancel` and `stop`."""

    def __init__(self, dispatcher: Dispatcher, work: Work, emit: Callable[[ev.Event], None]) -> None:
        self._dispatcher, self._work, self._emit = dispatcher, work, emit

    async def command(self, message: dict[str, Any]) -> dict[str, Any]:
        """Carry out one command of the control door; see `control` for the words. Raises `ControlError`."""
        word, station = message.get("cmd"), message.get("station")
        if station is not None and station not in self._work.stations:
            raise ControlError(f"station {station} is not part of this run")
        if word == "pause":
            return self._pause(station)
        if word == "resume":
            return self._resume(station)
        if word == "retry":
            return {"jobs": await self._dispatcher.retry_failed(station)}
        if word == "cancel" and station is not None:
            return self._cancel(station)
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

    def _pause(self, station: int | None) -> dict[str, Any]:
        if station is None:
            self._work.paused = True
            self._emit(ev.RunPaused(reason="operator"))
        else:
            self._work.paused_stations.add(station)
            self._emit(ev.StationPaused(station=station))
        return {}

    def _resume(self, station: int | None) -> dict[str, Any]:
        if station is None:
            self._work.paused = False
            self._emit(ev.RunResumed())
        else:
            self._work.paused_stations.discard(station)
            self._emit(ev.StationResumed(station=station))
        self._dispatcher.wake()
        return {}

    def _cancel(self, station: int) -> dict[str, Any]:
        """Give up the station's jobs that are not done. What is already stored stays."""
        jobs = self._work.open_jobs(station)
        self._dispatcher.abort(station)
        for job in jobs:
            self._dispatcher.cancel(job)
        return {"jobs": len(jobs)}
