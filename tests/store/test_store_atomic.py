"""Writing: whatever operation fails, the old chunk stays whole, no temp is left, and the error says what happened."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from store_samples import Death, DyingFileSystem, FailingFileSystem, same, sample

from cimis_engine.model.batch import merge
from cimis_engine.model.items import Interval
from cimis_engine.store.atomic import FileSystem, StoreWriteError, stage
from cimis_engine.store.content import content_digest
from cimis_engine.store.store import Store, StoreReadError
from cimis_engine.store.verify import verify
from cimis_engine.store.wire import ChunkError

KEY = (2, Interval.DAILY, 2024)
OLD, NEW = sample(first=1), sample(first=11, start=300)


def _prepared(root: Path) -> Store:
    store = Store.create(root)
    store.write(OLD)
    store.close()
    return Store.open(root)


def _catalogued(store: Store) -> str:
    entry = store.catalog.get(*KEY)
    assert entry is not None
    return entry.digest


def _trace(root: Path) -> list[str]:
    _prepared(root).close()
    fs = FailingFileSystem()
    Store.open(root, fs=fs).write(NEW)
    return fs.trace


def test_the_order_of_operations(tmp_path: Path) -> None:
    trace = _trace(tmp_path / "D")
    order = list(dict.fromkeys(trace))
    assert order == ["read", "open_new", "write", "sync", "replace", "sync_dir"]
    assert trace.count("write") > 1, "short writes are looped over"
    assert trace[trace.index("sync") :] == ["sync", "read", "replace", "sync_dir", "sync_dir", "sync_dir"]


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC, errno.EROFS, errno.EINTR])
def test_an_error_at_any_operation_leaves_a_whole_chunk(tmp_path: Path, code: int) -> None:
    trace = _trace(tmp_path / "trace")
    for index, name in enumerate(trace):
        root = tmp_path / f"{code}-{index}"
        _prepared(root).close()
        store = Store.open(root, fs=FailingFileSystem(index, code))
        with pytest.raises((StoreReadError, StoreWriteError)) as caught:
            store.write(NEW)
        error = caught.value
        assert isinstance(error, (StoreReadError, StoreWriteError))
        assert isinstance(error, StoreReadError) == (index == 0)
        assert (error.errno, bool(error.hint)) == (code, True)
        store.close()
        after = Store.open(root)
        assert after.stale_temps() == []
        held = after.read(*KEY)
        assert held is not None
        replaced = name == "sync_dir"
        assert same(held, merge([OLD, NEW]) if replaced else OLD)
        assert not verify(after).damaged
        assert _catalogued(after) == content_digest(OLD), "the catalog leads the disk"
        after.write(NEW)
        assert verify(after).ok == 1
        assert same(after.read(*KEY) or OLD, merge([OLD, NEW]))
        after.close()


def test_an_error_on_the_first_write_leaves_nothing(tmp_path: Path) -> None:
    for index in range(1, 6):
        store = Store.create(tmp_path / str(index))
        store.fs = FailingFileSystem(index, errno.ENOSPC)
        with pytest.raises(StoreWriteError, match="could not"):
            store.write(OLD)
        assert [p for p in (store.root / "stations").rglob("*") if p.is_file()] == []
        assert store.covered(*KEY) == ()


def test_hints_say_what_to_do(tmp_path: Path) -> None:
    error = StoreWriteError(tmp_path, "write", OSError(errno.ENOSPC, "No space left on device"))
    assert "disk is full" in error.hint
    assert (error.path, error.operation, error.errno) == (tmp_path, "write", errno.ENOSPC)


def test_what_is_read_back_is_compared(tmp_path: Path) -> None:
    class Liar(FileSystem):
        def read(self, path: Path) -> bytes:
            data = super().read(path)
            return data[:-20] + b"?" + data[-19:] if path.suffix == ".tmp" else data

    _prepared(tmp_path / "D").close()
    store = Store.open(tmp_path / "D", fs=Liar())
    with pytest.raises(ChunkError, match="other bytes"):
        store.write(NEW)
    assert store.stale_temps() == []
    assert same(store.read(*KEY) or NEW, OLD)


def test_a_disk_that_takes_nothing_is_an_error(tmp_path: Path) -> None:
    class Full(FileSystem):
        def write(self, fd: int, data: memoryview) -> int:
            return 0

    with pytest.raises(StoreWriteError, match="took no bytes"):
        stage(Full(), tmp_path / "a" / "b.zst", b"data", {tmp_path})
    assert list((tmp_path / "a").iterdir()) == []


def test_an_interrupt_leaves_no_temp(tmp_path: Path) -> None:
    staged = stage(FileSystem(), tmp_path / "b.zst", b"data", {tmp_path})

    def interrupted(data: bytes) -> None:
        assert data == b"data"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        staged.verify(interrupted)
    assert list(tmp_path.iterdir()) == []


def test_parents_are_synced_once_a_process(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "D")
    fs = store.fs = FailingFileSystem()
    counts = []
    for year in (2022, 2023, 2024):
        store.write(sample(year=year))
        counts.append(fs.trace.count("sync_dir"))
    assert counts == [3, 4, 5]


def test_a_symbolic_link_is_not_followed(tmp_path: Path) -> None:
    store = _prepared(tmp_path / "D")
    path = store.path(*KEY)
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreReadError):
        store.read(*KEY)
    assert len(verify(store).damaged) == 1


def test_a_death_at_any_operation_loses_nothing(tmp_path: Path) -> None:
    """The process stops at operation `index` and does nothing more, not even clean up."""
    trace = _trace(tmp_path / "trace")
    swept = 0
    for index, name in enumerate(trace):
        root = tmp_path / str(index)
        _prepared(root).close()
        dying = Store.open(root, fs=DyingFileSystem(index))
        with pytest.raises(Death):
            dying.write(NEW)
        dying.close()
        after = Store.open(root)
        held = after.read(*KEY)
        assert held is not None
        assert same(held, merge([OLD, NEW]) if name == "sync_dir" else OLD)
        assert after.covered(*KEY) == held.covered
        assert _catalogued(after) == content_digest(OLD), "the catalog leads the disk"
        swept += len(after.stale_temps())
        with after.lock():
            assert after.stale_temps() == []
            assert after.covered(*KEY) == held.covered
        assert (verify(after).ok, verify(after).findings) == (1, [])
        assert after.write(NEW).records == 20
        after.close()
    assert swept == sum(name in ("write", "sync", "replace") for name in trace) + 1, "the read back is one more"


def test_a_group_syncs_its_folder_once_and_commits_in_one_transaction(tmp_path: Path) -> None:
    years = [sample(year=year) for year in (2021, 2022, 2023)]
    _prepared(tmp_path / "D").close()
    fs = FailingFileSystem()
    store = Store.open(tmp_path / "D", fs=fs)
    store.write(sample(year=2020))  # makes the folder known as durable
    del fs.trace[:]
    written, error = store.write_all(years)
    assert (len(written), error) == (3, None)
    assert fs.trace.count("sync") == fs.trace.count("replace") == 3
    assert fs.trace[-4:] == ["replace", "replace", "replace", "sync_dir"]
    assert [e.year for e in store.catalog.entries()] == [2020, 2021, 2022, 2023, 2024]


def test_what_fails_in_a_group_leaves_the_rest_stored(tmp_path: Path) -> None:
    years = [sample(year=year) for year in (2021, 2022, 2023)]
    store = _prepared(tmp_path / "D")
    store.path(2, Interval.DAILY, 2022).write_bytes(b"not a chunk")
    written, error = store.write_all(years)
    assert [w.path.name for w in written] == ["2021_daily.zst"]
    assert isinstance(error, ChunkError)
    assert store.stale_temps() == []
    assert store.read(2, Interval.DAILY, 2023) is None, "those after the failure were not tried"
