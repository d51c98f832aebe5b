"""Many records in few columns: of each column the exact least and greatest value, and whether it joins the one before.

Nothing is averaged or interpolated: every extreme of the records is one of the picture. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Envelope:
    """Columns that have values, ascending; arrays of one element each.

    `first` and `last` are the column's earliest and latest value. `joined`: the record before its first one stands in
    the slot before and has a value, so a line may lead here from the column before.
    """

    columns: Ints
    low: Floats
    high: Floats
    first: Floats
    last: Floats
    joined: Bools


def envelope(places: Ints, values: Floats, slots: int, columns: int) -> Envelope:
    """The records of `slots` consecutive slots in so many columns.

    `places` are the records' slots from 0, ascending; a value of NaN is missing, and is none of the picture.
    """
    here = ~np.isnan(values)
    places, values = places[here], values[here]
    if not len(places) or columns < 1:
        none = np.empty(0, np.float64)
        return Envelope(np.empty(0, np.int64), none, none, none, none, np.empty(0, np.bool_))
    at = column_of(places, slots, columns)
    starts = np.flatnonzero(np.diff(at, prepend=-1))
    ends = np.append(starts[1:], len(at)) - 1
    before = places[starts] - np.where(starts > 0, places[starts - 1], -2)
    return Envelope(
        columns=at[starts],
        low=np.minimum.reduceat(values, starts),
        high=np.maximum.reduceat(values, starts),
        first=values[starts],
        last=values[ends],
        joined=(starts > 0) & (before == 1),
    )


def column_of(places: Ints, slots: int, columns: int) -> Ints:
    """The column in which the middle of each slot is."""
    return (2 * places + 1) * columns // (2 * slots)


def slots_of_columns(slots: int, columns: int) -> tuple[Ints, Ints]:
    """The first slot of each column and the one after its last: at least one, so that columns may share a slot."""
    edges = np.arange(columns + 1, dtype=np.int64) * slots
    first = edges[:-1] // columns
    return first, np.maximum(first + 1, -(-edges[1:] // columns))


def shares(present: Ints, slots: int, columns: int) -> Floats:
    """Of each column's slots, the share that has a value. `present` are the slots from 0 that do."""
    held = np.zeros(slots + 1, np.int64)
    held[present + 1] = 1
    before = np.cumsum(held)
    first, after = slots_of_columns(slots, columns)
    return (before[after] - before[first]) / (after - first)


def worst(places: Ints, grades: Ints, slots: int, columns: int) -> Ints:
    """The greatest grade of each column, 0 where no record is."""
    found = np.zeros(columns, np.int64)
    np.maximum.at(found, column_of(places, slots, columns), grades)
    return found
