"""Verify finds all there is to find; rebuild makes the catalog from the files alone."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from store_samples import sample

from cimis_engine.model.items import Interval
from cimis_engine.store.catalog import Catalog
from cimis_engine.store.database import DatabaseError, SchemaVersionError, ensure_schema, open_database
from cimis_engine.store.store import Store
from cimis_engine.store.verify import Kind, VerifyReport, verify, walk


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store.create(tmp_path / "D")
    for station, year in [(2, 2023), (2, 2024), (5, 2024), (6, 2024)]:
        store.write(sample(station=station, year=year))
    return store


def _flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def test_a_sound_store(store: Store) -> None:
    report = verify(store)
    assert (report.chunks, report.ok, report.records, report.findings, report.sound) == (4, 4, 40, [], True)
    assert report.bytes == store.catalog.totals().stored_bytes


def test_walking_tells_of_each_file_as_it_is_read(store: Store) -> None:
    files, report = store.files(), VerifyReport()
    _flip(files[1], 60)
    files[3].unlink()
    steps = walk(store, files[:3], store.catalog.entries(), report, read_data=True)
    told = [(path, report.chunks, len(report.findings)) for path in steps]
    assert told == [(files[0], 1, 0), (files[1], 2, 1), (files[2], 3, 1)]
    assert [f.kind for f in report.findings] == [Kind.DAMAGED, Kind.MISSING_FILE]


def test_whoever_stops_walking_has_a_report_so_far(store: Store) -> None:
    report = VerifyReport()
    next(walk(store, store.files(), store.catalog.entries(), report, read_data=False))
    assert (report.chunks, report.ok, report.findings) == (1, 1, [])


def test_a_writer_at_work_is_no_finding(store: Store) -> None:
    """What was written after the catalog was read is compared with the catalog as it is then."""
    before, report = store.catalog.entries(), VerifyReport()
    store.write(sample(station=6, count=20))
    list(walk(store, store.files(), before, report, read_data=False))
    assert (report.ok, report.findings) == (4, [])


def test_stations_of_the_catalog(store: Store) -> None:
    store.write(sample(station=9, interval=Interval.HOURLY))
    assert store.catalog.stations() == (2, 5, 6, 9)
    assert store.catalog.stations(Interval.HOURLY) == (9,)


def test_everything_is_found(store: Store) -> None:
    damaged, missing = store.path(2, Interval.DAILY, 2023), store.path(5, Interval.DAILY, 2024)
    lagging, unknown = store.path(2, Interval.DAILY, 2024), store.path(6, Interval.DAILY, 2024)
    _flip(damaged, 60)
    missing.unlink()
    other = Store.create(store.root.parent / "E")
    lagging.write_bytes(other.write(sample(start=700)).path.read_bytes())
    store.catalog.delete(6, Interval.DAILY, 2024)
    stray, temp = damaged.with_name("notes.txt"), damaged.with_name(".2024_daily.zst.7.ab.tmp")
    stray.touch()
    temp.touch()
    report = verify(store)
    found = {(f.kind, f.path) for f in report.findings}
    assert found == {
        (Kind.DAMAGED, damaged),
        (Kind.MISSING_FILE, missing),
        (Kind.UNCATALOGUED, lagging),
        (Kind.UNCATALOGUED, unknown),
        (Kind.STRAY, stray),
        (Kind.STALE_TEMP, temp),
    }
    assert (report.chunks, report.ok, report.sound) == (3, 0, False)
    assert "CRC" in report.damaged[0].what
    assert len(report.missing_files) == len(report.stray) == len(report.stale_temps) == 1

    rebuilt = store.rebuild()
    assert (rebuilt.chunks, [f.path for f in rebuilt.damaged]) == (2, [damaged])
    after = verify(store)
    assert (after.ok, after.uncatalogued, after.missing_files) == (2, [], [])


def test_a_lost_database_is_made_again_on_opening(store: Store) -> None:
    before = store.catalog.entries()
    store.close()
    for file in store.root.glob("metadata.sqlite3*"):
        file.unlink()
    fresh = Store.open(store.root)
    assert verify(fresh).findings == []
    for old, new in zip(before, fresh.catalog.entries(), strict=True):
        assert (old.key, old.digest, old.artifact_digest, old.covered) == (
            new.key,
            new.digest,
            new.artifact_digest,
            new.covered,
        )


def test_catalog_filters_and_totals(store: Store) -> None:
    store.write(sample(station=2, interval=Interval.HOURLY))
    assert [e.key for e in store.catalog.entries(station=2)] == [
        (2, Interval.DAILY, 2023),
        (2, Interval.DAILY, 2024),
        (2, Interval.HOURLY, 2024),
    ]
    assert [e.station for e in store.catalog.entries(interval=Interval.HOURLY)] == [2]
    totals = store.catalog.totals()
    assert (totals.chunks, totals.stations, totals.records, totals.nulls) == (5, 3, 50, 15)
    assert totals.ratio == totals.raw_bytes / totals.stored_bytes
    assert Store.create(store.root.parent / "F").catalog.totals().ratio is None


def test_the_database_is_durable_and_versioned(tmp_path: Path) -> None:
    db = open_database(tmp_path / "m.sqlite3")
    assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert db.execute("PRAGMA synchronous").fetchone() == (2,)
    Catalog(db)
    ensure_schema(db, "other", 3, "CREATE TABLE other (x INTEGER)")
    ensure_schema(db, "other", 3, "CREATE TABLE other (x INTEGER)")
    with pytest.raises(SchemaVersionError) as caught:
        ensure_schema(db, "other", 2, "")
    assert (caught.value.found, caught.value.known, caught.value.exit_code) == (3, 2, 2)


def test_a_database_that_is_none_is_a_typed_error(tmp_path: Path) -> None:
    path = tmp_path / "m.sqlite3"
    path.write_bytes(b"not a database at all" * 100)
    with pytest.raises(DatabaseError, match="not a database"):
        open_database(path)


def test_a_failing_catalog_is_a_typed_error(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "D")
    store.write(sample())
    store.database.execute("DROP TABLE chunks")
    with pytest.raises(DatabaseError, match="no such table"):
        store.catalog.totals()
    with sqlite3.connect(":memory:") as other, pytest.raises(DatabaseError):
        Catalog(other)
