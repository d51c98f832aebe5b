"""Damage to a chunk file is always noticed: each bit flipped, each length cut to, each sector zeroed or swapped.

The chunks of `make test` are small (see also `test_store_chunk`); those of `make proof` are a daily year of all the
usual items and an hourly fortnight.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from codecs_of_store import ENCODERS
from store_samples import same, sample, uneven

from cimis_engine.model.batch import RecordBatch
from cimis_engine.model.items import Interval
from cimis_engine.store.chunk import decode_chunk
from cimis_engine.store.content import canonical
from cimis_engine.store.wire import ChunkError

SMALL = {
    "daily": sample(count=12, items=3),
    "hourly": sample(count=10, items=3, interval=Interval.HOURLY),
}
LARGE = {
    "daily": uneven(count=366, items=14),
    "hourly": uneven(count=336, items=13, interval=Interval.HOURLY),
}
SECTOR = 64
"""Smaller than a disk's, so that a chunk has many."""


def flips(data: bytes) -> Iterator[bytes]:
    """The bytes with each of their bits flipped."""
    for at in range(8 * len(data)):
        damaged = bytearray(data)
        damaged[at // 8] ^= 1 << at % 8
        yield bytes(damaged)


def lengths(data: bytes) -> Iterator[bytes]:
    """Each cut, at the end and at the beginning; and more than there should be."""
    for size in range(len(data)):
        yield data[:size]
        yield data[size + 1 :]
    yield data + b"\0"
    yield data + data


def sectors(data: bytes) -> Iterator[bytes]:
    """A stretch that was never written, and two that were exchanged."""
    parts = [data[at : at + SECTOR] for at in range(0, len(data), SECTOR)]
    for at, part in enumerate(parts):
        yield b"".join([*parts[:at], bytes(len(part)), *parts[at + 1 :]])
        if at:
            yield b"".join([*parts[: at - 1], part, parts[at - 1], *parts[at + 1 :]])


def unnoticed(batch: RecordBatch, codec: int) -> tuple[int, list[bytes]]:
    """How often a chunk was damaged, and where that was not noticed."""
    data = ENCODERS[codec](batch).data
    assert same(decode_chunk(data), canonical(batch))
    tried, passed = 0, []
    for damage in (flips, lengths, sectors):
        for damaged in damage(data):
            tried += 1
            try:
                decode_chunk(damaged)
            except ChunkError:
                continue
            passed.append(damaged)
    return tried, passed


@pytest.mark.parametrize("codec", ENCODERS)
@pytest.mark.parametrize("name", SMALL)
def test_all_damage_is_noticed(name: str, codec: int) -> None:
    tried, passed = unnoticed(SMALL[name], codec)
    assert (tried > 1500, passed) == (True, [])


@pytest.mark.proof
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("codec", ENCODERS)
@pytest.mark.parametrize("name", LARGE)
def test_all_damage_to_large_chunks_is_noticed(name: str, codec: int) -> None:
    tried, passed = unnoticed(LARGE[name], codec)
    print(f"\n{name}, codec {codec}: {tried} ways to damage it, {len(passed)} unnoticed")
    assert passed == []
