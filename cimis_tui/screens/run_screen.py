"""RunScreen: a console screen whose keys steer the run. Each says what it asked for, or why it cannot be done now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cimis_engine.run.state import RunState
from cimis_tui.actions import actions_of
from cimis_tui.reasons import Situation, why_not
from cimis_tui.screens.console import ConsoleScreen
from cimis_tui.screens.dialogue import cancel_dialogue
from cimis_tui.view.present import status_of
from cimis_tui.view.steer import OPPOSITE, Order, loss_of, loss_words, order
from cimis_tui.widgets.key_footer import KeyFooter

_ASKED_SECONDS = 3.0
"""How long a ceiling that was asked for counts as the ceiling, while the journal does not tell it yet."""


class RunScreen(ConsoleScreen):
    _asked = (0, float("-inf"))  # the ceiling last asked for, and when

    def marked(self) -> Sequence[int]:
        """The stations that are marked, where a screen has marks."""
        return ()

    def chosen(self) -> Sequence[int]:
        """The stations that keys act on: those marked, or the one under the cursor."""
        subject = self.subject()
        return self.marked() or ([] if subject is None else [subject])

    def show_keys(self) -> None:
        self.query_one(KeyFooter).apply(self.situation(), frozen=self.app.frozen)

    def on_line_table_cursor_moved(self) -> None:
        self.show_keys()

    def on_log_pane_moved(self) -> None:
        self.show_keys()

    def on_heat_map_moved(self) -> None:
        self.show_keys()

    def situation(self) -> Situation:
        """What decides which commands make sense now, for the stations the keys act on."""
        feed, statuses, marked = self.pump.follower.feed(), tuple(self._statuses().values()), bool(self.marked())

        def look(state: RunState, _: float) -> Situation:
            return Situation(
                mode=self.pump.mode,
                phase=state.status,
                feed=feed.word,
                stations=statuses,
                failed=sum(len(state.by_status.get(status, ())) for status in ("failed", "cancelled")),
                concurrency=self._ceiling(state.concurrency),
                alerts=sum(not alert.acknowledged for alert in state.active_alerts.values()),
                marked=marked,
            )

        return self.pump.look(look)

    def _statuses(self) -> dict[int, str]:
        chosen = self.chosen()

        def look(state: RunState, _: float) -> dict[int, str]:
            return {number: status_of(state.stations[number]) for number in chosen if number in state.stations}

        return self.pump.look(look)

    def _order_for(self, action: str) -> Order:
        statuses = self._statuses()
        names = self.pump.look(lambda state, _: {number: state.stations[number].ref.name for number in statuses})
        return order(action, statuses, names)

    def allowed(self, action: str) -> bool:
        """Whether an action can be done now; says why where not."""
        reason = why_not(action, self.situation())
        if reason:
            self.notify(reason, severity="warning", timeout=4)
        return reason is None

    def command(self, command: dict[str, Any], said: str, undo: tuple[dict[str, Any], str] | None = None) -> None:
        """Send a command; `undo`, the one that takes it back, is offered where the screen has the key for it."""
        has_key = any(action.name == "undo" for action in actions_of(self.VIEW))
        self._desk.send(self, command, said, undo=undo if has_key else None, key=self.app.key_of("undo"))

    # stations

    def action_pause(self) -> None:
        if not self.allowed("pause"):
            return
        what = self._order_for("pause")
        back = OPPOSITE[what.cmd]
        undo = {"cmd": back, "stations": list(what.stations)}, f"{what.whom}: {back} asked for"
        self.command({"cmd": what.cmd, "stations": list(what.stations)}, what.said(), undo)

    def action_retry(self) -> None:
        if self.allowed("retry"):
            what = self._order_for("retry")
            self.command({"cmd": "retry", "stations": list(what.stations)}, what.said())

    def action_cancel(self) -> None:
        if not self.allowed("cancel"):
            return
        what = self._order_for("cancel")

        def answered(answer: str | None) -> None:
            if answer == "yes":
                self.command({"cmd": "cancel", "stations": list(what.stations)}, what.said())

        loss = self.pump.look(lambda state, _: loss_of(state, what.stations))
        self.app.push_screen(cancel_dialogue(what.whom, *loss_words(loss), self.app.key_of("retry")), answered)

    # the run

    def action_pause_run(self) -> None:
        if self.allowed("pause_run"):
            cmd = "resume" if self.situation().phase == "paused" else "pause"
            undo = {"cmd": OPPOSITE[cmd]}, f"whole run: {OPPOSITE[cmd]} asked for"
            self.command({"cmd": cmd}, f"whole run: {cmd} asked for", undo)

    def action_retry_all(self) -> None:
        if self.allowed("retry_all"):
            self.command({"cmd": "retry"}, "all failed stations: queued again")

    def action_concurrency(self, step: int) -> None:
        if not self.allowed(f"concurrency({step})"):
            return
        old = self.situation().concurrency
        new = old + step
        self._asked = new, self.app.clock.monotonic()
        undo = {"cmd": "concurrency", "limit": old}, f"limit of requests in flight: {old} again"
        self.command({"cmd": "concurrency", "limit": new}, f"limit of requests in flight: {old} → {new}", undo)

    def _ceiling(self, told: int) -> int:
        """The ceiling as the journal tells it, or as it was just asked for: keys come faster than answers."""
        asked, when = self._asked
        return asked if self.app.clock.monotonic() - when < _ASKED_SECONDS else told

    def action_undo(self) -> None:
        if self.allowed("undo"):
            self._asked = (0, float("-inf"))
            reason = self._desk.undo(self)
            if reason:
                self.notify(reason, severity="warning", timeout=4)

    # alerts

    def action_acknowledge_all(self) -> None:
        if self.allowed("acknowledge_all"):
            number = self.situation().alerts
            self.command({"cmd": "ack"}, f"{number} alert{'s' if number != 1 else ''} acknowledged")
