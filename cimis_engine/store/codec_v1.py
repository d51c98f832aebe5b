"""Codec 1: columns as bit planes of zigzagged values or differences, then zstd. Pure; specified in `docs/format.md`.

A block is one zstd frame. Like things stand together (presence, then flags, then values), because zstd finds the
repeats between columns that way: 1 % smaller on recorded data than column after column.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import zstandard
from numpy.typing import NDArray

from cimis_engine.model.batch import MAX_EXPONENT, Column, column
from cimis_engine.model.items import DataItem
from cimis_engine.store.wire import Cursor

CODEC_ID = 1
LEVEL = 19
_RAW, _DELTA = 0, 1
_ALL, _SOME = 0, 1
U64 = NDArray[np.uint64]


def zigzag(values: NDArray[np.int64]) -> U64:
    """0, -1, 1, -2 … → 0, 1, 2, 3 …"""
    return ((values << 1) ^ (values >> 63)).view(np.uint64)


def unzigzag(codes: U64) -> NDArray[np.int64]:
    return ((codes >> np.uint64(1)) ^ (~(codes & np.uint64(1)) + np.uint64(1))).view(np.int64)


def pack_planes(codes: U64, width: int) -> bytes:
    """Bit 0 of every code, then bit 1 … `width` planes of ceil(n / 8) bytes, the first code in the top bit."""
    shifts = np.arange(width, dtype=np.uint64)[:, None]
    bits = ((codes[None, :] >> shifts) & np.uint64(1)).astype(np.uint8)
    return np.packbits(bits, axis=1).tobytes()


def unpack_planes(data: bytes, count: int, width: int) -> U64:
    codes = np.zeros(count, np.uint64)
    if count:
        packed = np.frombuffer(data, np.uint8).reshape(width, plane_bytes(count, 1))
        for bit, plane in enumerate(np.unpackbits(packed, axis=1, count=count)):
            codes |= plane.astype(np.uint64) << np.uint64(bit)
    return codes


def plane_bytes(count: int, width: int) -> int:
    return width * ((count + 7) // 8)


def _width(codes: U64) -> int:
    return int(codes.max()).bit_length() if len(codes) else 0


def _cost(codes: U64) -> int:
    """Sum of bit lengths: an exact integer stand-in for the compressed size, so the choice never depends on libzstd."""
    rest, total = codes.copy(), 0
    while len(rest):
        rest = rest[rest > 0]
        total += len(rest)
        rest >>= np.uint64(1)
    return total


def _encode_flags(flags: NDArray[np.uint8]) -> bytes:
    """Palette, most frequent first, and bit planes of the indices: a constant column costs two bytes."""
    letters, counts = np.unique(flags, return_counts=True)
    letters = letters[np.argsort(-counts, kind="stable")]
    index = np.zeros(256, np.uint64)
    index[letters] = np.arange(len(letters), dtype=np.uint64)
    width = max(len(letters) - 1, 0).bit_length()
    return bytes([len(letters) & 0xFF]) + letters.tobytes() + pack_planes(index[flags], width)


def _decode_flags(cursor: Cursor, count: int) -> NDArray[np.uint8]:
    size = cursor.byte("flag palette size") or (256 if count else 0)
    letters = np.frombuffer(cursor.take(size, "flag palette"), np.uint8)
    width = max(size - 1, 0).bit_length()
    index = unpack_planes(cursor.take(plane_bytes(count, width), "flags"), count, width)
    if count and int(index.max()) >= size:
        raise cursor.error("a flag index lies outside its palette")
    return letters[index]


def _encode_values(values: NDArray[np.int64]) -> tuple[int, int, bytes]:
    """(mode, width, planes) of the present values; differences wrap modulo 2**64, so every int64 is exact."""
    plain = zigzag(values)
    delta = zigzag(np.diff(values, prepend=values[:1] * 0))
    mode, codes = (_DELTA, delta) if _cost(delta) < _cost(plain) else (_RAW, plain)
    width = _width(codes)
    return mode, width, pack_planes(codes, width)


def encode_block(slots: NDArray[np.uint16], columns: Sequence[Column]) -> bytes:
    """One block of canonical columns. Same input and libzstd, same bytes."""
    parts = []
    if len(slots):
        first = int(slots[0])
        here = np.zeros(int(slots[-1]) - first + 1, np.uint8)
        here[slots - first] = 1
        parts.append(np.packbits(here).tobytes())
    presence, flags, heads, values = [], [], [], []
    for c in columns:
        present = c.present
        whole = bool(present.all())
        presence.append(bytes([_ALL]) if whole else bytes([_SOME]) + c.present_bits.tobytes())
        flags.append(_encode_flags(c.qc))
        mode, width, planes = _encode_values(c.scaled.astype(np.int64)[present])
        heads.append(bytes([c.exponent, mode, width]))
        values.append(planes)
    raw = b"".join((*parts, *presence, *flags, *heads, *values))
    return zstandard.ZstdCompressor(level=LEVEL, write_checksum=False, write_content_size=True).compress(raw)


def _inflate(frame: bytes, limit: int, cursor: Cursor) -> bytes:
    """The frame's content, its declared size checked against what such a block can be at most."""
    try:
        size = zstandard.frame_content_size(frame)
        if not 0 <= size <= limit:
            raise cursor.error(f"block claims {size} bytes, at most {limit} are possible")
        return zstandard.ZstdDecompressor(max_window_size=1 << 27).decompress(frame, limit, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise cursor.error(f"not a zstd frame: {error}") from None


def decode_block(
    frame: bytes, items: Sequence[DataItem], first: int, last: int, count: int, at: Cursor
) -> tuple[NDArray[np.uint16], tuple[Column, ...]]:
    """Slots and columns of a block; `first`, `last`, `count` from the index, checked. `at` places errors in the file.

    Raises `ChunkError`.
    """
    span = last - first + 1 if count else 0
    per_column = 1 + 257 + 3 + plane_bytes(count, 1 + 8 + 64)
    raw = _inflate(frame, plane_bytes(span, 1) + len(items) * per_column, at)
    cursor = Cursor(raw, at.path, base=at.base)
    here = np.frombuffer(cursor.take(plane_bytes(span, 1), "slots"), np.uint8)
    slots = (np.flatnonzero(np.unpackbits(here, count=span)) + first).astype(np.uint16)
    if len(slots) != count or (count and (slots[0] != first or slots[-1] != last)):
        raise cursor.error(f"block holds {len(slots)} slots, the index says {count} in {first}..{last}")
    presents = [_decode_presence(cursor, count) for _ in items]
    flags = [_decode_flags(cursor, count) for _ in items]
    heads = [cursor.take(3, "column head") for _ in items]
    columns = []
    for item, present, qc, (exponent, mode, width) in zip(items, presents, flags, heads, strict=True):
        if exponent > MAX_EXPONENT or mode not in (_RAW, _DELTA) or width > 64:
            raise cursor.error(f"impossible column head: exponent {exponent}, mode {mode}, width {width}")
        held = int(present.sum())
        values = unzigzag(unpack_planes(cursor.take(plane_bytes(held, width), "values"), held, width))
        scaled = np.zeros(count, np.int64)
        scaled[present] = np.cumsum(values, dtype=np.int64) if mode == _DELTA else values
        columns.append(column(item, exponent, scaled, present, qc))
    cursor.end("the last column")
    return slots, tuple(columns)


def _decode_presence(cursor: Cursor, count: int) -> NDArray[np.bool_]:
    kind = cursor.byte("presence kind")
    if kind not in (_ALL, _SOME):
        raise cursor.error(f"unknown presence kind {kind}")
    if kind == _ALL:
        return np.ones(count, np.bool_)
    packed = np.frombuffer(cursor.take(plane_bytes(count, 1), "presence"), np.uint8)
    return np.unpackbits(packed, count=count).astype(np.bool_)
