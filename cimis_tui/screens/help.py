"""Help: every key, from the action table, and what the words of the table mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static

from cimis_tui.actions import Action, actions_of
from cimis_tui.keymap import grouped
from cimis_tui.screens.sheet import Sheet
from cimis_tui.view.columns import COLUMNS
from cimis_tui.view.present import GLYPHS


def help_text(view: str, table: Sequence[Action]) -> Content:
    """The text of the help screen: the keys that work on a view, and what the table's words mean."""
    parts: list[Content | str | tuple[str, str]] = []
    for group, actions in grouped(actions_of(view, table)):
        parts.append((f"{group}\n", "bold $primary"))
        for action in actions:
            parts += [(f"  {action.shown:<9}", "bold"), f"{action.help}\n"]
        parts.append("\n")
    parts.append(("States\n", "bold $primary"))
    parts += [
        f"  {glyph} {word:<8}" + ("\n" if n % 4 == 3 else "") for n, (glyph, word, _) in enumerate(GLYPHS.values())
    ]
    parts.append(("\nColumns\n", "bold $primary"))
    for column in COLUMNS:
        if column.title:
            wide = f" (from {column.since} columns)" if column.since else ""
            parts += [(f"  {column.title.split()[0]:<9}", "bold"), f"{column.help}{wide}\n"]
    parts.append("\n– means: did not happen, or not known yet. A reused connection has no DNS, TCP and TLS.\n")
    parts.append(
        "Mouse: click a heading to sort, a row to select it, left of its state to mark it, twice to open it; a key "
        "of the footer to press it. Other keys: [keys] of cimis.toml, `cimis keys` lists the names."
    )
    return Content.assemble(*parts)


class HelpScreen(Sheet):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark,f1,0", "dismiss", show=False, id="console.help"),
    ]
    DEFAULT_CSS = "HelpScreen VerticalScroll { width: 78; height: 90%; padding: 1 2; }"

    def __init__(self, view: str, table: Sequence[Action]) -> None:
        super().__init__(f"Keys of the {view} screen")
        self._view, self._table = view, table

    def content(self) -> ComposeResult:
        yield Static(help_text(self._view, self._table))
