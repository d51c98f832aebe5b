"""What the columns of a block let one expect of the next: predictions by a table's fixed integers, exact everywhere.

Everything is an integer kept in float64: predictors are held to ±2**23 and weights below 2**22, so that no sum of up to
2**7 products leaves ±2**53, where float64 is exact in whatever order it adds. That is what makes fast matrix products
and identical results on every machine go together. Specified in `docs/format.md`, "Codec 2".

Arrays have a block axis, the last: blocks with equally many records are worked on together, so that a call into numpy
does for all fortnights of a year what it would do for one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cimis_engine.store.tables import LIMIT, Derived, Floats, Pass, Table

I64 = NDArray[np.int64]
_LOWEST, _HIGHEST = np.array(-(1 << 23)), np.array(1 << 23)
_LEAST, _MOST, _HALVINGS = np.array(-float(LIMIT)), np.array(float(LIMIT)), np.array(16)
ONE = 4 * 1023
"""1.0 in quarter octaves as the top bits of a float64 say them: four times the exponent of two, and two bits more."""


def passes(stride: int, count: int) -> list[tuple[int, slice]]:
    """(step, the records of the pass): every `stride`-th, then the middles between those, and so on to step 1.

    Of few records a pass may have none: it begins at `count` or after it.
    """
    found, step = [(stride, slice(0, count, stride))], stride // 2
    while step:
        found.append((step, slice(step, count, 2 * step)))
        step //= 2
    return found


class Shifts:
    """By how many digits the exponents of a column's blocks are above the item's usual one: `by`, shape (blocks,)."""

    def __init__(self, by: list[int]) -> None:
        self.by = by
        self._any = any(by)
        if self._any:
            self._up, self._down = (10 ** np.maximum(np.array(by) * sign, 0) for sign in (1, -1))

    def applied(self, guess: I64) -> I64:
        """Predictions at the usual exponent as ones at the column's."""
        return guess * self._up // self._down if self._any else guess

    def undone(self, values: I64, out: Floats) -> None:
        """Values at the column's exponent as ones at the usual one, held to ±`LIMIT`."""
        if self._any:
            hold(values // self._up, out)
            out *= self._down
            hold(out, out)
        else:
            hold(values, out)


def hold(values: I64 | Floats, out: Floats) -> None:
    """`values`, but no further from 0 than `LIMIT`. As floats first: what that rounds lies beyond it."""
    if out is not values:
        out[...] = values
    np.maximum(out, _LEAST, out=out)
    np.minimum(out, _MOST, out=out)


class Scene:
    """The columns of some blocks as far as they are known, as predictors of the rest.

    `count` records in each of `blocks`, at least one. `seen` has rows of items, derived columns, and the items' errors;
    each begins `edge` places before the first record and ends twice as many after the last.
    """

    def __init__(self, table: Table, wanted: frozenset[int], count: int, blocks: int, *, errors: bool = True) -> None:
        """`wanted`: which derived rows are made: those that predictions will be asked of, or all that can be.

        `errors`: whether any are asked for, or will be seen.
        """
        self.table, self.count, self.edge = table, count, table.stride
        rows = table.error_row + len(table.exponents) * errors
        self.seen = np.zeros((rows, count + 3 * table.stride, blocks))
        self._wanted = wanted

    def prediction(self, item: int, plan: Pass, step: int, here: slice) -> tuple[I64, I64 | int]:
        """Of the records `here`, shape (records, blocks): the prediction at the item's usual exponent, and how far off
        it is expected to be, in 256ths, as quarter octaves above the smallest float64 (`ONE` is a 256th): one number if
        that is the same for all.

        In the first pass with own weight 1 it is the difference from the value of the pass before that is predicted.
        """
        size, blocks = len(range(here.start, self.count, here.step)), self.seen.shape[2]
        spread = None if plan.quarters is not None else np.full((size, blocks), plan.spread)
        if len(plan.gathered):
            first, hop = self.edge + here.start, here.step // step
            end = first + (size - 1) * here.step + step + 1
            known = self.seen[plan.gathered, first - step : end : step]
            parts = (plan.matrix @ known.reshape(len(known), -1)).reshape(len(plan.matrix), -1, blocks)
            total = parts[0, :-2:hop] + parts[1, 1:-1:hop]
            total += parts[2, 2::hop]
            if spread is not None:
                spread += parts[3, 1:-1:hop]
        else:
            total = np.zeros((size, blocks))
        if step < self.edge:
            self._add_own(item, plan, step, total, spread)
        guess = total.astype(np.int64)
        guess += plan.constant
        guess >>= _HALVINGS
        np.maximum(guess, _LOWEST, out=guess)
        np.minimum(guess, _HIGHEST, out=guess)
        if plan.quarters is not None:
            return guess, plan.quarters
        assert spread is not None
        if plan.spread < 1:
            np.maximum(spread, 1.0, out=spread)
        return guess, spread.view(np.int64) >> 50

    def _add_own(self, item: int, plan: Pass, step: int, total: Floats, spread: Floats | None) -> None:
        """What the item's own neighbours in time say: `around` slides over them, four at a time."""
        around = self.around(item, step, len(total))
        total += _slid(plan.own_weights, around, total.shape)
        if spread is None:
            return
        unrest = around[1:] - around[:-1]
        np.abs(unrest, out=unrest)
        spread += _slid(plan.unrest_weights, unrest, spread.shape)
        if level := plan.spread_own[1]:
            spread += level * (np.abs(around[1:-2]) + np.abs(around[2:-1]))

    def around(self, item: int, step: int, size: int) -> Floats:
        """The item's own values of the passes before: of record number i of the pass, three steps before it to three
        after it are at i to i + 3. What lies outside is taken from inside.
        """
        row, edge = self.seen[item], self.edge
        row[edge - 2 * step] = row[edge]
        right = edge + 2 * step * size
        if right >= edge + self.count:
            row[right] = row[right - 2 * step]
        row[right + 2 * step] = row[right]
        return np.ascontiguousarray(row[edge - 2 * step : right + 2 * step + 1 : 2 * step])

    def see(self, item: int, here: slice, values: I64, shifts: Shifts) -> None:
        """Records `here` of a column are known."""
        shifts.undone(values, self.seen[item, self.edge : self.edge + self.count][here])

    def see_errors(self, item: int, here: slice, errors: I64, shifts: Shifts) -> None:
        row = self.seen[self.table.error_row + item, self.edge : self.edge + self.count][here]
        shifts.undone(errors, row)
        np.abs(row, out=row)

    def finish(self, item: int) -> None:
        """All records of the item are known: derived columns that hang on it too."""
        self._close(item)
        for at, derived in self.table.completed.get(item, ()):
            if at in self._wanted:
                self._derive(at, derived)
                self._close(at)

    def _close(self, row: int) -> None:
        seen, edge = self.seen[row], self.edge
        seen[:edge], seen[edge + self.count :] = seen[edge], seen[edge + self.count - 1]

    def _derive(self, at: int, derived: Derived) -> None:
        inside = slice(self.edge, self.edge + self.count)
        a, b, out = self.seen[derived.of[0], inside], self.seen[derived.of[-1], inside], self.seen[at, inside]
        found: Floats | I64
        match derived.op:
            case "lookup":
                first, values = self.table.lookups[derived.number]
                values.take((a - first).astype(np.int64), mode="clip", out=out)
                return
            case "product":
                found = a * b
                found *= 2.0**-derived.number
                np.floor(found, out=found)
            case "ratio":
                found = a.astype(np.int64) * derived.number // np.maximum(b, 1).astype(np.int64)
            case "less":
                found = a - b
            case _:
                found = np.where(b > 0, a, 0)
        hold(found, out)


def _slid(weights: Floats, values: Floats, shape: tuple[int, ...]) -> Floats:
    """Σ `weights`[j] × `values`[i + j] for each i, of shape `shape`."""
    blocks = shape[1]
    windows = np.ndarray((len(weights), shape[0] * blocks), np.float64, values, 0, (8 * blocks, 8))
    slid: Floats = (weights @ windows).reshape(shape)
    return slid
