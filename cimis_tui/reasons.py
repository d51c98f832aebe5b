"""Why an action cannot be done now, in words for a person: nothing is ever silently dead. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from cimis_engine.run.spec import MAX_CONCURRENCY

STEERING = frozenset({"play", "step", "speed", "goto"})
"""The actions (methods) that steer a replay."""
_ON_STATIONS = {
    "pause": frozenset({"running", "slow", "retrying", "queued", "paused"}),
    "cancel": frozenset({"running", "slow", "retrying", "queued", "paused"}),
    "retry": frozenset({"failed", "cancelled"}),
}
"""Actions on stations, and the states in which a station is one for them."""
_ON_ALERTS = frozenset({"acknowledge", "acknowledge_all", "mute"})
_MORE, _LESS = "concurrency(1)", "concurrency(-1)"
CONTROLS = frozenset({*_ON_STATIONS, *_ON_ALERTS, "pause_run", "retry_all", _MORE, _LESS, "undo"})
"""Actions that are commands to the engine."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What decides whether an action makes sense: the mode, the run's phase and ceiling of requests in flight, how
    many stations failed, how many alerts wait to be seen, and the states of the stations that keys act on; `marked`:
    because they are marked, wherever the cursor is."""

    mode: str
    phase: str
    feed: str
    stations: tuple[str, ...] = ()
    failed: int = 0
    concurrency: int = 1
    alerts: int = 0
    marked: bool = False


def why_not(action: str, now: Situation) -> str | None:
    """Why an action cannot be done now; None if it can."""
    if action in STEERING and now.mode != "replay":
        return "this run is not a recording; 6 lists those that can be replayed"
    if action not in CONTROLS:
        return None
    if now.mode == "replay":
        return "this is a recorded run: there is no engine to control"
    if now.phase in ("done", "partial", "failed", "interrupted"):
        return "the run has ended; run the same command again to fetch what is left"
    if now.phase == "starting":
        return "the engine is still starting"
    if now.feed == "LOST":
        return "the engine is gone; run the same command again to resume"
    if now.phase == "draining" and action not in (*_ON_ALERTS, "cancel", _LESS):
        return "the run is draining: it ends when what is in flight is done"
    if action in _ON_STATIONS:
        return _why_not_stations(action, now.stations)
    return {
        "retry_all": None if now.failed else "no station has failed",
        "acknowledge_all": None if now.alerts else "no alert waits to be acknowledged",
        _MORE: None if now.concurrency < MAX_CONCURRENCY else f"{MAX_CONCURRENCY} in flight is the most there may be",
        _LESS: None if now.concurrency > 1 else "one request in flight is the least; P pauses the run",
    }.get(action)


def offered(action: str, now: Situation) -> str:
    """What an action on stations or the run is called in the footer now; empty for its usual name.

    Of marked stations it says how many it fits.
    """
    if action == "pause_run":
        return "Resume all" if now.phase == "paused" else ""
    if action not in _ON_STATIONS:
        return ""
    fitting = [status for status in now.stations if applies(action, status)]
    word = "Resume" if action == "pause" and set(fitting) == {"paused"} else action.capitalize()
    return f"{word} {len(fitting)}" if now.marked else word


def applies(action: str, status: str) -> bool:
    """Whether a station in this state is one for an action on stations."""
    return status in _ON_STATIONS[action]


def _why_not_stations(action: str, statuses: tuple[str, ...]) -> str | None:
    if not statuses:
        return "no station is selected"
    if any(applies(action, status) for status in statuses):
        return None
    one, many = len(statuses) == 1, f"these {len(statuses)} stations"
    if action == "retry":
        return "only a failed or cancelled station can be retried" if one else f"none of {many} failed or was cancelled"
    return f"{f'this station is {statuses[0]}' if one else f'{many} have ended'}: there is nothing to {action}"
