"""Plausibility marks: limits are exact in every unit and decimal, jumps know gaps and stations, values stay."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from cimis_engine.model.conversion import at_exponent, line_of
from cimis_engine.model.items import DAILY_ITEMS, HOURLY_ITEMS, UnitSystem
from cimis_engine.model.plausible import DEFAULT_RULES, JUMP, RANGE, Limits, marks, window

AIR = HOURLY_ITEMS[0]
M, E = UnitSystem.METRIC, UnitSystem.ENGLISH


def found(
    scaled: list[int], limits: Limits, *, units: UnitSystem = M, exponent: int = 1, **arrays: list[Any]
) -> list[int]:
    present = np.array(arrays.get("present", [True] * len(scaled)), np.bool_)
    times = np.array(arrays.get("times", range(len(scaled))), np.int64)
    return marks(AIR, units, limits, exponent, np.array(scaled, np.int64), present, times).tolist()


def test_the_limits_themselves_are_plausible() -> None:
    limits = Limits(Decimal("-43"), Decimal("57"))
    assert found([-430, -431, 570, 571], limits) == [0, RANGE, 0, RANGE]
    assert found([57, 58, -44], limits, exponent=0) == [0, RANGE, RANGE]


def test_limits_between_decimals_are_exact_in_the_other_units() -> None:
    # 57 °C is 134.6 °F, 0.26 °C is 32.468 °F
    assert found([1346, 1347], Limits(high=Decimal(57)), units=E) == [0, RANGE]
    assert found([325, 324], Limits(low=Decimal("0.26")), units=E) == [0, RANGE]


def test_a_jump_is_more_than_the_step() -> None:
    limits = Limits(step=Decimal(10))
    assert found([203, 303, 404, 304], limits) == [0, 0, JUMP, 0]
    assert found([0, 180, 361], limits, units=E) == [0, 0, JUMP]  # 10 °C are 18 °F


def test_a_jump_is_looked_for_within_the_window_over_missing_values() -> None:
    limits = Limits(step=Decimal(10), hours=2)
    assert found([0, 500, 500], limits, present=[True, False, True]) == [0, 0, JUMP]
    assert found([0, 500, 500, 500], limits, present=[True, False, False, True]) == [0, 0, 0, 0]
    assert found([0, 500], limits, times=[1, 4]) == [0, 0]
    assert found([0, 90, 180], limits) == [0, 0, JUMP], "18 degrees in two hours, by steps of 9"
    assert found([0, 500], limits, times=[9 << 32, 2 << 32]) == [0, 0], "another station"


def test_extremes_do_not_wrap() -> None:
    low, high = int(np.iinfo(np.int64).min), int(np.iinfo(np.int64).max)
    limits = Limits(Decimal(-50), Decimal(50), Decimal(10))
    assert found([low, high, low], limits) == [RANGE, RANGE | JUMP, RANGE | JUMP]
    assert found([5, -5], Limits(Decimal("-1e30"), Decimal("1e30"), Decimal("1e30"))) == [0, 0]


def test_missing_values_have_no_marks() -> None:
    assert found([0, 0], Limits(low=Decimal(5)), present=[False, True]) == [0, RANGE]


@pytest.mark.parametrize("item", (*DAILY_ITEMS, *HOURLY_ITEMS), ids=lambda item: item.slug)
def test_defaults_are_sane(item: Any) -> None:
    limits = DEFAULT_RULES.get(item.slug)
    if limits is None:
        assert item.slug.startswith("day-wind-"), "only the sectors' winds are without measured ranges"
        return
    assert limits.low is not None and limits.high is not None and limits.low < limits.high
    assert limits.step is None or 0 < limits.step < limits.high - limits.low
    assert window(item.interval, limits) == 1
    whole = at_exponent(item, np.array([0, 3362]), 0, 1)
    marked = marks(item, M, limits, 1, whole, np.array([True, True]), np.array([1, 9]))
    assert line_of(item, M, M) and marked.tolist() == [0, RANGE]
