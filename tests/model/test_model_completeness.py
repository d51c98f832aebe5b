"""Completeness: owed slots beside those that came."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cimis_engine.model.batch import Covered, RecordBatch, column
from cimis_engine.model.completeness import (
    absent_slots,
    compare,
    count_slots,
    pending_slots,
    range_texts,
    slot_ranges,
    slots_of,
)
from cimis_engine.model.items import DAILY_ITEMS, Interval, UnitSystem

DAILY, HOURLY = Interval.DAILY, Interval.HOURLY
slot_sets = st.sets(st.integers(1, 366))


def array(slots: set[int]) -> np.ndarray[Any, Any]:
    return np.array(sorted(slots), np.uint16)


@given(slot_sets)
def test_ranges_are_maximal_runs_and_back(slots: set[int]) -> None:
    chosen = np.zeros(367, np.bool_)
    chosen[array(slots)] = True
    ranges = slot_ranges(chosen)
    assert [s for a, b in ranges for s in range(a, b + 1)] == sorted(slots)
    assert all(b + 1 < c for (_, b), (c, _) in pairwise(ranges)), "runs that touch are one"
    assert (slots_of(ranges, 366) == chosen).all()
    assert count_slots(ranges) == len(slots)


@given(slot_sets, st.integers(1, 366), st.integers(0, 366))
def test_expected_missing_and_unexpected_add_up(slots: set[int], first: int, count: int) -> None:
    owed = range(first, min(367, first + count))
    found = compare(owed, array(slots), DAILY, 2024)
    assert found.expected == len(owed)
    assert [s for a, b in found.missing for s in range(a, b + 1)] == sorted(set(owed) - slots)
    assert found.unexpected == len(slots - set(owed))
    assert found.expected == len(slots) - found.unexpected + count_slots(found.missing)


def records(slots: list[int], flags: str, *covered: Covered) -> RecordBatch:
    codes = np.array([ord(f) for f in flags], np.uint8)
    one = column(DAILY_ITEMS[3], 0, np.arange(len(slots)), np.ones(len(slots), np.bool_), codes)
    return RecordBatch(2, DAILY, 2024, UnitSystem.METRIC, np.array(slots, np.uint16), (one,), covered)


def test_absent_is_asked_for_and_not_there() -> None:
    held = records([2, 3, 9], "   ", Covered(1, 5, 8), Covered(8, 10, 1))
    assert absent_slots(held) == ((1, 1), (4, 5), (8, 8), (10, 10))
    assert absent_slots(records([2], " ")) == ()


def test_pending_slots_have_a_p() -> None:
    assert pending_slots(records([1, 2, 3, 7, 8], " PPPY")) == ((2, 3), (7, 7))


def test_ranges_as_dates() -> None:
    assert range_texts(DAILY, 2024, [(60, 61)]) == [{"first": "2024-02-29", "last": "2024-03-01"}]
    assert range_texts(HOURLY, 2024, [(24, 25)]) == [{"first": "2024-01-01 2400", "last": "2024-01-02 0100"}]
