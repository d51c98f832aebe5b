"""The replay bar: one line on every screen of a recorded run. A click or a drag on its track goes to that moment."""

from __future__ import annotations

from textual.events import Click, MouseDown, MouseMove, MouseUp
from textual.message import Message

from cimis_tui.actions import actions_of
from cimis_tui.view.cells import Line
from cimis_tui.view.replay import Playing, moment_at, present_replay
from cimis_tui.widgets.panel import CellPanel

_KEYS = (("space", "play", "play"), ("[ ]", "step", "step(1)"), ("{ }", "speed", "speed(1)"), ("g", "go to", "goto"))


class ReplayBar(CellPanel):
    DEFAULT_CSS = "ReplayBar { height: 1; }"

    class Sought(Message):
        """A moment (Unix seconds) was pointed at."""

        def __init__(self, t: float) -> None:
            super().__init__()
            self.t = t

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, ReplayBar.Sought)

    def __init__(self, view: str) -> None:
        super().__init__()
        known = {action.name for action in actions_of(view)}
        self._keys = tuple(key for key in _KEYS if key[2] in known)
        self._playing: Playing | None = None
        self._dragged = False

    def apply(self, playing: Playing) -> None:
        self._playing = playing
        self.repaint()

    def lines(self, width: int, height: int) -> tuple[Line, ...]:
        return (present_replay(self._playing, width, self._keys).cells,) if self._playing else ()

    def _point(self, x: int, *, anywhere: bool) -> bool:
        if self._playing is None:
            return False
        line = present_replay(self._playing, self.size.width, self._keys)
        if not (anywhere or line.left <= x < line.left + line.width):
            return False
        self.post_message(self.Sought(moment_at(line, x, self._playing)))
        return True

    def on_mouse_down(self, event: MouseDown) -> None:
        if self._point(event.x, anywhere=False):
            self._dragged = True
            self.capture_mouse()

    def on_mouse_move(self, event: MouseMove) -> None:
        if self._dragged:
            self._point(event.x, anywhere=True)

    def on_mouse_up(self, event: MouseUp) -> None:
        if self._dragged:
            self._dragged = False
            self.release_mouse()

    def on_click(self, event: Click) -> None:
        super().on_click(event)
