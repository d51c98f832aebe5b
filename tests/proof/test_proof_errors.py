"""Errors of the disk at every operation of a group write: old chunks intact, temps gone, an error that says what to do.

The group extends, revises, adds and repeats chunks, so generations and revisions are among what may fail. Single writes
are in `test_store_atomic` and `test_store_revisions`. Every write to the disk is a short one, so its loop is at work.
"""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from store_model import Held, check
from store_samples import BrokenFileSystem, FailingFileSystem, sample

from cimis_engine.errors import CimisError
from cimis_engine.store.atomic import StoreWriteError
from cimis_engine.store.database import DatabaseError
from cimis_engine.store.store import Store, StoreReadError

CODES = (errno.EIO, errno.ENOSPC, errno.EINTR, errno.EROFS)
BEFORE = [sample(), sample(year=2023), sample(year=2022)]
GROUP = [
    sample(year=2022, first=11),  # extended
    sample(first=5, start=300),  # revised: the chunk before becomes a generation
    sample(station=5),  # new, in a new folder
    sample(year=2023),  # unchanged
]
HELD = Held().after(BEFORE)
WHOLE = HELD.after(GROUP)


def write_group(root: Path, fs: FailingFileSystem) -> tuple[int, CimisError | None]:
    """How many of `GROUP` were acknowledged where `BEFORE` is stored, and the error."""
    store = Store.create(root)
    assert store.write_all(BEFORE)[1] is None
    store.close()
    store = Store.open(root, fs=fs)
    written, error = store.write_all(GROUP)
    store.close()
    return len(written), error


def operations(root: Path) -> list[str]:
    fs = FailingFileSystem()
    assert write_group(root, fs) == (4, None)
    assert fs.trace.count("replace") == 4, "three chunks and a generation"
    return fs.trace


def fail_everywhere(
    folder: Path, fails: type[FailingFileSystem], codes: Callable[[int], Sequence[int]], step: int = 1
) -> int:
    """Fail at each operation (every `step`-th of them) with each of its `codes`. How often that was."""
    trace, cases = operations(folder / "trace"), 0
    for index in range(0, len(trace), step):
        for code in codes(index):
            root, where = folder / "D", f"{errno.errorcode[code]} at operation {index}, {trace[index]}"
            acknowledged, error = write_group(root, fails(index, code))
            assert isinstance(error, (StoreReadError, StoreWriteError)), where
            assert (error.errno, bool(error.hint)) == (code, True), where
            if fails is FailingFileSystem:
                assert Store.open(root).stale_temps() == [], where
            assert check(root, HELD.after(GROUP[:acknowledged]), WHOLE, GROUP) == [], where
            shutil.rmtree(root)
            cases += 1
    return cases


def test_an_error_at_any_operation_loses_nothing(ram_path: Path) -> None:
    cases = fail_everywhere(ram_path, FailingFileSystem, lambda index: [CODES[index % 4]])
    assert cases > 30


def test_a_disk_that_breaks_for_good_loses_nothing(ram_path: Path) -> None:
    """Nothing can be deleted either: the next holder of the lock sweeps up."""
    assert fail_everywhere(ram_path, BrokenFileSystem, lambda index: [CODES[index % 2]], step=4) > 8


@pytest.mark.proof
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("fails", [FailingFileSystem, BrokenFileSystem])
def test_every_error_at_every_operation_loses_nothing(ram_path: Path, fails: type[FailingFileSystem]) -> None:
    cases = fail_everywhere(ram_path, fails, lambda _: CODES)
    print(f"\n{fails.__name__}: {cases} cases")


def test_a_catalog_that_cannot_grow_loses_nothing(ram_path: Path) -> None:
    """The chunk is in its place then, its generation beside it, and the tables know nothing of it."""
    store = Store.create(ram_path / "D")
    large, revision = [sample(count=300, items=5)], [sample(count=300, items=5, start=500)]
    store.write_all(large)
    (pages,) = store.database.execute("PRAGMA page_count").fetchone()
    store.database.execute(f"PRAGMA max_page_count = {pages}")
    written, error = store.write_all(revision)
    assert (written, type(error), "full" in str(error)) == ([], DatabaseError, True)
    assert store.catalog.revisions() == []
    store.close()
    held = Held().after(large)
    assert check(ram_path / "D", held, held.after(revision), revision) == []
