"""Many records in few columns: every extreme survives, and nothing is made up where nothing is."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cimis_tui.view.envelope import column_of, envelope, shares, slots_of_columns, worst


@st.composite
def records(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, int]:
    """Places and values of some of so many slots; some values are missing."""
    slots = draw(st.integers(1, 400))
    places = sorted(draw(st.sets(st.integers(0, slots - 1), max_size=120)))
    value = st.one_of(st.just(float("nan")), st.integers(-1000, 1000).map(lambda n: n / 10))
    values = draw(st.lists(value, min_size=len(places), max_size=len(places)))
    return np.array(places, np.int64), np.array(values, np.float64), slots


@given(records(), st.integers(1, 90))
def test_the_extremes_survive(made: tuple[np.ndarray, np.ndarray, int], columns: int) -> None:
    places, values, slots = made
    shape, held = envelope(places, values, slots, columns), values[~np.isnan(values)]
    assert len(shape.columns) == len(shape.low) == len(shape.high) == len(shape.joined)
    if not len(held):
        assert not len(shape.columns)
        return
    assert (shape.low.min(), shape.high.max()) == (held.min(), held.max())


@given(records(), st.integers(1, 90))
def test_each_column_is_what_its_records_are(made: tuple[np.ndarray, np.ndarray, int], columns: int) -> None:
    places, values, slots = made
    here = ~np.isnan(values)
    places, values = places[here], values[here]
    at = column_of(places, slots, columns)
    shape = envelope(places, values, slots, columns)
    assert shape.columns.tolist() == sorted(set(at.tolist()))
    assert all(0 <= column < columns for column in shape.columns)
    for n, column in enumerate(shape.columns):
        own, first = values[at == column], places[at == column][0]
        assert (shape.low[n], shape.high[n]) == (own.min(), own.max())
        assert (shape.first[n], shape.last[n]) == (own[0], own[-1])
        assert shape.joined[n] == (first - 1 in places)


def test_a_gap_is_not_joined() -> None:
    values = np.array([1.0, 2.0, float("nan"), 4.0, 5.0])
    shape = envelope(np.array([0, 1, 2, 3, 5]), values, 6, 12)
    assert shape.joined.tolist() == [False, True, False, False]


@given(st.integers(1, 500), st.integers(1, 120))
def test_the_columns_hold_every_slot(slots: int, columns: int) -> None:
    first, after = slots_of_columns(slots, columns)
    assert np.all(after > first)
    assert {slot for a, b in zip(first, after, strict=True) for slot in range(a, b)} == set(range(slots))


@given(st.sets(st.integers(0, 99)), st.integers(1, 60))
def test_the_share_of_a_column_is_whole_only_if_nothing_lacks(present: set[int], columns: int) -> None:
    found = shares(np.array(sorted(present), np.int64), 100, columns)
    first, after = slots_of_columns(100, columns)
    for share, a, b in zip(found, first, after, strict=True):
        assert share == len(present & set(range(a, b))) / (b - a)


def test_the_worst_grade_of_a_column_wins() -> None:
    assert worst(np.array([0, 1, 2, 7]), np.array([1, 4, 2, 3]), 8, 2).tolist() == [4, 3]
