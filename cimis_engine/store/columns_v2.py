"""The columns of codec 2 as the numbers, classes and plans that are written: the encoder's half. Pure.

The encoder is free in all it chooses here; what is read is what `codec_v2` makes of it. Arrays have the shape (columns,
records, blocks), of blocks with equally many records, and columns are in the table's order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cimis_engine.model.batch import Column, Sheet
from cimis_engine.store.biases import cheapest, cheapest_class, classes_of
from cimis_engine.store.codec_v1 import zigzag
from cimis_engine.store.predict import I64, Scene, Shifts, passes
from cimis_engine.store.symbols import U64, Bits, SymbolWriter
from cimis_engine.store.tables import LIMIT, Floats, Model, Table

Plans = tuple[list[int], list[int], list[int]]
"""Of a column: the shift, the model and the bias of each block."""


@dataclass(frozen=True, slots=True)
class Coded:
    """Records are in order of passes. Where `classes` has the shape (columns, 1, blocks), all records have the same."""

    numbers: U64
    classes: I64
    held: Bits
    plans: list[Plans]

    def write(self, block: int, head: list[int], writer: SymbolWriter) -> None:
        held = self.held[:, :, block]
        numbers = self.numbers[:, :, block]
        writer.put(numbers[held], np.broadcast_to(self.classes[:, :, block], held.shape)[held])
        for shifts, choices, biases in self.plans:
            head += [_zigzag(shifts[block]), choices[block], _zigzag(biases[block])]


def coded_columns(columns: Sequence[Column], sheet: Sheet, cuts: Sequence[slice], table: Table) -> Coded:
    """Canonical columns, `sheet` their arrays, of the blocks `cuts`."""
    at = {c.item.code: row for row, c in enumerate(columns)}
    order = [item for item in table.order if item in at]
    rows = [at[item] for item in order]
    values = np.stack([sheet.scaled[:, cut] for cut in cuts], axis=2)[rows]
    held = np.stack([sheet.present[:, cut] for cut in cuts], axis=2)[rows]
    exponents = [columns[row].exponent - table.exponents[item] for item, row in zip(order, rows, strict=True)]
    if order and table.steady:
        return _at_once(order, values, held, exponents, table)
    return _ByPass(order, values, held, exponents, table).columns


def _zigzag(number: int) -> int:
    return 2 * number if number >= 0 else -2 * number - 1


# --- tables with one pass, in which a model expects the same error of all records -------------------------------------


@dataclass(frozen=True, slots=True)
class _Tries:
    """What is tried for some items, equally many models each, as arrays whose first axes are (columns, models).

    `weights` go with all rows a scene has, shape (3, columns, models, rows); `own` and `constants` are (…, 1, 1), and
    `quarters` (…, 1).
    """

    choices: list[list[int]]
    models: list[list[Model]]
    wanted: frozenset[int]
    weights: Floats
    constants: I64
    own: I64
    quarters: I64


@lru_cache(maxsize=32)
def _tries(table: Table, order: tuple[int, ...]) -> _Tries:
    """Of a table whose models have one pass each."""
    choices = [table.choices(item, frozenset(order)) for item in order]
    most = max(map(len, choices))
    choices = [row + row[-1:] * (most - len(row)) for row in choices]
    models = [[table.models[item][at] for at in row] for item, row in zip(order, choices, strict=True)]
    weights = np.zeros((3, len(order), most, table.error_row))
    for at, row in enumerate(models):
        for place, model in enumerate(row):
            weights[:, at, place, model.passes[0].rows] = model.passes[0].weights
    return _Tries(
        choices,
        models,
        table.wanted(model for row in models for model in row),
        weights,
        np.array([[model.passes[0].constant for model in row] for row in models])[..., None, None],
        np.array([[model.passes[0].own[0] for model in row] for row in models])[..., None, None],
        np.array([[model.quarters for model in row] for row in models], np.int64)[..., None],
    )


def _at_once(order: Sequence[int], values: I64, held: Bits, exponents: Sequence[int], table: Table) -> Coded:
    """All columns and models in one calculation, in which a missing value is what stood before it.

    That is exact where nothing is missing. Else what is found out is only which models to take, and with those the
    columns are gone through as they are read: what stands in place of a missing value is for the model to say.
    """
    tries, blocks = _tries(table, tuple(order)), values.shape[2]
    shifts = [Shifts([0] * blocks)] * len(order)
    for at, shift in enumerate(exponents):
        if shift:
            values[at], by = _shifted(values[at], shift)
            shifts[at] = Shifts(by.tolist())
    whole = bool(held.all())
    errors = values[:, None] - _guesses(order, values if whole else _standing(values, held), shifts, tries, table)
    errors[:, :, 1:] -= tries.own * values[:, None, :-1]
    numbers = zigzag(errors)
    price, bias = cheapest_class(numbers, tries.quarters, None if whole else held[:, None])
    best = np.arange(len(order)), price.sum(axis=2).argmin(axis=1)
    numbers, bias, quarters = numbers[best], bias[best], tries.quarters[best]
    if not whole:
        models = [row[at] for row, at in zip(tries.models, best[1].tolist(), strict=True)]
        numbers = zigzag(_gone_through(order, values, held, shifts, models, table))
        _, bias = cheapest_class(numbers, quarters, held)
    plans = [
        (shift.by, [row[at]] * blocks, biases)
        for shift, row, at, biases in zip(shifts, tries.choices, best[1].tolist(), bias.tolist(), strict=True)
    ]
    return Coded(numbers, classes_of(quarters, bias)[:, None], held, plans)


def _standing(values: I64, held: Bits) -> I64:
    """Values, missing ones those of the record before (of the first that has one: 0)."""
    last = np.where(held, np.arange(values.shape[1])[:, None], 0)
    np.maximum.accumulate(last, axis=1, out=last)
    standing: I64 = np.take_along_axis(values, last, axis=1)
    return standing


def _guesses(order: Sequence[int], values: I64, shifts: Sequence[Shifts], tries: _Tries, table: Table) -> I64:
    """What the models say if all is known: shape (columns, models, records, blocks)."""
    _, count, blocks = values.shape
    scene = Scene(table, tries.wanted, count, blocks, errors=False)
    for item, column, shift in zip(order, values, shifts, strict=True):
        scene.see(item, slice(None), column, shift)
        scene.finish(item)
    known = scene.seen.reshape(table.error_row, -1)
    parts = tries.weights.reshape(-1, table.error_row) @ known
    before, here, after = parts.reshape(*tries.weights.shape[:3], count + 3, blocks)
    total = before[..., :count, :] + here[..., 1 : count + 1, :]
    total += after[..., 2 : count + 2, :]
    found: I64 = total.astype(np.int64)
    found += tries.constants
    found >>= 16
    np.maximum(found, -int(LIMIT), out=found)
    np.minimum(found, int(LIMIT), out=found)
    for at, shift in enumerate(shifts):
        if any(shift.by):
            found[at] = shift.applied(found[at])
    return found


def _gone_through(
    order: Sequence[int],
    values: I64,
    held: Bits,
    shifts: Sequence[Shifts],
    models: Sequence[Model],
    table: Table,
) -> I64:
    """Errors of a model a column, missing values filled in as they will be read."""
    _, count, blocks = values.shape
    scene, errors = Scene(table, table.wanted(models), count, blocks, errors=False), np.empty_like(values)
    for at, (item, model, shift) in enumerate(zip(order, models, shifts, strict=True)):
        (plan,) = model.passes
        guess, _ = scene.prediction(item, plan, 1, slice(0, count, 1))
        errors[at], filled = _filled(values[at], shift.applied(guess), held[at], plan.own[0])
        scene.see(item, slice(None), filled, shift)
        scene.finish(item)
    return errors


def _filled(values: I64, guess: I64, held: Bits, own: int) -> tuple[I64, I64]:
    """Errors, and the values, missing ones filled as foreseen; `own`: whether steps are."""
    if held.all():
        errors = values - guess
        if own:
            errors[1:] -= values[:-1]
        return errors, values
    if own:
        return _steps_from(values, guess.cumsum(axis=0), held)
    return np.where(held, values - guess, 0), np.where(held, values, guess)


# --- other tables -----------------------------------------------------------------------------------------------------


class _ByPass:
    """The general way: item after item and pass after pass, each model tried as it would be read."""

    def __init__(self, order: Sequence[int], values: I64, held: Bits, exponents: Sequence[int], table: Table) -> None:
        self._table, (_, self._count, self._blocks) = table, values.shape
        tried = [table.choices(item, frozenset(order)) for item in order]
        models = [table.models[item][choice] for item, choices in zip(order, tried, strict=True) for choice in choices]
        self._asked = frozenset[int]().union(*(model.asks for model in models))
        scene = Scene(table, table.wanted(models), self._count, self._blocks, errors=bool(self._asked))
        self._passes = passes(table.stride, self._count)
        written = np.concatenate([np.arange(self._count)[here] for _, here in self._passes])
        numbers, classes = np.empty(values.shape, np.uint64), np.empty(values.shape, np.int64)
        self._plans: list[Plans] = []
        for at, item in enumerate(order):
            found = self._coded(scene, item, values[at], exponents[at], held[at], tried[at])
            numbers[at], classes[at] = (array[written] for array in found)
        self.columns = Coded(numbers, classes, held[:, written], self._plans)

    def _coded(
        self, scene: Scene, item: int, values: I64, shift: int, held: Bits, choices: list[int]
    ) -> tuple[U64, I64]:
        """Numbers and classes of the next item, by record; where not `held`, there is none."""
        values, by = _shifted(values, shift)
        shifts, some = Shifts(by.tolist()), None if held.all() else held
        if some is None:
            scene.see(item, slice(None), values, shifts)
        models = [self._table.models[item][choice] for choice in choices]
        tries = [self._errors(scene, item, model, values, some, shifts) for model in models]
        errors, quarters, filled = (np.stack(arrays) for arrays in zip(*tries, strict=True))
        numbers = zigzag(errors)
        price, bias = cheapest(numbers, quarters, some)
        best = price.argmin(axis=0)
        if some is not None:
            scene.see(item, slice(None), _of_each(best, filled), shifts)
        if item in self._asked:
            scene.see_errors(item, slice(None), _of_each(best, errors), shifts)
        scene.finish(item)
        bias = _of_each(best, bias)
        self._plans.append((shifts.by, [choices[at] for at in best.tolist()], bias.tolist()))
        return _of_each(best, numbers), classes_of(_of_each(best, quarters), bias)

    def _errors(
        self, scene: Scene, item: int, model: Model, values: I64, held: Bits | None, shifts: Shifts
    ) -> tuple[I64, I64, I64]:
        """What a model does not foresee, how large it expects that to be, and the values, missing ones filled."""
        errors, quarters = np.empty_like(values), np.empty_like(values)
        filled = values if held is None else values.copy()
        for (step, here), plan in zip(self._passes, model.passes, strict=True):
            if here.start >= self._count:
                continue
            guess, quarters[here] = scene.prediction(item, plan, step, here)
            guess = shifts.applied(guess)
            steps = step == scene.edge and plan.own[0] != 0
            if held is None:
                errors[here] = values[here] - guess
                if steps:
                    errors[here][1:] -= values[here][:-1]
                continue
            errors[here], filled[here] = _filled(values[here], guess, held[here], steps)
            scene.see(item, here, filled[here], shifts)
        return errors, quarters, filled


def _of_each(best: NDArray[np.intp], tries: NDArray[Any]) -> NDArray[Any]:
    """Of arrays of tries (first axis) each block's (last axis) best."""
    if (best == best[0]).all():
        chosen: NDArray[Any] = tries[best[0]]
        return chosen
    return np.stack([tries[at, ..., block] for block, at in enumerate(best.tolist())], axis=-1)


def _shifted(values: I64, shift: int) -> tuple[I64, I64]:
    """Values, and by how many digits the exponents of their blocks are above the usual one: by none if possible.

    The exponent is raised to the usual one if there is room for the zeros, and lowered to it as far as there are zeros.
    """
    by = np.full(values.shape[1], shift)
    if shift < 0 and np.abs(values.astype(np.float64)).max(initial=0) < 2.0**62 / 10**-shift:
        return values * 10**-shift, np.zeros_like(by)
    for _ in range(shift):
        whole = (values % 10 == 0).all(axis=0) & (by > 0)
        values = np.where(whole, values // 10, values)
        by = by - whole
    return values, by


def _steps_from(values: I64, expected: I64, held: Bits) -> tuple[I64, I64]:
    """Differences of what lies above the expected course, none where a value is missing; and the values, filled."""
    count, blocks = values.shape
    above = np.zeros((count + 1, blocks), np.int64)
    np.subtract(values, expected, out=above[1:], where=held)
    last = np.where(held, np.arange(1, count + 1)[:, None], 0)
    np.maximum.accumulate(last, axis=0, out=last)
    above[1:] = above.take(last * blocks + np.arange(blocks))
    return above[1:] - above[:-1], above[1:] + expected
