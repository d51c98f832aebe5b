"""The raw facts of one attempt, in a small panel over the station."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from cimis_tui.view.attempts import AttemptRow, attempt_facts


class AttemptDialogue(ModalScreen[None]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,backspace", "dismiss", show=False, id="go.back"),
        Binding("enter", "dismiss", show=False, id="station.open"),
        Binding("q", "dismiss", show=False, id="console.quit"),
        Binding("j,down", "scroll(1)", show=False, id="move.down"),
        Binding("k,up", "scroll(-1)", show=False, id="move.up"),
    ]
    DEFAULT_CSS = """
    AttemptDialogue { align: center middle; background: $background 60%; }
    AttemptDialogue VerticalScroll {
        width: 72; max-width: 96%; height: auto; max-height: 96%; border: round $primary; background: $background;
        padding: 0 2; border-title-color: $foreground; border-title-style: bold; border-subtitle-color: $quiet;
        scrollbar-size-vertical: 1;
    }
    """

    def __init__(self, row: AttemptRow, station: str) -> None:
        super().__init__()
        self._row, self._station = row, station

    def compose(self) -> ComposeResult:
        with VerticalScroll() as box:
            box.border_title = f"{self._station}   page {self._row.page}, try {self._row.attempt}"
            box.border_subtitle = "j k scroll   enter or esc closes"
            facts = attempt_facts(self._row)
            parts = [part for name, value in facts for part in ((f"{name:<12}", "$quiet"), f"{value}\n")]
            yield Static(Content.assemble(*parts).rstrip())

    def on_click(self) -> None:
        self.dismiss()

    def action_scroll(self, lines: int) -> None:
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)
