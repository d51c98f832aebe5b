"""Pictures of dots: every cell of the terminal is two dots wide and four high, in braille.

The dots of a cell are bits of its character from U+2800 (the Unicode standard, chapter 21.1): 1 2 4 64 down the left
side, 8 16 32 128 down the right. A cell without a dot is a blank, so that what lies beneath a picture can show.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

DOTS_WIDE, DOTS_HIGH = 2, 4
"""The dots of a cell."""
_BITS = (1, 2, 4, 64, 8, 16, 32, 128)
_GLYPHS = (" ", *(chr(0x2800 + mask) for mask in range(1, 256)))

Point = tuple[float, float]


class Canvas:
    """A picture of `columns` by `rows` cells. Places are in dots from the upper left one; what lies outside is cut off.

    Places are floats, and belong to the nearest dot.
    """

    def __init__(self, columns: int, rows: int) -> None:
        self.columns, self.rows = max(0, columns), max(0, rows)
        self.width, self.height = self.columns * DOTS_WIDE, self.rows * DOTS_HIGH
        self._cells = [bytearray(self.columns) for _ in range(self.rows)]

    def dot(self, x: float, y: float) -> None:
        """Set the dot there; nothing outside."""
        column, row = round(x), round(y)
        if 0 <= column < self.width and 0 <= row < self.height:
            self._set(column, row)

    def line(self, start: Point, end: Point) -> None:
        """A straight line, ends included, as far as it lies within the picture."""
        part = clip_line(start, end, self.width - 1, self.height - 1)
        if part is None:
            return
        (x, y), (to_x, to_y) = ((round(px), round(py)) for px, py in part)
        across, down = abs(to_x - x), -abs(to_y - y)
        step_x, step_y = (1 if x < to_x else -1), (1 if y < to_y else -1)
        error = across + down
        while True:  # Bresenham (1965)
            self._set(x, y)
            if x == to_x and y == to_y:
                return
            twice = 2 * error
            if twice >= down:
                error += down
                x += step_x
            if twice <= across:
                error += across
                y += step_y

    def bar(self, x: int, top: int, bottom: int) -> None:
        """Every dot of a column from `top` to `bottom`, both included: what `line` does, a cell at a time."""
        top, bottom = max(0, top), min(self.height - 1, bottom)
        if not 0 <= x < self.width:
            return
        column, bits = x >> 1, _BITS[4:] if x & 1 else _BITS[:4]
        for row in range(top >> 2, (bottom >> 2) + 1):
            from_dot, to_dot = max(0, top - row * 4), min(3, bottom - row * 4)
            self._cells[row][column] |= sum(bits[from_dot : to_dot + 1])

    def path(self, points: Iterable[Point]) -> None:
        """Lines from each point to the next. A single point is a dot."""
        places: Sequence[Point] = tuple(points)
        if len(places) == 1:
            self.dot(*places[0])
        for start, end in pairwise(places):
            self.line(start, end)

    def mask(self, column: int, row: int) -> int:
        """The dots of a cell, as bits of its character; 0 for a blank one."""
        return self._cells[row][column]

    def lines(self) -> list[str]:
        """The picture, a text of `columns` characters a row."""
        return ["".join([_GLYPHS[mask] for mask in cells]) for cells in self._cells]

    def _set(self, x: int, y: int) -> None:
        self._cells[y >> 2][x >> 1] |= _BITS[(x & 1) << 2 | y & 3]


def clip_line(start: Point, end: Point, right: float, bottom: float) -> tuple[Point, Point] | None:
    """The part of a line with 0 <= x <= right and 0 <= y <= bottom; None if none of it is (Liang and Barsky, 1984)."""
    (x, y), (to_x, to_y) = start, end
    across, down = to_x - x, to_y - y
    first, last = 0.0, 1.0
    for towards, room in ((-across, x), (across, right - x), (-down, y), (down, bottom - y)):
        if towards == 0:
            if room < 0:
                return None
            continue
        at = room / towards
        if towards < 0:
            first = max(first, at)
        else:
            last = min(last, at)
    if first > last:
        return None
    return (x + first * across, y + first * down), (x + last * across, y + last * down)
