"""`docs/format.md` is enough: a reader written from it alone, plain Python, reads what the store writes."""

from __future__ import annotations

import hashlib
import struct
import zlib
from typing import Any

import zstandard
from hypothesis import given, settings
from store_samples import batches

from cimis_engine.model.batch import RecordBatch
from cimis_engine.store.chunk import encode_chunk
from cimis_engine.store.content import canonical


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
    assert index.get("I") == 1
    codec, first, last, n, size, block_crc = index.get("BHHHII")
    block = file[header_size:index_at]
    assert (codec, n, size, block_crc) == (1, records, len(block), zlib.crc32(block))
    body = Bytes(zstandard.ZstdDecompressor().decompress(block))
    slots = [first + i for i, b in enumerate(body.plane(last - first + 1)) if b] if n else []
    present = [body.plane(n) if body.get("B") else [1] * n for _ in codes]
    flags = []
    for _ in codes:
        palette = [body.get("B") for _ in range(body.get("B") or (256 if n else 0))]
        flags.append([palette[i] for i in body.planes(n, max(len(palette) - 1, 0).bit_length())])
    heads = [body.get("BBB") for _ in codes]
    values = []
    for (_, mode, width), here in zip(heads, present, strict=True):
        held, previous = [], 0
        for code in body.planes(sum(here), width):
            number = (code >> 1) ^ -(code & 1)
            previous = (number + (previous if mode else 0) + 2**63) % 2**64 - 2**63
            held.append(previous)
        rest = iter(held)
        values.append([next(rest) if h else None for h in here])
    assert body.at == len(body.data)
    assert nulls == sum(v is None for column in values for v in column)

    sha = hashlib.sha256(b"CIMIS chunk content 1\n")
    sha.update(struct.pack("<BBHHIIB", interval, units, station, year, len(covered), n, len(codes)))
    sha.update(b"".join(struct.pack("<HHI", *c) for c in covered))
    sha.update(struct.pack(f"<{n}H", *slots))
    for code, (exponent, _, _), flag, here, column in zip(codes, heads, flags, present, values, strict=True):
        bits = "".join(map(str, here)).ljust(-(-n // 8) * 8, "0")
        sha.update(bytes([code, exponent, *flag, *(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))]))
        sha.update(struct.pack(f"<{n}q", *(v or 0 for v in column)))
    assert sha.digest() == digest
    return {
        "key": (station, interval, year, chr(units)),
        "covered": covered,
        "slots": slots,
        "columns": [(c, h[0], v, f) for c, h, v, f in zip(codes, heads, values, flags, strict=True)],
    }


@settings(max_examples=60, deadline=None)
@given(batches())
def test_a_stranger_can_read_a_chunk(batch: RecordBatch) -> None:
    batch = canonical(batch)
    read = read_by_the_spec(encode_chunk(batch).data)
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
