"""The raw facts of one attempt, in a small panel over the station."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static

from cimis_tui.screens.sheet import Sheet
from cimis_tui.view.attempts import AttemptRow, attempt_facts


class AttemptSheet(Sheet):
    CLOSES = "enter or esc closes"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "dismiss", show=False, id="station.open")]
    DEFAULT_CSS = "AttemptSheet VerticalScroll { width: 72; max-height: 96%; padding: 0 2; }"

    def __init__(self, row: AttemptRow, station: str) -> None:
        super().__init__(f"{station}   page {row.page}, try {row.attempt}")
        self._row = row

    def content(self) -> ComposeResult:
        facts = attempt_facts(self._row)
        parts = [part for name, value in facts for part in ((f"{name:<12}", "$quiet"), f"{value}\n")]
        yield Static(Content.assemble(*parts).rstrip())

    def on_click(self) -> None:
        self.dismiss()
