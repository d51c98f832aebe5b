"""CimisApp: the dashboard on one run's folder, live, attached or recorded, over one path."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, ClassVar

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen

from cimis_engine.clock import Clock, SystemClock
from cimis_tui.actions import ACTIONS
from cimis_tui.feed.follow import Follower, engine_alive
from cimis_tui.feed.meter import SelfMeter
from cimis_tui.feed.pump import Pump
from cimis_tui.screens.control import ControlDesk, Send
from cimis_tui.screens.dashboard import DashboardScreen
from cimis_tui.themes import DARK, FALLBACK, THEMES, next_theme
from cimis_tui.view.frame import SelfCost

_TWICE_SECONDS = 2.0
_DETACHING = {signal.SIGTERM: 143, signal.SIGHUP: 129}


class CimisApp(App[None]):
    """`mode` is live, attached or replay; `send` is the engine's control door (blocking, called off the loop).

    The exit code is `return_code`: 0 after leaving or detaching, 143 or 129 after SIGTERM or SIGHUP, which detach too.
    """

    TITLE = "cimis"
    CSS_PATH = "screens/dashboard.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+c", "interrupt", show=False, priority=True)]

    def __init__(
        self,
        run_dir: Path,
        *,
        mode: str,
        engine_pid: int | None,
        send: Send,
        clock: Clock | None = None,
        meter: Callable[[float], SelfCost] | None = None,
        theme: str = DARK.name,
    ) -> None:
        super().__init__()
        self.clock: Clock = clock or SystemClock()
        for known in THEMES:
            self.register_theme(known)
        self.theme = theme
        self.follower = Follower(run_dir, clock=self.clock, alive=lambda: engine_alive(run_dir, engine_pid))
        pump = Pump(self.follower, mode=mode, pid=engine_pid, clock=self.clock, meter=meter or SelfMeter())
        self.dashboard = DashboardScreen(pump, ControlDesk(send), run_dir)
        self._interrupted = float("-inf")

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return FALLBACK

    async def on_mount(self) -> None:
        await self.push_screen(self.dashboard)
        self.follower.start()
        loop = asyncio.get_running_loop()
        for number, code in _DETACHING.items():
            # Outside the main thread (tests) the loop takes no signals.
            with contextlib.suppress(ValueError, RuntimeError, NotImplementedError):
                loop.add_signal_handler(number, self._detach_with, code)

    def on_unmount(self) -> None:
        self.follower.stop()

    def _detach_with(self, code: int) -> None:
        self.exit(return_code=code)

    def step_theme(self) -> None:
        """The next theme in the order of the table of themes."""
        self.theme = next_theme(self.theme)
        self.notify(self.theme, title="Theme", timeout=2)

    async def action_quit(self) -> None:
        self.dashboard.action_quit()

    def action_interrupt(self) -> None:
        """ctrl+c asks how to leave; a second one within two seconds stops the run."""
        now = self.clock.monotonic()
        twice, self._interrupted = now - self._interrupted < _TWICE_SECONDS, now
        if twice and not self.dashboard.pump.ended() and self.dashboard.pump.mode != "replay":
            self.dashboard.stop_now()
        else:
            self.dashboard.action_quit()

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        for action in ACTIONS:
            if action.palette:
                title = action.help[0].upper() + action.help[1:]
                yield SystemCommand(title, f"key {action.shown}", self._runner(action.name))

    def _runner(self, action: str) -> Callable[[], Any]:
        return lambda: self.dashboard.run_action(action)
