"""The heat map: stations down, time across, a mark a cell. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby, product
from math import ceil
from typing import NamedTuple

from cimis_engine.store.coverage import Standing
from cimis_tui.view import units
from cimis_tui.view.cells import Cell, Line, clip, pad, width_of
from cimis_tui.view.coverage import LEGEND, MARKS, PAUSED, RETRYING, Board, Live, Mark, Sight, count_marks, name_of
from cimis_tui.view.time_axis import ZOOMS, Axis

HEAD = 1
"""Lines above the first station: the ruler."""
WIDEST = 8
"""Columns of the terminal for a cell, at most."""
NAMED = 3
"""Columns that a cell keeps where the names take what they need."""
NARROW = 6
"""Room for the cursor's mark and a station's number, not for its name."""
BRACKETED = 3
"""Columns of a cell from which on the cursor is a frame around its mark."""
_SUMMED = {int(Standing.MISSING): "some missing"}
"""Headings of sums, where a mark's short word would seem to count something else than years."""
_SUMS_FROM = 14
"""Columns beside the cells from which on it is worth working out what could stand there."""
_SELDOM = (RETRYING, PAUSED)
"""Marks that the legend tells of only while they are there."""
_WORDS: tuple[Callable[[Mark], str], ...] = (
    lambda mark: mark.word,
    lambda mark: mark.short,
    lambda mark: mark.short.removesuffix(" asked"),
)
"""What a mark is called in the legend, in ever fewer words."""
SHORTEST = 8
"""Columns of a name worth writing, if not all of it fits."""


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


class Layout(NamedTuple):
    """Columns of the terminal for a station's number and name, and for a cell; and how many `columns` of cells."""

    label: int
    wide: int
    columns: int


def layout(view: HeatView, width: int) -> Layout:
    """The names get what they need, if that leaves room for every cell of the axis; else they and the cells share."""
    cells, board, live = max(1, view.axis.count), view.board, view.live
    full = NARROW + max((len(name_of(n, board, live)[0]) for n in view.seen.stations), default=0)
    wide = (width - full) // cells
    if wide >= NAMED:
        return Layout(full, min(WIDEST, wide), view.axis.count)
    label = min(full, 22 if width >= 110 else 16 if width >= 74 else NARROW)
    wide = max(1, min(WIDEST, (width - label) // cells))
    label = max(label, min(full, width - wide * cells))
    if label < min(full, NARROW + SHORTEST):
        label = NARROW
    return Layout(label, wide, max(1, min(view.axis.count, (width - label) // wide)))


def paint_heat(view: HeatView, width: int, height: int) -> tuple[Line, ...]:
    """The ruler, then a line a station in sight."""
    board, seen = view.board, view.seen
    if not seen.stations:
        return (clip((Cell(_empty(view), "bad" if board.fault else "dim"),), width),)
    plan = layout(view, width)
    stations = seen.stations[view.top : view.top + height - HEAD]
    rows = [board.cells(number, view.axis, view.left, plan.columns, view.live) for number in stations]
    head, sums = _sums(view, stations, rows, width - plan.label - plan.wide * plan.columns)
    lines: list[Line] = [(*_ruler(view, plan.label + plan.wide * plan.columns if head else width, plan), *head)]
    for row, (number, marks, told) in enumerate(zip(stations, rows, sums, strict=True), view.top):
        here = view.column - view.left if row == view.row else None
        lines.append((*_label(view, row, number, plan.label), *_cells(marks, plan.wide, here), *told))
    return tuple(lines)


def _sums(view: HeatView, stations: Sequence[int], rows: Sequence[bytes], room: int) -> tuple[Line, list[Line]]:
    """Where years leave room: right of them, what they come to, row by row. A column is there whole or not at all."""
    if room < _SUMS_FROM or view.axis.zoom != "years" or not rows or len(rows[0]) < view.axis.count:
        return (), [()] * len(rows)
    board, there = view.board, set(b"".join(rows))
    found = [n for n in LEGEND if n in there and n != Standing.OUTSIDE]
    columns = [(_SUMMED.get(n, MARKS[n].short), [str(row.count(n) or "") for row in rows], True) for n in found]
    if 1 + len("years ") + sum(len(word) + 2 for word, _, _ in columns) > room:
        return (), [()] * len(rows)  # some of the marks would look like all of them
    kept = [[e for year in view.axis.years if (e := board.entries.get((n, year)))] for n in stations]
    columns += [
        ("records", [f"{records:,}" if (records := sum(e.records for e in of)) else "" for of in kept], True),
        ("stored", [units.size(sum(e.stored_bytes for e in of)) if of else "" for of in kept], True),
        ("county", [name_of(n, board, view.live)[1] for n in stations], False),
    ]
    head, lines = "", [""] * len(rows)
    for at, (word, values, right) in enumerate(columns):
        title, gap = word if at or not found else f"years {word}", "  " if 0 < at < len(found) else "   "
        wide = max(len(title), *map(len, values))
        if len(head) + len(gap) + wide > room:
            break
        head += gap + pad(title, wide, right=right)
        lines = [line + gap + pad(value, wide, right=right) for line, value in zip(lines, values, strict=True)]
    return (Cell(head, "dim"),), [(Cell(line),) for line in lines]


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
    return [*_runs(marks[:here], wide), *_cursor(MARKS[marks[here]], wide), *_runs(marks[here + 1 :], wide)]


def _runs(marks: bytes, wide: int) -> list[Cell]:
    found: list[Cell] = []
    for number, group in groupby(marks):
        found.append(Cell(_drawn(MARKS[number], wide) * len(list(group)), MARKS[number].role))
    return found


def _drawn(mark: Mark, wide: int) -> str:
    """A cell. Whole ones leave a thin line between them where there is room for it."""
    if not mark.solid:
        return mark.glyph.center(wide) if len(mark.glyph) == 1 else " " * wide
    return mark.glyph * (wide - 1) + ("▉" if mark.glyph == "█" and wide > 1 else mark.glyph)


def _cursor(mark: Mark, wide: int) -> list[Cell]:
    """The cell under the cursor: framed. A narrow one is turned inside out, and a block would leave nothing to see."""
    if wide < BRACKETED:
        return [Cell(("■" if mark.solid else _drawn(mark, 1)).ljust(wide), "here")]
    inside = mark.glyph * (wide - 2) if mark.solid else _drawn(mark, 1).center(wide - 2)
    return [Cell("[", "here"), Cell(inside, mark.role), Cell("]", "here")]


def _ruler(view: HeatView, width: int, plan: Layout) -> Line:
    """What time the columns are; that of the cursor's is marked, and goes before those that it would touch."""
    axis, (label, wide, count) = view.axis, plan
    text = list(pad(_corner(axis, label) if label > NARROW else "", width))
    name, at = axis.name(view.column), label + (view.column - view.left) * wide
    if wide > len(name):
        at, name = at - 1, f"▾{name}"  # in the gap, so that names stay where they are
    elif at + len(name) < width:
        name = f"▾{name}"
    else:
        at, name = at - len(name), f"{name}▾"
    end, free = at + len(name), label
    for column, tick in _ticks(axis, view.left, count, wide):
        start = label + (column - view.left) * wide
        clear = start + len(tick) < at + (name[0] == "▾") or start > end  # the mark parts names as a blank does
        if start >= free and clear and start + len(tick) <= width:
            text[start : start + len(tick)] = tick
            free = start + len(tick) + 1
    return Cell("".join(text[:at]), "dim"), Cell(name, "key"), Cell("".join(text[end:]), "dim")


def _corner(axis: Axis, label: int) -> str:
    """What the rows are, and across them the columns where there is room: else the title of the frame says it."""
    whole = f" station × {axis.zoom}"
    return whole if len(whole) < label else " station"


def _ticks(axis: Axis, left: int, count: int, wide: int) -> list[tuple[int, str]]:
    """The columns to name: every one if its name fits, else round ones; and the first if it stands alone."""
    columns = range(left, min(axis.count, left + count))
    if axis.zoom == "years":
        step = next((step for step in (1, 2, 5) if step * wide > 4), 10)
        return [(n, axis.name(n)) for n in columns if n == left or axis.at(n)[0] % step == 0]
    if axis.zoom == "months" and wide > 4:
        return [(n, axis.name(n)[4:] if axis.at(n)[1] == 0 else axis.name(n)[:3]) for n in columns]
    ticks = list(axis.ticks(left, count))
    first = axis.name(left)
    return ticks if ticks and (ticks[0][0] - left) * wide <= len(first) else [(left, first), *ticks]


def heat_titles(view: HeatView, width: int, height: int) -> tuple[str, str]:
    """Of the frame: what is shown, and which part of it is in sight."""
    seen, axis = view.seen, view.axis
    if not seen.stations:
        return f"Coverage  {view.board.interval}", ""
    rows, (label, _, columns) = max(1, height - HEAD), layout(view, width)
    last = min(len(seen.stations), view.top + rows)
    shown = f"{len(seen.stations)} stations" if len(seen.stations) == seen.of else f"{len(seen.stations)} of {seen.of}"
    numbers = f"stations {view.top + 1}–{last}" if view.top + 1 < last else f"station {last}"
    right = axis.name(min(axis.count, view.left + columns) - 1)
    span = f"{axis.name(view.left)} to {right}" if right != axis.name(view.left) else right
    at = f"store read {units.of_day(view.board.read_at)}Z" if view.board.read_at is not None else "reading the store…"
    scope = "all there are" if seen.everything else "stored or asked for"
    fault = f"  ✗ {view.board.fault}" if view.board.fault else ""
    each = "" if axis.zoom == "years" or _corner(axis, label) != " station" else f" by {axis.zoom[:-1]}"
    return (
        f"Coverage  {view.board.interval}  {shown} × {len(seen.years)} years{each}, {scope}{fault}",
        f"{numbers} of {len(seen.stations)}   {span}   {at}",
    )


def present_marks(view: HeatView, width: int, most: int) -> list[Line]:
    """The legend: every mark there is, its word, how many cells of the whole sight have it; in `most` lines.

    It stands in columns. What is not there is dim, and gives way where there is no room for all; before it, the blank.
    An ellipsis stands for what is there and has no room.
    """
    counts = count_marks(view.seen, view.board, view.live)
    told = [n for n in LEGEND if n != Standing.OUTSIDE and (counts.get(n) or n not in _SELDOM)]
    drawn = sorted(told, key=lambda n: not counts.get(n))
    blank = [Standing.OUTSIDE] if counts.get(Standing.OUTSIDE) else []
    title = "station-years"
    for numbers, said in (
        ([*drawn, *blank], title),
        *((drawn[:shown], said) for shown in range(len(drawn), 0, -1) for said in (title, "")),
    ):
        left_out = any(counts.get(n) for n in LEGEND if n not in numbers)
        for word, gap in product(_WORDS, (3, 2)):
            parts = [_counted(MARKS[n], counts.get(n, 0), word(MARKS[n])) for n in numbers]
            parts[-1] += (Cell(" …", "dim"),) if left_out else ()
            for high in range(1, most + 1):
                wide = _widths(parts, high)
                if sum(wide) + (len(wide) - 1) * gap + (len(said) + gap if said else 0) <= width:
                    return _in_columns(said, parts, wide, gap)
    return []


def _counted(mark: Mark, count: int, word: str) -> Line:
    sign = "blank:" if mark.glyph == "blank" else mark.glyph
    return Cell(f"{sign} ", mark.role), Cell(f"{word} ", "dim"), Cell(f"{count:,}", "text" if count else "dim")


def _widths(parts: Sequence[Line], high: int) -> list[int]:
    """Of the columns in which the parts stand in `high` lines."""
    across = ceil(len(parts) / high)
    return [max(map(width_of, parts[n::across])) for n in range(across)]


def _in_columns(title: str, parts: Sequence[Line], wide: Sequence[int], gap: int) -> list[Line]:
    """The parts in as many lines as they need, one under another; right of the title, if there is one."""
    lines: list[Line] = []
    for start in range(0, len(parts), len(wide)):
        line = [Cell(pad("" if start else title, len(title) + gap), "dim")] if title else []
        for part, columns in zip(parts[start:], wide, strict=False):
            line += [*part, Cell(" " * (columns - width_of(part) + gap))]
        lines.append((*line[:-1],))
    return lines


def nearer(axis: Axis, step: int) -> Axis | None:
    """The axis one zoom nearer or farther; None where there is none."""
    zooms = ZOOMS[axis.interval]
    at = zooms.index(axis.zoom) + step
    return Axis(axis.interval, axis.years, zooms[at]) if 0 <= at < len(zooms) else None
