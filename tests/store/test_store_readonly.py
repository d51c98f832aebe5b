"""A store that cannot be written to is read all the same, and nothing is left in it."""

from __future__ import annotations

import errno
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from store_samples import same, sample

from cimis_engine.model.batch import merge
from cimis_engine.model.items import Interval
from cimis_engine.store.atomic import FileSystem, StoreWriteError
from cimis_engine.store.lock import exclusive
from cimis_engine.store.store import Store, StoreReadOnlyError
from cimis_engine.store.verify import verify

KEY = (2, Interval.DAILY, 2024)


class ReadOnly(FileSystem):
    """A disk that says that it takes nothing, and would fail the test if it were asked to."""

    def writable(self, path: Path) -> bool:
        return False

    def open_new(self, path: Path) -> int:
        raise AssertionError(path)

    make_dir = unlink = sync_dir = open_new  # type: ignore[assignment]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    store = Store.create(tmp_path / "D")
    store.write(sample())
    store.write(sample(start=300))
    store.close()
    return store.root


def names(root: Path) -> list[tuple[Path, int]]:
    """What there is and when it was written; SQLite may count its readers in an index (-shm) that it finds writable."""
    return sorted((p, 0 if p.suffix == ".sqlite3-shm" else p.stat().st_mtime_ns) for p in root.rglob("*"))


def looked_at(root: Path) -> tuple[Any, ...]:
    """All that reading can tell, through a door that cannot write."""
    before = names(root)
    store = Store.open(root, fs=ReadOnly())
    assert store.read_only
    held = store.read(*KEY)
    assert held is not None
    assert same(held, merge([sample(start=300)]))
    report = verify(store, read_data=True)
    revisions = len(store.catalog.revisions())
    totals = store.catalog.totals()
    store.close()
    assert names(root) == before
    return report.ok, report.generations, report.findings, totals.chunks, revisions > 0


def test_reading_leaves_nothing(root: Path) -> None:
    assert looked_at(root) == (1, 1, [], 1, True)


def test_what_stands_in_the_log_alone_is_seen(root: Path, tmp_path: Path) -> None:
    """A copy taken while someone wrote: with the log's index, and without."""
    writer = Store.open(root)
    writer.write(sample(station=5))
    for name, endings in (("both", ("-wal", "-shm")), ("log", ("-wal",))):
        copy = tmp_path / name
        shutil.copytree(root, copy)
        for ending in {"-wal", "-shm"} - set(endings):
            (copy / f"metadata.sqlite3{ending}").unlink()
        assert (copy / "metadata.sqlite3-wal").stat().st_size
        assert looked_at(copy)[3] == 2
    writer.close()


def test_without_a_database_the_files_tell(root: Path) -> None:
    for file in root.glob("metadata.sqlite3*"):
        file.unlink()
    assert looked_at(root) == (1, 1, [], 1, True)


def test_a_catalog_of_an_older_program_is_made_again_in_memory(root: Path) -> None:
    with sqlite3.connect(root / "metadata.sqlite3") as db:
        db.execute("UPDATE schema SET version = 1 WHERE name = 'catalog'")
    db.close()
    assert looked_at(root)[:4] == (1, 1, [], 1)


def test_who_would_write_is_told(root: Path) -> None:
    store = Store.open(root, fs=ReadOnly())
    with pytest.raises(StoreReadOnlyError, match="is read-only") as caught, store.lock():
        pass
    assert (caught.value.exit_code, caught.value.root) == (2, root)


def test_a_lock_that_cannot_be_made_is_a_typed_error(tmp_path: Path) -> None:
    with pytest.raises(StoreWriteError) as caught, exclusive(tmp_path / "nowhere"):
        pass
    assert caught.value.errno == errno.ENOENT
