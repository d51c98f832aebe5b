"""Chunks that lie: every field of their structure may say anything, and all checksums are right.

So nothing but the reader's own checks stands between a lie and the memory. Allowed are `ChunkError` and the original
records; never another error, other records, much memory or much time.
"""

from __future__ import annotations

import contextlib
import random
import struct
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest
import zstandard
from codecs_of_store import ENCODERS
from store_samples import same, sample, uneven

from cimis_engine.model.batch import RecordBatch
from cimis_engine.model.items import Interval
from cimis_engine.store.chunk import decode_chunk
from cimis_engine.store.content import canonical
from cimis_engine.store.wire import ChunkError

INDEX, FOOTER = struct.Struct("<BHHHII"), struct.Struct("<III32s")
END = b"\r\nCIMIS\x89"
MEMORY = 32 << 20
"""Bytes. To decode the largest chunk there can be (an hourly leap year of random 64-bit values) takes 7 MiB."""
SECONDS = 2.0
"""Of the processor's time, for one chunk."""
NASTY = [0, 1, 2, 3, 7, 8, 63, 64, 65, 127, 128, 255]
WIDE = [0, 1, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]
BATCHES = [sample(count=20, items=3), uneven(count=366, items=14), uneven(count=400, items=5, interval=Interval.HOURLY)]


@dataclass(frozen=True)
class Parts:
    """A chunk file taken apart by the letter of `docs/format.md`. `index` has a tuple of six for each block."""

    header: bytes
    blocks: tuple[bytes, ...]
    index: tuple[tuple[int, ...], ...]
    records: int
    nulls: int
    digest: bytes

    @staticmethod
    def of(data: bytes) -> Parts:
        records, nulls, offset, digest = FOOTER.unpack_from(data, len(data) - 56)
        index = tuple(INDEX.iter_unpack(data[offset + 4 : -56]))
        at = header_size = int.from_bytes(data[10:14], "little")
        blocks = []
        for entry in index:
            blocks.append(data[at : at + entry[4]])
            at += entry[4]
        return Parts(data[:header_size], tuple(blocks), index, records, nulls, digest)

    def sealed(self) -> bytes:
        """The file, with sizes and checksums that agree with what is in it now."""
        blocks = b"".join(self.blocks)
        told = [(*entry[:4], len(b), zlib.crc32(b)) for entry, b in zip(self.index, self.blocks, strict=True)]
        return self.with_index(struct.pack("<I", len(told)) + b"".join(INDEX.pack(*entry) for entry in told), blocks)

    def with_index(self, index: bytes, blocks: bytes) -> bytes:
        """The file with any bytes as its index; only header, index and footer agree with their checksum."""
        foot = FOOTER.pack(self.records, self.nulls, len(self.header) + len(blocks), self.digest)
        crc = zlib.crc32(self.header + index + foot)
        return self.header + blocks + index + foot + crc.to_bytes(4, "little") + END


def garbled(dice: random.Random, data: bytes) -> bytes:
    """A few bytes others, cut off, longer, or with a stretch of it twice."""
    bad = bytearray(data)
    for _ in range(dice.randrange(4)):
        if bad:
            bad[dice.randrange(len(bad))] = dice.choice([*NASTY, dice.randrange(256)])
    if dice.random() < 0.2:
        at = dice.randrange(len(bad) + 1)
        bad[at:] = dice.choice([b"", bytes(dice.randrange(40)), bad[at:] * 2, dice.randbytes(dice.randrange(40))])
    return bytes(bad)


def _number(dice: random.Random, limit: int, old: int) -> int:
    return dice.choice([dice.choice(WIDE), old + 1, old - 1, dice.randrange(limit)]) % limit


def lie_in_header(dice: random.Random, parts: Parts) -> bytes:
    """Size field right (or not) around facts, items and coverage that may be anything."""
    facts = garbled(dice, parts.header[14:])
    size = 14 + len(facts) if dice.random() < 0.8 else dice.choice(WIDE)
    return replace(parts, header=parts.header[:10] + struct.pack("<I", size) + facts).sealed()


def lie_in_index(dice: random.Random, parts: Parts) -> bytes:
    """Codec, slots, counts and sizes; blocks left out or there twice."""
    entries = [list(entry) for entry in parts.index]
    for _ in range(dice.randrange(1, 3)):
        entry, field = dice.choice(entries), dice.randrange(6)
        entry[field] = _number(dice, [1 << 8, *[1 << 16] * 3, *[1 << 32] * 2][field], entry[field])
    if dice.random() < 0.2:
        entries = dice.choice([[], entries * 2, entries[:-1], entries[::-1]])
    count = len(entries) if dice.random() < 0.8 else dice.choice(WIDE)
    index = struct.pack("<I", count) + b"".join(INDEX.pack(*entry) for entry in entries)
    return parts.with_index(index, b"".join(parts.blocks))


def lie_in_footer(dice: random.Random, parts: Parts) -> bytes:
    return replace(
        parts,
        records=_number(dice, 1 << 32, parts.records),
        nulls=dice.choice([parts.nulls, _number(dice, 1 << 32, parts.nulls)]),
        digest=dice.choice([parts.digest, dice.randbytes(32)]),
    ).sealed()


def lie_in_block(dice: random.Random, parts: Parts) -> bytes:
    """The encoded bytes of one block."""
    blocks = list(parts.blocks)
    at = dice.randrange(len(blocks))
    blocks[at] = garbled(dice, blocks[at])
    return replace(parts, blocks=tuple(blocks)).sealed()


def lie_in_frame(dice: random.Random, parts: Parts) -> bytes:
    """What a compressed block holds, or a bomb in its place. Another kind of block is garbled as it is."""
    blocks = list(parts.blocks)
    at = dice.randrange(len(blocks))
    with contextlib.suppress(zstandard.ZstdError):
        raw = zstandard.ZstdDecompressor().decompress(blocks[at], 1 << 24)
        bad = bytes(1 << dice.randrange(25)) if dice.random() < 0.02 else garbled(dice, raw)
        blocks[at] = zstandard.ZstdCompressor(1, write_content_size=dice.random() < 0.95).compress(bad)
        return replace(parts, blocks=tuple(blocks)).sealed()
    return lie_in_block(dice, parts)


def other_claims(dice: random.Random, parts: Parts) -> bytes:
    """The same blocks, described as of another year, interval or number of records: sizes that decoders trust."""
    header = bytearray(parts.header)
    header[dice.choice([14, 15, 18, 19, 25])] = dice.choice(NASTY)
    entries = [
        (e[0], *(dice.choice([0, 1, 365, 366, 8760, 8784, 65535, e[n]]) for n in (1, 2, 3)), *e[4:])
        for e in parts.index
    ]
    records = sum(e[3] for e in entries)
    return replace(parts, header=bytes(header), index=tuple(entries), records=records).sealed()


LIES: list[Callable[[random.Random, Parts], bytes]] = [
    lie_in_header,
    lie_in_index,
    lie_in_footer,
    lie_in_block,
    lie_in_frame,
    other_claims,
]


class Fuzz:
    """One chunk, and what became of its lies."""

    def __init__(self, batch: RecordBatch, codec: int) -> None:
        self.batch = canonical(batch)
        data = ENCODERS[codec](batch).data
        self.parts = Parts.of(data)
        assert self.parts.sealed() == data
        self.refused = self.harmless = self.most = 0
        self.slowest = 0.0

    def tell(self, lie: Callable[[random.Random, Parts], bytes], seed: int) -> None:
        """Decode one lie. Raises AssertionError for what no lie may bring about."""
        where = f"{lie.__name__}, seed {seed}"
        data = lie(random.Random(seed), self.parts)
        tracemalloc.reset_peak()
        before, began = tracemalloc.get_traced_memory()[0], time.process_time()
        try:
            decoded = decode_chunk(data)
        except ChunkError:
            self.refused += 1
        else:
            self.harmless += 1
            assert same(decoded, self.batch), f"{where}: other records"
        self.slowest = max(self.slowest, time.process_time() - began)
        self.most = max(self.most, tracemalloc.get_traced_memory()[1] - before)
        assert self.slowest < SECONDS, f"{where}: {self.slowest} s"
        assert self.most < MEMORY, f"{where}: {self.most} bytes"


@contextlib.contextmanager
def _memory_traced() -> Iterator[None]:
    tracemalloc.start(1)
    try:
        yield
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("codec", ENCODERS)
def test_lies_are_refused_cheaply(codec: int) -> None:
    fuzz = Fuzz(BATCHES[0], codec)
    with _memory_traced():
        for seed in range(200):
            for lie in LIES:
                fuzz.tell(lie, seed)
    assert fuzz.refused > 600


@pytest.mark.proof
@pytest.mark.timeout(600)
@pytest.mark.parametrize("codec", ENCODERS)
def test_a_minute_of_lies_is_refused_cheaply(codec: int) -> None:
    fuzzes, seed, end = [Fuzz(batch, codec) for batch in BATCHES], 0, time.monotonic() + 60
    with _memory_traced():
        while time.monotonic() < end:
            seed += 1
            for fuzz in fuzzes:
                for lie in LIES:
                    fuzz.tell(lie, seed)
    refused, harmless = sum(f.refused for f in fuzzes), sum(f.harmless for f in fuzzes)
    most, slowest = max(f.most for f in fuzzes), max(f.slowest for f in fuzzes)
    print(f"\ncodec {codec}, seeds 1 to {seed}: {refused + harmless} lies, {refused} refused, {harmless} harmless,")
    print(f"at most {most / 2**20:.1f} MiB and {slowest * 1000:.0f} ms of the processor for one")
