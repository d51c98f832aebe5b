"""Help: every key, from the action table, and what the words of the table mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from cimis_tui.actions import Action, actions_of
from cimis_tui.keymap import grouped
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


class HelpScreen(ModalScreen[None]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,backspace", "dismiss", show=False, id="go.back"),
        Binding("question_mark,f1,0", "dismiss", show=False, id="console.help"),
        Binding("q,ctrl+q", "dismiss", show=False, id="console.quit"),
        Binding("j,down", "scroll(1)", show=False, id="move.down"),
        Binding("k,up", "scroll(-1)", show=False, id="move.up"),
    ]
    DEFAULT_CSS = """
    HelpScreen { align: center middle; background: $background 60%; }
    HelpScreen VerticalScroll {
        width: 78; max-width: 96%; height: 90%; border: round $primary; background: $background; padding: 1 2;
        border-title-color: $foreground; border-title-style: bold; border-subtitle-color: $quiet;
        scrollbar-size-vertical: 1;
    }
    """

    def __init__(self, view: str, table: Sequence[Action]) -> None:
        super().__init__()
        self._view, self._table = view, table

    def compose(self) -> ComposeResult:
        with VerticalScroll() as box:
            box.border_title = f"Keys of the {self._view} screen"
            box.border_subtitle = "j k scroll   q or esc closes"
            yield Static(help_text(self._view, self._table))

    def action_scroll(self, lines: int) -> None:
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)
