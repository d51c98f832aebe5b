"""The control desk: sends commands to the engine off the screen's loop and says what came of them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from textual.screen import Screen

from cimis_engine.errors import CimisError

Command = dict[str, Any]
Send = Callable[[Command], dict[str, Any]]
UNDO_SECONDS = 10.0


class ControlDesk:
    """`send` blocks until the engine has answered; it raises a `CimisError` when it cannot be reached or refuses.

    `now` is a monotonic clock: what was done can be undone for `UNDO_SECONDS`.
    """

    def __init__(self, send: Send, now: Callable[[], float]) -> None:
        self._send, self._now = send, now
        self._undo: tuple[float, Command, str] | None = None
        self._waiting: deque[Callable[[], None]] = deque()
        self._one_at_a_time = threading.Lock()

    def send(
        self,
        screen: Screen[Any],
        command: Command,
        said: str,
        *,
        undo: tuple[Command, str] | None = None,
        key: str = "",
    ) -> None:
        """Send in a thread, in the order of the calls; then show `said`, or why not.

        `undo`: the command that takes it back, and what is said of that; `key` is the one that does.
        """

        def deliver() -> None:
            try:
                self._send(command)
            except CimisError as error:
                text = f"{error}; {error.hint}" if error.hint else str(error)
                screen.app.call_from_thread(
                    screen.app.notify, text, title=f"{command['cmd']}: refused", severity="error", markup=False
                )
                return
            self._undo = (self._now() + UNDO_SECONDS, *undo) if undo is not None else None
            text = f"{said}\n{key} undoes it, within {UNDO_SECONDS:.0f} s" if undo is not None else said
            timeout = UNDO_SECONDS if undo is not None else 3
            screen.app.call_from_thread(screen.app.notify, text, timeout=timeout, markup=False)

        def deliver_next() -> None:
            with self._one_at_a_time:
                self._waiting.popleft()()

        self._waiting.append(deliver)
        screen.run_worker(
            deliver_next, thread=True, group="control", exit_on_error=False, description=f"command {command['cmd']}"
        )

    def undo(self, screen: Screen[Any]) -> str | None:
        """Take back what was done last; why it cannot be done, or None."""
        if self._undo is None:
            return "there is nothing to undo"
        (until, command, said), self._undo = self._undo, None
        if self._now() > until:
            return f"too late to undo it: that was more than {UNDO_SECONDS:.0f} s ago"
        self.send(screen, command, said)
        return None
