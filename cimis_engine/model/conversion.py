"""Metric to English units and back: exact integer arithmetic, rounded half-up to the agency's decimals. Pure.

A conversion is a line, `y = (a x + b) / q` with integers, so nothing is lost before the one rounding at the end. Where
the numbers come from:

* °F = °C × 9/5 + 32, mBars = kPa × 10: definitions.
* in = mm / 25.4, miles = km / 1.609344, MPH = m/s × 3.6 / 1.609344: the international inch and mile, exact since 1959
  (NIST SP 811, appendix B.8).
* Ly/day = W/m² / 0.484583: the agency's own figure, which fits its English and metric data of the same days.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import gcd
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cimis_engine.errors import CimisError
from cimis_engine.model.items import DataItem, UnitSystem

_INT64 = 1 << 63


class OutOfRangeError(CimisError):
    """Values of `item` do not fit into 64 bits once they are brought to one number of decimals or to other units."""

    def __init__(self, item: DataItem) -> None:
        super().__init__(
            f"values of {item.slug} are too large to be brought to one form",
            hint="leave the item out with --items, or ask for fewer years",
        )
        self.item = item


@dataclass(frozen=True, slots=True)
class Line:
    """`y = (a x + b) / q`, integers, `a` and `q` above zero."""

    a: int
    b: int
    q: int

    @property
    def inverse(self) -> Line:
        return Line(self.q, -self.b, self.a)

    def of(self, value: Fraction) -> Fraction:
        return (self.a * value + self.b) / self.q

    def of_difference(self, value: Fraction) -> Fraction:
        return self.a * value / self.q


SAME = Line(1, 0, 1)
_TO_ENGLISH = {
    "(C)": Line(9, 160, 5),
    "(mm)": Line(5, 0, 127),
    "(W./sq.m)": Line(1_000_000, 0, 484_583),
    "(kPa)": Line(10, 0, 1),
    "(m/s)": Line(3125, 0, 1397),
    "(km)": Line(15_625, 0, 25_146),
    "(%)": SAME,
    "(°)": SAME,
}
"""By metric unit, as an item names it: English ones mislead (a wind run in miles reads `(MPH)`)."""


def line_of(item: DataItem, source: UnitSystem, target: UnitSystem) -> Line:
    """From an item's unit in one system to that in another; `SAME` where nothing changes."""
    if source is target:
        return SAME
    line = _TO_ENGLISH[item.unit_metric]
    return line if target is UnitSystem.ENGLISH else line.inverse


def converted(item: DataItem, scaled: NDArray[np.int64], exponent: int, line: Line) -> tuple[NDArray[np.int64], int]:
    """`scaled / 10**exponent` on a line, as integers of `item.decimals` decimals and that number. `SAME`: unchanged.

    Rounds half away from zero, as `decimal.ROUND_HALF_UP` does. Raises `OutOfRangeError`.
    """
    if line == SAME:
        return scaled, exponent
    decimals = item.decimals
    top, shift, bottom = line.a * 10**decimals, line.b * 10 ** (exponent + decimals), line.q * 10**exponent
    common = gcd(top, shift, bottom)
    top, shift, bottom = top // common, shift // common, bottom // common
    largest = _largest(scaled)
    fits = 2 * (largest * top + abs(shift)) + bottom < _INT64
    numerator = (scaled if fits else scaled.astype(object)) * top + shift
    size = (2 * np.abs(numerator) + bottom) // (2 * bottom)
    return _narrowed(item, np.where(numerator < 0, -size, size)), decimals


def at_exponent(item: DataItem, scaled: NDArray[Any], exponent: int, wanted: int) -> NDArray[np.int64]:
    """The same values with more decimals: `scaled` at `wanted >= exponent`. Raises `OutOfRangeError`."""
    wide = scaled.astype(np.int64)
    if wanted == exponent:
        return wide
    factor = 10 ** (wanted - exponent)
    fits = _largest(wide) * factor < _INT64
    return _narrowed(item, (wide if fits else wide.astype(object)) * factor)


def _largest(scaled: NDArray[np.int64]) -> int:
    """The largest absolute value, as a Python integer: that of -2**63 has no int64."""
    return max(abs(int(scaled.min(initial=0))), abs(int(scaled.max(initial=0))))


def _narrowed(item: DataItem, whole: NDArray[Any]) -> NDArray[np.int64]:
    try:
        return whole.astype(np.int64)
    except OverflowError:
        raise OutOfRangeError(item) from None
