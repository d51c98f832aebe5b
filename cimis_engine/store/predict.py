"""What the columns of a block let one expect of the next: predictions by a table's fixed integers, exact everywhere.

Everything is an integer kept in float64: predictors are held to ±2**23 and weights below 2**22, so that no sum of up to
2**7 products leaves ±2**53, where float64 is exact in whatever order it adds. That is what makes fast matrix products
and identical results on every machine go together. Specified in `docs/format.md`, "Codec 2".
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from cimis_engine.store.tables import Derived, Floats, Pass, Table

I64 = NDArray[np.int64]
LIMIT = float(1 << 23)
_UNIT = float(1 << 16)


def passes(stride: int, count: int) -> Iterator[tuple[int, slice]]:
    """(step, the records of the pass): every `stride`-th, then the middles between those, and so on to step 1."""
    yield stride, slice(0, count, stride)
    step = stride // 2
    while step:
        yield step, slice(step, count, 2 * step)
        step //= 2


class Scene:
    """The columns of a block as far as they are known, as predictors of the rest. `count` records, at least one."""

    def __init__(self, table: Table, wanted: frozenset[int], count: int) -> None:
        """`wanted`: the derived columns that predictions will be asked of, or those that can be made at all."""
        self._table, self._count, self._edge = table, count, table.stride
        rows = len(table.exponents) + len(table.derived)
        self.seen = np.zeros((rows, count + 2 * table.stride))
        self.errors = np.zeros((len(table.exponents), count))
        self._due = {at: table.derived[at - len(table.exponents)] for at in sorted(wanted)}
        self._known: set[int] = set()

    def prediction(self, item: int, plan: Pass, step: int, here: slice) -> tuple[I64, Floats]:
        """Of the records `here`: the prediction at the item's usual exponent, and the expected error in 256ths.

        In the first pass with own weight 1 it is the difference from the value of the pass before that is predicted.
        """
        size = len(range(here.start, self._count, here.step))
        own = self._neighbours(item, step, here, size) if step < self._table.stride else ()
        total = self._weighed(plan, step, here, size)
        total += plan.constant + _UNIT / 2
        for weight, values in zip(plan.own, own, strict=False):
            total += weight * values
        total *= 1 / _UNIT
        np.floor(total, out=total)
        if len(plan.spread_rows):
            spread = plan.spread_weights @ self.errors[:, here][plan.spread_rows]
            spread += plan.spread
        else:
            spread = np.full(size, plan.spread, np.float64)
        if own:
            left, right, far_left, far_right = own
            near, level, far = plan.spread_own
            if near:
                spread += near * np.abs(left - right)
            if level:
                spread += level * (np.abs(left) + np.abs(right))
            if far:
                spread += far * (np.abs(left - far_left) + np.abs(right - far_right))
        return _held(total).astype(np.int64), np.maximum(spread, 1.0, out=spread)

    def _weighed(self, plan: Pass, step: int, here: slice, size: int) -> Floats:
        """The sum of the plan's rows before, at and after the records."""
        if not len(plan.rows):
            return np.zeros(size)
        first, hop = self._edge + here.start, here.step // step
        end = first + (size - 1) * here.step + step + 1
        before, at, after = plan.weights @ self.seen[:, first - step : end : step][plan.rows]
        total: Floats = before[:-2:hop] + at[1:-1:hop]
        total += after[2::hop]
        return total

    def _neighbours(self, item: int, step: int, here: slice, size: int) -> tuple[Floats, ...]:
        """The item's own values `step` before and after, and three steps; what lies outside is taken from inside."""
        row = self.seen[item, self._edge : self._edge + self._count]
        left = row[: size * here.step : here.step]
        right = row[2 * step :: here.step]
        if len(right) < size:
            right = np.concatenate([right, left[-1:]])
        return left, right, np.concatenate([left[:1], left[:-1]]), np.concatenate([right[1:], right[-1:]])

    def see(self, item: int, here: slice, values: I64, shift: int) -> None:
        """Records `here` of a column are known. `shift`: its exponent above the usual one."""
        row = self.seen[item, self._edge : self._edge + self._count]
        row[here] = _usual(values, shift)

    def see_errors(self, item: int, here: slice, errors: I64, shift: int) -> None:
        self.errors[item, here] = np.abs(_usual(errors, shift))

    def finish(self, item: int) -> None:
        """All records of the item are known: derived columns that hang on it too."""
        self._close(item)
        self._known.add(item)
        for at in [at for at, derived in self._due.items() if derived.needs <= self._known]:
            self._derive(at, self._due.pop(at))  # in rising order: what one hangs on is there already
            self._close(at)

    def _close(self, row: int) -> None:
        seen, edge = self.seen[row], self._edge
        seen[:edge], seen[edge + self._count :] = seen[edge], seen[edge + self._count - 1]

    def _derive(self, at: int, derived: Derived) -> None:
        inside = slice(self._edge, self._edge + self._count)
        a, b = self.seen[derived.of[0], inside], self.seen[derived.of[-1], inside]
        match derived.op:
            case "lookup":
                first, values = self._table.lookups[derived.number]
                found: Floats | I64 = values[np.minimum(np.maximum(a - first, 0), len(values) - 1).astype(np.intp)]
            case "product":
                found = (a.astype(np.int64) * b.astype(np.int64)) >> derived.number
            case "ratio":
                found = a.astype(np.int64) * derived.number // np.maximum(b, 1).astype(np.int64)
            case "less":
                found = a - b
            case _:
                found = np.where(b > 0, a, 0)
        self.seen[at, inside] = _held(found)


def _held(values: I64 | Floats) -> Floats:
    return np.minimum(np.maximum(values, -LIMIT), LIMIT)


def _usual(values: I64, shift: int) -> Floats:
    """Values whose exponent is `shift` above the item's usual one, at the usual one, held to ±`LIMIT`."""
    if shift > 0:
        values = values // 10**shift
    return _held(_held(values) * 10.0**-shift) if shift < 0 else _held(values)


def at_exponent(prediction: I64, shift: int) -> I64:
    """A prediction at the item's usual exponent as one at an exponent `shift` above it."""
    moved: I64 = prediction if shift == 0 else prediction * 10**shift if shift > 0 else prediction // 10**-shift
    return moved
