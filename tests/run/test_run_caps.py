"""Learned caps on real SQLite: kept by API and interval, forgotten after 30 days, overruled by settings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from cimis_engine.model.items import Interval
from cimis_engine.run.caps import CAP_SECONDS, CapTable, planned_cap
from cimis_engine.run.spec import Settings
from cimis_engine.store.store import Store

URL, NOW = "https://et.water.ca.gov", 1_800_000_000.0


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(Store.create(tmp_path / "D")) as made:
        yield made


def test_a_cap_is_kept_for_its_api_and_interval(store: Store) -> None:
    CapTable(store.database).learn(URL, Interval.DAILY, 1000, NOW)
    table = CapTable(store.database)
    assert table.get(URL, Interval.DAILY, NOW + 1) == 1000
    assert table.get(URL, Interval.HOURLY, NOW + 1) is None
    assert table.get("https://mirror", Interval.DAILY, NOW + 1) is None
    table.learn(URL, Interval.DAILY, 500, NOW + 2)
    assert table.get(URL, Interval.DAILY, NOW + 3) == 500


def test_a_cap_counts_for_30_days(store: Store) -> None:
    table = CapTable(store.database)
    table.learn(URL, Interval.DAILY, 1000, NOW)
    assert table.get(URL, Interval.DAILY, NOW + CAP_SECONDS - 1) == 1000
    assert table.get(URL, Interval.DAILY, NOW + CAP_SECONDS) is None
    table.learn(URL, Interval.HOURLY, 3000, NOW + CAP_SECONDS)
    assert store.database.execute("SELECT interval FROM caps").fetchall() == [("hourly",)]


def test_a_plan_takes_the_settings_then_what_was_learned_then_the_default(store: Store) -> None:
    assert planned_cap(Settings(), Interval.DAILY, None, NOW) == 1750
    assert planned_cap(Settings(), Interval.HOURLY, store, NOW) == 5000
    CapTable(store.database).learn(URL, Interval.DAILY, 1000, NOW)
    assert planned_cap(Settings(), Interval.DAILY, store, NOW + 1) == 1000
    assert planned_cap(Settings(cap_daily=1200), Interval.DAILY, store, NOW + 1) == 1200
    assert planned_cap(Settings(cap_daily=1200), Interval.HOURLY, store, NOW + 1) == 5000


def test_what_is_learned_of_a_larger_setting_is_no_reason_to_exceed_the_default(store: Store) -> None:
    CapTable(store.database).learn(URL, Interval.DAILY, 5020, NOW)
    assert planned_cap(Settings(), Interval.DAILY, store, NOW + 1) == 1750
