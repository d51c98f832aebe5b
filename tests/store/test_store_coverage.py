"""How slots stand, alone and together; and a survey that reads only what changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from store_samples import sample

from cimis_engine.model.batch import Covered
from cimis_engine.model.items import Interval
from cimis_engine.model.period import Span, slots_in_year
from cimis_engine.model.qc import GOOD, PENDING
from cimis_engine.store import survey as survey_module
from cimis_engine.store.catalog import ChunkEntry
from cimis_engine.store.coverage import Standing, slot_standings, standings_together, year_coverage
from cimis_engine.store.revisions import Change, Superseded
from cimis_engine.store.store import Store
from cimis_engine.store.survey import Survey

DAILY, HOURLY = Interval.DAILY, Interval.HOURLY
LIFE = Span(date(2023, 1, 11), date(2023, 12, 31))
"""From slot 11 on, of a daily 2023."""


@pytest.fixture
def entry(tmp_path: Path) -> ChunkEntry:
    """Slots 1 to 100 of a daily 2023 were asked for, 91 and on have no record."""
    store = Store.create(tmp_path)
    store.write(replace(sample(year=2023, first=1, count=90), covered=(Covered(1, 100, 7),)))
    found = store.catalog.get(2, DAILY, 2023)
    store.close()
    assert found is not None
    return found


def test_every_slot_has_one_standing(entry: ChunkEntry) -> None:
    standings = slot_standings(DAILY, 2023, LIFE, replace(entry, pending=((80, 82),)), revised=(5, 20, 80, 95))
    assert len(standings) == 366
    by_standing = {s: [slot for slot in range(366) if standings[slot] == s] for s in Standing}
    assert by_standing[Standing.OUTSIDE] == list(range(11))
    assert by_standing[Standing.REVISED] == [20, 95], "one that vanished too, but none before the station's life"
    assert by_standing[Standing.PROVISIONAL] == [80, 81, 82]
    assert by_standing[Standing.MISSING] == [*range(91, 95), *range(96, 101)]
    assert by_standing[Standing.UNASKED] == list(range(101, 366))
    assert by_standing[Standing.PARTIAL] == []


def test_without_a_chunk_or_a_life(entry: ChunkEntry) -> None:
    assert set(slot_standings(DAILY, 2023, LIFE, None)[11:]) == {Standing.UNASKED}
    assert set(slot_standings(DAILY, 2023, None, entry)) == {Standing.OUTSIDE}
    assert set(slot_standings(DAILY, 2023, Span(date(2024, 1, 1), date(2024, 2, 1)), entry)) == {Standing.OUTSIDE}


@pytest.mark.parametrize(
    ("slots", "together"),
    [
        ([0, 0], Standing.OUTSIDE),
        ([0, 1], Standing.WHOLE),
        ([1, 2, 1], Standing.MISSING),
        ([2, 3, 1], Standing.REVISED),
        ([4, 3], Standing.PROVISIONAL),
        ([0, 6], Standing.UNASKED),
        ([6, 6], Standing.UNASKED),
        ([6, 1], Standing.PARTIAL),
        ([2, 6, 0], Standing.PARTIAL),
    ],
)
def test_what_several_say_together(slots: list[int], together: Standing) -> None:
    import numpy as np

    array = np.array([6, *slots, 6], np.uint8)
    assert standings_together(array, [0, 1, len(slots) + 1]).tolist()[1] == together


ranges = st.lists(st.tuples(st.integers(1, 365), st.integers(0, 60)), max_size=4).map(
    lambda found: tuple((a, min(365, a + n)) for a, n in found)
)


@given(asked=ranges, absent=ranges, days=st.tuples(st.integers(0, 364), st.integers(0, 364)))
def test_a_year_adds_up(entry_of: Any, asked: Any, absent: Any, days: tuple[int, int]) -> None:
    first, last = sorted(days)
    life = Span(
        date.fromordinal(date(2023, 1, 1).toordinal() + first), date.fromordinal(date(2023, 1, 1).toordinal() + last)
    )
    covered = {slot for a, b in asked for slot in range(a, b + 1)}
    gone = {slot for a, b in absent for slot in range(a, b + 1)} & covered
    owed = set(range(first + 1, last + 2))
    one = replace(
        entry_of,
        records=len(covered - gone),
        covered=tuple(Covered(a, b, 7) for a, b in asked),
        absent=tuple((slot, slot) for slot in sorted(gone)),
    )
    year = year_coverage(2, DAILY, 2023, life, one)
    assert year.expected == len(owed)
    assert year.missing == len(owed & gone)
    assert year.unasked == len(owed - covered)
    assert year.kept == len(owed & covered - gone)
    assert year.unexpected == len(covered - gone - owed)


@pytest.fixture(scope="module")
def entry_of(tmp_path_factory: pytest.TempPathFactory) -> ChunkEntry:
    store = Store.create(tmp_path_factory.mktemp("one"))
    store.write(sample(year=2023))
    found = store.catalog.get(2, DAILY, 2023)
    store.close()
    assert found is not None
    return found


def revision(key: tuple[int, Interval, int], *changes: Change) -> Superseded:
    return Superseded(key, sample().units, "ab" * 32, changes, 1.0, None)


def test_a_survey_reads_what_changed_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store.create(tmp_path)
    store.write(sample(year=2023))
    store.write(sample(year=2024))
    store.write(sample(year=2024, interval=HOURLY, count=48))
    survey = Survey(DAILY)
    assert survey.refresh(store.catalog) == {(2, 2023), (2, 2024)}
    assert survey.refresh(store.catalog) == set()
    store.write(sample(year=2024, first=11))
    asked: list[tuple[int, Interval, int]] = []
    get = store.catalog.get
    monkeypatch.setattr(store.catalog, "get", lambda *key: asked.append(key) or get(*key))
    assert survey.refresh(store.catalog) == {(2, 2024)}
    assert asked == [(2, DAILY, 2024)]
    assert survey.entries[2, 2024].records == 20
    store.catalog.delete(2, DAILY, 2023)
    assert survey.refresh(store.catalog) == {(2, 2023)}
    assert survey.entries.keys() == {(2, 2024)}
    store.close()


def test_many_changes_are_read_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey_module, "_ONE_BY_ONE", 1)
    store = Store.create(tmp_path)
    store.write(sample(year=2023))
    store.write(sample(year=2024))
    monkeypatch.setattr(store.catalog, "get", None)
    survey = Survey(DAILY)
    assert len(survey.refresh(store.catalog)) == 2
    assert survey.entries[2, 2023].year == 2023
    store.close()


def test_revised_values_are_counted_by_slot_and_settled_ones_are_not(tmp_path: Path) -> None:
    store, old, new = Store.create(tmp_path), Decimal("12.4"), Decimal("12.9")
    key = (2, DAILY, 2024)
    survey = Survey(DAILY)
    survey.refresh(store.catalog)
    settled = Change(3, 0, old, PENDING, Decimal("12.40"), GOOD)
    store.catalog.commit(
        [], [revision(key, Change(7, 0, old, GOOD, new, GOOD), Change(7, 1, None, None, new, GOOD), settled)]
    )
    assert survey.refresh(store.catalog) == {(2, 2024)}
    assert survey.revised == {(2, 2024): {7: 2}}
    vanished, nulled = Change(8, 0, old, PENDING, None, None), Change(9, 0, None, PENDING, None, GOOD)
    store.catalog.commit([], [revision(key, Change(7, 0, new, PENDING, old, GOOD), vanished, nulled)])
    store.catalog.commit([], [revision((2, HOURLY, 2024), Change(7, 0, new, GOOD, old, GOOD))])
    survey.refresh(store.catalog)
    assert survey.revised == {(2, 2024): {7: 3, 8: 1}}
    kinds = [r.kind for r in store.catalog.revisions(interval=DAILY)]
    assert kinds.count("settled") == 2, "as the table of revisions has it"
    assert len(kinds) - 2 == 4
    store.close()


def test_another_database_is_surveyed_anew(tmp_path: Path) -> None:
    one, other = Store.create(tmp_path / "a"), Store.create(tmp_path / "b")
    key = (2, DAILY, 2024)
    change = Change(7, 0, Decimal(1), GOOD, Decimal(2), GOOD)
    one.catalog.commit([], [revision(key, change), revision(key, change)])
    other.catalog.commit([], [revision((5, DAILY, 2020), change)])
    survey = Survey(DAILY)
    survey.refresh(one.catalog)
    assert survey.refresh(other.catalog) == {(2, 2024), (5, 2020)}
    assert survey.revised == {(5, 2020): {7: 1}}
    one.close()
    other.close()


def test_hours_stand_as_days_do(entry_of: ChunkEntry) -> None:
    hourly = replace(entry_of, interval=HOURLY, covered=(Covered(1, 480, 7),), absent=((25, 30),))
    life = Span(date(2023, 1, 1), date(2023, 12, 31))
    days = standings_together(slot_standings(HOURLY, 2023, life, hourly), range(1, slots_in_year(HOURLY, 2023) + 1, 24))
    assert len(days) == 365
    assert days[:2].tolist() == [Standing.WHOLE, Standing.MISSING]
    assert set(days[20:].tolist()) == {Standing.UNASKED}
