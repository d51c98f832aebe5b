"""Codec 2: its parts turn everything round exactly, its tables are what their names say, and no lie gets far."""

from __future__ import annotations

import hashlib
import random
import tracemalloc
import zlib
from contextlib import suppress
from dataclasses import replace
from functools import cache
from importlib import resources
from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spec_codec2 import read_block
from store_real import file_batches, real_data
from store_samples import INT64, same, sample

from cimis_engine.model.batch import RecordBatch, column
from cimis_engine.model.items import Interval, UnitSystem, items_of
from cimis_engine.store import codec_v2, tables
from cimis_engine.store.chunk import (
    Block,
    decode_blocks,
    decode_chunk,
    encode_canonical,
    encode_chunk,
    read_header,
    seal,
)
from cimis_engine.store.content import canonical, content_digest
from cimis_engine.store.gamma import GammaReader, write_gamma
from cimis_engine.store.symbols import CLASSES, LONGEST, SPARSE, SymbolReader, SymbolWriter, prices
from cimis_engine.store.wire import ChunkError, Cursor

FOLDER = real_data()
needs_data = pytest.mark.skipif(FOLDER is None, reason="no recorded CIMIS data: set CIMIS_REAL_DATA to its folder")
numbers = st.one_of(st.integers(0, 3), st.integers(0, 5000), st.integers(0, 2**64 - 1))


@given(st.lists(numbers, max_size=40))
def test_gamma_codes_come_back(held: list[int]) -> None:
    cursor = Cursor(write_gamma(held) + b"rest")
    reader = GammaReader(cursor, 10_000)
    assert [reader.number(2**64, "number") for _ in held] == held
    reader.end()
    assert cursor.take(4, "rest") == b"rest"


@given(st.lists(st.tuples(numbers, st.integers(0, CLASSES - 1)), max_size=60), st.lists(st.booleans(), max_size=20))
def test_numbers_come_back_whatever_their_class(held: list[tuple[int, int]], bits: list[bool]) -> None:
    values = np.array([n for n, _ in held], np.uint64)
    classes = np.array([c for _, c in held], np.int64)
    yes, level = np.array(bits, np.bool_), np.full(len(bits), 5)
    writer = SymbolWriter()
    writer.put(yes.astype(np.uint64), level, sized=False)
    writer.put(values[:7], classes[:7])
    writer.put(values[7:], classes[7:])
    counts, data = writer.finish()
    # Three blocks with these numbers, read together; in the second half of each, every third place has no number.
    several = [SymbolReader(Cursor(data), counts, len(held) + len(bits)) for _ in range(3)]
    assert all(reader.bits([5], len(bits)).tolist() == [bits] for reader in several)
    reader = SymbolReader.together(several)
    for part in (slice(0, 7), slice(7, None)):
        there = np.arange(len(classes[part]) * 3 // 2) % 3 < 2 if part.start else np.ones(len(classes[part]), np.bool_)
        there = there[: np.searchsorted(np.cumsum(there), len(classes[part])) + 1]
        spread, expected = np.zeros(len(there), np.int64), np.zeros(len(there), np.uint64)
        spread[there], expected[there] = classes[part], values[part]
        if len(there):
            found = reader.take(_thrice(spread), None if there.all() else _thrice(there))
            assert found.tolist() == _thrice(expected).tolist()
    reader.end()


def _thrice(values: np.ndarray) -> np.ndarray:
    return np.repeat(values[:, None], 3, axis=1)


@given(numbers, st.integers(0, CLASSES - 1))
def test_a_price_is_what_is_written(number: int, at: int) -> None:
    values, classes = np.full(800, number, np.uint64), np.full(800, at)
    writer = SymbolWriter()
    writer.put(values, classes)
    counts, data = writer.finish()
    told = int(prices(values[:1])[at, 0]) * 800 / 128
    if at < SPARSE and number == 0:
        assert not data
    else:
        assert told - (800 << 7 - at if at < SPARSE else 0) <= len(data) * 8 <= told + 16
    assert counts[SPARSE] == (800 if len(data) > 6400 + 800 * LONGEST // 8 else 0)


@pytest.mark.parametrize("interval", Interval)
@pytest.mark.parametrize("units", UnitSystem)
def test_tables_are_named_by_their_content(interval: Interval, units: UnitSystem) -> None:
    table = tables.newest_table(interval, units)
    assert sorted(table.order) == list(range(len(items_of(interval)))) == list(range(len(table.exponents)))
    files = [f for f in (resources.files("cimis_engine.store") / "tables").iterdir() if f.name.endswith(".json")]
    assert all(hashlib.sha256(f.read_bytes()).hexdigest() + ".json" == f.name for f in files)
    assert len({f.name[: 2 * tables.TAG_SIZE] for f in files}) == len(files)
    for models in table.models:
        assert not models[-1].needs
        for plan in (plan for model in models for plan in model.passes):
            sums = [np.abs(w).sum() for w in (plan.weights, plan.own, plan.spread_own)]
            assert (sum(sums) + np.abs(plan.spread_weights).sum()) * 2.0**25 < 2.0**53
            assert min([plan.spread, *plan.spread_weights, *plan.spread_own], default=0) >= 0


@pytest.mark.parametrize("tag", ["8cab86d0", "b16bb719"])
def test_blocks_of_earlier_daily_tables_are_read(tag: str) -> None:
    """In these the expected error differs from record to record, so that the classes are known only as it goes."""
    batch, table = canonical(sample(count=60, items=9)), tables.table_named(bytes.fromhex(tag))
    assert table is not None and not table.steady
    items, half = [c.item for c in batch.columns], len(batch) // 2
    cuts = [slice(0, half), slice(half, 2 * half)]
    blocks = codec_v2.encode_blocks(batch.slots, batch.columns, cuts, table)
    for block, cut in zip(blocks, cuts, strict=True):
        first, last = int(batch.slots[cut][0]), int(batch.slots[cut][-1])
        (told,) = codec_v2.decode_blocks([codec_v2.Part(Cursor(block), first, last, half)], items)
        columns = read_block(block, [item.code for item in items], first, last, half)[1]
        for at, c in enumerate(batch.columns):
            assert told.sheet.qc[at].tolist() == columns[at][2] == c.qc[cut].tolist()
            found = [
                int(v) if here else None for v, here in zip(told.sheet.scaled[at], told.sheet.present[at], strict=True)
            ]
            assert (told.exponents[at], found) == columns[at][:2]
            scale = 10 ** (told.exponents[at] - c.exponent)
            assert found == [
                int(v) * scale if here else None for v, here in zip(c.scaled[cut], c.present[cut], strict=True)
            ]


def test_golden_bytes() -> None:
    """A change here means that stored files change: raise ENCODER_VERSION. No libzstd has a say in these."""
    chunk = encode_chunk(sample(count=60, items=5), 2)
    assert (len(chunk.data), hashlib.sha256(chunk.data).hexdigest(), chunk.digest) == (
        342,
        "59d1f02c4fc8a84327a4b40c66cf45969b37ea3005e811ca44388df8dd3f688c",
        "e4a7f68120faf6ba0d1333d6651bb8f62c7fd0e2589ae3573614fa3ec23e68da",
    )
    hourly = encode_chunk(sample(count=700, items=6, interval=Interval.HOURLY), 2)
    assert (len(hourly.data), hashlib.sha256(hourly.data).hexdigest()) == (
        3728,
        "ff799a45ec13d9997be5b02cb94ec61e26dc311771aaa04fcd745469184d3c2a",
    )
    assert read_header(chunk.data).libzstd == (0, 0, 0)


@pytest.mark.parametrize("low, high", [(-3, 3), (-(10**9), 10**9), (int(INT64.min), int(INT64.max))])
@pytest.mark.parametrize("exponent", [0, 1, 4, 9])
def test_any_values_of_all_items_at_any_exponent(low: int, high: int, exponent: int) -> None:
    dice = np.random.default_rng(exponent)
    for interval in Interval:
        columns = tuple(
            column(
                item,
                exponent,
                dice.integers(low, high, 50, endpoint=True),
                dice.random(50) < dice.choice([0.0, 0.5, 1.0]),
                dice.choice([32, 77, 0, 255], 50).astype(np.uint8),
            )
            for item in items_of(interval)
        )
        slots = np.sort(dice.choice(np.arange(1, 366), 50, replace=False)).astype(np.uint16)
        for units in UnitSystem:
            batch = RecordBatch(9, interval, 2023, units, slots, columns)
            assert same(decode_chunk(encode_chunk(batch, 2).data), batch)


@cache
def _recorded() -> list[RecordBatch]:
    """Some of it: both intervals, both unit systems."""
    return [batch for _, batch in islice(file_batches(FOLDER), 7)] if FOLDER else []


@needs_data
@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_items_of_recorded_data(data: st.DataObject) -> None:
    batch = data.draw(st.sampled_from(_recorded()))
    chosen = data.draw(st.sets(st.sampled_from(range(len(batch.columns)))))
    first = data.draw(st.integers(1, max(1, int(batch.slots[-1]) - 200)))
    part = batch.select((batch.slots >= first) & (batch.slots < first + data.draw(st.integers(1, 200))))
    part = canonical(replace(part, columns=tuple(c for at, c in enumerate(part.columns) if at in chosen)))
    assert same(decode_chunk(encode_chunk(part, 2).data), part)


def test_an_hourly_year_is_cut_into_fortnights_that_read_alone() -> None:
    batch = sample(count=700, items=3, interval=Interval.HOURLY)
    data = encode_chunk(batch, 2).data
    info = read_header(data)
    assert [(b.first, b.last) for b in info.blocks] == [(1, 336), (337, 672), (673, 700)]
    for block in info.blocks:
        payload = data[block.offset : block.offset + block.size]
        ((slots, columns),) = decode_blocks([(block, payload)], info)
        part = canonical(batch.select((batch.slots >= block.first) & (batch.slots <= block.last)))
        assert same(replace(part, slots=slots, columns=columns), part)
    whole = encode_canonical(canonical(batch), bytes.fromhex(content_digest(batch)), 2, block_slots=0)
    assert len(read_header(whole.data).blocks) == 1
    assert same(decode_chunk(whole.data), batch)


def _resealed(batch: RecordBatch, block: bytes, **claims: int) -> bytes:
    """A chunk whose CRCs are right around a block of one's choosing."""
    facts = {"codec": 2, "first": int(batch.slots[0]), "last": int(batch.slots[-1]), "count": len(batch)} | claims
    entry = Block(**facts, size=len(block), crc=zlib.crc32(block), offset=0)
    return seal(canonical(batch), [(entry, block)], bytes.fromhex(content_digest(batch)))


def _block(batch: RecordBatch) -> bytes:
    table = tables.newest_table(batch.interval, batch.units)
    return codec_v2.encode_blocks(batch.slots, batch.columns, [slice(0, len(batch))], table)[0]


@pytest.mark.parametrize("interval", Interval)
def test_structure_fuzz_with_right_crcs_raises_only_chunk_errors(interval: Interval) -> None:
    batch = sample(count=60, items=4, interval=interval)
    batch = canonical(batch.select(batch.slots % 7 != 0))
    raw = _block(batch)
    assert same(decode_chunk(_resealed(batch, raw)), batch)
    dice, refused, cases = random.Random(7), 0, 500
    for _ in range(cases):
        bad = bytearray(raw)
        for _ in range(dice.randint(1, 3)):
            at = dice.randrange(4, len(bad))
            bad[at] = dice.choice([0, 1, 255, bad[at] ^ 1 << dice.randrange(8), dice.randrange(256)])
        cut = bytes(bad[: dice.choice([len(bad), len(bad), dice.randrange(len(bad))])])
        try:
            decoded = decode_chunk(_resealed(batch, cut))
        except ChunkError:
            refused += 1
        else:
            assert same(decoded, batch)
    assert refused > cases * 0.8


@given(st.binary(max_size=80), st.integers(0, 300), st.sampled_from(list(Interval)))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_refused_within_bounds(junk: bytes, count: int, interval: Interval) -> None:
    table = tables.newest_table(interval, UnitSystem.METRIC)
    last = count + 5 if count else 0
    with suppress(ChunkError):
        part = codec_v2.Part(Cursor(table.tag + junk), min(1, count), last, count)
        codec_v2.decode_blocks([part], items_of(interval)[:3])


@pytest.mark.parametrize(
    "claims", [{"count": 9}, {"first": 2}, {"last": 11}, {"last": 400}, {"codec": 1}, {"first": 0}, {"count": 0}]
)
def test_an_index_that_lies_is_refused(claims: dict[str, int]) -> None:
    batch = sample(count=10)
    with pytest.raises(ChunkError):
        decode_chunk(_resealed(batch, _block(batch), **claims))


def test_a_block_of_an_unknown_table_is_refused() -> None:
    batch = sample(count=10)
    with pytest.raises(ChunkError, match="prediction table 00000000 is not known"):
        decode_chunk(_resealed(batch, bytes(4) + _block(batch)[4:]))


def test_counts_that_lie_are_refused_before_anything_is_allocated() -> None:
    batch = sample(count=300, items=8, interval=Interval.HOURLY)
    tag = _block(batch)[:4]
    decode_chunk(_resealed(batch, _block(batch)))  # so that tables and modules are there
    tracemalloc.start()
    for lie in ([2**40] + [0] * 9, [0] * 8 + [2**40, 0], [0] * 9 + [2**40], [7000] * 8 + [0, 0], [0] * 10):
        with pytest.raises(ChunkError):
            decode_chunk(_resealed(batch, tag + write_gamma(lie + [0] * 60) + bytes(3000)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 << 20


def test_codecs_not_known_are_not_written() -> None:
    with pytest.raises(ValueError, match="codec 3"):
        encode_chunk(sample(), 3)
