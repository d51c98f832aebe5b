"""RunScreen: a console screen whose keys steer the run. Each says what it asked for, or why it cannot be done now."""

from __future__ import annotations

from cimis_engine.run.state import RunState
from cimis_tui.actions import Situation, why_not
from cimis_tui.screens.console import ConsoleScreen
from cimis_tui.screens.dialogue import cancel_dialogue
from cimis_tui.view.present import status_of


class RunScreen(ConsoleScreen):
    def situation(self) -> Situation:
        """What decides which commands make sense now, for the station the keys act on."""
        subject, feed = self.subject(), self.pump.follower.feed()

        def look(state: RunState, _: float) -> Situation:
            station = state.stations.get(subject) if subject is not None else None
            failed = sum(s.status in ("failed", "cancelled") for s in state.stations.values())
            status = status_of(station) if station is not None else None
            return Situation(self.pump.mode, state.status, feed.word, status, failed)

        return self.pump.look(look)

    def _allowed(self, action: str) -> bool:
        reason = why_not(action, self.situation())
        if reason:
            self.notify(reason, severity="warning", timeout=4)
        return reason is None

    def _command(self, cmd: str, said: str, station: int | None = None) -> None:
        self._desk.send(self, {"cmd": cmd, "station": station}, said)

    def action_pause(self) -> None:
        if self._allowed("pause"):
            number = self.subject()
            cmd = "resume" if self.situation().station == "paused" else "pause"
            self._command(cmd, f"station {number}: {cmd} asked for", number)

    def action_pause_run(self) -> None:
        if self._allowed("pause_run"):
            cmd = "resume" if self.situation().phase == "paused" else "pause"
            self._command(cmd, f"whole run: {cmd} asked for")

    def action_retry(self) -> None:
        if self._allowed("retry"):
            number = self.subject()
            self._command("retry", f"station {number}: queued again", number)

    def action_retry_all(self) -> None:
        if self._allowed("retry_all"):
            self._command("retry", "all failed stations: queued again")

    def action_cancel(self) -> None:
        number = self.subject()
        if not self._allowed("cancel") or number is None:
            return

        def answered(answer: str | None) -> None:
            if answer == "yes":
                self._command("cancel", f"station {number}: cancelled", number)

        self.app.push_screen(cancel_dialogue(f"station {number}"), answered)
