"""How a role looks: a colour of the theme, and what is done to the letters.

Looked up in the theme's own variables and not through component classes: Textual works out the CSS of every component
class of every widget when it is mounted, which at twelve roles a panel was a third of what opening a screen cost.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from rich.style import Style
from textual.app import App
from textual.color import Color
from textual.filter import ANSIToTruecolor, LineFilter


class Look(NamedTuple):
    """Variables of the theme for letters and ground, empty for what is beneath; and Rich's words for the letters."""

    color: str = ""
    ground: str = ""
    letters: str = ""


LOOKS = {
    "text": Look("foreground"),
    "dim": Look("quiet"),
    "head": Look("foreground", letters="bold"),
    "key": Look("primary", letters="bold"),
    "run": Look("primary"),
    "ok": Look("success"),
    "warn": Look("warning", letters="bold"),
    "bad": Look("error", letters="bold"),
    "bar": Look("primary"),
    "track": Look("track"),
    "spark": Look("primary"),
    "line": Look("secondary"),
    "calm": Look("calm"),
    "here": Look("warning", letters="bold reverse"),
    # parts of tables
    "header": Look("quiet", letters="bold"),
    "cursor": Look(ground="row", letters="bold"),
}
"""Every role a cell can have, and two parts of tables."""
WITHOUT_COLOUR = {"bad": Look("foreground", letters="bold")}
"""How these look where the person wants no colours (NO_COLOR): its red as a grey is quieter than plain text.

Not underlined or in reverse: the blanks that fill a column would be, too.
"""


def style_of(app: App[Any], name: str) -> Style:
    """A look of `LOOKS` in the app's theme as it is now; to be laid over the widget's own style."""
    looks = LOOKS | WITHOUT_COLOUR if app.no_color else LOOKS
    look, variables = looks[name], app.theme_variables
    return _style(variables.get(look.color, ""), variables.get(look.ground, ""), look.letters)


def filters_of(app: App[Any]) -> Sequence[LineFilter]:
    """What lines made of looks go through: not Textual's search for ANSI colours, which takes a tenth of a frame. Looks
    have none, but in the ansi themes, and there it is off."""
    return [each for each in app.get_line_filters() if not isinstance(each, ANSIToTruecolor)]


@lru_cache(maxsize=256)
def _style(color: str, ground: str, letters: str) -> Style:
    def parsed(text: str) -> Any:
        return Color.parse(text).rich_color if text else None

    return Style(color=parsed(color), bgcolor=parsed(ground)) + Style.parse(letters)
