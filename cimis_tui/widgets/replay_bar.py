"""The replay bar: one line on every screen of a recorded run. A click or a drag on its track goes to that moment."""

from __future__ import annotations

from collections.abc import Sequence

from textual.events import MouseDown, MouseMove, MouseUp
from textual.message import Message

from cimis_tui.actions import Action, footer_key
from cimis_tui.view.cells import Line
from cimis_tui.view.replay import Playing, moment_at, present_replay
from cimis_tui.widgets.panel import CellPanel

_WORDS = (("play", "play"), ("step", "step"), ("speed", "speed"), ("goto", "go to"))


class ReplayBar(CellPanel):
    DEFAULT_CSS = "ReplayBar { height: 1; }"

    class Sought(Message):
        """A moment (Unix seconds) was pointed at."""

        def __init__(self, t: float) -> None:
            super().__init__()
            self.t = t

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, ReplayBar.Sought)

    def __init__(self, actions: Sequence[Action]) -> None:
        """`actions`: those of the screen, with the keys they have."""
        super().__init__()
        self._keys = tuple(_key(word, own) for name, word in _WORDS if (own := _named(name, actions)))
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


def _named(name: str, actions: Sequence[Action]) -> list[Action]:
    return [action for action in actions if action.replay and action.name.partition("(")[0] == name]


def _key(word: str, actions: Sequence[Action]) -> tuple[str, str, str]:
    """The keys of one or two actions, the word for them, and what a click does: the first of them."""
    return " ".join(footer_key(action) for action in reversed(actions)), word, actions[0].name
