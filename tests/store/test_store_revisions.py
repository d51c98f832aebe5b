"""Revisions: every known value that changed, once, kept with the chunk it was in, and lost by no crash."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from store_samples import INT64, Death, DyingFileSystem, FailingFileSystem, same, sample

from cimis_engine.model.batch import Column, Covered, RecordBatch, column, merge
from cimis_engine.model.items import DAILY_ITEMS, Interval, UnitSystem
from cimis_engine.model.qc import GOOD, NOT_REPORTED, PENDING
from cimis_engine.store.atomic import StoreWriteError
from cimis_engine.store.content import canonical, content_digest
from cimis_engine.store.generations import counts
from cimis_engine.store.revisions import Change, Revision, changes_between
from cimis_engine.store.store import Store, StoreReadError
from cimis_engine.store.verify import Kind, verify

DAILY = Interval.DAILY
KEY = (2, DAILY, 2024)
OLD = sample(first=1)
NEW = sample(first=5, start=300)  # revises 5..10, extends to 14
BOTH = merge([OLD, NEW])
Cell = tuple[Decimal | None, int | None]


def batch(
    slots: Iterable[int], cells: dict[int, list[tuple[int | None, int]]], covered: tuple[Covered, ...] = ()
) -> RecordBatch:
    """Records of some slots; `cells` has a (value in tenths, flag) a slot for each item code."""
    chosen = np.array(sorted(slots), np.uint16)
    columns = tuple(
        column(
            DAILY_ITEMS[code],
            1,
            np.array([v or 0 for v, _ in told], np.int64),
            np.array([v is not None for v, _ in told], np.bool_),
            np.array([f for _, f in told], np.uint8),
        )
        for code, told in sorted(cells.items())
    )
    return canonical(RecordBatch(2, DAILY, 2024, UnitSystem.METRIC, chosen, columns, covered))


def cell(held: RecordBatch, slot: int, code: int) -> Cell:
    """Value and flag of one cell: (None, None) without a record, flag NOT_REPORTED where the record says nothing."""
    at = np.flatnonzero(held.slots == slot)
    if not len(at):
        return None, None
    found = held.column_of(DAILY_ITEMS[code])
    return (None, NOT_REPORTED) if found is None else (found.value(int(at[0])), int(found.qc[at[0]]))


@st.composite
def batches(draw: st.DrawFn) -> RecordBatch:
    slots = draw(st.sets(st.integers(1, 6), max_size=5))
    flag = st.sampled_from([GOOD, PENDING, ord("Y"), NOT_REPORTED])
    told = st.tuples(st.one_of(st.none(), st.integers(-30, 30)), flag)
    codes = draw(st.sets(st.integers(0, 2), max_size=3))
    cells = {c: draw(st.lists(told, min_size=len(slots), max_size=len(slots))) for c in codes}
    spans = draw(st.lists(st.tuples(st.integers(1, 6), st.integers(1, 6), st.integers(1, 7)), max_size=2))
    return batch(slots, cells, tuple(Covered(min(a, b), max(a, b), mask) for a, b, mask in spans))


def silent(state: Cell) -> bool:
    return state[0] is None and state[1] in (None, NOT_REPORTED)


@given(batches(), batches())
def test_changes_are_exactly_the_known_cells_that_differ(old: RecordBatch, fetched: RecordBatch) -> None:
    old = canonical(merge([old]))
    new = canonical(merge([old, fetched]))
    expected = set()
    for slot in range(1, 7):
        for code in range(3):
            was, now = cell(old, slot, code), cell(new, slot, code)
            asked = any(c.first <= slot <= c.last and c.mask >> code & 1 for c in old.covered)
            if (asked or not silent(was)) and was != now and not (silent(was) and silent(now)):
                expected.add(Change(slot, code, *was, *now))
    found = changes_between(old, new)
    assert set(found) == expected
    assert len(found) == len(expected)


def test_an_empty_difference_means_that_nothing_is_lost() -> None:
    wider = merge([OLD, sample(first=11, items=5)])
    assert changes_between(OLD, canonical(wider)) == ()
    assert changes_between(canonical(wider), OLD), "and the other way round something is"


def test_exponents_and_widths_do_not_matter() -> None:
    def one(value: int, exponent: int) -> RecordBatch:
        told: Column = column(
            DAILY_ITEMS[0], exponent, np.array([value], np.int64), np.array([True]), np.array([GOOD], np.uint8)
        )
        return RecordBatch(2, DAILY, 2024, UnitSystem.METRIC, np.array([1], np.uint16), (told,))

    assert changes_between(one(730, 2), one(73, 1)) == ()
    assert len(changes_between(one(731, 2), one(73, 1))) == 1
    wide = int(INT64.max)
    (change,) = changes_between(one(wide, 0), one(wide, 9))
    assert (change.old_value, change.new_value) == (Decimal(wide), Decimal(wide).scaleb(-9))


def test_records_appear_and_vanish() -> None:
    whole = (Covered(1, 3, 1),)
    old = batch([1, 2], {0: [(10, GOOD), (20, PENDING)]}, whole)
    new = batch([2, 3], {0: [(20, GOOD), (30, GOOD)]}, whole)
    assert changes_between(old, new) == (
        Change(1, 0, Decimal(1), GOOD, None, None),
        Change(2, 0, Decimal(2), PENDING, Decimal(2), GOOD),
        Change(3, 0, None, None, Decimal(3), GOOD),
    )


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "D")


def generations(store: Store) -> list[Path]:
    return sorted((store.root / "stations" / "002" / ".gen").glob("*"))


def told(revisions: Iterable[Revision]) -> set[tuple[Any, ...]]:
    return {(r.slot, r.item.code, r.old_value, r.new_value, r.kind) for r in revisions}


def expected(old: RecordBatch = OLD, new: RecordBatch = BOTH) -> set[tuple[Any, ...]]:
    changes = changes_between(canonical(old), canonical(new))
    assert changes
    return {(c.slot, c.item, c.old_value, c.new_value, "changed") for c in changes}


def test_a_revised_chunk_is_kept_and_its_changes_are_told(store: Store) -> None:
    before = store.write(OLD).path.read_bytes()
    written = store.write(NEW, "run-7")
    (kept,) = generations(store)
    assert kept.name == f"2024_daily.{content_digest(OLD)[:8]}.v2.zst"
    assert kept.read_bytes() == before
    found = store.catalog.revisions()
    assert told(found) == expected()
    assert (written.revised, len(found)) == (len(found), len(expected()))
    assert {(r.run_id, r.station, r.year, r.units) for r in found} == {("run-7", 2, 2024, UnitSystem.METRIC)}
    report = verify(store)
    assert (report.ok, report.generations, report.findings) == (1, 1, [])


def test_extending_and_repeating_leave_no_generation(store: Store) -> None:
    path = store.write(OLD).path
    extended = store.write(sample(first=11, items=5))
    assert (extended.changed, extended.revised) == (True, 0)
    stamp = path.stat().st_mtime_ns
    repeated = store.write(OLD)
    assert (repeated.changed, repeated.revised, path.stat().st_mtime_ns) == (False, 0, stamp)
    assert (generations(store), store.catalog.revisions()) == ([], [])


def store_held(store: Store) -> RecordBatch:
    held = store.read(*KEY)
    assert held is not None
    return held


def test_generations_are_counted(store: Store) -> None:
    assert counts(store.root) == {}
    for start in (150, 300, 450):
        store.write(sample(start=start))
        store.write(sample(station=5, start=150))
    assert counts(store.root) == {(2, Interval.DAILY, 2024): 2}


def test_filters(store: Store) -> None:
    for run, start in (("a", 150), ("b", 300), ("c", 500)):
        store.write(sample(start=start), run)
        store.write(sample(start=start, station=5, interval=Interval.HOURLY), run)
    every = store.catalog.revisions()
    assert len(every) == 4 * len(store.catalog.revisions(run_id="b", stations=(2,)))
    assert {r.station for r in store.catalog.revisions(stations=(5,))} == {5}
    assert {r.interval for r in store.catalog.revisions(interval=DAILY)} == {DAILY}
    assert {r.item for r in store.catalog.revisions(item=DAILY_ITEMS[1])} == {DAILY_ITEMS[1]}
    latest = max(r.seen_at for r in every)
    assert {r.run_id for r in store.catalog.revisions(since=latest)} == {"c"}
    assert store.catalog.revisions(since=latest + 1) == []


def _prepared(root: Path) -> None:
    store = Store.create(root)
    store.write(OLD)
    store.close()


def _trace(root: Path) -> list[str]:
    _prepared(root)
    fs = FailingFileSystem()
    store = Store.open(root, fs=fs)
    store.write(NEW)
    store.close()
    return fs.trace


def test_the_old_chunk_is_durable_before_the_new_one_takes_its_place(tmp_path: Path) -> None:
    trace = _trace(tmp_path / "D")
    keep, replace = trace.index("replace"), trace.index("replace", trace.index("replace") + 1)
    assert trace.count("replace") == 2, "one for the generation, one for the chunk"
    assert trace[keep + 1] == "sync_dir"
    assert trace[keep - 2 : keep] == ["sync", "read"], "synced and read back"
    assert trace[replace - 2 : replace] == ["sync", "read"]


def _settled(store: Store, replaced: bool) -> None:
    """What the next run does: plan under the lock, then write again. Every revision is there, once."""
    with store.lock():
        assert store.stale_temps() == []
        store.entry(*KEY)
        assert told(store.catalog.revisions()) == (expected() if replaced else set())
        store.write(NEW, "again")
    found = store.catalog.revisions()
    assert told(found) == expected()
    assert len(found) == len(expected())
    assert {r.run_id for r in found} == ({None} if replaced else {"again"})
    assert same(store_held(store), BOTH)
    report = verify(store)
    assert (report.ok, report.generations, report.findings) == (1, 1, [])
    store.close()


def test_a_death_at_any_operation_loses_no_revision(tmp_path: Path) -> None:
    trace = _trace(tmp_path / "trace")
    outcomes = set()
    for index in range(len(trace)):
        root = tmp_path / str(index)
        _prepared(root)
        dying = Store.open(root, fs=DyingFileSystem(index))
        with pytest.raises(Death):
            dying.write(NEW, "dead")
        dying.close()
        after = Store.open(root)
        held = store_held(after)
        replaced = same(held, BOTH)
        assert replaced or same(held, OLD)
        assert after.catalog.revisions() == [], "the revisions lead the disk"
        assert not replaced or generations(after), "the old chunk is gone"
        outcomes.add(replaced)
        _settled(after, replaced)
    assert outcomes == {True, False}


def test_a_death_before_the_commit_loses_no_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _prepared(tmp_path / "D")
    dying = Store.open(tmp_path / "D")

    def die(*_: Any) -> None:
        raise Death

    monkeypatch.setattr(dying.catalog, "commit", die)
    with pytest.raises(Death):
        dying.write(NEW, "dead")
    dying.close()
    _settled(Store.open(tmp_path / "D"), replaced=True)


def test_a_revision_on_top_of_an_unrecorded_one_records_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _prepared(tmp_path / "D")
    store = Store.open(tmp_path / "D")
    with monkeypatch.context() as patch:
        patch.setattr(store.catalog, "commit", lambda *_: None)
        store.write(NEW, "lost")
    third = sample(first=5, start=500)
    store.write(third, "next")
    found = store.catalog.revisions()
    assert told(r for r in found if r.run_id is None) == expected()
    assert told(r for r in found if r.run_id == "next") == expected(BOTH, merge([BOTH, third]))
    assert len(generations(store)) == 2


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC])
def test_an_error_at_any_operation_leaves_chunk_and_revisions_agreeing(tmp_path: Path, code: int) -> None:
    for index, _ in enumerate(_trace(tmp_path / "trace")):
        root = tmp_path / f"{code}-{index}"
        _prepared(root)
        store = Store.open(root, fs=FailingFileSystem(index, code))
        with pytest.raises((StoreReadError, StoreWriteError)):
            store.write(NEW, "failed")
        store.close()
        after = Store.open(root)
        assert after.stale_temps() == []
        assert after.catalog.revisions() == []
        _settled(after, same(store_held(after), BOTH))


def test_a_lost_database_gets_its_revisions_back_from_the_generations(store: Store) -> None:
    third = sample(first=5, start=500)
    for fetched in (OLD, NEW, sample(first=15), third):
        store.write(fetched, "r")
    before = store.catalog.revisions()
    store.close()
    for file in store.root.glob("metadata.sqlite3*"):
        file.unlink()
    fresh = Store.open(store.root)
    with fresh.lock():
        assert fresh.rebuild().chunks == 1
        assert fresh.rebuild().damaged == ()
        fresh.catalog.delete(*KEY)
        fresh.rebuild()
    after = fresh.catalog.revisions()
    assert sorted(told(before), key=str) == sorted(told(after), key=str)
    assert len(before) == len(after), "and none twice, however often it is rebuilt"
    assert {r.run_id for r in after} == {None}


def test_rebuild_records_what_a_crash_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _prepared(tmp_path / "D")
    store = Store.open(tmp_path / "D")
    with monkeypatch.context() as patch:
        patch.setattr(store.catalog, "commit", lambda *_: None)
        store.write(NEW, "lost")
    assert verify(store).uncatalogued
    with store.lock():
        store.rebuild()
    assert told(store.catalog.revisions()) == expected()


def test_verify_reads_generations_and_names_what_is_none(store: Store) -> None:
    store.write(OLD)
    store.write(NEW)
    (kept,) = generations(store)
    wrong = kept.with_name("2024_daily.00000000.zst")
    wrong.write_bytes(kept.read_bytes())
    stray = kept.with_name("2024_weekly.00000000.zst")
    stray.touch()
    temp = kept.with_name(".2024_daily.00000000.zst.1.ab.tmp")
    temp.touch()
    kept.write_bytes(kept.read_bytes()[:-1])
    report = verify(store)
    assert {(f.kind, f.path) for f in report.findings} == {
        (Kind.DAMAGED_GENERATION, kept),
        (Kind.DAMAGED_GENERATION, wrong),
        (Kind.STRAY, stray),
        (Kind.STALE_TEMP, temp),
    }
    assert (report.ok, report.generations) == (1, 0)
    with store.lock():
        assert not temp.exists()


def test_a_damaged_generation_stops_no_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _prepared(tmp_path / "D")
    store = Store.open(tmp_path / "D")
    with monkeypatch.context() as patch:
        patch.setattr(store.catalog, "commit", lambda *_: None)
        store.write(NEW, "lost")
    (kept,) = generations(store)
    kept.write_bytes(b"damaged")
    assert store.write(sample(first=15)).records == 24
    assert [f.path for f in verify(store).of(Kind.DAMAGED_GENERATION)] == [kept], "what could not be told is not silent"


def test_a_catalog_of_an_older_program_is_made_again(store: Store) -> None:
    store.write(OLD)
    before = store.catalog.entries()
    store.close()
    with sqlite3.connect(store.root / "metadata.sqlite3") as db:
        db.execute("DROP TABLE chunks")
        db.execute("CREATE TABLE chunks (station INTEGER)")
        db.execute("UPDATE schema SET version = 1 WHERE name = 'catalog'")
    db.close()
    again = Store.open(store.root)
    assert [(e.key, e.digest, e.absent) for e in again.catalog.entries()] == [
        (e.key, e.digest, e.absent) for e in before
    ]
    assert not again.catalog.outdated
    again.close()
    assert not Store.open(store.root).catalog.outdated
