"""The heat map: stations down, time across, a mark a cell. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from cimis_engine.store.coverage import Standing
from cimis_tui.view import units
from cimis_tui.view.cells import Cell, Line, clip, fit, pad, width_of
from cimis_tui.view.coverage import LEGEND, MARKS, Board, Live, Mark, Sight, count_marks, name_of
from cimis_tui.view.time_axis import ZOOMS, Axis

HEAD = 2
"""Lines above the first station: the ruler, and the column of the cursor."""
WIDEST = 5
"""Columns of the terminal for a cell, at most."""
NARROW = 6
"""Room for the cursor's mark and a station's number, not for its name."""


@dataclass(frozen=True, slots=True)
class HeatView:
    """What the widget paints: the rows `of` a sight along an axis, from row `top` and column `left` on.

    `row` and `column` are the cursor's.
    """

    board: Board
    live: Live
    seen: Sight
    axis: Axis
    row: int = 0
    column: int = 0
    top: int = 0
    left: int = 0


def label_width(width: int) -> int:
    """Columns for the cursor's mark, number and name of a station."""
    return 22 if width >= 110 else 16 if width >= 74 else NARROW


def cell_width(axis: Axis, width: int) -> int:
    """Columns of the terminal a cell has: what lets the whole axis be seen, if anything does."""
    return max(1, min(WIDEST, (width - label_width(width)) // max(1, axis.count)))


def columns_in_sight(axis: Axis, width: int) -> int:
    return max(1, (width - label_width(width)) // cell_width(axis, width))


def paint_heat(view: HeatView, width: int, height: int) -> tuple[Line, ...]:
    """The ruler, then a line a station in sight."""
    board, seen = view.board, view.seen
    if not seen.stations:
        return (clip((Cell(_empty(view), "bad" if board.fault else "dim"),), width),)
    wide, count = cell_width(view.axis, width), columns_in_sight(view.axis, width)
    lines = [*_ruler(view, width, wide, count)]
    for row, number in list(enumerate(seen.stations))[view.top : view.top + height - HEAD]:
        marks = board.cells(number, view.axis, view.left, count, view.live)
        here = view.column - view.left if row == view.row else None
        lines.append((*_label(view, row, number, label_width(width)), *_cells(marks, wide, here)))
    return tuple(lines)


def _empty(view: HeatView) -> str:
    if view.board.fault:
        return view.board.fault
    if view.board.read_at is None:
        return "reading the catalog…"
    if view.seen.of:
        return "no station matches the filter: / changes it, esc clears it"
    return "nothing is stored here yet, and no run asks for any; o shows every station"


def _label(view: HeatView, row: int, number: int, width: int) -> Line:
    here = row == view.row
    name, _ = name_of(number, view.board, view.live)
    text = f"{'>' if here else ' '}{number:>3} " + (name if width > NARROW else "")
    return (Cell(pad(text, width - 1) + " ", "head" if here else "text"),)


def _cells(marks: bytes, wide: int, here: int | None) -> list[Cell]:
    if here is None or not 0 <= here < len(marks):
        return _runs(marks, wide)
    return [*_runs(marks[:here], wide), _cursor(marks[here], wide), *_runs(marks[here + 1 :], wide)]


def _runs(marks: bytes, wide: int) -> list[Cell]:
    found: list[Cell] = []
    for number, group in groupby(marks):
        found.append(Cell(_drawn(MARKS[number], wide) * len(list(group)), MARKS[number].role))
    return found


def _drawn(mark: Mark, wide: int) -> str:
    """A cell. Whole ones leave a thin line between them where there is room for it."""
    if not mark.solid:
        return mark.glyph.ljust(wide) if len(mark.glyph) == 1 else " " * wide
    return mark.glyph * (wide - 1) + ("▉" if mark.glyph == "█" and wide > 1 else mark.glyph)


def _cursor(number: int, wide: int) -> Cell:
    """The cell under the cursor. It is turned inside out, and a block would leave nothing of that to see."""
    mark = MARKS[number]
    return Cell(("■" if mark.solid else _drawn(mark, 1)).ljust(wide), "here")


def _ruler(view: HeatView, width: int, wide: int, count: int) -> tuple[Line, Line]:
    """What time the columns are, and that of the cursor's."""
    label, room = label_width(width), width - label_width(width)
    text = [" "] * room
    free = 0
    ticks = list(view.axis.ticks(view.left, count))
    first = view.axis.name(view.left)
    if not ticks or (ticks[0][0] - view.left) * wide > len(first):
        ticks.insert(0, (view.left, first))
    for column, name in ticks:
        at = (column - view.left) * wide
        if at >= free and at + len(name) <= room:
            text[at : at + len(name)] = name
            free = at + len(name) + 1
    name = view.axis.name(view.column)
    at = (view.column - view.left) * wide
    mark = f"▾{name}" if at + len(name) < room else f"{name}▾"
    lead = at if mark[0] == "▾" else at - len(name)
    head = pad(f" {view.axis.zoom}" if label > NARROW else "", label)
    return (Cell(head, "dim"), Cell("".join(text), "dim")), (Cell(" " * (label + lead)), Cell(mark, "key"))


def heat_titles(view: HeatView, width: int, height: int) -> tuple[str, str]:
    """Of the frame: what is shown, and which part of it is in sight."""
    seen, axis = view.seen, view.axis
    if not seen.stations:
        return f"Coverage  {view.board.interval}", ""
    rows, columns = max(1, height - HEAD), columns_in_sight(axis, width)
    last = min(len(seen.stations), view.top + rows)
    shown = f"{len(seen.stations)} stations" if len(seen.stations) == seen.of else f"{len(seen.stations)} of {seen.of}"
    right = axis.name(min(axis.count, view.left + columns) - 1)
    span = f"{axis.name(view.left)} to {right}" if right != axis.name(view.left) else right
    at = f"store read {units.of_day(view.board.read_at)}Z" if view.board.read_at is not None else "reading the store…"
    scope = "all there are" if seen.everything else "stored or asked for"
    fault = f"  ✗ {view.board.fault}" if view.board.fault else ""
    return (
        f"Coverage  {view.board.interval}  {shown} × {len(seen.years)} years, {scope}{fault}",
        f"rows {view.top + 1}–{last}   {span}   {at}",
    )


def present_marks(view: HeatView, width: int, most: int) -> list[Line]:
    """The legend: every mark there is, its word, how many cells of the whole sight have it; in `most` lines."""
    counts = count_marks(view.seen, view.board, view.live)
    parts: list[Line] = [(Cell("station-years", "dim"),)] if width >= 70 else []
    for number in sorted(LEGEND, key=lambda n: (n == Standing.OUTSIDE, not counts.get(n))):  # what gives way is last
        mark = MARKS[number]
        word = mark.word if width >= 100 else mark.short
        parts.append((Cell(f"{mark.glyph} ", mark.role), Cell(f"{word} ", "dim"), Cell(f"{counts.get(number, 0):,}")))
    lines: list[Line] = []
    while parts and len(lines) < most:
        lines.append(fit(parts, width, gap=2))
        parts = parts[max(1, _whole_parts(parts, lines[-1])) :]
    return lines


def _whole_parts(parts: Sequence[Line], line: Line) -> int:
    used, taken = 0, 0
    for part in parts:
        used += width_of(part) + (2 if taken else 0)
        if used > width_of(line):
            break
        taken += 1
    return taken


def nearer(axis: Axis, step: int) -> Axis | None:
    """The axis one zoom nearer or farther; None where there is none."""
    zooms = ZOOMS[axis.interval]
    at = zooms.index(axis.zoom) + step
    return Axis(axis.interval, axis.years, zooms[at]) if 0 <= at < len(zooms) else None
