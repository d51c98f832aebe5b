"""Queries: inclusive dates across years, exact values, and what they cost."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from store_samples import sample

from cimis_engine.model.batch import UnitMismatchError
from cimis_engine.model.items import DAILY_ITEMS, Interval, UnitSystem
from cimis_engine.model.period import Span
from cimis_engine.store.query import query
from cimis_engine.store.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store.create(tmp_path / "D")
    for station in (2, 5):
        store.write(sample(station=station, year=2023, first=1, count=365))
        store.write(sample(station=station, year=2024, first=1, count=366))
    return store


def test_inclusive_dates_across_years(store: Store) -> None:
    result = query(store, [5, 2], Interval.DAILY, Span(date(2023, 12, 30), date(2024, 1, 2)))
    days = [date(2023, 12, 30), date(2023, 12, 31), date(2024, 1, 1), date(2024, 1, 2)]
    assert [(s, d, h) for s, d, h, _ in result.records()] == [(s, d, None) for s in (2, 5) for d in days]
    assert (len(result), result.units) == (8, UnitSystem.METRIC)
    assert (result.cost.chunks, result.cost.blocks_decoded) == (4, 4)
    assert result.cost.bytes_read == store.catalog.totals().stored_bytes
    assert min(result.cost.read_ms, result.cost.decode_ms, result.cost.select_ms) > 0


def test_values_and_flags_are_exact(store: Store) -> None:
    result = query(store, [2], Interval.DAILY, Span(date(2024, 1, 1), date(2024, 1, 2)), DAILY_ITEMS[:1])
    slug = DAILY_ITEMS[0].slug
    assert [values for *_, values in result.records()] == [{slug: (None, " ")}, {slug: (Decimal("15.2"), "Y")}]


def test_whole_years_come_uncut(store: Store) -> None:
    (batch,) = query(store, [2], Interval.DAILY, Span(date(2024, 1, 1), date(2024, 12, 31))).batches
    assert len(batch) == 366


def test_hours_are_numbered_as_the_agency_does(store: Store) -> None:
    store.write(sample(interval=Interval.HOURLY, first=24, count=2))
    result = query(store, [2], Interval.HOURLY, Span(date(2024, 1, 1), date(2024, 1, 2)))
    assert [(d, h) for _, d, h, _ in result.records()] == [(date(2024, 1, 1), 24), (date(2024, 1, 2), 1)]


def test_nothing_stored_is_no_error(store: Store) -> None:
    span = Span(date(1999, 1, 1), date(2000, 1, 1))
    result = query(store, [2, 9], Interval.DAILY, span)
    assert (result.batches, result.units, result.cost.chunks) == ((), None, 0)


def test_unit_systems_are_not_mixed(store: Store) -> None:
    store.write(sample(station=9, units=UnitSystem.ENGLISH))
    with pytest.raises(UnitMismatchError):
        query(store, [2, 9], Interval.DAILY, Span(date(2024, 1, 1), date(2024, 1, 9)))
