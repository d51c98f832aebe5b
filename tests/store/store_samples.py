"""Batches made up for tests, and a file system that fails on request."""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from cimis_engine.model.batch import Column, Covered, RecordBatch, column, item_mask
from cimis_engine.model.items import Interval, UnitSystem, items_of
from cimis_engine.model.period import slots_in_year
from cimis_engine.store.atomic import FileSystem

T = TypeVar("T")
INT64 = np.iinfo(np.int64)


def sample(
    *,
    station: int = 2,
    year: int = 2024,
    first: int = 1,
    count: int = 10,
    start: int = 150,
    units: UnitSystem = UnitSystem.METRIC,
    interval: Interval = Interval.DAILY,
    items: int = 3,
) -> RecordBatch:
    """Consecutive slots, made-up smooth values, one null and one odd flag in each column; covered throughout."""
    chosen = items_of(interval)[:items]
    n = np.arange(count)
    columns = []
    for k, item in enumerate(chosen):
        present, qc = np.ones(count, np.bool_), np.full(count, ord(" "), np.uint8)
        present[k % count], qc[(k + 1) % count] = False, ord("Y")
        columns.append(column(item, 1, start + k + (n * 7) % 5, present, qc))
    slots = (n + first).astype(np.uint16)
    covered = (Covered(first, first + count - 1, item_mask(chosen)),)
    return RecordBatch(station, interval, year, units, slots, tuple(columns), covered)


def uneven(seed: int = 1, **facts: Any) -> RecordBatch:
    """A `sample` whose values wander as weather does: it takes about as many bytes a record as recorded data."""
    batch, dice = sample(**facts), np.random.default_rng(seed)
    columns = [
        column(c.item, 1, 150 + np.cumsum(dice.integers(-9, 10, len(batch))), c.present, c.qc) for c in batch.columns
    ]
    return replace(batch, columns=tuple(columns))


def same(a: RecordBatch, b: RecordBatch) -> bool:
    """Equal in every fact and array, types of the arrays included."""
    facts = [(x.station, x.interval, x.year, x.units, x.covered, len(x.columns)) for x in (a, b)]
    return (
        facts[0] == facts[1]
        and _equal(a.slots, b.slots)
        and all(
            (x.item, x.exponent) == (y.item, y.exponent)
            and _equal(x.scaled, y.scaled)
            and _equal(x.present_bits, y.present_bits)
            and _equal(x.qc, y.qc)
            for x, y in zip(a.columns, b.columns, strict=True)
        )
    )


def _equal(a: NDArray[Any], b: NDArray[Any]) -> bool:
    return a.dtype == b.dtype and np.array_equal(a, b)


@st.composite
def _columns(draw: st.DrawFn, interval: Interval, count: int) -> tuple[Column, ...]:
    codes = sorted(draw(st.sets(st.integers(0, len(items_of(interval)) - 1), max_size=4)))
    columns = []
    for code in codes:
        low, high = draw(st.sampled_from([(0, 0), (-5, 5), (-70000, 70000), (int(INT64.min), int(INT64.max))]))
        scaled = draw(st.lists(st.integers(low, high), min_size=count, max_size=count))
        present = draw(st.one_of(st.just([True] * count), st.lists(st.booleans(), min_size=count, max_size=count)))
        flags = draw(st.one_of(st.just([32] * count), st.lists(st.integers(0, 255), min_size=count, max_size=count)))
        columns.append(
            column(
                items_of(interval)[code],
                draw(st.integers(0, 9)),
                np.array(scaled, np.int64),
                np.array(present, np.bool_),
                np.array(flags, np.uint8),
            )
        )
    return tuple(columns)


@st.composite
def batches(draw: st.DrawFn) -> RecordBatch:
    """Any batch a chunk can hold: any values, flags, gaps and coverage, leap years, no records, no columns."""
    interval, year = draw(st.sampled_from(Interval)), draw(st.sampled_from([1982, 2000, 2023, 2024]))
    size = slots_in_year(interval, year)
    edge = st.one_of(st.integers(1, 40), st.integers(size - 20, size))
    slots = sorted(draw(st.sets(edge, max_size=30)))
    spans = draw(st.lists(st.tuples(st.integers(1, size), st.integers(1, size), st.integers(1, 2**32 - 1)), max_size=4))
    batch = RecordBatch(
        draw(st.integers(1, 9999)),
        interval,
        year,
        draw(st.sampled_from(UnitSystem)),
        np.array(slots, np.uint16),
        draw(_columns(interval, len(slots))),
    )
    return batch.with_covered(Covered(min(a, b), max(a, b), mask) for a, b, mask in spans)


class FailingFileSystem(FileSystem):
    """The real file system; operation number `fail_at` (from 0) raises `code`. `trace` holds what was called."""

    def __init__(self, fail_at: int | None = None, code: int = errno.EIO) -> None:
        self.fail_at, self.code = fail_at, code
        self.trace: list[str] = []

    def _step(self, name: str, work: Callable[[], T]) -> T:
        self.trace.append(name)
        if self.fail_at == len(self.trace) - 1:
            raise OSError(self.code, "injected")
        return work()

    def make_dir(self, path: Path) -> None:
        self._step("make_dir", lambda: super(FailingFileSystem, self).make_dir(path))

    def open_new(self, path: Path) -> int:
        return self._step("open_new", lambda: super(FailingFileSystem, self).open_new(path))

    def write(self, fd: int, data: memoryview) -> int:
        """Short, always: the caller must loop."""
        return self._step("write", lambda: super(FailingFileSystem, self).write(fd, data[:100]))

    def sync(self, fd: int) -> None:
        self._step("sync", lambda: super(FailingFileSystem, self).sync(fd))

    def read(self, path: Path) -> bytes:
        return self._step("read", lambda: super(FailingFileSystem, self).read(path))

    def replace(self, source: Path, target: Path) -> None:
        self._step("replace", lambda: super(FailingFileSystem, self).replace(source, target))

    def sync_dir(self, path: Path) -> None:
        self._step("sync_dir", lambda: FileSystem().sync_dir(path))


class Death(BaseException):
    """The process ends here."""


class DyingFileSystem(FailingFileSystem):
    """From operation number `fail_at` on nothing is done any more."""

    def _step(self, name: str, work: Callable[[], T]) -> T:
        self.trace.append(name)
        if self.fail_at is not None and len(self.trace) > self.fail_at:
            raise Death
        return work()

    def unlink(self, path: Path) -> None:
        self._step("unlink", lambda: super(FailingFileSystem, self).unlink(path))


class BrokenFileSystem(FailingFileSystem):
    """From operation number `fail_at` on every operation fails, deleting included."""

    def _step(self, name: str, work: Callable[[], T]) -> T:
        self.trace.append(name)
        if self.fail_at is not None and len(self.trace) > self.fail_at:
            raise OSError(self.code, "injected")
        return work()

    def unlink(self, path: Path) -> None:
        self._step("unlink", lambda: super(FailingFileSystem, self).unlink(path))
