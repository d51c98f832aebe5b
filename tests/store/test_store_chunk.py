"""Chunks: exact for anything, the same bytes twice, and no damage goes unseen."""

from __future__ import annotations

import hashlib
import random
import zlib
from dataclasses import replace

import numpy as np
import pytest
import zstandard
from hypothesis import given, settings
from store_samples import batches, same, sample

from cimis_engine.model.batch import Covered, RecordBatch, column, empty_batch
from cimis_engine.model.items import DAILY_ITEMS, Interval, UnitSystem
from cimis_engine.model.qc import NOT_REPORTED
from cimis_engine.store import codec_v1
from cimis_engine.store.chunk import Block, decode_chunk, encode_chunk, read_header, seal
from cimis_engine.store.content import canonical, content_digest
from cimis_engine.store.wire import ChunkError

both_codecs = pytest.mark.parametrize("codec", [1, 2])


@both_codecs
@settings(max_examples=200, deadline=None)
@given(batch=batches())
def test_any_batch_comes_back_exactly_and_twice_the_same(codec: int, batch: RecordBatch) -> None:
    chunk = encode_chunk(batch, codec)
    back = decode_chunk(chunk.data)
    assert same(back, canonical(batch))
    assert encode_chunk(back, codec).data == chunk.data
    assert chunk.digest == content_digest(batch) == read_header(chunk.data).digest
    assert chunk.raw_bytes == len(batch) * (6 + 3 * len(batch.columns))


@both_codecs
@pytest.mark.parametrize("interval", Interval)
@pytest.mark.parametrize("count", [0, 1, 7, 8, 9])
def test_full_leap_years_and_small_counts(codec: int, interval: Interval, count: int) -> None:
    size = (366 if interval is Interval.DAILY else 8784) - count
    for batch in (
        sample(interval=interval, first=1 + count, count=size, items=2),
        sample(interval=interval, first=1 + count, count=count or 1, items=2),
    ):
        assert same(decode_chunk(encode_chunk(batch, codec).data), batch)


@both_codecs
def test_an_empty_batch_keeps_its_coverage(codec: int) -> None:
    batch = empty_batch(2, Interval.DAILY, 2023, UnitSystem.ENGLISH).with_covered([Covered(3, 365, 7)])
    back = decode_chunk(encode_chunk(batch, codec).data)
    assert same(back, batch)
    assert back.covered == (Covered(3, 365, 7),)


@both_codecs
def test_all_256_flags_in_one_column(codec: int) -> None:
    n = np.arange(300)
    held = column(DAILY_ITEMS[0], 0, n, n > 0, (n % 256).astype(np.uint8))
    slots = (n + 1).astype(np.uint16)
    batch = RecordBatch(1, Interval.DAILY, 2024, UnitSystem.METRIC, slots, (held,))
    assert same(decode_chunk(encode_chunk(batch, codec).data), batch)


def test_golden_bytes() -> None:
    """A change here means that stored files change: raise ENCODER_VERSION, and pin anew together with zstandard."""
    assert zstandard.ZSTD_VERSION == (1, 5, 7)
    chunk = encode_chunk(sample(count=60, items=5))
    assert (len(chunk.data), hashlib.sha256(chunk.data).hexdigest(), chunk.digest) == (
        223,
        "0f41e4b432679f1b9ea75a953e5342cc3482cd7a1835922776592eab14457ef9",
        "e4a7f68120faf6ba0d1333d6651bb8f62c7fd0e2589ae3573614fa3ec23e68da",
    )


def test_the_digest_sees_content_and_nothing_else() -> None:
    batch = sample()
    one = batch.columns[0]
    wider = replace(one, scaled=one.scaled.astype(np.int64) * 100, exponent=one.exponent + 2)
    assert content_digest(replace(batch, columns=(*batch.columns[:0:-1], wider))) == content_digest(batch)
    flagged = one.qc.copy()
    flagged[3] = NOT_REPORTED
    others = [
        replace(batch, station=3),
        replace(batch, year=2023),
        replace(batch, units=UnitSystem.ENGLISH),
        replace(batch, covered=()),
        replace(batch, slots=batch.slots + np.uint16(1)),
        replace(batch, columns=batch.columns[1:]),
        replace(batch, columns=(replace(one, qc=flagged), *batch.columns[1:])),
        replace(batch, columns=(replace(one, exponent=2), *batch.columns[1:])),
    ]
    digests = {content_digest(b) for b in [batch, *others]}
    assert len(digests) == len(others) + 1


@both_codecs
def test_every_bit_flip_is_detected(codec: int) -> None:
    data = bytearray(encode_chunk(sample(count=6, items=2), codec).data)
    for at in range(len(data)):
        for bit in range(8):
            data[at] ^= 1 << bit
            with pytest.raises(ChunkError):
                decode_chunk(bytes(data))
            data[at] ^= 1 << bit
    decode_chunk(bytes(data))


@both_codecs
def test_every_truncation_and_extension_is_detected(codec: int) -> None:
    data = encode_chunk(sample(count=6, items=2), codec).data
    for size in range(len(data)):
        with pytest.raises(ChunkError):
            decode_chunk(data[:size])
    for extra in (b"\0", data):
        with pytest.raises(ChunkError):
            decode_chunk(data + extra)


def _resealed(batch: RecordBatch, block: bytes, **claims: int) -> bytes:
    """A chunk whose CRCs are right around a block of one's choosing."""
    facts = {"codec": 1, "first": int(batch.slots[0]), "last": int(batch.slots[-1]), "count": len(batch)} | claims
    entry = Block(**facts, size=len(block), crc=zlib.crc32(block), offset=0)
    return seal(canonical(batch), [(entry, block)], bytes.fromhex(content_digest(batch)))


def test_structure_fuzz_with_right_crcs_raises_only_chunk_errors() -> None:
    batch = sample(count=20, items=3)
    frame = codec_v1.encode_block(batch.slots, batch.columns)
    raw = zstandard.ZstdDecompressor().decompress(frame)
    assert same(decode_chunk(_resealed(batch, frame)), batch)
    dice, refused = random.Random(7), 0
    for _ in range(1500):
        bad = bytearray(raw)
        for _ in range(dice.randint(1, 3)):
            bad[dice.randrange(len(bad))] = dice.choice([0, 1, 2, 63, 65, 127, 255, dice.randrange(256)])
        cut = bytes(bad[: dice.choice([len(bad), len(bad), dice.randrange(len(bad))])])
        try:
            decoded = decode_chunk(_resealed(batch, zstandard.ZstdCompressor().compress(cut)))
        except ChunkError:
            refused += 1
        else:
            assert same(decoded, batch)
    assert refused > 1200


@pytest.mark.parametrize(
    "claims", [{"count": 9}, {"first": 2}, {"last": 11}, {"last": 400}, {"codec": 9}, {"first": 0}, {"count": 0}]
)
def test_an_index_that_lies_is_refused(claims: dict[str, int]) -> None:
    batch = sample(count=10)
    with pytest.raises(ChunkError):
        decode_chunk(_resealed(batch, codec_v1.encode_block(batch.slots, batch.columns), **claims))


def test_a_block_that_claims_a_huge_size_is_refused_before_it_is_allocated() -> None:
    batch = sample(count=10)
    bomb = zstandard.ZstdCompressor(level=19).compress(bytes(1 << 24))
    with pytest.raises(ChunkError, match="16777216 bytes, at most"):
        decode_chunk(_resealed(batch, bomb))


def test_several_blocks_read_as_one_batch() -> None:
    batch = sample(count=20, items=3)
    assert batch.columns[0].exponent == 1
    blocks = []
    for part in (batch.select(batch.slots <= 8), batch.select(batch.slots > 8)):
        data = codec_v1.encode_block(part.slots, part.columns)
        entry = Block(1, int(part.slots[0]), int(part.slots[-1]), len(part), len(data), zlib.crc32(data), 0)
        blocks.append((entry, data))
    digest = bytes.fromhex(content_digest(batch))
    data = seal(batch, blocks, digest)
    assert same(decode_chunk(data), batch)
    assert [b.count for b in read_header(data).blocks] == [8, 12]
    with pytest.raises(ChunkError):
        decode_chunk(seal(batch, blocks[::-1], digest))


def test_the_header_tells_without_decoding() -> None:
    info = read_header(encode_chunk(sample(count=10, items=3)).data)
    assert (info.station, info.interval, info.year, info.units) == (2, Interval.DAILY, 2024, UnitSystem.METRIC)
    assert (info.items, info.covered) == (DAILY_ITEMS[:3], (Covered(1, 10, 7),))
    assert (info.records, info.nulls, info.codec, info.libzstd) == (10, 3, 1, zstandard.ZSTD_VERSION)


@pytest.mark.parametrize(
    "bad",
    [
        replace(sample(), slots=sample().slots[::-1]),
        replace(sample(), slots=sample().slots + np.uint16(400)),
        replace(sample(), columns=sample().columns[:1] * 2),
        replace(sample(), interval=Interval.HOURLY),
        replace(sample(), station=0),
        replace(sample(), covered=(Covered(0, 3, 1),)),
        replace(sample(), slots=sample().slots[:3]),
    ],
)
def test_what_no_chunk_can_hold_is_a_bug_of_the_caller(bad: RecordBatch) -> None:
    with pytest.raises(ValueError):
        encode_chunk(bad)
