"""Replaying: what the keys and the bar of a recorded run do, on every screen of the console."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on
from textual.screen import Screen

from cimis_tui.actions import STEERING, Situation, why_not
from cimis_tui.feed.pump import Pump
from cimis_tui.feed.replay import Replay
from cimis_tui.screens.moment import MomentDialogue
from cimis_tui.widgets.replay_bar import ReplayBar

if TYPE_CHECKING:
    from cimis_tui.app import CimisApp


class Replaying(Screen[None]):
    app: CimisApp
    pump: Pump
    bar: ReplayBar | None = None

    @property
    def replay(self) -> Replay | None:
        """What plays the run shown; None where it is no recording."""
        return self.pump.follower if isinstance(self.pump.follower, Replay) else None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """`g` goes to a moment of a recording; elsewhere the key has its other meaning."""
        return action != "goto" or self.replay is not None

    def show_replay(self) -> None:
        """Bring the bar up to date."""
        if self.replay is not None and self.bar is not None:
            self.bar.apply(self.replay.position())

    def _replay(self, action: str) -> Replay | None:
        assert action in STEERING
        if self.replay is None:
            reason = why_not(action, Situation(self.pump.mode, "", "", None, 0))
            self.notify(reason or "", severity="warning", timeout=4)
        return self.replay

    def action_play(self) -> None:
        if replay := self._replay("play"):
            replay.play()
            self.show_replay()

    def action_step(self, direction: int) -> None:
        if replay := self._replay("step"):
            replay.step(direction)

    def action_speed(self, step: int) -> None:
        if replay := self._replay("speed"):
            replay.change_speed(step)
            self.show_replay()

    def action_goto(self) -> None:
        replay = self.replay
        if replay is None:
            return

        def answered(moment: float | None) -> None:
            if moment is not None:
                replay.seek(moment)

        self.app.push_screen(MomentDialogue(replay.position()), answered)

    @on(ReplayBar.Sought)
    def _sought(self, message: ReplayBar.Sought) -> None:
        if self.replay is not None:
            self.replay.seek(message.t)

    def action_home_run(self) -> None:
        if not self.app.go_home():
            self.notify("this is the run the console was opened on", severity="warning", timeout=4)
