"""The control desk: sends commands to the engine off the screen's loop and says what came of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from textual.screen import Screen

from cimis_engine.errors import CimisError

Send = Callable[[dict[str, Any]], dict[str, Any]]


class ControlDesk:
    """`send` blocks until the engine has answered; it raises a `CimisError` when it cannot be reached or refuses."""

    def __init__(self, send: Send) -> None:
        self._send = send

    def send(self, screen: Screen[Any], command: dict[str, Any], said: str) -> None:
        """Send in a thread; then show `said`, or why not."""

        def deliver() -> None:
            try:
                self._send(command)
            except CimisError as error:
                text = f"{error}; {error.hint}" if error.hint else str(error)
                screen.app.call_from_thread(
                    screen.app.notify, text, title=f"{command['cmd']}: refused", severity="error", markup=False
                )
                return
            screen.app.call_from_thread(screen.app.notify, said, timeout=3, markup=False)

        screen.run_worker(
            deliver, thread=True, group="control", exit_on_error=False, description=f"command {command['cmd']}"
        )
