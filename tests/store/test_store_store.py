"""The store: merging, units, locking, and a catalog that lags the disk and never leads it."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from store_samples import FailingFileSystem, same, sample

from cimis_engine.model.batch import Covered, UnitMismatchError, merge
from cimis_engine.model.items import DAILY_ITEMS, Interval, UnitSystem
from cimis_engine.store.atomic import StoreWriteError
from cimis_engine.store.database import DatabaseError
from cimis_engine.store.lock import StoreLockedError
from cimis_engine.store.paths import chunk_path, is_temp, parse_chunk_path, temp_name
from cimis_engine.store.store import NoStoreError, Store
from cimis_engine.store.verify import verify
from cimis_engine.store.wire import ChunkError

DAILY = Interval.DAILY
KEY = (2, DAILY, 2024)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "D")


def test_a_store_is_made_once_and_opened_again(tmp_path: Path) -> None:
    with pytest.raises(NoStoreError) as caught:
        Store.open(tmp_path / "D")
    assert (caught.value.exit_code, "cimis init" in caught.value.hint) == (2, True)
    assert not Store.exists(tmp_path / "D")
    Store.create(tmp_path / "D").write(sample())
    assert Store.exists(tmp_path / "D")
    assert Store.create(tmp_path / "D").catalog.totals().chunks == 1


def test_writes_merge_and_the_catalog_follows(store: Store) -> None:
    first = store.write(sample(first=1))
    assert first.path == store.root / "stations/002/2024_daily.zst"
    assert (first.changed, first.records, first.nulls, first.raw_bytes) == (True, 10, 3, 10 * 15)
    second = store.write(sample(first=11, start=200))
    assert (second.records, second.stored_bytes) == (20, second.path.stat().st_size)
    assert min(second.encode_ms, second.write_ms, second.verify_ms, second.commit_ms) > 0
    held = store.read(*KEY)
    assert held is not None
    assert same(held, merge([sample(first=1), sample(first=11, start=200)]))
    entry = store.catalog.get(*KEY)
    assert entry is not None
    assert (entry.digest, entry.covered, entry.missing) == (second.digest, (Covered(1, 20, 7),), 0)
    assert (entry.first_slot, entry.last_slot, entry.items, entry.codec) == (1, 20, 3, 2)


def test_unchanged_content_is_not_written_again(store: Store) -> None:
    path = store.write(sample()).path
    before = path.stat()
    again = store.write(sample())
    after = path.stat()
    assert (again.changed, again.write_ms, again.records) == (False, 0, 10)
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_the_other_unit_system_is_refused(store: Store) -> None:
    store.write(sample())
    with pytest.raises(UnitMismatchError):
        store.write(sample(units=UnitSystem.ENGLISH))
    still_open = store.open_slots(UnitSystem.ENGLISH, DAILY_ITEMS[:3], DAILY)
    with pytest.raises(UnitMismatchError):
        still_open(2, 2024, range(1, 11))
    assert still_open(3, 2024, range(1, 11)) == range(1, 11)


def test_open_slots_are_what_is_not_covered(store: Store) -> None:
    store.write(sample(first=1, count=100))
    still_open = store.open_slots(UnitSystem.METRIC, DAILY_ITEMS[:3], DAILY)
    assert still_open(2, 2024, range(50, 101)) == range(0)
    assert still_open(2, 2024, range(90, 120)) == range(101, 120)
    assert still_open(2, 2023, range(1, 3)) == range(1, 3)
    more_items = store.open_slots(UnitSystem.METRIC, DAILY_ITEMS[:4], DAILY)
    assert more_items(2, 2024, range(50, 60)) == range(50, 60)


def test_coverage_is_nothing_without_the_file(store: Store) -> None:
    path = store.write(sample()).path
    assert store.covered(*KEY) == (Covered(1, 10, 7),)
    path.unlink()
    assert store.catalog.get(*KEY) is not None
    assert store.covered(*KEY) == ()
    assert store.read(*KEY) is None


class Crash(BaseException):
    """The process dies here."""


def _crash(*_: Any) -> None:
    raise Crash


def test_a_crash_between_replace_and_catalog_heals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store.create(tmp_path / "D")
    store.write(sample(first=1))
    with monkeypatch.context() as patch:
        patch.setattr(store.catalog, "commit", _crash)
        with pytest.raises(Crash):
            store.write(sample(first=11))
    store.close()
    after = Store.open(tmp_path / "D")
    assert [f.path for f in verify(after).uncatalogued] == [after.path(*KEY)]
    assert after.covered(*KEY) == (Covered(1, 20, 7),)
    assert verify(after).uncatalogued, "without the lock the catalog is only read"
    with after.lock():
        assert after.covered(*KEY) == (Covered(1, 20, 7),)
    assert (verify(after).ok, verify(after).findings) == (1, [])


def test_writing_the_same_again_after_such_a_crash_heals_too(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(store.catalog, "commit", _crash)
        with pytest.raises(Crash):
            store.write(sample())
    assert store.catalog.get(*KEY) is None
    fs = store.fs = FailingFileSystem()
    assert store.write(sample()).changed is False
    assert fs.trace == ["read", "sync_dir"], "the rename may not have been durable"
    assert store.catalog.get(*KEY) is not None


def test_a_damaged_chunk_is_never_overwritten(store: Store) -> None:
    path = store.write(sample()).path
    path.write_bytes(path.read_bytes()[:-1])
    damaged = path.read_bytes()
    with pytest.raises(ChunkError) as caught:
        store.write(sample(first=11))
    assert (caught.value.path, caught.value.exit_code) == (path, 6)
    assert path.read_bytes() == damaged
    assert store.covered(*KEY) == ()


def test_a_chunk_under_another_name_is_damage(store: Store) -> None:
    path = store.write(sample()).path
    path.rename(path.with_name("2023_daily.zst"))
    with pytest.raises(ChunkError, match="not what its name says"):
        store.read(2, DAILY, 2023)


def test_the_second_engine_is_refused_and_told_by_whom(tmp_path: Path) -> None:
    root = tmp_path / "D"
    Store.create(root)
    script = (
        "import sys; from pathlib import Path; from cimis_engine.store.store import Store\n"
        "with Store.open(Path(sys.argv[1])).lock():\n    print('held', flush=True); sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(StoreLockedError) as caught, Store.open(root).lock():
            raise AssertionError("two holders")
        assert (caught.value.pid, caught.value.exit_code) == (holder.pid, 2)
        assert str(holder.pid) in str(caught.value)
        holder.kill()
    with Store.open(root).lock():
        assert (root / ".lock").read_text() == f"{os.getpid()}\n"


def test_temps_of_the_dead_go_under_the_lock_only(store: Store) -> None:
    path = store.write(sample()).path
    temp = path.with_name(temp_name(path.name, 1, "abc123"))
    other = path.with_name(".keep")
    temp.touch()
    other.touch()
    Store.open(store.root).write(sample(first=11))
    assert temp.exists()
    with store.lock():
        assert not temp.exists()
    assert other.exists()


def test_worker_threads_may_call(store: Store) -> None:
    failures: list[BaseException] = []

    def work(station: int) -> None:
        try:
            for first in (1, 11, 21):
                store.write(sample(station=station, first=first))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert (store.catalog.totals().chunks, store.catalog.totals().records) == (3, 90)


def test_paths_come_from_numbers_and_back(tmp_path: Path) -> None:
    for key in [KEY, (9999, Interval.HOURLY, 1982), (120, DAILY, 2000)]:
        assert parse_chunk_path(tmp_path, chunk_path(tmp_path, *key)) == key
    for bad in ["2/2024_daily.zst", "0002/2024_daily.zst", "002/2024_weekly.zst", "000/2024_daily.zst", "002/x.zst"]:
        assert parse_chunk_path(tmp_path, tmp_path / "stations" / bad) is None
    assert parse_chunk_path(tmp_path, tmp_path / "002/2024_daily.zst") is None
    for station, year in [(0, 2024), (10000, 2024), (2, 0), (-1, 2024)]:
        with pytest.raises(ValueError):
            chunk_path(tmp_path, station, DAILY, year)
    assert is_temp(Path(temp_name("2024_daily.zst", 12, "0af")))
    assert not is_temp(Path(".keep.tmp"))


def test_a_damaged_database_says_what_to_do(store: Store) -> None:
    store.write(sample())
    store.close()
    (store.root / "metadata.sqlite3").write_text("no database " * 1000)
    with pytest.raises(DatabaseError, match="not a database") as caught:
        Store.open(store.root)
    assert (caught.value.exit_code, "move it away" in caught.value.hint) == (6, True)
    (store.root / "metadata.sqlite3").unlink()
    assert len(Store.open(store.root).catalog.entries()) == 1


@pytest.mark.parametrize(
    ("number", "code", "word"), [(errno.ENOSPC, 5, "full"), (errno.EACCES, 2, "owner"), (errno.EIO, 1, "disk")]
)
def test_what_the_disk_refuses_has_an_exit_code_of_its_own(number: int, code: int, word: str) -> None:
    error = StoreWriteError(Path("x"), "write", OSError(number, os.strerror(number)))
    assert (error.exit_code, str(error)) == (code, f"could not write x: {os.strerror(number)}")
    assert word in error.hint
