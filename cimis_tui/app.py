"""CimisApp: the dashboard on one run's folder, live, attached or recorded, over one path."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from pathlib import Path, PurePath
from types import ModuleType
from typing import Any, ClassVar

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.events import Event, InputEvent
from textual.filter import LineFilter
from textual.notifications import Notify
from textual.screen import Screen
from textual.timer import Timer

from cimis_engine.clock import Clock, SystemClock
from cimis_engine.run.control import ControlClient
from cimis_engine.run.process import running_engine
from cimis_tui.actions import VIEW, VIEWS, View, actions_of, footer_key, spelled
from cimis_tui.feed.follow import Follower, engine_alive
from cimis_tui.feed.meter import SelfMeter
from cimis_tui.feed.pump import Pump
from cimis_tui.feed.replay import AT_THE_END, Opening, Replay
from cimis_tui.feed.source import Source
from cimis_tui.keymap import textual_keymap
from cimis_tui.looks import Looks
from cimis_tui.screens.console import ConsoleScreen
from cimis_tui.screens.control import ControlDesk, Send
from cimis_tui.screens.dialogue import quit_dialogue
from cimis_tui.themes import ANSI_LIGHT, FALLBACK, THEMES, next_theme
from cimis_tui.view.alert_words import critical_since
from cimis_tui.view.frame import SelfCost
from cimis_tui.widgets.ascii import AsciiOnly

_SLOW_FRAME = 0.020
"""A frame that takes longer (seconds) halves the rate until frames are quick again."""
_QUIET_FPS = 3
"""Frames a second while no event comes: only the clocks move."""
_AFTER_KEY = 1.5
"""Seconds after a key during which the beat does not rest."""
_TWICE_SECONDS = 2.0
_STOP_PATIENCE = 10.0
PLAYED = Opening(speed=8.0)
"""How a run chosen from the list begins."""
_WARM_AFTER = 1.0
"""Seconds after which what the other screens need is loaded: numpy alone takes as long as a screen may take to open."""
_DETACHING = {signal.SIGTERM: 143, signal.SIGHUP: 129, signal.SIGINT: 130}


def _warm(loaded: Callable[[], None]) -> None:
    """Load every screen's module, beside the frames; its thread is left behind if the console is closed meanwhile."""

    def load() -> None:
        for view in VIEWS:
            _module(view)
        loaded()

    threading.Thread(target=load, name="warm-up", daemon=True).start()


def _module(view: View) -> ModuleType:
    return import_module(f"cimis_tui.screens.{view.place.partition(':')[0]}")


@dataclass(eq=False, slots=True)
class OpenRun:
    """A run that is open: what it is read from, and its screens, which keep their place while others are shown."""

    run_dir: Path
    source: Source
    pump: Pump
    desk: ControlDesk
    screens: dict[str, ConsoleScreen] = field(default_factory=dict)


class CimisApp(App[None]):
    """`mode` is live, attached or replay; `send` is the engine's control door (blocking, called off the loop).

    The exit code is `return_code`: 0 after leaving or detaching, 128 and its number after SIGTERM,
    SIGHUP or SIGINT, which detach too (ctrl+c is a key here).
    """

    TITLE = "cimis"
    CSS_PATH: ClassVar[list[str | PurePath]] = [*sorted((Path(__file__).parent / "screens").glob("*.tcss"))]
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
        looks: Looks | None = None,
        opening: Opening = AT_THE_END,
        loaded: Callable[[], None] = lambda: None,
    ) -> None:
        """`opening` says how a replay begins; `loaded` is called, in a thread, when all code has been loaded."""
        super().__init__()
        self.clock: Clock = clock or SystemClock()
        for known in (*THEMES, ANSI_LIGHT):
            self.register_theme(known)
        self.looks = looks or Looks()
        self.theme = self.looks.theme
        self._ascii = AsciiOnly(enabled=self.looks.ascii)
        self.actions = spelled(self.looks.actions) if self.looks.ascii else self.looks.actions
        self.set_keymap(textual_keymap(self.actions))
        self._meter = meter or SelfMeter()
        self._loaded = loaded
        self.home = self.shown = self._open(run_dir, mode=mode, pid=engine_pid, send=send, opening=opening)
        """The run the console was opened on, and the one on screen."""
        self._rung = self.clock.time()
        self._beats: tuple[Timer, Timer] | None = None  # the quick one, and the calm one of while nothing happens
        self._hurried = True
        self.frozen = False
        self._beat, self._stride = 0, 1
        self._interrupted = self._keyed = float("-inf")
        self._leave_at: float | None = None  # monotonic time at which waiting for the end of the run is given up

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return FALLBACK

    def get_line_filters(self) -> Sequence[LineFilter]:
        return [*super().get_line_filters(), self._ascii] if self._ascii.enabled else super().get_line_filters()

    async def on_mount(self) -> None:
        self.home.source.start()  # it reads while the screen is made, and the first frame has something to show
        await self.push_screen(self.view("dashboard"))
        quick = self.set_interval(1 / self.looks.fps, self._on_beat)
        if self.looks.fps > _QUIET_FPS:
            self._beats = quick, self.set_interval(1 / _QUIET_FPS, self._on_beat, pause=True)
        self.set_timer(_WARM_AFTER, partial(_warm, self._loaded))
        loop = asyncio.get_running_loop()
        for number, code in _DETACHING.items():
            # Outside the main thread (tests) the loop takes no signals.
            with contextlib.suppress(ValueError, RuntimeError, NotImplementedError):
                loop.add_signal_handler(number, self._detach_with, code)

    def on_unmount(self) -> None:
        self.home.source.stop()
        self.shown.source.stop()

    def _detach_with(self, code: int) -> None:
        self.exit(return_code=code)

    def step_theme(self) -> None:
        """The next theme in the order of the table of themes."""
        self.theme = next_theme(self.theme)
        self.notify(self.theme, title="Theme", timeout=2)

    # runs

    def _open(self, run_dir: Path, *, mode: str, pid: int | None, send: Send, opening: Opening) -> OpenRun:
        source: Source
        if mode == "replay":
            source = Replay(run_dir, clock=self.clock, opening=opening)
        else:
            source = Follower(run_dir, mode=mode, clock=self.clock, alive=lambda: engine_alive(run_dir, pid))
        pump = Pump(source, pid=pid, clock=self.clock, meter=self._meter)
        return OpenRun(run_dir, source, pump, ControlDesk(send, self.clock.monotonic))

    @property
    def run_dir(self) -> Path:
        return self.shown.run_dir

    @property
    def follower(self) -> Source:
        return self.shown.source

    @property
    def pump(self) -> Pump:
        return self.shown.pump

    def open_run(self, run_dir: Path) -> None:
        """Show another run of the data directory: attached while its engine lives, else played from its start."""
        if run_dir == self.home.run_dir:
            self._show(self.home)
            return
        pid = running_engine(run_dir)
        mode = "replay" if pid is None else "attached"
        run = self._open(run_dir, mode=mode, pid=pid, send=ControlClient(run_dir).send, opening=PLAYED)
        run.source.start()
        self._show(run)

    def go_home(self) -> bool:
        """Back to the run the console was opened on; False when that is on screen already."""
        if self.shown is self.home:
            return False
        self._show(self.home)
        return True

    def _show(self, run: OpenRun) -> None:
        """Put a run's screens in place of those on screen. A run that is not the home one is closed on leaving it."""
        old, self.shown, self.frozen = self.shown, run, False
        while len(self.screen_stack) > 1:
            self.pop_screen()
        if old not in (self.home, run):
            old.source.stop()
            for screen in old.screens.values():
                self.uninstall_screen(screen)
                screen.remove()
        self.push_screen(self.view("dashboard"))

    # screens

    def view(self, name: str) -> ConsoleScreen:
        """The screen of that name, made when it is first asked for; it keeps its place when one leaves it."""
        run = self.shown
        screen = run.screens.get(name)
        if screen is None:
            made = getattr(_module(VIEW[name]), VIEW[name].place.partition(":")[2])
            screen = run.screens[name] = made(run.pump, run.desk, run.run_dir)
            screen.suit(self.size)
            self.install_screen(screen, f"{run.run_dir.name}/{name}")
        return screen

    def go_to(self, name: str) -> None:
        """Show a screen: on top of the dashboard, in place of another."""
        front = self.screen
        if not isinstance(front, ConsoleScreen) or name == front.VIEW:
            return
        if name == "dashboard":
            self.pop_screen()
        elif front.VIEW == "dashboard":
            self.push_screen(self.view(name))
        else:
            self.switch_screen(self.view(name))

    def go_back(self) -> None:
        self.go_to("dashboard")

    # crashing

    @property
    def crash(self) -> Exception | None:
        """The exception that nobody caught and that ended the app; None if there was none."""
        return self._exception

    def _print_error_renderables(self) -> None:
        """Textual would print a traceback with all local variables here; who runs the app says it in a line."""
        self._exit_renderables.clear()

    # frames

    @property
    def fps(self) -> float:
        beats = self.looks.fps if self._hurried else _QUIET_FPS
        return beats / (self._stride * (1 if self.app_focus else 2))

    def _on_beat(self) -> None:
        if not self.is_running or not self.screen_stack:
            return  # the timer strikes on while the screens are taken down
        self._beat += 1
        if self._beat % (self._stride * (1 if self.app_focus else 2)) == 0:
            self.home.source.catch_up()
            if self.shown is not self.home:
                self.shown.source.catch_up()
            self.beat()

    def _hurry(self, hurried: bool) -> None:
        """One of the two beats rests: waking up is most of what an idle console costs."""
        if self._beats is not None and hurried != self._hurried:
            self._hurried = hurried
            quick, calm = self._beats
            (quick if hurried else calm).resume()
            (calm if hurried else quick).pause()

    async def on_event(self, event: Event) -> None:
        if isinstance(event, InputEvent):
            self._keyed = self.clock.monotonic()
            self._hurry(True)  # what a key brings about is seen at once
        await super().on_event(event)

    def beat(self) -> None:
        """One frame of the screen in front; nothing to do while a question covers it."""
        began = self.clock.monotonic()
        if self._leave_at is not None and (self.home.pump.ended() or began >= self._leave_at):
            self.exit(return_code=0)
            return
        self._hurry(began - self._keyed < _AFTER_KEY or not self.shown.source.quiet())
        self._ring()
        if isinstance(self.screen, ConsoleScreen):
            self.screen.tick()
            self.screen.paint()
            self._stride = 2 if self.clock.monotonic() - began > _SLOW_FRAME else 1

    def _ring(self) -> None:
        """Tell of alerts that have become critical since the console opened, once each; whatever is shown meanwhile."""
        pump = self.home.pump
        if pump.mode == "replay":
            return
        alerts, self._rung = pump.look(lambda state, now: (critical_since(state, now, self._rung), state.now))
        if alerts:
            self.notify("\n".join(alerts), title="✗ CRITICAL", severity="error", timeout=15, markup=False)
            if self.looks.bell:
                self.bell()

    def on_notify(self, event: Notify) -> None:
        """What came of a key takes the place of what came of the one before, and nothing is said twice: keys that are
        pressed in a row must not cover the screen."""
        new = event.notification
        for old in list(self._notifications):
            good = old.severity == new.severity == "information" and old.title == new.title
            if good or old.message == new.message:
                del self._notifications[old]

    def key_of(self, name: str) -> str:
        """The key of an action, as a person reads it."""
        return next(footer_key(action) for action in self.actions if action.name == name)

    # leaving

    async def action_quit(self) -> None:
        """Ask how to leave; leave at once when there is nothing to ask. It is the home run that asks."""
        pump = self.home.pump
        if pump.mode == "replay" or pump.ended() or pump.follower.feed().word == "LOST":
            self.exit(return_code=0)
        elif isinstance(self.screen, ConsoleScreen):
            vitals = pump.vitals(self.fps)
            queued = vitals.by_status.get("queued", 0)
            self.push_screen(
                quit_dialogue(in_flight=vitals.in_flight, queued=queued, pid=pump.pid, run_id=vitals.run_id),
                self._quit_answered,
            )

    def _quit_answered(self, answer: str | None) -> None:
        if answer == "detach":
            self.exit(return_code=0)
        elif answer == "drain":
            said = "draining: no new pages; the numbers stay here when the run has ended"
            self.home.desk.send(self.screen, {"cmd": "drain"}, said)
        elif answer == "stop":
            self._stop_now()

    def _stop_now(self) -> None:
        """Stop the run and leave as soon as its ending is in the journal, or after a while without it."""
        self._leave_at = self.clock.monotonic() + _STOP_PATIENCE
        self.home.desk.send(self.screen, {"cmd": "stop"}, "stopping…")

    async def action_interrupt(self) -> None:
        """ctrl+c asks how to leave; a second one within two seconds stops the run."""
        now = self.clock.monotonic()
        twice, self._interrupted = now - self._interrupted < _TWICE_SECONDS, now
        if twice and not self.home.pump.ended() and self.home.pump.mode != "replay":
            self._stop_now()
        else:
            await self.action_quit()

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        if not isinstance(screen, ConsoleScreen):
            return
        for action in actions_of(screen.VIEW, self.actions):
            if action.palette:
                title = action.help[0].upper() + action.help[1:]
                yield SystemCommand(title, f"key {action.shown}", partial(screen.run_action, action.name))
