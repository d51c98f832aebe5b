"""The window of a plot: calendar ranges, moving, zooming."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cimis_engine.model.period import Span
from cimis_tui.view.window import around, at_edge, last_year, moved, ranged, word_of, zoomed

EXTENT = Span(date(2014, 10, 1), date(2018, 9, 30))
YEAR = Span(date(2016, 1, 1), date(2016, 12, 31))


def span(first: str, last: str) -> Span:
    return Span(date.fromisoformat(first), date.fromisoformat(last))


@pytest.mark.parametrize(
    ("word", "shown"),
    [
        ("day", span("2016-02-29", "2016-02-29")),
        ("week", span("2016-02-29", "2016-03-06")),
        ("month", span("2016-02-01", "2016-02-29")),
        ("year", YEAR),
        ("all", EXTENT),
    ],
)
def test_ranges_are_those_of_the_calendar(word: str, shown: Span) -> None:
    assert ranged(word, date(2016, 2, 29), EXTENT) == shown
    assert word_of(shown, EXTENT) == word


def test_a_whole_month_or_year_moves_to_the_next_one() -> None:
    assert moved(YEAR, 1, EXTENT) == span("2017-01-01", "2017-12-31")
    assert moved(YEAR, -1, EXTENT) == span("2015-01-01", "2015-12-31")
    assert moved(span("2016-01-01", "2016-01-31"), 1, EXTENT) == span("2016-02-01", "2016-02-29")
    assert moved(span("2016-01-03", "2016-01-12"), 1, EXTENT) == span("2016-01-13", "2016-01-22")
    assert moved(span("2016-01-03", "2016-01-12"), -0.25, EXTENT) == span("2016-01-01", "2016-01-10")


def test_nothing_is_moved_to_where_nothing_is_stored() -> None:
    assert moved(span("2018-01-01", "2018-12-31"), 1, EXTENT) is None
    assert moved(EXTENT, -1, EXTENT) is None


@given(
    st.integers(1, 1461),
    st.integers(0, 1400),
    st.sampled_from([0.5, 2.0]),
    st.integers(0, 1460),
    st.sampled_from([1, 7]),
)
def test_zooming_keeps_the_place_in_sight(days: int, start: int, factor: float, at: int, least: int) -> None:
    first = EXTENT.start + timedelta(days=start)
    window = Span(first, first + timedelta(days=days - 1))
    place = first + timedelta(days=at % days)
    found = zoomed(window, factor, place, EXTENT, least)
    assert found.start <= place <= found.end or place > EXTENT.end
    assert found.days >= min(least, window.days)
    assert found.days <= max(EXTENT.days, window.days)
    if factor < 1 and window.days > 2 * least:
        assert found.days < window.days


def test_windows_at_a_date_and_at_the_edges() -> None:
    assert around(date(2016, 5, 10), 7) == span("2016-05-07", "2016-05-13")
    assert at_edge(10, EXTENT, last=False) == span("2014-10-01", "2014-10-10")
    assert at_edge(10, EXTENT, last=True) == span("2018-09-21", "2018-09-30")
    assert last_year(EXTENT) == span("2017-10-01", "2018-09-30")
    assert last_year(span("2018-09-01", "2018-09-30")) == span("2018-09-01", "2018-09-30")
