"""A chunk's envelope: `header | blocks | index | footer`. Bytes to batches and back; pure.

Every byte of a file is under a CRC32 or compared with a constant, and the decoded content is under SHA-256. Field
tables are in `docs/format.md`.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import zstandard
from numpy.typing import NDArray

from cimis_engine.model.batch import Column, Covered, RecordBatch, column, columns_of, union_covered
from cimis_engine.model.items import DataItem, Interval, UnitSystem, items_of
from cimis_engine.model.period import slots_in_year
from cimis_engine.model.station import MAX_STATION
from cimis_engine.store import codec_v1, codec_v2
from cimis_engine.store.content import (
    COVERED,
    INTERVAL_CODE,
    Told,
    canonical,
    digest_of_canonical,
    pack_covered,
    raw_bytes,
)
from cimis_engine.store.paths import Key
from cimis_engine.store.tables import newest_table
from cimis_engine.store.wire import ChunkError, Cursor, NewerFormatError

MAGIC = b"\x89CIMIS\r\n"
END_MAGIC = b"\r\nCIMIS\x89"
VERSION = 1
ENCODER_VERSION = 2
"""Raised whenever the same content would be encoded to other bytes by the same libzstd."""

ReadRange = Callable[[int, int], bytes]
"""Offset and size within a file → exactly those bytes."""

MAX_CHUNK = 16 << 20
"""No chunk file is larger: an hourly year of 14 items with random 64-bit values is 1.1 MB."""

BLOCK_SLOTS = {(codec_v2.CODEC_ID, Interval.HOURLY): 336}
"""Two weeks of hours a block, so that a week is read with two blocks (4 KB) and not with the year (47 KB); else one."""

_HEAD_READ, _TAIL_READ = 128, 512
"""Bytes that hold nearly every header, and the index of up to 30 blocks with the footer."""

_HEAD = struct.Struct("<8sHI")
_FACTS = struct.Struct("<BBHHH3BB")
_COUNT = struct.Struct("<I")
_BLOCK = struct.Struct("<BHHHII")
_FOOTER = struct.Struct("<III32sI8s")
_INTERVAL = {code: interval for interval, code in INTERVAL_CODE.items()}


@dataclass(frozen=True, slots=True)
class Block:
    """One entry of the index. `first` and `last` are slots (0 where there are no records), `offset` is in the file."""

    codec: int
    first: int
    last: int
    count: int
    size: int
    crc: int
    offset: int


@dataclass(frozen=True, slots=True)
class ChunkInfo:
    """What a chunk says of itself without decoding a block. `digest` is hex."""

    station: int
    interval: Interval
    year: int
    units: UnitSystem
    items: tuple[DataItem, ...]
    covered: tuple[Covered, ...]
    encoder_version: int
    libzstd: tuple[int, int, int]
    blocks: tuple[Block, ...]
    records: int
    nulls: int
    digest: str

    @property
    def codec(self) -> int:
        return self.blocks[0].codec

    @property
    def raw_bytes(self) -> int:
        return raw_bytes(self.records, len(self.items))


@dataclass(frozen=True, slots=True)
class EncodedChunk:
    """A chunk file's bytes and what the catalog wants to know of them."""

    data: bytes
    digest: str
    records: int
    nulls: int
    raw_bytes: int


def encode_chunk(batch: RecordBatch, codec: int = codec_v1.CODEC_ID) -> EncodedChunk:
    """A batch as a chunk file. Raises ValueError for what no chunk can hold (`canonical`)."""
    batch = canonical(batch)
    return encode_canonical(batch, digest_of_canonical(batch), codec)


def encode_canonical(
    batch: RecordBatch, digest: bytes, codec: int = codec_v1.CODEC_ID, block_slots: int | None = None
) -> EncodedChunk:
    """`encode_chunk` of a batch that is canonical, and whose content digest is known.

    `block_slots`: how many slots of the year share a block (0: all), if it is not to be the codec's own number.
    """
    slots = BLOCK_SLOTS.get((codec, batch.interval), 0) if block_slots is None else block_slots
    blocks = _encode_blocks(batch, _cuts(batch, slots), codec)
    raw = raw_bytes(len(batch), len(batch.columns))
    return EncodedChunk(seal(batch, blocks, digest), digest.hex(), len(batch), batch.nulls, raw)


def _cuts(batch: RecordBatch, slots: int) -> list[slice]:
    """The records by stretches of so many slots, without empty ones; all if `slots` is 0 or there are no records."""
    if not slots or not len(batch):
        return [slice(0, len(batch))]
    _, starts = np.unique((batch.slots.astype(np.int64) - 1) // slots, return_index=True)
    return [slice(*edges) for edges in pairwise([*starts.tolist(), len(batch)])]


def _encode_blocks(batch: RecordBatch, cuts: Sequence[slice], codec: int) -> list[tuple[Block, bytes]]:
    match codec:
        case codec_v1.CODEC_ID:
            parts = [_cut(batch, cut) for cut in cuts] if len(cuts) > 1 else [batch]
            data = [codec_v1.encode_block(part.slots, part.columns) for part in parts]
        case codec_v2.CODEC_ID:
            table = newest_table(batch.interval, batch.units)
            data = codec_v2.encode_blocks(batch.slots, batch.columns, cuts, table)
        case _:
            raise ValueError(f"codec {codec} is not known")
    edges = [(int(batch.slots[c.start]), int(batch.slots[c.stop - 1])) if len(batch) else (0, 0) for c in cuts]
    return [
        (Block(codec, *edge, cut.stop - cut.start, len(block), zlib.crc32(block), 0), block)
        for edge, cut, block in zip(edges, cuts, data, strict=True)
    ]


def _cut(batch: RecordBatch, cut: slice) -> RecordBatch:
    keep = np.zeros(len(batch), np.bool_)
    keep[cut] = True
    return batch.select(keep)


def seal(batch: RecordBatch, blocks: Sequence[tuple[Block, bytes]], digest: bytes) -> bytes:
    """The envelope around encoded blocks of a canonical batch and its digest."""
    squeezed = any(block.codec == codec_v1.CODEC_ID for block, _ in blocks)
    facts = _FACTS.pack(
        INTERVAL_CODE[batch.interval],
        ord(batch.units.value),
        batch.station,
        batch.year,
        ENCODER_VERSION,
        *(zstandard.ZSTD_VERSION if squeezed else (0, 0, 0)),
        len(batch.columns),
    )
    codes = bytes(c.item.code for c in batch.columns)
    tail = facts + codes + _COUNT.pack(len(batch.covered)) + pack_covered(batch.covered)
    header = _HEAD.pack(MAGIC, VERSION, _HEAD.size + len(tail)) + tail
    body = b"".join(data for _, data in blocks)
    index = _COUNT.pack(len(blocks)) + b"".join(
        _BLOCK.pack(b.codec, b.first, b.last, b.count, b.size, b.crc) for b, _ in blocks
    )
    offset = len(header) + len(body)
    footer = _FOOTER.pack(len(batch), batch.nulls, offset, digest, 0, END_MAGIC)
    crc = zlib.crc32(header + index + footer[:-12])
    return header + body + index + footer[:-12] + crc.to_bytes(4, "little") + END_MAGIC


def read_header(data: bytes, path: Path | None = None) -> ChunkInfo:
    """`read_info` of a chunk file's bytes."""
    return read_info(lambda at, size: data[at : at + size], len(data), path)


def read_info(read: ReadRange, size: int, path: Path | None = None) -> ChunkInfo:
    """Header, index and footer of a chunk file of `size` bytes, checked against their CRC and each other.

    Two reads, of the file's first and last bytes, are enough unless header or index are unusually long. Raises
    `ChunkError`, and what `read` raises; block contents are not looked at.
    """
    if size > MAX_CHUNK:
        raise ChunkError(f"{size} bytes are too many for a chunk", 0, path)
    head = read(0, min(size, _HEAD_READ))
    magic, version, header_size = Cursor(head, path).unpack(_HEAD, "header")
    if magic != MAGIC:
        raise ChunkError("not a chunk: wrong magic", 0, path)
    if version != VERSION:
        raise NewerFormatError(f"format version {version} is not known (this program reads {VERSION})", 8, path)
    foot = size - _FOOTER.size
    if foot < header_size:
        raise ChunkError("too short for its header and footer", size, path)
    tail_at = max(0, size - _TAIL_READ)
    tail = read(tail_at, size - tail_at)
    records, nulls, index_at, digest, crc, end = _FOOTER.unpack_from(tail, foot - tail_at)
    if end != END_MAGIC:
        raise ChunkError("cut off: the end mark is missing", size - 8, path)
    if not header_size <= index_at <= foot or header_size < _HEAD.size:
        raise ChunkError(f"impossible index offset {index_at}", foot, path)
    if header_size > len(head):
        head += read(len(head), header_size - len(head))
    if index_at < tail_at:
        tail, tail_at = read(index_at, tail_at - index_at) + tail, index_at
    tail = tail[index_at - tail_at :]
    if zlib.crc32(tail[:-12], zlib.crc32(head[:header_size])) != crc:
        raise ChunkError("header, index and footer do not match their CRC", size - 12, path)
    facts = _read_facts(Cursor(head[_HEAD.size : header_size], path, base=_HEAD.size))
    slots = slots_in_year(facts["interval"], facts["year"])
    blocks = _read_index(Cursor(tail[: foot - index_at], path, base=index_at), header_size, index_at, slots)
    if sum(b.count for b in blocks) != records or nulls > records * len(facts["items"]):
        raise ChunkError(f"footer counts {records} records and {nulls} nulls, index and items do not", foot, path)
    return ChunkInfo(**facts, blocks=blocks, records=records, nulls=nulls, digest=digest.hex())


def _read_facts(cursor: Cursor) -> dict[str, Any]:
    code, units, station, year, encoder, *libzstd, item_count = cursor.unpack(_FACTS, "header")
    interval = _INTERVAL.get(code)
    if interval is None or units not in b"ME" or not 0 < station <= MAX_STATION or not 0 < year <= 9999:
        raise cursor.error(f"impossible header: interval {code}, units {units}, station {station}, year {year}")
    known = items_of(interval)
    codes = list(cursor.take(item_count, "item codes"))
    if any(a >= b for a, b in pairwise(codes)) or any(c >= len(known) for c in codes):
        raise cursor.error(f"item codes not ascending or not known: {codes}")
    (count,) = cursor.unpack(_COUNT, "coverage count")
    size = slots_in_year(interval, year)
    packed = cursor.take(count * COVERED.size, "coverage")
    cursor.end("the header")
    covered = tuple(Covered(*entry) for entry in COVERED.iter_unpack(packed))
    if any(not 1 <= c.first <= c.last <= size for c in covered) or union_covered(interval, year, covered) != covered:
        raise cursor.error("coverage is not ascending within the year")
    return {
        "station": station,
        "interval": interval,
        "year": year,
        "units": UnitSystem(chr(units)),
        "items": tuple(known[c] for c in codes),
        "covered": covered,
        "encoder_version": encoder,
        "libzstd": tuple(libzstd),
    }


def _read_index(cursor: Cursor, start: int, end: int, slots: int) -> tuple[Block, ...]:
    (count,) = cursor.unpack(_COUNT, "block count")
    packed = cursor.take(count * _BLOCK.size, "index")
    cursor.end("the index")
    blocks, at, last_slot = [], start, 0
    for codec, first, last, held, size, crc in _BLOCK.iter_unpack(packed):
        empty = count == 1 and held == first == last == 0
        if not empty and not (last_slot < first <= last <= slots and 0 < held <= last - first + 1):
            raise cursor.error(f"impossible block: {held} records in {first}..{last} after {last_slot}")
        blocks.append(Block(codec, first, last, held, size, crc, at))
        at, last_slot = at + size, last
    if at != end or not blocks:
        raise cursor.error(f"{count} blocks end at byte {at}, the index begins at {end}")
    return tuple(blocks)


def decode_chunk(data: bytes, path: Path | None = None) -> RecordBatch:
    """The records of a chunk file, every CRC and the content digest checked. Raises `ChunkError`."""
    info = read_header(data, path)
    batch = decode_part(data, info, info.blocks, path)
    if digest_of_canonical(batch).hex() != info.digest or batch.nulls != info.nulls:
        raise ChunkError("decoded content does not match its digest", len(data) - _FOOTER.size, path)
    return batch


def decode_part(data: bytes, info: ChunkInfo, blocks: Sequence[Block], path: Path | None = None) -> RecordBatch:
    """The records of some blocks of a chunk, at least one, and the coverage of the whole. Raises `ChunkError`.

    Each block's CRC is checked; the content digest is of all of them, and is not.
    """
    told = _decode([(b, data[b.offset : b.offset + b.size]) for b in blocks], info, path)
    slots, columns = _joined(told, info.items)
    return RecordBatch(info.station, info.interval, info.year, info.units, slots, columns, info.covered)


def decode_as(data: bytes, path: Path, key: Key) -> RecordBatch:
    """Decode a chunk that must be the one its name says. Raises `ChunkError`."""
    batch = decode_chunk(data, path)
    check_name(batch, path, key)
    return batch


def check_name(found: RecordBatch | ChunkInfo, path: Path, key: Key) -> None:
    """Raises `ChunkError` unless the chunk is the one its name says."""
    if (found.station, found.interval, found.year) != key:
        raise ChunkError(
            f"holds station {found.station}, {found.interval} {found.year}: not what its name says", 0, path
        )


def check_block(data: bytes, block: Block, path: Path | None = None) -> bytes:
    """A block's bytes out of a whole file's. Raises `ChunkError` unless they match its CRC."""
    return _checked(data[block.offset : block.offset + block.size], block, path)


def _checked(payload: bytes, block: Block, path: Path | None) -> bytes:
    if zlib.crc32(payload) != block.crc:
        raise ChunkError("block does not match its CRC", block.offset, path)
    return payload


def decode_blocks(
    blocks: Sequence[tuple[Block, bytes]], info: ChunkInfo, path: Path | None = None
) -> list[tuple[NDArray[np.uint16], tuple[Column, ...]]]:
    """Slots and columns of each block from its bytes, its CRC checked. Raises `ChunkError`."""
    return [_joined([told], info.items) for told in _decode(blocks, info, path)]


def _decode(blocks: Sequence[tuple[Block, bytes]], info: ChunkInfo, path: Path | None) -> list[Told]:
    """What each block says. Those of codec 2 are decoded together, which is what makes it fast."""
    told: dict[Block, Told] = {}
    parts: dict[Block, codec_v2.Part] = {}
    for block, payload in blocks:
        _checked(payload, block, path)
        match block.codec:
            case codec_v1.CODEC_ID:
                at = Cursor(b"", path, base=block.offset)
                told[block] = codec_v1.decode_block(payload, info.items, block.first, block.last, block.count, at)
            case codec_v2.CODEC_ID:
                cursor = Cursor(payload, path, base=block.offset)
                parts[block] = codec_v2.Part(cursor, block.first, block.last, block.count)
            case _:
                known = f"this program reads {codec_v1.CODEC_ID}, {codec_v2.CODEC_ID}"
                raise NewerFormatError(f"codec {block.codec} is not known ({known})", block.offset, path)
    told.update(zip(parts, codec_v2.decode_blocks(list(parts.values()), info.items), strict=True))
    return [told[block] for block, _ in blocks]


def _joined(told: Sequence[Told], items: Sequence[DataItem]) -> tuple[NDArray[np.uint16], tuple[Column, ...]]:
    """The records of blocks, one after the other, in canonical form."""
    if len(told) == 1:
        (one,) = told
        return one.slots, columns_of(items, one.exponents, one.sheet.scaled, one.sheet.present, one.sheet.qc)
    scaled, present, qc = (
        np.concatenate([getattr(one.sheet, name) for one in told], axis=1) for name in ("scaled", "present", "qc")
    )
    exponents = list(told[0].exponents)
    for row, found in enumerate(zip(*(one.exponents for one in told), strict=True)):
        if len(set(found)) > 1:
            exponents[row], scaled[row] = _at_one_exponent(told, row, items[row])
    return np.concatenate([one.slots for one in told]), columns_of(items, exponents, scaled, present, qc)


def _at_one_exponent(told: Sequence[Told], row: int, item: DataItem) -> tuple[int, NDArray[np.int64]]:
    """An item's values at the largest exponent that any block needs: what is not needed may not leave 64 bits."""
    pieces = [
        column(item, one.exponents[row], one.sheet.scaled[row], one.sheet.present[row], one.sheet.qc[row])
        for one in told
    ]
    most = max(piece.exponent for piece in pieces)
    return most, np.concatenate([piece.scaled.astype(np.int64) * 10 ** (most - piece.exponent) for piece in pieces])
