"""A list to pick one row of; what is typed narrows it."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from cimis_tui.view.columns import Column
from cimis_tui.widgets.row_list import ListRow, RowList

_AROUND = 6
"""Rows of the screen that are not the list's."""


class Picker(ModalScreen[Hashable]):
    """Answers with the key of the row picked; None for going back."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+g", "dismiss(None)", show=False),
        Binding("down", "move(1)", show=False),
        Binding("up", "move(-1)", show=False),
        Binding("pagedown", "move(10)", show=False),
        Binding("pageup", "move(-10)", show=False),
    ]
    DEFAULT_CSS = """
    Picker { align: center middle; background: $background 60%; }
    Picker Vertical {
        width: 76; max-width: 96%; height: auto; max-height: 90%; border: round $primary; background: $background;
        border-title-color: $foreground; border-title-style: bold; border-subtitle-color: $quiet; padding: 0 1;
    }
    Picker Input { height: 1; border: none; padding: 0; background: $panel; }
    """

    def __init__(self, title: str, columns: Sequence[Column], rows: Sequence[ListRow], at: Hashable) -> None:
        """`at` is the key of the row the cursor is on at first."""
        super().__init__()
        self._title, self._columns, self._rows, self._at = title, columns, rows, at

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = self._title
            box.border_subtitle = "↵ or double click picks   esc ^g back"
            yield Input(placeholder="type to narrow the list", compact=True)
            yield RowList(self._columns, empty="nothing is called that: ⌫ widens the list again")

    def on_mount(self) -> None:
        table, field = self.query_one(RowList), self.query_one(Input)
        table.can_focus = False
        table.styles.height = max(2, min(len(self._rows) + 1, self.app.size.height - _AROUND))
        self._narrow("")
        table.move_to(self._at)
        field.cursor_blink = False
        field.focus()

    def _narrow(self, text: str) -> None:
        words = text.casefold().split()
        kept = [row for row in self._rows if all(w in " ".join(c.text for c in row[1]).casefold() for w in words)]
        self.query_one(RowList).show(kept)

    def action_move(self, step: int) -> None:
        self.query_one(RowList).move(step)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self._narrow(event.value)

    @on(Input.Submitted)
    @on(RowList.Opened)
    def _picked(self) -> None:
        key = self.query_one(RowList).cursor
        if key is not None:
            self.dismiss(key)
