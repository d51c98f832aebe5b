"""A plot as lines of cells: axes and marks around the drawing, the cursor in it, the legend beneath. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby, pairwise

from cimis_engine.model.items import Interval
from cimis_engine.model.period import Span
from cimis_tui.view.braille import DOTS_HIGH
from cimis_tui.view.cells import Cell, Line, clip, fit, pad, width_of
from cimis_tui.view.curve import Curve, slot_words
from cimis_tui.view.plot import CURVE_ROLES, DOTTED, Drawing, draw, scales_of, whose
from cimis_tui.view.quality import GOOD, GRADES, flag_words, grades
from cimis_tui.view.ticks import Scale

FURNITURE = 5
"""Lines that are not the drawing: the reading at the cursor, units and flags, axis, dates, legend (of one line)."""
_ROOMY = 20
"""Lines from which on the legend has two of them."""
_SAMPLES = ("⠒⠒⠒", "⠂⠂⠂")
_OF_FIRST = (", its flags and gaps", ": flags, gaps")
"""Behind the name of the first of two curves."""
_WHOLE, _PART, _NONE, _UNREAD = "─", "┄", " ", "·"


@dataclass(frozen=True, slots=True, eq=False)
class Plot:
    """One or two curves of one interval, and the dates they are shown for; what is before `since` is yet to be read."""

    curves: tuple[Curve, ...]
    span: Span
    since: date

    @property
    def whole(self) -> bool:
        """Whether all of it is read."""
        return self.since == self.span.start


def layout_plot(plot: Plot, width: int, height: int) -> Drawing:
    """The drawing that fits a panel of this many columns and rows, axes and words included."""
    rows = max(1, height - FURNITURE - (height >= _ROOMY))
    scales = scales_of(plot.curves, rows)
    left, right = _gutters(plot.curves, scales)
    return draw(plot.curves, scales, plot.span, plot.since, max(1, width - left - right), rows)


def gutter(drawing: Drawing, plot: Plot) -> int:
    """Columns left of the drawing."""
    return _gutters(plot.curves, drawing.scales)[0]


def _gutters(curves: Sequence[Curve], scales: Sequence[Scale]) -> tuple[int, int]:
    """Columns left and right of the drawing, axis lines included; the right is 0 where there is one axis."""
    wide = [
        1 + max(len(curve.unit), *(len(scale.label(tick)) for tick in scale.ticks))
        for curve, scale in zip(curves, scales, strict=True)
    ]
    return wide[0], wide[1] if len(scales) > 1 and scales[1] is not scales[0] else 0


def plot_lines(
    drawing: Drawing, plot: Plot, cursor: int | None, width: int, height: int, *, stale: bool
) -> tuple[Line, ...]:
    """All lines of the plot. `cursor`: a slot of the window, or None. `stale`: something else is being read."""
    curves = plot.curves
    left, right = _gutters(curves, drawing.scales)
    if cursor is not None and not 0 <= cursor - drawing.first < drawing.slots:
        cursor = None  # it waits for a window that is still being read
    at = None if cursor is None else drawing.column_at(cursor)
    lines = [_reading(curves, drawing, cursor, width), _lane(drawing, curves, left, right)]
    ticks = [_tick_rows(scale, drawing.rows) for scale in drawing.scales]
    for row in range(drawing.rows):
        label = ticks[0].get(row)
        edge = pad(label or "", left - 1, right=True) + ("┤" if label is not None else "│")
        line = [Cell(edge, "dim"), *_drawn(drawing, row, at)]
        if right:
            label = ticks[1].get(row)
            line.append(Cell(("├" if label is not None else "│") + pad(label or "", right - 1), "dim"))
        lines.append(tuple(line))
    lines += [
        _axis(drawing, left, at),
        _dates(drawing, left, width),
        *_legend(curves, drawing, width, roomy=height >= _ROOMY),
    ]
    return tuple(_faded(line) for line in lines) if stale else tuple(lines)


def _faded(line: Line) -> Line:
    return tuple(cell._replace(role="dim") for cell in line)


def _tick_rows(scale: Scale, rows: int) -> dict[int, str]:
    """The row of each mark, the topmost last; only the ends where so few rows would make equal steps look unequal."""
    places = {scale.place(tick, rows * DOTS_HIGH) // DOTS_HIGH: scale.label(tick) for tick in scale.ticks}
    steps = [low - high for low, high in pairwise(places)]
    if steps and max(steps) >= 2 * min(steps):
        return {row: label for row, label in places.items() if row in (0, rows - 1)}
    return places


def _drawn(drawing: Drawing, row: int, cursor: int | None) -> Line:
    """One row of the drawing, neighbours of one role together."""
    masks = [mask[row] for mask in drawing.masks]
    first, second = masks[0], masks[1] if len(masks) > 1 else bytes(drawing.columns)
    glyphs: list[tuple[str, str]] = []
    for column in range(drawing.columns):
        head, dots = first[column], first[column] | (second[column] & DOTTED)
        role = CURVE_ROLES[0] if head else CURVE_ROLES[1]
        glyph = chr(0x2800 | dots) if dots else " "
        if column == cursor:
            glyph, role = glyph if dots else "│", "key"
        glyphs.append((role if glyph != " " else "text", glyph))
    for (at, column), grade in drawing.marks.items():
        if at == row:
            glyphs[column] = (GRADES[grade].role, GRADES[grade].glyph)
    return tuple(Cell("".join(glyph for _, glyph in run), role) for role, run in groupby(glyphs, key=lambda g: g[0]))


def _lane(drawing: Drawing, curves: Sequence[Curve], left: int, right: int) -> Line:
    """Units above the axes, and between them the gravest flag of each column."""
    worst = [(GRADES[grade].role, GRADES[grade].glyph if grade else " ") for grade in drawing.lane]
    runs = [Cell("".join(glyph for _, glyph in run), role) for role, run in groupby(worst, key=lambda g: g[0])]
    line = [Cell(pad(curves[0].unit, left - 1, right=True) + " ", "head"), *runs]
    return (*line, Cell(" " + pad(curves[1].unit, right - 1), "head")) if right else tuple(line)


def _axis(drawing: Drawing, left: int, cursor: int | None) -> Line:
    """The time axis, which says where values are missing."""
    line = _kinds(drawing)
    for tick in drawing.dates:
        column = drawing.column_at(drawing.first + tick.place)
        line[column] = "╷" if line[column] == _NONE else "┬"
    cells = [Cell(" " * (left - 1) + "╰", "dim"), Cell("".join(line), "dim")]
    if cursor is not None:
        text = cells.pop().text
        cells += [Cell(text[:cursor], "dim"), Cell("┴", "key"), Cell(text[cursor + 1 :], "dim")]
    return tuple(cells)


def _kinds(drawing: Drawing) -> list[str]:
    """The axis: how much of each column is there."""
    kinds = [_WHOLE if share >= 1 else _PART if share > 0 else _NONE for share in drawing.whole]
    return [_UNREAD] * drawing.unread + kinds[drawing.unread :]


def _dates(drawing: Drawing, left: int, width: int) -> Line:
    text = ""
    for tick in drawing.dates:
        column = left + drawing.column_at(drawing.first + tick.place)
        if column >= len(text) + bool(text) and column + len(tick.label) <= width:
            text = text.ljust(column) + tick.label
    return (Cell(text, "dim"),)


def _reading(curves: Sequence[Curve], drawing: Drawing, cursor: int | None, width: int) -> Line:
    """What stands at the cursor: date, value and flag of each curve."""
    if cursor is None:
        return ()
    zone = (Cell(" PST", "dim"),) if drawing.interval is Interval.HOURLY else ()
    parts: list[Line] = [(Cell(slot_words(drawing.interval, cursor), "key"), *zone)]
    for n, curve in enumerate(curves):
        index = curve.at(cursor)
        named = (Cell(f"{_SAMPLES[n]} ", CURVE_ROLES[n]),) if len(curves) > 1 else ()
        if index is None:
            parts.append((*named, Cell("no record stored", "dim")))
            continue
        code = int(curve.series.qc[index])
        grade = GRADES[int(grades(curve.series.qc[index : index + 1])[0])]
        value = curve.series.value(index)
        number = Cell("no value", "dim") if value is None else Cell(f"{curve.number(value)} {curve.unit}", "head")
        flag = Cell(f"  {grade.glyph} {flag_words(code)}", grade.role if grade.word != "good" else "dim")
        parts.append((*named, number, flag))
    return clip(fit(parts, width) if len(parts) > 2 else [c for p in parts for c in (*p, Cell("   "))], width)


def _legend(curves: Sequence[Curve], drawing: Drawing, width: int, *, roomy: bool) -> tuple[Line, ...]:
    """What the textures, glyphs and kinds of axis mean, each only where it is in the picture; in two lines or one.

    In one, what the top row is comes before the flags: those are told and counted below the plot, too.
    """
    there = sorted({grade for grade in drawing.lane if grade != GOOD}, reverse=True)
    flags: list[Line] = [(Cell(f"{GRADES[grade].glyph} {GRADES[grade].word}", GRADES[grade].role),) for grade in there]
    kinds = set(_kinds(drawing))
    how: list[Line] = [(Cell(f"{_PART}{_PART} some missing", "dim"),)] if _PART in kinds else []
    if _NONE in kinds:
        how.append((Cell("no axis: no value", "dim"),))
    if _UNREAD in kinds:
        how.append((Cell(f"{_UNREAD}{_UNREAD} being read", "warn"),))
    top: list[Line] = [(Cell("top row: worst flag", "dim"),)] if there else []
    if not how and not there:
        how = [(Cell(f"{_WHOLE}{_WHOLE} every value there, none flagged", "dim"),)]
    names = _named_curves(curves, width) if len(curves) > 1 else []
    if not roomy:
        return (fit((*names, *top, *flags, *how), width, gap=2, rest="…"),)
    first, second = (names, [*flags, *top, *how]) if names else (flags, [*top, *how])
    return (fit(first or second, width, rest="…"), fit(second if first else (), width, rest="…"))


def _named_curves(curves: Sequence[Curve], width: int) -> list[Line]:
    """Both textures and whose they are; and, where there is room, that flags and gaps are drawn of the first alone."""
    told = told_apart(curves)
    one, two = [(Cell(f"{_SAMPLES[n]} ", CURVE_ROLES[n]), Cell(told[n], "head")) for n in range(2)]
    words = next((w for w in _OF_FIRST if width_of((*one, *two)) + len(w) + 2 <= width), "")
    return [(*one, Cell(words, "dim")), two]


def told_apart(curves: Sequence[Curve]) -> tuple[str, ...]:
    """What names each of two curves: only what they differ in."""
    one, two = curves
    if one.station == two.station:
        return one.item.label, two.item.label
    if one.item == two.item:
        return whose(one), whose(two)
    return tuple(f"{whose(curve)} {curve.item.label}" for curve in curves)
