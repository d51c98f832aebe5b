"""Marks of axes: round, few enough, and on dates that there are."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cimis_engine.model.items import Interval
from cimis_engine.model.period import Span
from cimis_tui.view.ticks import date_ticks, scale_of

NUMBERS = st.integers(-(10**6), 10**6).map(lambda n: n / 100)


@given(NUMBERS, NUMBERS, st.integers(2, 20))
def test_a_scale_holds_its_values_in_few_marks(a: float, b: float, most: int) -> None:
    low, high = min(a, b), max(a, b)
    scale = scale_of(low, high, most)
    assert scale.low <= low + 1e-6
    assert scale.high >= high - 1e-6
    assert 2 <= len(scale.ticks) <= max(most, 3)
    assert len({scale.label(tick) for tick in scale.ticks}) == len(scale.ticks)
    assert (scale.place(scale.high, 40), scale.place(scale.low, 40)) == (0, 39)


@pytest.mark.parametrize(
    ("low", "high", "most", "labels"),
    [
        (0.71, 7.52, 6, ["0", "2", "4", "6", "8"]),
        (-3, 42, 7, ["-10", "0", "10", "20", "30", "40", "50"]),
        (-3, 42, 6, ["-20", "0", "20", "40", "60"]),
        (5, 5, 3, ["4.5", "5.0", "5.5"]),
        (0.03, 0.11, 9, ["0.03", "0.04", "0.05", "0.06", "0.07", "0.08", "0.09", "0.10", "0.11"]),
    ],
)
def test_scales(low: float, high: float, most: int, labels: list[str]) -> None:
    scale = scale_of(low, high, most)
    assert [scale.label(tick) for tick in scale.ticks] == labels


DAYS = st.dates(date(1983, 1, 1), date(2040, 1, 1))


@given(DAYS, st.integers(0, 16_000), st.sampled_from(Interval), st.integers(20, 180))
def test_dates_are_marked_without_crowding(start: date, days: int, interval: Interval, columns: int) -> None:
    span = Span(start, start + timedelta(days=days))
    ticks, slots = date_ticks(span, interval, columns), span.records(interval)
    assert all(0 <= tick.place < slots for tick in ticks)
    assert [t.place for t in ticks] == sorted({t.place for t in ticks})
    assert len(ticks) <= columns // 5


@pytest.mark.parametrize(
    ("first", "last", "interval", "columns", "labels"),
    [
        ("2018-01-01", "2018-12-31", "daily", 76, ["2018-01", "2018-03", "2018-05", "2018-07", "2018-09", "2018-11"]),
        ("2018-03-12", "2018-03-18", "hourly", 76, ["03-12", "03-13", "03-14", "03-15", "03-16", "03-17", "03-18"]),
        ("2018-03-12", "2018-03-12", "hourly", 60, ["03-12", "0300", "0600", "0900", "1200"]),
        ("1985-01-01", "2024-12-31", "daily", 60, ["1985", "1990", "1995", "2000", "2005", "2010", "2015", "2020"]),
    ],
)
def test_labels(first: str, last: str, interval: str, columns: int, labels: list[str]) -> None:
    span = Span(date.fromisoformat(first), date.fromisoformat(last))
    found = date_ticks(span, Interval(interval), columns)
    assert [t.label for t in found][: len(labels)] == labels
    assert all(b.place > a.place for a, b in pairwise(found))
