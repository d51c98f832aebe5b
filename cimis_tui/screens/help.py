"""Help: every key, from the action table, and what the words of the table mean."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from cimis_tui.actions import Action, actions_of
from cimis_tui.keymap import grouped
from cimis_tui.screens.sheet import Sheet
from cimis_tui.view.columns import COLUMNS
from cimis_tui.view.present import GLYPHS

_REPLAY = "Replay"
"""The group of keys that mean nothing while a run goes on."""
_TERM = 11
"""Columns of a key or a column's title; what it does stands right of it, in every line."""
_LEAST = 12
"""Columns of text at least, however narrow the screen."""


def help_text(view: str, table: Sequence[Action], width: int = 74, *, replay: bool = False) -> Content:
    """The text of the help screen: the keys that work on a view, and what the table's words mean.

    In lines of `width` columns: what wraps hangs under its text. `replay`: with the keys that steer a recorded run.
    """
    parts: list[Content | str | tuple[str, str]] = []
    for group, actions in grouped([a for a in actions_of(view, table) if replay or a.group != _REPLAY]):
        parts.append((f"{group}\n", "bold $primary"))
        for action in actions:
            parts += _entry(action.shown, action.help, width)
        parts.append("\n")
    parts.append(("States\n", "bold $primary"))
    parts += [
        f"  {glyph} {word:<8}" + ("\n" if n % 4 == 3 else "") for n, (glyph, word, _) in enumerate(GLYPHS.values())
    ]
    parts.append(("\nColumns\n", "bold $primary"))
    for column in COLUMNS:
        if column.title:
            wide = f" (from {column.since} columns)" if column.since else ""
            parts += _entry(column.title.split()[0], f"{column.help}{wide}", width)
    said = (
        "– means: did not happen, or not known yet. A reused connection has no DNS, TCP and TLS.",
        "Mouse: click a heading to sort, a row to select it, left of its state to mark it, twice to open it; a key "
        "of the footer to press it. Other keys: [keys] of cimis.toml, `cimis keys` lists the names.",
    )
    parts += ["\n" + "\n".join(line for words in said for line in wrap(words, max(_LEAST, width)))]
    return Content.assemble(*parts)


def _entry(term: str, words: str, width: int) -> list[str | tuple[str, str]]:
    """A key or a title, and right of it what it does; longer terms push only their own first line."""
    head = f"  {term:<{_TERM - 2}}" if len(term) < _TERM - 2 else f"  {term} "
    lines = wrap(words, max(_LEAST, width - _TERM), initial_indent=" " * (len(head) - _TERM)) or [""]
    first, *rest = lines
    hung = "".join(f"{' ' * _TERM}{line}\n" for line in rest)
    return [(head, "bold"), f"{first[len(head) - _TERM :]}\n{hung}"]


class HelpText(Widget):
    """The help in as many columns as there are: its lines are made anew for each width."""

    DEFAULT_CSS = "HelpText { height: auto; }"

    def __init__(self, view: str, table: Sequence[Action], *, replay: bool) -> None:
        super().__init__()
        self._view, self._table, self._replay = view, table, replay

    def _words(self, width: int) -> Content:
        return help_text(self._view, self._table, width - 1, replay=self._replay)  # a blank before the scrollbar

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return self._words(width).plain.count("\n") + 1

    def render(self) -> Content:
        return self._words(self.content_size.width)


class HelpScreen(Sheet):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark,f1,0", "dismiss", show=False, id="console.help"),
    ]
    DEFAULT_CSS = "HelpScreen VerticalScroll { width: 78; height: 90%; padding: 1 2; }"

    def __init__(self, view: str, table: Sequence[Action], *, replay: bool = False) -> None:
        """`replay`: the screen shows a recorded run, and has the keys that steer it."""
        super().__init__(f"Keys of the {view} screen")
        self._view, self._table, self._replay = view, table, replay

    def content(self) -> ComposeResult:
        yield HelpText(self._view, self._table, replay=self._replay)
