"""Codec 2: columns as what a fixed table could not foresee, in codes as long as the surprise. Pure.

Column after column is predicted from those before it and from its own neighbours in time; what is left is written under
a class that says how far off the table expects itself to be (`predict`, `symbols`). No general compressor is used, so
the same content gives the same bytes with any libzstd. Specified in `docs/format.md`, "Codec 2".
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cimis_engine.model.batch import MAX_EXPONENT, Column, columns_of, sheet_of
from cimis_engine.model.items import DataItem
from cimis_engine.store.codec_v1 import unzigzag, zigzag
from cimis_engine.store.gamma import GammaReader, write_gamma
from cimis_engine.store.marks import FlagPlan, MissingPlan, write_flags, write_missing
from cimis_engine.store.predict import I64, Scene, at_exponent, passes
from cimis_engine.store.symbols import CLASSES, SPARSE, SymbolReader, SymbolWriter, prices
from cimis_engine.store.tables import TAG_SIZE, Floats, Model, Table, table_named
from cimis_engine.store.wire import Cursor

CODEC_ID = 2
_GAP_CLASS = 1
_BIASES = np.arange(-128, 128)
Bits = NDArray[np.bool_]


def _quarters(spread: Floats) -> I64:
    """An expected error >= 1 as quarter octaves: four times the exponent of two, and the first two bits that follow."""
    quarters: I64 = (spread.view(np.int64) >> 50) - 4 * 1023
    return quarters


def _classes(quarters: I64, bias: int) -> I64:
    classes: I64 = np.minimum(np.maximum((quarters + bias) >> 2, 0), CLASSES - 1)
    return classes


def _cheapest_bias(numbers: NDArray[np.uint64], quarters: I64) -> tuple[int, int]:
    """(price, bias): the bias nearest to 0 of those that cost least."""
    order = np.argsort(quarters, kind="stable")
    held, starts = np.unique(quarters[order], return_index=True)
    totals = np.add.reduceat(prices(numbers[order]), starts, axis=1)
    at = np.clip((held + _BIASES[:, None]) >> 2, 0, CLASSES - 1)
    costs = totals[at, np.arange(len(held))].sum(axis=1)
    return min((cost, abs(bias), bias) for cost, bias in zip(costs.tolist(), _BIASES.tolist(), strict=True))[::2]


def _zigzag(number: int) -> int:
    return 2 * number if number >= 0 else -2 * number - 1


def _unzigzag(code: int) -> int:
    return code >> 1 if code % 2 == 0 else -(code >> 1) - 1


def _raised(column: Column, scaled: I64, usual: int) -> tuple[int, I64]:
    """The column at the table's exponent if its own is smaller and its values have room for the zeros."""
    digits = usual - column.exponent
    if digits <= 0 or np.abs(scaled.astype(np.float64)).max(initial=0) >= 2.0**62 / 10**digits:
        return column.exponent, scaled
    return usual, scaled * 10**digits


def _encode_column(
    scene: Scene, item: int, model: Model, stride: int, shift: int, scaled: I64, present: Bits
) -> tuple[I64, I64, NDArray[np.uint64], I64]:
    values, errors = scaled.copy(), np.zeros(len(scaled), np.int64)
    quarters = np.zeros(len(scaled), np.int64)
    numbers, classes = [], []
    for (step, here), plan in zip(passes(stride, len(scaled)), model.passes, strict=True):
        if here.start >= len(scaled):
            continue
        guess, spread = scene.prediction(item, plan, step, here)
        guess = at_exponent(guess, shift)
        held = present[here]
        if step == stride and plan.own[0]:
            errors[here], values[here] = _steps_from(values[here], np.cumsum(guess), held)
        else:
            errors[here] = np.where(held, values[here] - guess, 0)
            values[here] = np.where(held, values[here], guess)
        scene.see(item, here, values[here], shift)
        quarters[here] = _quarters(spread)
        numbers.append(zigzag(errors[here][held]))
        classes.append(quarters[here][held])
    return values, errors, np.concatenate(numbers), np.concatenate(classes)


def _steps_from(values: I64, expected: I64, held: Bits) -> tuple[I64, I64]:
    """Differences of what lies above the expected course, none where a value is missing; and the values, filled."""
    above = np.where(held, values - expected, 0)
    last = np.maximum.accumulate(np.where(held, np.arange(len(values)), -1))
    above = np.where(last >= 0, above[last], 0)
    return np.diff(above, prepend=np.int64(0)), above + expected


def encode_block(slots: NDArray[np.uint16], columns: Sequence[Column], table: Table) -> bytes:
    """One block of canonical columns with `table`. Same input, same bytes."""
    count, writer = len(slots), SymbolWriter()
    if not count:
        return table.tag + write_gamma([0] * (SPARSE + 2))
    sheet = sheet_of(columns, count)
    gaps = np.diff(slots.astype(np.int64)) - 1
    if gaps.any():
        writer.put(gaps.astype(np.uint64), np.full(len(gaps), _GAP_CLASS))
    head: list[int] = []
    write_flags(sheet.qc, head, writer)
    write_missing(sheet.present, sheet.qc, head, writer)
    at = {c.item.code: row for row, c in enumerate(columns)}
    scene = Scene(table, table.derivable(frozenset(at)), count)
    for item in (i for i in table.order if i in at):
        row, present = at[item], sheet.present[at[item]]
        exponent, scaled = _raised(columns[row], sheet.scaled[row], table.exponents[item])
        shift = exponent - table.exponents[item]
        tries = []
        for choice in table.choices(item, frozenset(at)):
            coded = _encode_column(scene, item, table.models[item][choice], table.stride, shift, scaled, present)
            price, bias = _cheapest_bias(coded[2], coded[3]) if present.any() else (0, 0)
            tries.append((price, choice, bias, coded))
        _, choice, bias, (values, errors, numbers, quarters) = min(tries, key=lambda t: t[:2])
        writer.put(numbers, _classes(quarters, bias))
        scene.see(item, slice(0, count), values, shift)
        scene.see_errors(item, slice(0, count), errors, shift)
        scene.finish(item)
        head += [_zigzag(shift), choice, _zigzag(bias)]
    counts, body = writer.finish()
    return table.tag + write_gamma([*counts, *head]) + body


def decode_block(
    data: bytes, items: Sequence[DataItem], first: int, last: int, count: int, at: Cursor, table: Table | None = None
) -> tuple[NDArray[np.uint16], tuple[Column, ...]]:
    """Slots and columns of a block; `first`, `last`, `count` from the index, checked. `at` places errors in the file.

    `table`: in place of the one the block names. Raises `ChunkError`.
    """
    cursor = Cursor(data, at.path, base=at.base)
    tag = cursor.take(TAG_SIZE, "table")
    table = table or table_named(tag)
    if table is None or table.tag != tag:
        raise cursor.error(f"prediction table {tag.hex()} is not known")
    codes = [item.code for item in items]
    order = [(code, codes.index(code)) for code in table.order if code in codes]
    if len(order) != len(codes):
        raise cursor.error("an item is not in the prediction table")
    head = GammaReader(cursor, 64 + 800 * len(codes))
    cells = count * (3 + 4 * len(codes))
    counts = [head.number(cells, "count of numbers") for _ in range(SPARSE + 1)]
    counts.append(head.number(len(data), "size of unary parts"))
    if not count:
        head.end()
        SymbolReader(cursor, counts, 0).end()
        nothing = np.zeros((len(codes), 0), np.int64)
        empty = columns_of(items, [0] * len(codes), nothing, nothing > 0, nothing.astype(np.uint8))
        return np.empty(0, np.uint16), empty
    flag_plan, missing_plan = FlagPlan(head, len(codes)), MissingPlan(head, len(codes))
    plans = [_read_plan(head, cursor, table, code, frozenset(codes)) for code, _ in order]
    head.end()
    reader = SymbolReader(cursor, counts, cells)
    slots = _read_slots(reader, cursor, first, last, count)
    qc = flag_plan.read(reader, count)
    present = missing_plan.read(reader, qc)
    scaled, exponents = np.zeros((len(codes), count), np.int64), [0] * len(codes)
    scene = Scene(table, table.wanted(model for _, model, _ in plans), count)
    asked = {row for _, model, _ in plans for plan in model.passes for row in plan.spread_rows.tolist()}
    for (item, row), (shift, model, bias) in zip(order, plans, strict=True):
        exponents[row] = table.exponents[item] + shift
        told = item in asked
        _decode_column(reader, scene, item, model, table.stride, shift, bias, present[row], scaled[row], told=told)
        scene.finish(item)
    reader.end()
    return slots, columns_of(items, exponents, scaled, present, qc)


def _read_plan(
    head: GammaReader, cursor: Cursor, table: Table, item: int, held: frozenset[int]
) -> tuple[int, Model, int]:
    """(exponent above the table's, model, bias) of a column."""
    shift = _unzigzag(head.number(2 * MAX_EXPONENT, "exponent"))
    if not 0 <= table.exponents[item] + shift <= MAX_EXPONENT:
        raise cursor.error(f"exponent {table.exponents[item] + shift} is impossible")
    model = table.models[item][head.number(len(table.models[item]) - 1, "model")]
    if not model.needs <= held:
        raise cursor.error("a model needs items the block does not have")
    return shift, model, _unzigzag(head.number(255, "bias"))


def _read_slots(reader: SymbolReader, cursor: Cursor, first: int, last: int, count: int) -> NDArray[np.uint16]:
    if last - first + 1 == count:
        return np.arange(first, last + 1, dtype=np.uint16)
    gaps = np.minimum(reader.take(np.full(count - 1, _GAP_CLASS)), np.uint64(1 << 16)).astype(np.int64)
    slots = first + np.concatenate([[0], np.cumsum(gaps + 1)])
    if slots[-1] != last:
        raise cursor.error(f"block ends at slot {slots[-1]}, the index says {last}")
    return slots.astype(np.uint16)


def _decode_column(
    reader: SymbolReader,
    scene: Scene,
    item: int,
    model: Model,
    stride: int,
    shift: int,
    bias: int,
    present: Bits,
    values: I64,
    *,
    told: bool,
) -> None:
    """Fills `values` (missing ones with what was predicted, as the encoder did). `told`: others ask for its errors."""
    whole = bool(present.all())
    for (step, here), plan in zip(passes(stride, len(values)), model.passes, strict=True):
        if here.start >= len(values):
            continue
        guess, spread = scene.prediction(item, plan, step, here)
        classes = _classes(_quarters(spread), bias)
        if whole:
            errors = unzigzag(reader.take(classes))
        else:
            errors = np.zeros(len(guess), np.int64)
            errors[present[here]] = unzigzag(reader.take(classes[present[here]]))
        found = at_exponent(guess, shift) + errors
        values[here] = np.cumsum(found) if step == stride and plan.own[0] else found
        scene.see(item, here, values[here], shift)
        if told:
            scene.see_errors(item, here, errors, shift)
