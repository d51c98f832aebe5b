"""Batches: exact values in narrow arrays, merging, coverage."""

from __future__ import annotations

import itertools
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cimis_engine.model.batch import (
    Covered,
    RecordBatch,
    UnitMismatchError,
    column,
    empty_batch,
    merge,
    uncovered,
    union_covered,
)
from cimis_engine.model.items import DAILY_ITEMS, HOURLY_ITEMS, Interval, UnitSystem
from cimis_engine.model.qc import NOT_REPORTED

ITEM, OTHER = DAILY_ITEMS[0], DAILY_ITEMS[1]
Values = dict[int, int]


def batch(
    values: dict[int, Values], covered: tuple[Covered, ...], exponent: int = 0, units: UnitSystem = UnitSystem.METRIC
) -> RecordBatch:
    """`values`: item code -> slot -> scaled integer."""
    slots = sorted({s for column_values in values.values() for s in column_values})
    columns = []
    for code in sorted(values):
        held = values[code]
        present = np.array([s in held for s in slots], np.bool_)
        scaled = np.array([held.get(s, 0) for s in slots], np.int64)
        qc = np.where(present, 32, NOT_REPORTED).astype(np.uint8)
        columns.append(column(DAILY_ITEMS[code], exponent, scaled, present, qc))
    return RecordBatch(2, Interval.DAILY, 2024, units, np.array(slots, np.uint16), tuple(columns), covered)


def contents(b: RecordBatch) -> dict[tuple[int, int], Decimal]:
    return {
        (c.item.code, int(slot)): value
        for c in b.columns
        for i, slot in enumerate(b.slots)
        if (value := c.value(i)) is not None
    }


@given(st.lists(st.integers(-(2**62), 2**62), min_size=1, max_size=30), st.integers(0, 9))
def test_columns_are_exact_and_no_wider_than_needed(scaled: list[int], exponent: int) -> None:
    array = np.array(scaled, np.int64)
    made = column(ITEM, exponent, array, np.ones(len(scaled), np.bool_), np.full(len(scaled), 32, np.uint8))
    assert [made.value(i) for i in range(len(scaled))] == [Decimal(v).scaleb(-exponent) for v in scaled]
    assert made.exponent <= exponent
    peak = max(abs(int(v)) for v in made.scaled)
    assert made.scaled.dtype == (np.int16 if peak < 2**15 else np.int32 if peak < 2**31 else np.int64)


def test_an_hourly_record_of_14_items_keeps_under_50_bytes() -> None:
    n = 8784
    one = np.arange(n, dtype=np.int64) % 1000
    columns = tuple(column(i, 1, one, np.ones(n, np.bool_), np.full(n, 32, np.uint8)) for i in HOURLY_ITEMS)
    whole = RecordBatch(2, Interval.HOURLY, 2024, UnitSystem.METRIC, np.arange(1, n + 1).astype(np.uint16), columns)
    assert whole.nbytes / n < 50


def test_a_missing_value_is_none_not_zero() -> None:
    made = column(ITEM, 0, np.array([7, 0]), np.array([False, True]), np.array([77, 32], np.uint8))
    assert (made.value(0), made.value(1)) == (None, Decimal(0))
    assert (made.flag(0), made.flag(1)) == ("M", " ")


def test_the_later_part_wins_where_it_was_asked() -> None:
    old = batch({0: {1: 10, 2: 20, 3: 30}}, (Covered(1, 3, 1),))
    new = batch({0: {2: 21}}, (Covered(2, 3, 1),))
    assert contents(merge([old, new])) == {(0, 1): Decimal(10), (0, 2): Decimal(21)}


def test_a_narrower_fetch_leaves_the_other_items_of_a_record() -> None:
    old = batch({0: {1: 10}, 1: {1: 11}}, (Covered(1, 2, 3),))
    new = batch({0: {1: 99}}, (Covered(1, 2, 1),))
    merged = merge([old, new])
    assert contents(merged) == {(0, 1): Decimal(99), (1, 1): Decimal(11)}
    assert merged.covered == (Covered(1, 2, 3),)


def test_columns_of_different_exponents_merge_exactly() -> None:
    old = batch({0: {1: 73}}, (Covered(1, 1, 1),), exponent=1)
    new = batch({0: {2: 405}}, (Covered(2, 2, 1),), exponent=2)
    assert contents(merge([old, new])) == {(0, 1): Decimal("7.3"), (0, 2): Decimal("4.05")}


def test_unit_systems_never_mix() -> None:
    metric = batch({0: {1: 1}}, ())
    english = batch({0: {2: 1}}, (), units=UnitSystem.ENGLISH)
    with pytest.raises(UnitMismatchError) as caught:
        merge([metric, english])
    assert "--units M" in caught.value.hint


def test_an_empty_year_is_a_batch_too() -> None:
    empty = empty_batch(2, Interval.DAILY, 2024, UnitSystem.METRIC).with_covered([Covered(1, 366, 1)])
    assert (len(empty), empty.nbytes, empty.covered) == (0, 0, (Covered(1, 366, 1),))


ranges = st.lists(st.tuples(st.integers(1, 366), st.integers(1, 366), st.integers(1, 7)), max_size=6)


@given(ranges, st.integers(1, 366), st.integers(1, 366))
def test_uncovered_is_the_hull_of_what_is_open(parts: list[tuple[int, int, int]], a: int, b: int) -> None:
    covered = [Covered(min(x, y), max(x, y), mask) for x, y, mask in parts]
    wanted = range(min(a, b), max(a, b) + 1)
    asked = dict.fromkeys(range(1, 367), 0)
    for c in covered:
        for slot in range(c.first, c.last + 1):
            asked[slot] |= c.mask
    still_open = [s for s in wanted if asked[s] & 3 != 3]
    found = uncovered(Interval.DAILY, 2024, union_covered(Interval.DAILY, 2024, covered), wanted, (ITEM, OTHER))
    assert (found[0], found[-1]) == (still_open[0], still_open[-1]) if still_open else not found


@given(ranges)
def test_coverage_is_canonical(parts: list[tuple[int, int, int]]) -> None:
    covered = [Covered(min(x, y), max(x, y), mask) for x, y, mask in parts]
    once = union_covered(Interval.DAILY, 2024, covered)
    assert union_covered(Interval.DAILY, 2024, once, reversed(covered)) == once
    assert all(x.last < y.first for x, y in itertools.pairwise(once))
