"""The line chosen in the log, in full. Pure."""

from __future__ import annotations

import textwrap

from cimis_tui.view import units
from cimis_tui.view.cells import Cell, Line, clip
from cimis_tui.view.log import LEVELS, LogRow


def present_line(row: LogRow | str | None, width: int, height: int) -> tuple[Line, ...]:
    """When, how serious, and the whole text, broken at blanks; the last line there is room for ends in an ellipsis.

    Words in place of a line say what is wrong with the filter being written.
    """
    if isinstance(row, str):
        return (clip((Cell(row, "bad"),), width),)
    if row is None:
        return ((Cell("j and k choose a line; its whole text stands here", "dim"),),)
    word, role = LEVELS[row.level]
    head = f"{units.of_day(row.t)} {word} "
    texts = textwrap.wrap(row.text, width, initial_indent=" " * len(head)) or [""]
    lines: list[Line] = [(Cell(f"{units.of_day(row.t)} ", "dim"), Cell(f"{word} ", role), Cell(texts[0][len(head) :]))]
    lines += [(Cell(text),) for text in texts[1:]]
    if len(lines) > height:
        lines = [*lines[: height - 1], (Cell("".join(cell.text for cell in lines[height - 1]) + "…" * width),)]
    return tuple(clip(line, width) for line in lines)
