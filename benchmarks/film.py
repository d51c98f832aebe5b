"""A film of a terminal as one SVG that moves by itself: no script, no font and no picture in it.

Each line of the screen is a strip: what stands there, one state after the other, side by side, and the strip jumps from
one to the next. A line that does not change costs nothing, and one that comes again is drawn once.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

_WIDE, _HIGH, _SIZE = 8.4, 17.0, 14
_EDGE = 8
_PARTS = re.compile(r"█+|[^█\s](?:[^█]*[^█\s])?")
"""Full blocks, which are drawn as boxes so that no seam shows between them, and words with the blanks inside."""
_FONT = "'DejaVu Sans Mono','Cascadia Mono',Menlo,Consolas,monospace"


@dataclass(frozen=True, slots=True)
class Frame:
    """A screen, how long it stands (seconds), and a line below it that says what one sees."""

    lines: tuple[Strip, ...]
    seconds: float
    caption: str


class Film:
    """Frames of one size. `ground` is the colour of the screen."""

    def __init__(self, frames: Sequence[Frame], *, ground: str, label: str) -> None:
        self._frames, self._ground, self._label = frames, ground, label
        self._columns = frames[0].lines[0].cell_length
        self._classes: dict[str, str] = {}
        self._drawn: dict[str, str] = {}

    def svg(self) -> str:
        total = sum(frame.seconds for frame in self._frames)
        width, rows = self._columns * _WIDE + 2 * _EDGE, len(self._frames[0].lines) + 2
        strips, jumps = [], []
        for row in range(len(self._frames[0].lines)):
            strip, jump = self._strip(row, [self._line(frame.lines[row]) for frame in self._frames], total)
            strips.append(strip)
            jumps.append(jump)
        strip, jump = self._strip(rows - 1, [self._caption(frame.caption) for frame in self._frames], total)
        styles = "".join(f".{name}{{{css}}}" for css, name in self._classes.items())
        defs = "".join(f'<g id="{name}">{drawn}</g>' for drawn, name in self._drawn.items() if drawn)
        high = rows * _HIGH + 2 * _EDGE
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {high:g}" role="img">'
            f"<title>{escape(self._label)}</title>"
            f"<style>text{{font:{_SIZE}px {_FONT};white-space:pre;dominant-baseline:central}}"
            f".f{{animation-duration:{total:g}s;animation-timing-function:step-end;animation-iteration-count:infinite}}"
            f"{styles}{''.join(jumps)}{jump}</style><defs>{defs}"
            f'<clipPath id="w"><rect x="{_EDGE}" width="{width - 2 * _EDGE:g}" height="{high:g}"/></clipPath></defs>'
            f'<rect width="100%" height="100%" rx="8" fill="{self._ground}"/>'
            f'<g clip-path="url(#w)">{"".join(strips)}{strip}</g></svg>\n'
        )

    def _strip(self, row: int, states: Sequence[str], total: float) -> tuple[str, str]:
        """A line's states side by side, and when it jumps from one to the next."""
        uses, steps, at, shown, place = [], [], 0.0, None, {}
        for state, frame in zip(states, self._frames, strict=True):
            if state != shown:
                x = place.setdefault(state, len(place) * self._columns * _WIDE)
                steps.append(f"{at / total * 100:.3f}%{{transform:translateX({0 - x:g}px)}}")
                shown = state
            at += frame.seconds
        for state, x in place.items():
            if state:
                uses.append(f'<use href="#{self._name(state)}" x="{x:g}"/>')
        y = _EDGE + row * _HIGH
        moving = f'<g class="f" style="animation-name:r{row}">{"".join(uses)}</g>' if len(steps) > 1 else "".join(uses)
        jumps = f"@keyframes r{row}{{{''.join(steps)}}}" if len(steps) > 1 else ""
        return f'<g transform="translate({_EDGE} {y:g})">{moving}</g>' if uses else "", jumps

    def _name(self, drawn: str) -> str:
        return self._drawn.setdefault(drawn, f"l{len(self._drawn)}")

    def _line(self, strip: Strip) -> str:
        """One line as boxes and words, each word at its column whatever the font."""
        boxes, words, x = [], [], 0
        for segment in Segment.simplify(strip):
            text, style, length = segment.text, segment.style or Style.null(), segment.cell_length
            ink, ground = _colours(style, self._ground)
            if ground != self._ground:
                boxes.append(_box(x, length, ground))
            for found in _PARTS.finditer(text):
                at, part = x + found.start(), found[0]
                if part[0] == "█":
                    boxes.append(_box(at, len(part), ink))
                    continue
                css = f"fill:{ink}" + (";font-weight:bold" if style.bold else "")
                words.append(
                    f'<text class="{self._class(css)}" x="{at * _WIDE:g}" y="{_HIGH / 2:g}" '
                    f'textLength="{len(part) * _WIDE:g}">{escape(part, quote=False)}</text>'
                )
            x += length
        return "".join(boxes + words)

    def _caption(self, text: str) -> str:
        middle = self._columns * _WIDE / 2
        css = "fill:#9fb0c3;text-anchor:middle;font-style:italic"
        return (
            f'<text class="{self._class(css)}" x="{middle:g}" y="{_HIGH / 2:g}">{escape(text)}</text>' if text else ""
        )

    def _class(self, css: str) -> str:
        return self._classes.setdefault(css, f"c{len(self._classes)}")


def _box(column: int, columns: int, colour: str) -> str:
    return f'<rect x="{column * _WIDE:g}" width="{columns * _WIDE:g}" height="{_HIGH:g}" fill="{colour}"/>'


def _colours(style: Style, ground: str) -> tuple[str, str]:
    ink = style.color.get_truecolor().hex if style.color else "#d7e0ea"
    under = style.bgcolor.get_truecolor().hex if style.bgcolor else ground
    return (under, ink) if style.reverse else (ink, under)
