"""The drawing of a plot: curves as braille, scales, marks of flags, and which columns have all their values. Pure.

What costs is done here once for a size and a set of curves; `plot_lines` makes lines of it, cursor included.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from cimis_engine.model.items import Interval
from cimis_engine.model.period import Span
from cimis_tui.view.braille import DOTS_HIGH, DOTS_WIDE, Canvas
from cimis_tui.view.curve import Curve, slot_number
from cimis_tui.view.envelope import Envelope, envelope, shares, worst
from cimis_tui.view.quality import GRADES, grades
from cimis_tui.view.ticks import DateTick, Scale, date_ticks, scale_of

_TALL = 16
"""Rows from which on a mark of the value axis takes three of them, not two."""
CURVE_ROLES = ("bar", "text")
"""The first curve is a line; the second, dotted, has every other dot of one."""
DOTTED = 0x47
"""The left dots of a cell."""


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """A plot of `columns` by `rows` cells; `slots` are the window's, from `first` (as `Records.slots`).

    `masks`: of each curve, the braille dots of each cell. `lane`: the gravest grade of each column, `whole`: the share
    of its slots that have a value; both of the first curve. `marks`: (row, column) → grade of a flagged value there.
    `scales`: of each curve, the same one where the unit is. `unread`: how many columns are still being read.
    """

    columns: int
    rows: int
    first: int
    slots: int
    interval: Interval
    masks: tuple[tuple[bytes, ...], ...]
    scales: tuple[Scale, ...]
    unread: int
    marks: dict[tuple[int, int], int]
    lane: tuple[int, ...]
    whole: tuple[float, ...]
    dates: tuple[DateTick, ...]

    @property
    def step(self) -> int:
        """Slots from one column to the next, at least one."""
        return max(1, round(self.slots / self.columns))

    def column_at(self, slot: int) -> int:
        """The column of a slot within the window."""
        return (2 * (slot - self.first) + 1) * self.columns // (2 * self.slots)

    def slot_at(self, column: int) -> int:
        """The slot in the middle of a column."""
        return self.first + min(self.slots - 1, (2 * column + 1) * self.slots // (2 * self.columns))


def whose(curve: Curve) -> str:
    """The curve's station, numbered as tables have it."""
    return f"{curve.station} {curve.name}".rstrip()


def scales_of(curves: Sequence[Curve], rows: int) -> tuple[Scale, ...]:
    """A scale for each curve; curves of one unit share one."""
    by_unit: dict[str, Scale] = {}
    for curve in curves:
        if curve.unit not in by_unit:
            same = [c.series.values for c in curves if c.unit == curve.unit]
            values = np.concatenate(same)
            values = values[~np.isnan(values)]
            low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
            by_unit[curve.unit] = scale_of(low, high, 1 + rows // (3 if rows >= _TALL else 2))
    return tuple(by_unit[curve.unit] for curve in curves)


def draw(
    curves: Sequence[Curve], scales: tuple[Scale, ...], span: Span, since: date, columns: int, rows: int
) -> Drawing:
    """At least one curve, of one interval, in a plot of so many cells; what is before `since` is still being read."""
    interval = curves[0].item.interval
    first, slots = slot_number(interval, span.start), span.records(interval)
    masks = []
    for curve, scale in zip(curves, scales, strict=True):
        shape = envelope(curve.slots - first, curve.series.values, slots, columns * DOTS_WIDE)
        masks.append(_dots(shape, scale, columns, rows))
    head = curves[0]
    places, present = head.slots - first, head.series.present
    found = worst(places, grades(head.series.qc), slots, columns)
    return Drawing(
        columns=columns,
        rows=rows,
        first=first,
        slots=slots,
        interval=interval,
        masks=tuple(masks),
        scales=scales,
        unread=(slot_number(interval, since) - first) * columns // slots,
        marks=_marks(head, scales[0], first, slots, columns, rows),
        lane=tuple(found.tolist()),
        whole=tuple(shares(places[present], slots, columns).tolist()),
        dates=date_ticks(span, interval, columns),
    )


def _dots(shape: Envelope, scale: Scale, columns: int, rows: int) -> tuple[bytes, ...]:
    canvas, height = Canvas(columns, rows), rows * DOTS_HIGH
    per_dot = (scale.high - scale.low) / (height - 1)

    def places(values: np.ndarray) -> list[int]:
        return np.rint((scale.high - values) / per_dot).astype(int).tolist()  # type: ignore[no-any-return]

    before: tuple[int, int] | None = None
    each = zip(
        shape.columns.tolist(),
        places(shape.high),
        places(shape.low),
        places(shape.first),
        places(shape.last),
        shape.joined.tolist(),
        strict=True,
    )
    for x, top, bottom, start, end, joined in each:
        canvas.bar(x, top, bottom)
        if joined and before is not None:
            canvas.line(before, (x, start))
        before = (x, end)
    return tuple(bytes(canvas.mask(column, row) for column in range(columns)) for row in range(rows))


def _marks(curve: Curve, scale: Scale, first: int, slots: int, columns: int, rows: int) -> dict[tuple[int, int], int]:
    """Cells of flagged values, the gravest grade of each; of the grades that are few enough not to hide the curve."""
    found, present = grades(curve.series.qc), curve.series.present
    values, places = curve.series.values, curve.slots - first
    marks: dict[tuple[int, int], int] = {}
    room = columns
    for grade in range(len(GRADES) - 1, 0, -1):
        where = np.flatnonzero(present & (found == grade))
        if len(where) > room:
            break
        room -= len(where)
        for index in where.tolist():
            column = (2 * int(places[index]) + 1) * columns // (2 * slots)
            row = scale.place(float(values[index]), rows * DOTS_HIGH) // DOTS_HIGH
            marks.setdefault((row, column), grade)
    return marks
