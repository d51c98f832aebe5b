"""The registry of checks of actions: for each action what must come of it, whichever way it is done.

A screen has its own file `checks_<screen>.py` beside this one; adding a check is adding a generator there:

    @check("station.pause")
    async def pause(at: At) -> AsyncIterator[None]:
        await at.press("j", "j")                     # what must be before
        yield                                        # here the action is done: by each of its keys, by the footer
        assert await at.commands() == [...]          # what must have come of it

`test_tui_actions.py` does each in every way there is, each in an app of its own, and fails for an action without a
check.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from textual.pilot import Pilot
from textual.widget import Widget
from tui_app import Door, idle
from tui_journal import midst
from tui_store import answered

from cimis_engine.run import events as ev
from cimis_tui.app import CimisApp
from cimis_tui.screens.console import ConsoleScreen

W = TypeVar("W", bound=Widget)
Run = Callable[["At"], AsyncIterator[None]]


@dataclass
class At:
    """The app a check runs in, on the screen of the check."""

    pilot: Pilot[Any]
    door: Door
    run_dir: Path

    @property
    def app(self) -> CimisApp:
        app = self.pilot.app
        assert isinstance(app, CimisApp)
        return app

    @property
    def screen(self) -> ConsoleScreen:
        screen = self.app.screen
        assert isinstance(screen, ConsoleScreen), screen
        return screen

    def one(self, kind: type[W]) -> W:
        """The widget of this kind on the screen in front."""
        return self.app.screen.query_one(kind)

    async def open(self, view: str) -> None:
        """Go to a screen, and wait until it stands."""
        self.app.go_to(view)
        await self.pilot.pause()
        while view != self.screen.VIEW or not self.screen.is_mounted:
            await self.pilot.pause()
        await answered(self.pilot)

    async def press(self, *keys: str) -> None:
        """Each key, and what it asked for answered."""
        for key in keys:
            await self.pilot.press(key)
            await answered(self.pilot)

    async def commands(self) -> list[dict[str, Any]]:
        """What was sent to the engine so far."""
        await idle(self.pilot)
        return self.door.sent

    def notes(self) -> str:
        """Everything that was said in a toast."""
        return " ".join(n.message for n in self.app._notifications)


@dataclass(frozen=True)
class Check:
    id: str
    view: str
    run: Run
    told: Callable[[], list[ev.Stamped]]
    place: Callable[[Path], Path]


CHECKS: list[Check] = []


def run_alone(folder: Path) -> Path:
    """A run, and nothing stored beside it."""
    return folder / "runs" / "r1"


def check(
    id: str,
    *,
    on: str = "dashboard",
    told: Callable[[], list[ev.Stamped]] = midst,
    place: Callable[[Path], Path] = run_alone,
) -> Callable[[Run], Run]:
    """A check of the action `id` on the screen `on`, in a run that has told these events.

    `place` makes what the screen reads in an empty folder, and names the run's folder in it.
    """

    def register(run: Run) -> Run:
        CHECKS.append(Check(id, on, run, told, place))
        return run

    return register
