"""ASCII for terminals that have nothing else: the last thing done to every line that is painted, by whatever widget.

Each character becomes one of the same width, so nothing moves. Textual gives every widget's lines, with borders and
scrollbars, through its line filters, so this is the only place that knows.
"""

from __future__ import annotations

import re
import unicodedata

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter

_STATES = {"●": "*", "✓": "+", "↻": "~", "‖": "=", "✗": "x", "·": ".", "▲": "!"}
_LEVELS = dict(zip("▁▂▃▄▅▆▇█", "_.-=+*%#", strict=True))
_PARTS = dict(zip("▏▎▍▌▋▊▉▐▀▔▕░▒▓", "||===##||-|.:%", strict=True))
_QUARTERS = dict(zip("▖▗▘▝▚▞▙▛▜▟", "....::####", strict=True))
_SIGNS = dict(
    zip(
        "▼△▽►▶▸▹◀◂◄→←↑↓↔⇡⇣↵⏎⌫–—―−…×÷≥≤≠≈±°′″“”‘’«»‹›•◦∙∘○◌◯◎◉◆◇◈■□▪▫★☆✔✕✖⚠§µΔ▾⇧",
        "v^v>>>><<<><^v-^v<<<----~x/><=~+o'\"\"\"''<><>*oo.ooo@**o*#.##**+xx!Sudv^",
        strict=True,
    )
)
_BOX = {chr(code): "+" for code in range(0x2500, 0x2580)}
_BOX |= dict.fromkeys("─━┄┅┈┉╌╍╴╶╸╺╼╾", "-") | dict.fromkeys("│┃┆┇┊┋╎╏║╵╷╹╻╽╿", "|")
_BOX |= {"═": "=", "╱": "/", "╲": "\\", "╳": "X"}
_BRAILLE = {chr(0x2800 + dots): " ...:::##"[dots.bit_count()] for dots in range(256)}
TABLE = str.maketrans({**_BOX, **_BRAILLE, **_LEVELS, **_PARTS, **_QUARTERS, **_SIGNS, **_STATES, "\xa0": " "})
"""Every glyph that has a meaning here."""
_FIRST = ((re.compile(r"(?<=\w)▲"), "^"), (re.compile("≥ "), ">="), (re.compile("≤ "), "<="))
"""What depends on its neighbours: after a word, ▲ is the arrow of a sorted column."""


def to_ascii(text: str) -> str:
    """The text in as many columns, without a character above `~`. Letters lose their accents, the rest becomes `?`.

    >>> to_ascii("● 80 Peña Blanca ███▌░░ TTFB▲ ≥ 2 s …")
    '* 80 Pena Blanca ###=.. TTFB^ >=2 s ~'
    """
    if text.isascii():
        return text
    for pattern, plain in _FIRST:
        text = pattern.sub(plain, text)
    text = text.translate(TABLE)
    return text if text.isascii() else "".join(map(_plain, text))


def _plain(char: str) -> str:
    if char.isascii():
        return char
    base = unicodedata.normalize("NFKD", char)[0]
    return (base if base.isascii() else "?") * cell_len(char)


class AsciiOnly(LineFilter):
    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [Segment(_painted(text, style), style, control) for text, style, control in segments]


def _painted(text: str, style: Style | None) -> str:
    """A scrollbar ends in eighths of a block, painted over its ground; its parts are known by what the mouse does."""
    if text.isascii():
        return text
    return " " * len(text) if style is not None and "@mouse.down" in style.meta else to_ascii(text)
