"""ConsoleScreen: what every screen of the console has: header, alerts, footer, frames, and the ways to elsewhere.

A screen draws its own part in `draw`, from what `pump.look` makes of the fold. The app's one timer calls `tick` of the
screen in front only: one that is covered costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Container
from textual.geometry import Size
from textual.widget import Widget
from textual.widgets import Static

from cimis_tui.actions import actions_of
from cimis_tui.feed.pump import Pump
from cimis_tui.screens.control import ControlDesk
from cimis_tui.screens.export import export_table
from cimis_tui.screens.help import HelpScreen
from cimis_tui.screens.replaying import Replaying
from cimis_tui.view.frame import Vitals
from cimis_tui.widgets.banner import AlertBar
from cimis_tui.widgets.header_bar import HeaderBar
from cimis_tui.widgets.kept import Kept
from cimis_tui.widgets.key_footer import KeyFooter
from cimis_tui.widgets.paint import Painter
from cimis_tui.widgets.panel import CellPanel
from cimis_tui.widgets.replay_bar import ReplayBar

if TYPE_CHECKING:
    from cimis_tui.app import CimisApp

_FROZEN_EVERY = 4
"""Beats of the app's timer between two looks at the clock of a frozen screen."""


class ConsoleScreen(Kept, Replaying):
    """Subclasses set `VIEW` (their name in the table of actions) and `BINDINGS = [*bindings(VIEW)]`."""

    VIEW: ClassVar[str]
    HORIZONTAL_BREAKPOINTS = [(0, "-w0"), (60, "-w60"), (80, "-w80"), (100, "-w100")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-h0"), (15, "-h15"), (20, "-h20"), (30, "-h30"), (36, "-h36"), (50, "-h50")]  # noqa: RUF012
    app: CimisApp

    def __init__(self, pump: Pump, desk: ControlDesk, run_dir: Path) -> None:
        super().__init__()
        self.pump, self.run_dir = pump, run_dir
        self.data_dir = run_dir.parent.parent
        """Of the run: it lies in `runs/<run-id>` of a data directory."""
        self._desk = desk
        self._held_beats = 0
        self._painter: Painter | None = None

    def compose(self) -> ComposeResult:
        with Container(id="main"):
            yield HeaderBar(self.crumb())
            yield from self.body()
            yield AlertBar(actions_of(self.VIEW, self.app.actions))
            if self.replay is not None:
                self.bar = ReplayBar(actions_of(self.VIEW, self.app.actions))
                yield self.bar
        away = self.run_dir != self.app.home.run_dir
        yield KeyFooter(self.VIEW, self.app.actions, replay=self.replay is not None, away=away)
        yield Static("needs 60x15", id="too-small")

    def suit(self, size: Size) -> None:
        """Have the classes of a terminal of this size before it is mounted: later, all of it is styled and laid out
        once more."""
        for extent, points in ((size.width, self.HORIZONTAL_BREAKPOINTS), (size.height, self.VERTICAL_BREAKPOINTS)):
            self.add_class(*self._get_breakpoint_classes(extent, points or []))

    # what a screen is made of

    def body(self) -> ComposeResult:
        """The widgets between header and footer."""
        raise NotImplementedError

    def draw(self, *, anew: bool) -> None:
        """Bring the body up to date; called a few times a second while events come, once a second otherwise.

        `anew`: the screen has just come to the front, or was frozen: show everything as it is now.
        """

    def crumb(self) -> str:
        """Where one is, for the header; empty on the dashboard."""
        return self.VIEW

    def subject(self) -> int | None:
        """The number of the station that keys act on."""
        return self.pump.selected

    def table_rows(self) -> Sequence[Mapping[str, Any]] | None:
        """What `e` writes: one record a row, by column name; None where there is nothing to write."""
        return None

    # frames

    def on_screen_resume(self) -> None:
        self.tick(anew=True)

    def tick(self, *, anew: bool = False) -> None:
        """One frame. While frozen only the header's clock and the replay's bar go on."""
        if not self.is_mounted:
            return  # the app's timer came before the widgets; the resumption that follows draws it
        self.show_replay()
        if self.app.frozen and not anew:
            self._held_beats += 1
            if self._held_beats % _FROZEN_EVERY == 0:
                self.query_one(HeaderBar).apply(self.pump.vitals(self.app.fps, self.pump.pending()))
            return
        self.frame(anew=anew)

    def frame(self, *, anew: bool) -> None:
        """Take what changed and show it."""
        chrome = self.pump.chrome(self.app.fps, self.VIEW, anew=anew)
        if chrome is None:
            return
        if chrome.vitals is not None:
            self.show_vitals(chrome.vitals)
        if chrome.alerts is not None:
            self.query_one(AlertBar).apply(chrome.alerts)
        self.draw(anew=anew or chrome.leapt)

    def show_vitals(self, vitals: Vitals) -> None:
        """What they say above the body and below it."""
        self.query_one(HeaderBar).apply(vitals)
        self.show_keys()

    def show_keys(self) -> None:
        """Have the footer offer what can be done now."""
        raise NotImplementedError

    def paint(self) -> None:
        """Show what the last tick changed without waiting for Textual to come round to it."""
        if not self.is_mounted:
            return
        if self._painter is None:
            self._painter = Painter(self, self.query_one("#main").walk_children(Widget))
        self._painter.paint()

    # elsewhere

    def action_view(self, name: str) -> None:
        self.app.go_to(name)

    def action_back(self) -> None:
        self.app.go_back()

    def action_help(self) -> None:
        self.app.push_screen(HelpScreen(self.VIEW, self.app.actions, replay=self.replay is not None))

    def action_palette(self) -> None:
        self.app.action_command_palette()

    async def action_quit(self) -> None:
        await self.app.action_quit()

    @on(CellPanel.Pressed)
    async def _pressed(self, message: CellPanel.Pressed) -> None:
        await self.run_action(message.action)

    # looks and files

    def action_freeze(self) -> None:
        self.app.frozen = not self.app.frozen
        held = self.pump.pending() if self.app.frozen else None
        if not self.app.frozen:
            self.tick(anew=True)
        self.query_one(HeaderBar).apply(self.pump.vitals(self.app.fps, held))
        self.show_keys()

    def action_theme(self) -> None:
        self.app.step_theme()

    def _stamp(self) -> str:
        return f"{datetime.fromtimestamp(self.app.clock.time(), UTC):%Y%m%dT%H%M%SZ}"

    def action_export(self) -> None:
        rows = self.table_rows()
        if not rows:
            self.notify("there is no row to write here", severity="warning", timeout=4)
            return
        name = f"{self.VIEW}-{self._stamp()}"

        def write() -> None:
            try:
                table, document = export_table(rows, self.run_dir, name)
            except OSError as error:
                self.app.call_from_thread(self.notify, str(error), title="Not exported", severity="error", markup=False)
                return
            self.app.call_from_thread(self.notify, f"{table.name} and {document.name} in {table.parent}", markup=False)

        self.run_worker(write, thread=True, group="files", exit_on_error=False, description="export the table")

    def action_picture(self) -> None:
        try:
            path = self.app.save_screenshot(f"{self.VIEW}-{self._stamp()}.svg", str(self.run_dir))
        except OSError as error:
            self.notify(str(error), title="No picture", severity="error", markup=False)
            return
        self.notify(path, title="Picture saved", markup=False)
