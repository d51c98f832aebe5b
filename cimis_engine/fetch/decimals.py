"""Decimal strings to scaled integers, exactly, many at once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cimis_engine.model.batch import MAX_EXPONENT

MAX_WHOLE = 9
"""Digits before the point; with nine after it, every value and every alignment fits 64 bits."""
_NUMBER = re.compile(r"-?[0-9]{1,9}(\.[0-9]{1,9})?")
_POWERS = 10 ** np.arange(MAX_WHOLE + MAX_EXPONENT + 1, dtype=np.int64)
_ZERO, _NINE, _DOT, _MINUS, _END = b"09.-\n"


def is_number(text: str | None) -> bool:
    """Whether a value may stand in a column: None, or a plain decimal of a size that fits."""
    return text is None or _NUMBER.fullmatch(text) is not None


def parse_decimals(
    values: Sequence[str | None], rows: int
) -> tuple[NDArray[np.int64], NDArray[np.uint8], NDArray[np.bool_]] | None:
    """`values`, flat, `rows` equal runs (one a column) → scaled (rows × n), exponents (rows), present (rows × n).

    A value is an optional minus, digits, and optionally a dot and digits, at most 9 on either side;
    None is missing. The result is None if any value is anything else: `is_number` says which.
    """
    text = "\n".join([v if v is not None else "" for v in values]) + "\n"
    if not text.isascii():
        return None
    chars = np.frombuffer(text.encode(), np.uint8)
    ends = np.flatnonzero(chars == _END)
    if len(ends) != len(values):
        return None
    starts = np.empty_like(ends)
    starts[0] = 0
    starts[1:] = ends[:-1] + 1
    present = ends > starts
    if len(values) - values.count(None) != int(np.count_nonzero(present)):
        return None  # an empty string among them
    digit = (chars >= _ZERO) & (chars <= _NINE)
    minus, dots = chars == _MINUS, np.flatnonzero(chars == _DOT)
    negative = minus[starts]
    if np.count_nonzero(digit) + np.count_nonzero(minus) + len(dots) + len(ends) != len(chars):
        return None
    if np.count_nonzero(minus) != np.count_nonzero(negative):
        return None
    owner = np.searchsorted(ends, dots)
    if len(dots) and (np.any(owner[1:] == owner[:-1]) or not (digit[dots - 1] & digit[dots + 1]).all()):
        return None
    decimals = np.zeros(len(values), np.int64)
    decimals[owner] = ends[owner] - dots - 1
    whole = ends - starts - negative - decimals
    whole[owner] -= 1
    if np.any(present & (whole < 1)) or whole.max() > MAX_WHOLE or decimals.max() > MAX_EXPONENT:
        return None
    return _assemble(chars, digit, starts, ends, negative, decimals, present, rows)


def _assemble(
    chars: NDArray[np.uint8],
    digit: NDArray[np.bool_],
    starts: NDArray[np.intp],
    ends: NDArray[np.intp],
    negative: NDArray[np.bool_],
    decimals: NDArray[np.int64],
    present: NDArray[np.bool_],
    rows: int,
) -> tuple[NDArray[np.int64], NDArray[np.uint8], NDArray[np.bool_]]:
    """Each digit times ten to the number of digits after it in its value, summed per value, aligned per column."""
    rank = np.cumsum(digit, dtype=np.int32)
    last = rank[ends]
    index = np.flatnonzero(digit)
    before = np.concatenate(([0], last[:-1]))
    counts = last - before
    power = np.repeat(last, counts) - rank[index]
    weighted: NDArray[Any] = np.zeros(len(index) + 1, np.int64)
    np.cumsum((chars[index] - _ZERO).astype(np.int64) * _POWERS[power], out=weighted[1:])
    scaled = weighted[last] - weighted[before]
    scaled[negative] *= -1
    shape = (rows, len(ends) // rows)
    places = decimals.reshape(shape)
    exponents = places.max(axis=1)
    aligned = scaled.reshape(shape) * _POWERS[exponents[:, None] - places]
    return aligned, exponents.astype(np.uint8), present.reshape(shape)
