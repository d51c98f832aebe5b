"""The part of the earth that a map shows: places into dots and cells, and back. Pure.

Equirectangular: degrees of longitude are shortened as at California's middle latitude, and a dot of braille is as wide
as it is high. Within the state nothing is more than 7 % off its true width.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import cos, radians

from cimis_engine.model.geo import EARTH_RADIUS_KM
from cimis_tui.view.braille import DOTS_HIGH, DOTS_WIDE

SOUTH, NORTH, WEST, EAST = 32.53, 42.01, -124.42, -114.13
"""California."""
MIDDLE = ((SOUTH + NORTH) / 2, (WEST + EAST) / 2)
ZOOMS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
"""How many times larger than the whole state."""
SHORTER = cos(radians(MIDDLE[0]))
"""A degree of longitude beside one of latitude."""
KM_A_DEGREE = EARTH_RADIUS_KM * radians(1)
_STEP = 1 / 6
"""Of the picture that one step moves."""


@dataclass(frozen=True, slots=True)
class Viewport:
    """`columns` by `rows` cells around a place, `zoom` times the scale at which the whole state fits."""

    columns: int
    rows: int
    latitude: float = MIDDLE[0]
    longitude: float = MIDDLE[1]
    zoom: int = 1

    @property
    def scale(self) -> float:
        """Dots a degree of latitude."""
        high = (self.rows * DOTS_HIGH - 2) / (NORTH - SOUTH)
        wide = (self.columns * DOTS_WIDE - 2) / ((EAST - WEST) * SHORTER)
        return self.zoom * max(0.1, min(high, wide))

    @property
    def km_a_cell(self) -> float:
        """How wide a cell is."""
        return DOTS_WIDE / self.scale * KM_A_DEGREE

    def dot(self, latitude: float, longitude: float) -> tuple[float, float]:
        """Where a place is, in dots from the upper left one; perhaps outside the picture."""
        x = (self.columns * DOTS_WIDE - 1) / 2 + (longitude - self.longitude) * SHORTER * self.scale
        return x, (self.rows * DOTS_HIGH - 1) / 2 - (latitude - self.latitude) * self.scale

    def cell(self, latitude: float, longitude: float) -> tuple[int, int] | None:
        """The column and row of a place; None outside the picture."""
        x, y = self.dot(latitude, longitude)
        column, row = round(x) // DOTS_WIDE, round(y) // DOTS_HIGH
        return (column, row) if 0 <= column < self.columns and 0 <= row < self.rows else None

    def moved(self, right: int, down: int) -> Viewport:
        """A step or several to a side; the middle stays within the state."""
        across = right * _STEP * self.columns * DOTS_WIDE / self.scale / SHORTER
        return self.around(self.latitude - down * _STEP * self.rows * DOTS_HIGH / self.scale, self.longitude + across)

    def around(self, latitude: float, longitude: float) -> Viewport:
        """The same, with another middle."""
        middle = min(NORTH, max(SOUTH, latitude)), min(EAST, max(WEST, longitude))
        return replace(self, latitude=middle[0], longitude=middle[1])

    def zoomed(self, step: int) -> Viewport | None:
        """Nearer by so many steps, or farther, out to the whole state; None where that is not possible."""
        at = ZOOMS.index(self.zoom) + step
        if not 0 <= at < len(ZOOMS):
            return None
        return replace(self, zoom=ZOOMS[at]) if at else Viewport(self.columns, self.rows)


def scale_bar(view: Viewport, most: int) -> tuple[int, int]:
    """(columns, kilometres) of a bar for the scale: a round number of kilometres, at most `most` columns."""
    kilometres = 1
    for base in (1, 10, 100, 1000):
        for step in (1, 2, 5):
            if base * step / view.km_a_cell <= most:
                kilometres = base * step
    return max(1, round(kilometres / view.km_a_cell)), kilometres
