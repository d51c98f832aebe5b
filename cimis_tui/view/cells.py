"""Cells: text with a role. A role says what the text means; the theme says how that looks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Cell(NamedTuple):
    """Text, its role (`cimis_tui.widgets.roles` has them all), and the action a click on it runs (empty for none)."""

    text: str
    role: str = "text"
    action: str = ""


Line = tuple[Cell, ...]


def width_of(line: Iterable[Cell]) -> int:
    return sum(len(cell.text) for cell in line)


def clip(line: Iterable[Cell], width: int) -> Line:
    """The line cut to `width` columns; the last cell that does not fit ends in an ellipsis."""
    kept: list[Cell] = []
    room = width
    for cell in line:
        if len(cell.text) <= room:
            kept.append(cell)
            room -= len(cell.text)
            continue
        if room > 0:
            kept.append(cell._replace(text=cell.text[: room - 1] + "…"))
        break
    return tuple(kept)


def spread(left: Iterable[Cell], right: Iterable[Cell], width: int) -> Line:
    """`left` at the left edge, `right` at the right one, at least one blank between; `left` gives way."""
    tail = clip(right, width)
    room = width - width_of(tail)
    head = clip(left, max(0, room - 1))
    return (*head, Cell(" " * (room - width_of(head))), *tail)


def fit(parts: Iterable[Line], width: int, gap: int = 3, rest: str = "") -> Line:
    """As many whole parts as `width` holds, `gap` blanks between them: what comes first matters most.

    `rest` stands, dim, for those that it does not hold: without it the parts of a sum would not add up to it.
    """
    told = [part for part in parts if part]
    shown, used = 0, 0
    for part in told:
        used += width_of(part) + (gap if shown else 0)
        if used > width:
            break
        shown += 1
    if rest and shown < len(told):
        while shown and sum(map(width_of, told[:shown])) + gap * shown + len(rest) > width:
            shown -= 1
        told = [*told[:shown], (Cell(rest, "dim"),)] if len(rest) <= width else []
        shown = len(told)
    line: list[Cell] = []
    for part in told[:shown]:
        line += [Cell(" " * gap), *part] if line else part
    return tuple(line)


def pad(text: str, width: int, *, right: bool = False) -> str:
    """Exactly `width` columns; what is too long ends in an ellipsis."""
    if len(text) > width:
        return text[: max(0, width - 1)] + "…"[:width]
    return text.rjust(width) if right else text.ljust(width)


def whole_words(text: str, width: int) -> str:
    """As many words of a text as `width` columns hold, an ellipsis after the last one where that is not all.

    >>> whole_words("503 Service Unavailable", 14), whole_words("503 Service Unavailable", 3)
    ('503 Service…', '')
    """
    if len(text) <= width:
        return text
    words = text.split(" ")
    told = (f"{' '.join(words[:count])}…" for count in range(len(words) - 1, 0, -1))
    return next((part for part in told if len(part) <= width), "")
