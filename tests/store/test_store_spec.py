"""`docs/format.md` is enough: a reader written from it alone, plain Python, reads what the store writes."""

from __future__ import annotations

import hashlib
import struct
import zlib
from typing import Any

import pytest
import zstandard
from hypothesis import given, settings
from spec_codec2 import read_block
from store_real import file_batches, real_data
from store_samples import batches

from cimis_engine.model.batch import RecordBatch
from cimis_engine.store.chunk import encode_chunk
from cimis_engine.store.content import canonical

FOLDER = real_data()
needs_data = pytest.mark.skipif(FOLDER is None, reason="no recorded CIMIS data: set CIMIS_REAL_DATA to its folder")


class Bytes:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def get(self, layout: str) -> Any:
        values = struct.unpack_from("<" + layout, self.data, self.at)
        self.at += struct.calcsize("<" + layout)
        return values if len(values) > 1 else values[0]

    def plane(self, bits: int) -> list[int]:
        held = self.get(f"{-(-bits // 8)}s")
        return [held[i >> 3] >> (7 - (i & 7)) & 1 for i in range(bits)]

    def planes(self, count: int, width: int) -> list[int]:
        codes = [0] * count
        for bit in range(width):
            codes = [c | b << bit for c, b in zip(codes, self.plane(count), strict=True)]
        return codes


def read_codec_1(block: bytes, codes: list[int], first: int, last: int, n: int) -> tuple[list[int], list[Any]]:
    """Slots, and for each item: exponent, values (None where missing), flag bytes."""
    body = Bytes(zstandard.ZstdDecompressor().decompress(block))
    slots = [first + i for i, b in enumerate(body.plane(last - first + 1)) if b] if n else []
    present = [body.plane(n) if body.get("B") else [1] * n for _ in codes]
    flags = []
    for _ in codes:
        palette = [body.get("B") for _ in range(body.get("B") or (256 if n else 0))]
        flags.append([palette[i] for i in body.planes(n, max(len(palette) - 1, 0).bit_length())])
    heads = [body.get("BBB") for _ in codes]
    columns = []
    for (exponent, mode, width), here, flag in zip(heads, present, flags, strict=True):
        held, previous = [], 0
        for code in body.planes(sum(here), width):
            number = (code >> 1) ^ -(code & 1)
            previous = (number + (previous if mode else 0) + 2**63) % 2**64 - 2**63
            held.append(previous)
        rest = iter(held)
        columns.append((exponent, [next(rest) if h else None for h in here], flag))
    assert body.at == len(body.data)
    return slots, columns


def joined(parts: list[Any]) -> tuple[int, list[int | None], list[int]]:
    """A column's blocks, one after the other, at the smallest exponent that keeps all exact."""
    exponent = max(e for e, _, _ in parts)
    values = [None if v is None else v * 10 ** (exponent - e) for e, held, _ in parts for v in held]
    while exponent > 0 and all(v is None or v % 10 == 0 for v in values):
        values, exponent = [None if v is None else v // 10 for v in values], exponent - 1
    return exponent, values, [f for _, _, flags in parts for f in flags]


def read_by_the_spec(file: bytes) -> dict[str, Any]:
    """Slots, and per item code: exponent, values (None where missing) and flag bytes; the digest checked."""
    head = Bytes(file)
    magic, version, header_size, interval, units, station, year = head.get("8sHIBBHH")
    assert (magic, version) == (b"\x89CIMIS\r\n", 1)
    head.get("H3B")
    codes = [head.get("B") for _ in range(head.get("B"))]
    covered = [head.get("HHI") for _ in range(head.get("I"))]
    assert head.at == header_size
    records, nulls, index_at, digest, crc, end = struct.unpack("<III32sI8s", file[-56:])
    assert end == b"\r\nCIMIS\x89"
    assert zlib.crc32(file[:header_size] + file[index_at:-12]) == crc
    index = Bytes(file[index_at:-56])
    slots, parts, at = [], [], header_size
    for _ in range(index.get("I")):
        codec, first, last, n, size, block_crc = index.get("BHHHII")
        block, at = file[at : at + size], at + size
        assert zlib.crc32(block) == block_crc
        held, columns = {1: read_codec_1, 2: read_block}[codec](block, codes, first, last, n)
        assert len(held) == n and (held[:1] + held[-1:] == [first, last] or not n)
        slots, parts = slots + held, [*parts, columns]
    assert at == index_at and len(slots) == records
    columns = [joined(pieces) for pieces in zip(*parts, strict=True)]
    assert nulls == sum(v is None for _, values, _ in columns for v in values)

    sha = hashlib.sha256(b"CIMIS chunk content 1\n")
    sha.update(struct.pack("<BBHHIIB", interval, units, station, year, len(covered), records, len(codes)))
    sha.update(b"".join(struct.pack("<HHI", *c) for c in covered))
    sha.update(struct.pack(f"<{records}H", *slots))
    for code, (exponent, values, flags) in zip(codes, columns, strict=True):
        bits = "".join("01"[v is not None] for v in values).ljust(-(-records // 8) * 8, "0")
        sha.update(bytes([code, exponent, *flags, *(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))]))
        sha.update(struct.pack(f"<{records}q", *(v or 0 for v in values)))
    assert sha.digest() == digest
    return {
        "key": (station, interval, year, chr(units)),
        "covered": covered,
        "slots": slots,
        "columns": [(code, *column) for code, column in zip(codes, columns, strict=True)],
    }


@pytest.mark.parametrize("codec", [1, 2])
@settings(max_examples=60, deadline=None)
@given(batch=batches())
def test_a_stranger_can_read_a_chunk(codec: int, batch: RecordBatch) -> None:
    batch = canonical(batch)
    _compare(read_by_the_spec(encode_chunk(batch, codec).data), batch)


@needs_data
@pytest.mark.parametrize("codec", [1, 2])
def test_a_stranger_can_read_recorded_data(codec: int) -> None:
    assert FOLDER is not None
    seen: set[object] = set()
    for _, batch in file_batches(FOLDER):
        kind = (batch.interval, batch.units)
        if kind not in seen:
            seen.add(kind)
            batch = canonical(batch.select(batch.slots <= 400))
            _compare(read_by_the_spec(encode_chunk(batch, codec).data), batch)
        if len(seen) == 4:
            break
    assert len(seen) == 4


def _compare(read: dict[str, Any], batch: RecordBatch) -> None:
    assert read["key"] == (batch.station, int(batch.interval.value == "hourly"), batch.year, batch.units.value)
    assert read["covered"] == [(c.first, c.last, c.mask) for c in batch.covered]
    assert read["slots"] == batch.slots.tolist()
    assert read["columns"] == [
        (
            c.item.code,
            c.exponent,
            [v if p else None for v, p in zip(c.scaled.tolist(), c.present, strict=True)],
            c.qc.tolist(),
        )
        for c in batch.columns
    ]
