"""Partial reads: only the blocks that overlap, every byte of them checked, through a cache that keeps its budget."""

from __future__ import annotations

import zlib
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from store_samples import sample

from cimis_engine.clock import SystemClock
from cimis_engine.lru import ByteLru
from cimis_engine.model.batch import RecordBatch, column
from cimis_engine.model.items import Interval
from cimis_engine.model.period import Span
from cimis_engine.store import codec_v1
from cimis_engine.store.atomic import FileSystem
from cimis_engine.store.blocks import BlockCache, Reading, read_blocks
from cimis_engine.store.chunk import Block, decode_chunk, read_header, seal
from cimis_engine.store.content import canonical, digest_of_canonical
from cimis_engine.store.formats import Format
from cimis_engine.store.query import QueryResult, query
from cimis_engine.store.store import Store
from cimis_engine.store.wire import ChunkError

KEY = (2, Interval.HOURLY, 2024)
WEEK = Span(date(2024, 6, 1), date(2024, 6, 7))


class CountingFileSystem(FileSystem):
    """Remembers the ranges it was asked for; reads at most `at_once` bytes at a time."""

    def __init__(self, at_once: int = 1 << 30) -> None:
        self.ranges: list[tuple[int, int]] = []
        self._at_once = at_once

    def read_at(self, fd: int, size: int, offset: int) -> bytes:
        self.ranges.append((offset, size))
        return super().read_at(fd, min(size, self._at_once), offset)


def hourly(shift: int = 0) -> RecordBatch:
    """A year of noise, so that it is too large to be read at one go; `shift` is added to every value."""
    batch, noise = sample(interval=Interval.HOURLY, count=8784), np.random.default_rng(5)
    columns = [column(c.item, 1, noise.integers(0, 9000, 8784) + shift, c.present, c.qc) for c in batch.columns]
    return canonical(replace(batch, columns=tuple(columns)))


def in_blocks(batch: RecordBatch, slots: int) -> bytes:
    """A chunk of blocks of so many slots, as a later encoder may write it."""
    blocks = []
    for first in range(1, 8785, slots):
        part = batch.select((batch.slots >= first) & (batch.slots < first + slots))
        data = codec_v1.encode_block(part.slots, part.columns)
        edges = int(part.slots[0]), int(part.slots[-1])
        blocks.append((Block(codec_v1.CODEC_ID, *edges, len(part), len(data), zlib.crc32(data), 0), data))
    return seal(batch, blocks, digest_of_canonical(batch))


@pytest.fixture(scope="module")
def data() -> bytes:
    return in_blocks(hourly(), 336)


@pytest.fixture
def store(tmp_path: Path, data: bytes) -> Store:
    store = Store.create(tmp_path / "D", fs=CountingFileSystem())
    store.path(*KEY).parent.mkdir()
    store.path(*KEY).write_bytes(data)
    return store


def week(store: Store) -> QueryResult:
    return query(store, [2], Interval.HOURLY, WEEK)


def read(path: Path, slots: range = range(1, 9000), fs: FileSystem | None = None) -> RecordBatch:
    """All blocks of a range of slots, through the door, as one batch of the whole chunk would have it."""
    found = read_blocks(fs or FileSystem(), SystemClock(), BlockCache(0), path, KEY, slots, Reading())
    assert found is not None
    (piece,) = found[1]
    return RecordBatch(2, Interval.HOURLY, 2024, piece.units, piece.slots, piece.columns)


def test_only_what_overlaps_is_read(store: Store, data: bytes) -> None:
    assert len(data) > 8192 and len(decode_chunk(data)) == 8784
    info = read_header(data)
    found = week(store)
    expected = hourly()
    inside = (expected.slots > 152 * 24) & (expected.slots <= 159 * 24)
    assert found["hly-air-tmp"].scaled.tolist() == expected.columns[0].scaled[inside].tolist()
    blocks = [b for b in info.blocks if b.first <= 159 * 24 and b.last > 152 * 24]
    assert len(blocks) == 2 < len(info.blocks)
    assert isinstance(store.fs, CountingFileSystem)
    assert store.fs.ranges[2:] == [(b.offset, b.size) for b in blocks]
    cost = found.cost
    assert (cost.chunks, cost.blocks, cost.blocks_decoded) == (1, 2, 2)
    assert cost.bytes_read == sum(size for _, size in store.fs.ranges) == 128 + 512 + sum(b.size for b in blocks)
    assert cost.bytes_read < 8192


def test_a_week_of_a_v2_year_is_two_blocks(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "D", format=Format.V2)
    stored = store.write(hourly()).stored_bytes
    span = Span(date(2024, 6, 9), date(2024, 6, 15))  # days 161 to 167; a block ends with day 168, and one with 154
    across = Span(date(2024, 6, 14), date(2024, 6, 20))
    whole = store.read(*KEY)
    assert whole is not None
    for asked, blocks in ((span, 1), (across, 2)):
        store.cache = BlockCache(0)
        found = query(store, [2], Interval.HOURLY, asked)
        slots = asked.slot_range(Interval.HOURLY, 2024)
        inside = (whole.slots >= slots.start) & (whole.slots < slots.stop)
        assert found["hly-air-tmp"].scaled.tolist() == whole.columns[0].scaled[inside].tolist()
        assert (found.cost.blocks, found.cost.blocks_decoded) == (blocks, blocks)
        assert found.cost.bytes_read < stored / 8


def test_the_second_time_nothing_is_read(store: Store) -> None:
    cold, warm = week(store).cost, week(store).cost
    assert (cold.cache_hits, cold.cache_misses) == (0, 3)
    assert (warm.cache_hits, warm.cache_misses, warm.blocks, warm.blocks_decoded) == (3, 0, 2, 0)
    assert (warm.bytes_read, warm.read_ms, warm.decode_ms) == (0, 0, 0)
    assert warm.cache_bytes == cold.cache_bytes > 0


def test_a_replaced_chunk_is_read_anew(store: Store) -> None:
    before = week(store)
    store.write(hourly(shift=1))
    after = week(store)
    assert (after["hly-air-tmp"].scaled - before["hly-air-tmp"].scaled).tolist() == [1] * 168


def test_the_cache_keeps_its_budget(store: Store) -> None:
    week(store)
    held = store.cache.figures.bytes
    store.cache = BlockCache(held - 1)
    costs = [week(store).cost for _ in range(2)]
    assert [c.cache_evictions for c in costs] == [1, 2]
    assert all(c.cache_bytes <= held - 1 for c in costs)
    store.cache = BlockCache(0)
    assert [week(store).cost.blocks_decoded for _ in range(2)] == [2, 2]
    assert store.cache.figures.bytes == 0


def test_short_reads_are_continued(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "chunk"
    path.write_bytes(data)
    assert len(read(path, range(1, 337), CountingFileSystem(at_once=100))) == 336


def test_a_small_file_is_read_at_one_go(tmp_path: Path) -> None:
    fs = CountingFileSystem()
    store = Store.create(tmp_path / "D", fs=fs)
    stored = store.write(sample(count=366)).stored_bytes
    fs.ranges.clear()
    query(store, [2], Interval.DAILY, WEEK)
    assert fs.ranges == [(0, stored)]


def test_damage_elsewhere_is_not_seen_and_damage_here_is(store: Store, data: bytes) -> None:
    info = read_header(data)
    path = store.path(*KEY)
    far, near = info.blocks[0], next(b for b in info.blocks if b.first <= 153 * 24 <= b.last)
    for block, seen in ((far, False), (near, True)):
        flipped = bytearray(data)
        flipped[block.offset + block.size // 2] ^= 1
        path.write_bytes(flipped)
        if seen:
            with pytest.raises(ChunkError, match="CRC") as caught:
                week(store)
            assert (caught.value.path, caught.value.offset) == (path, block.offset)
        else:
            assert len(week(store)) == 168
            with pytest.raises(ChunkError):
                store.read(*KEY)


def test_every_flipped_bit_that_is_read_and_every_truncation_is_found(tmp_path: Path, data: bytes) -> None:
    info, path = read_header(data), tmp_path / "chunk"
    block, last = info.blocks[3], info.blocks[-1]
    slots = range(block.first, block.last + 1)
    ends = [*range(info.blocks[0].offset), *range(last.offset + last.size, len(data))]
    bits = [(at, bit) for at in ends for bit in range(8)]
    bits += [(at, at % 8) for at in range(block.offset, block.offset + block.size, 5)]
    for at, bit in bits:
        flipped = bytearray(data)
        flipped[at] ^= 1 << bit
        path.write_bytes(flipped)
        with pytest.raises(ChunkError):
            read(path, slots)
    for size in (*range(0, len(data), 97), len(data) - 1):
        path.write_bytes(data[:size])
        with pytest.raises(ChunkError):
            read(path, slots)


def test_a_chunk_under_another_name_is_refused(store: Store, data: bytes) -> None:
    path = store.path(3, Interval.HOURLY, 2024)
    path.parent.mkdir()
    path.write_bytes(data)
    with pytest.raises(ChunkError, match="not what its name says"):
        query(store, [3], Interval.HOURLY, WEEK)


def test_lru_drops_what_was_not_used_for_longest() -> None:
    cache: ByteLru[str] = ByteLru(10)
    for key in "abc":
        cache.put(key, key.upper(), 3)
    assert cache.get("a") == "A"
    cache.put("d", "D", 4)
    assert [cache.get(key) for key in "abcd"] == ["A", None, "C", "D"]
    cache.put("a", "AA", 6)
    assert [cache.get(key) for key in "acd"] == ["AA", None, "D"]
    cache.put("huge", "H", 11)
    assert (cache.get("huge"), cache.get("a")) == (None, "AA")
    figures = cache.figures
    assert (figures.hits, figures.misses, figures.evictions, figures.bytes) == (7, 3, 2, 10)
