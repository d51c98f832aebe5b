"""Replaying: what the keys and the bar of a recorded run do, on every screen of the console."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.screen import Screen

from cimis_tui.actions import actions_of
from cimis_tui.feed.pump import Pump
from cimis_tui.feed.replay import Replay
from cimis_tui.reasons import STEERING, Situation, why_not
from cimis_tui.screens.moment import MomentDialogue
from cimis_tui.widgets.replay_bar import ReplayBar

if TYPE_CHECKING:
    from cimis_tui.app import CimisApp


class Replaying(Screen[None]):
    app: CimisApp
    pump: Pump
    bar: ReplayBar | None = None
    VIEW: ClassVar[str]

    @property
    def replay(self) -> Replay | None:
        """What plays the run shown; None where it is no recording."""
        return self.pump.follower if isinstance(self.pump.follower, Replay) else None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What steers a recording has the first word on its keys; elsewhere they have their other meaning, if any."""
        return self.replay is not None or action not in self._giving_way()

    def _giving_way(self) -> set[str]:
        """Those that share a key with something else on this screen."""
        here = actions_of(self.VIEW, self.app.actions)
        others = {key for action in here if not action.replay for key in action.keys}
        return {a.name.partition("(")[0] for a in here if a.replay and not others.isdisjoint(a.keys)}

    def show_replay(self) -> None:
        """Bring the bar up to date."""
        if self.replay is not None and self.bar is not None:
            self.bar.apply(self.replay.position())

    def _replay(self, action: str) -> Replay | None:
        assert action in STEERING
        if self.replay is None:
            reason = why_not(action, Situation(self.pump.mode, "", ""))
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
