"""The question which moment of a recorded run to go to."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from cimis_engine.errors import UsageError
from cimis_tui.view import units
from cimis_tui.view.replay import HINT, Playing, parse_moment


class MomentDialogue(ModalScreen[float | None]):
    """Answers with Unix seconds, or None for going back."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,ctrl+g", "back", show=False)]
    DEFAULT_CSS = """
    MomentDialogue { align: center middle; background: $background 60%; }
    MomentDialogue Vertical {
        width: 76; max-width: 96%; height: auto; border: round $primary; background: $background;
        border-title-color: $foreground; border-title-style: bold; padding: 1 2;
    }
    MomentDialogue Static { height: auto; }
    MomentDialogue Input { border: none; height: 1; background: $panel; padding: 0 1; margin: 1 0; }
    """

    def __init__(self, playing: Playing) -> None:
        super().__init__()
        self._playing = playing

    def compose(self) -> ComposeResult:
        p = self._playing
        with Vertical() as box:
            box.border_title = "Go to"
            yield Static(f"The recording runs from {units.of_day(p.begins)}Z to {units.of_day(p.ends)}Z.", markup=False)
            yield Input(placeholder=units.of_day(p.at), compact=True)
            yield Static(f"{HINT}. Enter goes there, esc or ctrl+g back.", id="words", markup=False)

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        p = self._playing
        try:
            moment = parse_moment(event.value, begins=p.begins, here=p.at, ends=p.ends)
        except UsageError as error:
            self.query_one("#words", Static).update(f"{error}; {error.hint}")
            return
        self.dismiss(moment)

    def action_back(self) -> None:
        self.dismiss(None)
