"""Codec 2: columns as what a fixed table could not foresee, in codes as long as the surprise. Pure.

Column after column is predicted from those before it and from its own neighbours in time; what is left is written under
a class that says how far off the table expects itself to be (`predict`, `biases`, `symbols`). No general compressor is
used, so the same content gives the same bytes with any libzstd. Specified in `docs/format.md`, "Codec 2".

Each block stands alone, but blocks with equally many records are worked on together: arrays of values have the shape
(records, blocks).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cimis_engine.model.batch import MAX_EXPONENT, Column, Sheet, sheet_of
from cimis_engine.model.items import DataItem
from cimis_engine.store.biases import classes_of
from cimis_engine.store.codec_v1 import unzigzag
from cimis_engine.store.columns_v2 import coded_columns
from cimis_engine.store.content import Told
from cimis_engine.store.gamma import GammaReader, write_gamma
from cimis_engine.store.marks import FlagPlan, MissingPlan, write_flags, write_missing
from cimis_engine.store.predict import I64, Scene, Shifts, passes
from cimis_engine.store.symbols import SPARSE, Bits, SymbolReader, SymbolWriter
from cimis_engine.store.tables import TAG_SIZE, Model, Table, table_named
from cimis_engine.store.wire import Cursor

CODEC_ID = 2
_GAP_CLASS = 1
Slots = NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class Part:
    """A block to be decoded: its bytes, all of the cursor's, and what the index says of its slots, checked."""

    cursor: Cursor
    first: int
    last: int
    count: int


def _alike(counts: Sequence[int]) -> Iterator[tuple[int, list[int]]]:
    """(count, which have it), of the counts above 0."""
    for count in sorted(set(counts) - {0}):
        yield count, [at for at, other in enumerate(counts) if other == count]


def _unzigzag(code: int) -> int:
    return code >> 1 if code % 2 == 0 else -(code >> 1) - 1


# --- encoding ---------------------------------------------------------------------------------------------------------


def encode_blocks(slots: Slots, columns: Sequence[Column], cuts: Sequence[slice], table: Table) -> list[bytes]:
    """Canonical columns as blocks, a block for the records of each of `cuts`. Same input, same bytes."""
    sheet, counts = sheet_of(columns, len(slots)), [cut.stop - cut.start for cut in cuts]
    blocks = [table.tag + write_gamma([0] * (SPARSE + 2))] * len(cuts)
    for _, alike in _alike(counts):
        coded = coded_columns(columns, sheet, [cuts[at] for at in alike], table)
        for place, at in enumerate(alike):
            writer, head = SymbolWriter(), list[int]()
            gaps = np.diff(slots[cuts[at]].astype(np.int64)) - 1
            if gaps.any():
                writer.put(gaps.view(np.uint64), np.full(len(gaps), _GAP_CLASS))
            qc, present = sheet.qc[:, cuts[at]], sheet.present[:, cuts[at]]
            write_flags(qc, head, writer)
            write_missing(present, qc, head, writer)
            coded.write(place, head, writer)
            told, body = writer.finish()
            blocks[at] = table.tag + write_gamma([*told, *head]) + body
    return blocks


# --- decoding ---------------------------------------------------------------------------------------------------------


class _Plan(NamedTuple):
    """What a block's head says of a column."""

    shift: int
    model: Model
    bias: int


class _Opened(NamedTuple):
    """A block of which all but the columns has been read. `present` and `qc` have the shape (items, records)."""

    table: Table
    plans: list[_Plan]
    reader: SymbolReader
    slots: Slots
    present: Bits
    qc: NDArray[np.uint8]


def decode_blocks(parts: Sequence[Part], items: Sequence[DataItem], table: Table | None = None) -> list[Told]:
    """What blocks of these items say. `table`: in place of those they name. Raises `ChunkError`."""
    opened = [_open(part, [item.code for item in items], table) for part in parts]
    told: dict[int, Told] = {}
    for tag in {one.table.tag for one in opened}:
        for _, alike in _alike([part.count * (one.table.tag == tag) for part, one in zip(parts, opened, strict=True)]):
            told.update(zip(alike, _decode_columns([opened[at] for at in alike], items), strict=True))
    return [told[at] if at in told else _nothing(len(items)) for at in range(len(parts))]


def _nothing(items: int) -> Told:
    shape = items, 0
    sheet = Sheet(np.empty(shape, np.int64), np.empty(shape, np.bool_), np.empty(shape, np.uint8))
    return Told(np.empty(0, np.uint16), (0,) * items, sheet)


def _open(part: Part, codes: list[int], table: Table | None) -> _Opened:
    cursor, count = part.cursor, part.count
    tag = cursor.take(TAG_SIZE, "table")
    table = table or table_named(tag)
    if table is None or table.tag != tag:
        raise cursor.error(f"prediction table {tag.hex()} is not known")
    order = [code for code in table.order if code in codes]
    if len(order) != len(codes):
        raise cursor.error("an item is not in the prediction table")
    head = GammaReader(cursor, 64 + 800 * len(codes))
    cells = count * (3 + 4 * len(codes))
    counts = head.numbers(SPARSE + 1, cells, "count of numbers")
    counts.append(head.number(cursor.left, "size of unary parts"))
    flag_plan = missing_plan = None
    plans = []
    if count:
        flag_plan, missing_plan = FlagPlan(head, len(codes)), MissingPlan(head, len(codes))
        plans = _read_plans(head, cursor, table, order)
    head.end()
    reader = SymbolReader(cursor, counts, cells)
    if flag_plan is None or missing_plan is None:
        reader.end()
        return _Opened(table, plans, reader, np.empty(0, np.uint16), np.empty(0, np.bool_), np.empty(0, np.uint8))
    slots = _read_slots(reader, part)
    qc = flag_plan.read(reader, count)
    return _Opened(table, plans, reader, slots, missing_plan.read(reader, qc), qc)


def _read_plans(head: GammaReader, cursor: Cursor, table: Table, order: list[int]) -> list[_Plan]:
    told, held, plans = iter(head.numbers(3 * len(order), 255, "plan of a column")), frozenset(order), []
    for item, shift, model, bias in zip(order, told, told, told, strict=True):
        exponent, models = table.exponents[item] + _unzigzag(shift), table.models[item]
        if not 0 <= exponent <= MAX_EXPONENT:
            raise cursor.error(f"exponent {exponent} is impossible")
        if model >= len(models) or not models[model].needs <= held:
            raise cursor.error(f"model {model} is not there, or needs items the block does not have")
        plans.append(_Plan(_unzigzag(shift), models[model], _unzigzag(bias)))
    return plans


def _read_slots(reader: SymbolReader, part: Part) -> Slots:
    if part.last - part.first + 1 == part.count:
        return np.arange(part.first, part.last + 1, dtype=np.uint16)
    gaps = reader.take(np.full((part.count - 1, 1), _GAP_CLASS))[:, 0] if part.count > 1 else np.empty(0, np.uint64)
    steps = np.minimum(gaps, np.uint64(1 << 16)).astype(np.int64) + 1
    slots = np.cumsum(np.concatenate([[part.first], steps]))
    if slots[-1] != part.last:
        raise reader.error(f"block ends at slot {slots[-1]}, the index says {part.last}")
    return slots.astype(np.uint16)


def _decode_columns(blocks: list[_Opened], items: Sequence[DataItem]) -> list[Told]:
    """Of blocks with equally many records and one table."""
    table, count = blocks[0].table, len(blocks[0].slots)
    at = {item.code: row for row, item in enumerate(items)}
    order = [item for item in table.order if item in at]
    reader = SymbolReader.together([one.reader for one in blocks])
    used = [model for one in blocks for _, model, _ in one.plans]
    asked = frozenset[int]().union(*(model.asks for model in used))
    wanted = table.wanted(used)
    scene = Scene(table, wanted, count, len(blocks), errors=bool(asked))
    rows = [at[item] for item in order]
    each = [one.present[rows] for one in blocks]
    present = each[0][:, :, None] if len(each) == 1 else np.stack(each, axis=2)
    scaled = np.empty((len(items), count, len(blocks)), np.int64)
    columns = [scaled[row] for row in rows]
    if order and len(blocks) == 1 and all(model.quarters is not None for model in used):
        _read_at_once(scene, reader, order, blocks[0].plans, present, columns, wanted)
    else:
        _read_by_pass(scene, reader, order, [one.plans for one in blocks], present, columns, asked)
    reader.end()
    scaled = np.ascontiguousarray(scaled.transpose(2, 0, 1))
    usual = [(at[item], table.exponents[item]) for item in table.order if item in at]
    return [
        Told(
            one.slots,
            tuple(e for _, e in sorted((row, e + plan.shift) for (row, e), plan in zip(usual, one.plans, strict=True))),
            Sheet(values, one.present, one.qc),
        )
        for one, values in zip(blocks, scaled, strict=True)
    ]


def _read_at_once(
    scene: Scene,
    reader: SymbolReader,
    order: list[int],
    plans: list[_Plan],
    present: Bits,
    columns: list[I64],
    wanted: frozenset[int],
) -> None:
    """Of an only block whose head alone tells all classes: all numbers are taken, then `columns` are made of them."""
    count, every = present.shape[1], slice(None)
    quarters = np.array([plan.model.quarters for plan in plans], np.int64)
    classes = classes_of(quarters, np.array([plan.bias for plan in plans])).repeat(count)
    numbers = reader.take(classes[:, None], None if present.all() else present.reshape(-1, 1))
    errors = unzigzag(numbers).reshape(present.shape)
    none = Shifts([0])
    for item, (shift, model, _), mine, values in zip(order, plans, errors, columns, strict=True):
        shifts, (plan,) = Shifts([shift]) if shift else none, model.passes
        guess, _ = scene.prediction(item, plan, 1, slice(0, count, 1))
        np.add(shifts.applied(guess), mine, out=values)
        if plan.own[0]:
            np.add.accumulate(values, axis=0, out=values)
        if item in wanted:
            scene.see(item, every, values, shifts)
            scene.finish(item)


def _read_by_pass(
    scene: Scene,
    reader: SymbolReader,
    order: list[int],
    plans: list[list[_Plan]],
    present: Bits,
    columns: list[I64],
    asked: frozenset[int],
) -> None:
    """The general way: `columns` pass after pass, each pass's classes known when those before it are."""
    every = passes(scene.table.stride, scene.count)
    for item, held, values, *its in zip(order, present, columns, *plans, strict=True):
        models, shifts, bias = _models(its), Shifts([plan.shift for plan in its]), np.array([plan.bias for plan in its])
        whole = bool(held.all())
        for number, (step, here) in enumerate(every):
            if here.start >= scene.count:
                continue
            guess, quarters = _expected(scene, item, models, number, step, here)
            errors = unzigzag(reader.take(classes_of(quarters, bias), None if whole else held[here]))
            found = shifts.applied(guess)
            found += errors
            if not number:
                _add_up(found, models)
            values[here] = found
            scene.see(item, here, found, shifts)
            if item in asked:
                scene.see_errors(item, here, errors, shifts)
        scene.finish(item)


def _models(plans: list[_Plan]) -> list[tuple[Model, list[int]]]:
    """Each model, and the blocks that use it."""
    found: dict[int, tuple[Model, list[int]]] = {}
    for at, plan in enumerate(plans):
        found.setdefault(id(plan.model), (plan.model, []))[1].append(at)
    return list(found.values())


def _expected(
    scene: Scene, item: int, models: list[tuple[Model, list[int]]], number: int, step: int, here: slice
) -> tuple[I64, I64]:
    """`Scene.prediction` of a pass by each block's own model, what is expected for each record."""
    (first, _), *others = models
    guess, quarters = scene.prediction(item, first.passes[number], step, here)
    if isinstance(quarters, int):
        quarters = np.full(guess.shape, quarters)
    for model, blocks in others:
        another, expected = scene.prediction(item, model.passes[number], step, here)
        guess[:, blocks] = another[:, blocks]
        quarters[:, blocks] = expected if isinstance(expected, int) else expected[:, blocks]
    return guess, quarters


def _add_up(values: I64, models: list[tuple[Model, list[int]]]) -> None:
    """Sums up the first pass of the blocks whose models predict differences."""
    for model, blocks in models:
        if model.passes[0].own[0]:
            chosen = slice(None) if len(models) == 1 else blocks
            values[:, chosen] = values[:, chosen].cumsum(axis=0)
