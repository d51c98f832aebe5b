"""The dashboard on a written journal, with its clock stopped: the same screen on every machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from textual.pilot import Pilot
from tui_journal import PID, write

from cimis_engine.run.events import Stamped
from cimis_tui.app import CimisApp
from cimis_tui.looks import Looks
from cimis_tui.view.frame import SelfCost


class FrozenClock:
    """Moves only when told."""

    def __init__(self, now: float) -> None:
        self.now = now

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


class Door:
    """A control door that remembers what was sent; refuses with `error` when it is given."""

    def __init__(self, error: Exception | None = None) -> None:
        self.sent: list[dict[str, Any]] = []
        self.error = error

    def __call__(self, command: dict[str, Any]) -> dict[str, Any]:
        self.sent.append(command)
        if self.error is not None:
            raise self.error
        return {"ok": True}


def dashboard(
    run_dir: Path,
    told: list[Stamped],
    *,
    mode: str = "live",
    door: Door | None = None,
    theme: str = "cimis-dark",
    ascii: bool = False,
) -> CimisApp:
    """An app on these events, its clock half a second after the last of them."""
    write(run_dir, told)
    return CimisApp(
        run_dir,
        mode=mode,
        engine_pid=PID,
        send=door or Door(),
        clock=FrozenClock(told[-1].t + 0.5 if told else 0.0),
        meter=lambda fps: SelfCost(61_000_000, 1.8, fps),
        looks=Looks(theme, ascii),
    )


async def settle(pilot: Pilot[Any]) -> None:
    """Everything in the journal is on screen, and the screen at rest."""
    app = pilot.app
    assert isinstance(app, CimisApp)
    app.follower.read_once()
    with app.follower.lock:  # every row as of now, whenever the reader's own thread had come to it
        app.follower.state.dirty.update(app.follower.state.stations)
    await advance(pilot, 1.0)
    await advance(pilot, 1.0)


async def advance(pilot: Pilot[Any], seconds: float) -> None:
    """Let the clock go on and take a frame."""
    app = pilot.app
    assert isinstance(app, CimisApp)
    assert isinstance(app.clock, FrozenClock)
    app.clock.now += seconds
    app.beat()
    await pilot.pause()


async def idle(pilot: Pilot[Any]) -> None:
    """Every thread the app started has ended."""
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()
