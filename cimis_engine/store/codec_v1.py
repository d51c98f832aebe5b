"""Codec 1: columns as bit planes of zigzagged values or differences, then zstd. Pure; specified in `docs/format.md`.

A block is one zstd frame. Like things stand together (presence, then flags, then values), because zstd finds the
repeats between columns that way: 1 % smaller on recorded data than column after column.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import zstandard
from numpy.typing import NDArray

from cimis_engine.model.batch import MAX_EXPONENT, Column, Sheet, sheet_of
from cimis_engine.model.items import DataItem
from cimis_engine.store.content import Told
from cimis_engine.store.wire import Cursor

CODEC_ID = 1
LEVEL = 19
_RAW, _DELTA = 0, 1
_ALL, _SOME = 0, 1
_SHIFTS = np.arange(8, dtype=np.uint8)[:, None, None]
_BITS = np.uint8(1) << _SHIFTS
U64 = NDArray[np.uint64]
Codes = NDArray[np.unsignedinteger[Any]]


def zigzag(values: NDArray[np.int64]) -> U64:
    """0, -1, 1, -2 … → 0, 1, 2, 3 …"""
    return ((values << 1) ^ (values >> 63)).view(np.uint64)


def unzigzag(codes: U64) -> NDArray[np.int64]:
    signs = codes & 1
    np.negative(signs, out=signs)
    signs ^= codes >> 1
    return signs.view(np.int64)


def pack_planes(codes: Codes, width: int) -> NDArray[np.uint8]:
    """Bit planes of codes of shape (columns, n): bit 0 of every code, then bit 1 … the first code in the top bit.

    Shape (`width` rounded up to a byte, columns, ceil(n / 8)).
    """
    octets = codes.astype(codes.dtype.newbyteorder("<"), copy=False).view(np.uint8)
    octets = octets.reshape(*codes.shape, codes.itemsize)
    packed = [
        np.packbits((np.ascontiguousarray(octets[:, :, at]) & _BITS) != 0, axis=2) for at in range((width + 7) // 8)
    ]
    return np.concatenate(packed) if packed else np.empty((0, len(codes), plane_bytes(codes.shape[1], 1)), np.uint8)


def unpack_planes(planes: Sequence[bytes], counts: Sequence[int], count: int) -> U64:
    """What `pack_planes` packed: shape (columns, `count`), a column's `planes` being of its `counts` codes."""
    octets = np.zeros((len(planes), count, 8), np.uint8)
    sizes = [plane_bytes(held, 1) for held in counts]
    widths = [len(data) // size if size else 0 for data, size in zip(planes, sizes, strict=True)]
    for at in range((max(widths, default=0) + 7) // 8):
        packed = np.zeros((8, len(planes), plane_bytes(count, 1)), np.uint8)
        for row, (data, size, width) in enumerate(zip(planes, sizes, widths, strict=True)):
            here = min(width - 8 * at, 8)
            if here > 0:
                part = np.frombuffer(data, np.uint8, here * size, 8 * at * size)
                packed[:here, row, :size] = part.reshape(here, size)
        bits = np.unpackbits(packed, axis=2, count=count)
        bits <<= _SHIFTS
        octets[:, :, at] = np.bitwise_or.reduce(bits, axis=0)
    return octets.view("<u8")[:, :, 0].astype(np.uint64, copy=False)


def plane_bytes(count: int, width: int) -> int:
    return width * ((count + 7) // 8)


def bit_lengths(codes: U64) -> NDArray[np.int32]:
    """`int.bit_length` of every code, exact: no two neighbouring top bits stay set, so no float rounds up to 2**n."""
    return np.frexp((codes & ~(codes >> np.uint64(1))).astype(np.float64))[1]


def _encode_flags(flags: NDArray[np.uint8]) -> list[bytes]:
    """Palette, most frequent first, and bit planes of the indices: a constant column costs two bytes."""
    columns = len(flags)
    at = flags + np.arange(columns)[:, None] * 256
    counts = np.bincount(at.ravel(), minlength=columns * 256)
    held = np.flatnonzero(counts)
    held = held[np.lexsort((-counts[held], held >> 8))]
    sizes = np.bincount(held >> 8, minlength=columns)
    starts = np.cumsum(sizes) - sizes
    rank = np.zeros(columns * 256, np.uint8)
    rank[held] = np.arange(len(held)) - starts[held >> 8]
    widths = [max(size - 1, 0).bit_length() for size in sizes.tolist()]
    planes = pack_planes(rank[at], max(widths, default=0))
    letters = held.astype(np.uint8).tobytes()
    return [
        bytes([size & 0xFF]) + letters[start : start + size] + planes[:width, row].tobytes()
        for row, (size, start, width) in enumerate(zip(sizes.tolist(), starts.tolist(), widths, strict=True))
    ]


def _decode_flags(cursor: Cursor, columns: int, count: int) -> NDArray[np.uint8]:
    palettes = np.zeros((columns, 256), np.uint8)
    sizes, planes = [], []
    for row in range(columns):
        size = cursor.byte("flag palette size") or (256 if count else 0)
        palettes[row, :size] = np.frombuffer(cursor.take(size, "flag palette"), np.uint8)
        planes.append(cursor.take(plane_bytes(count, max(size - 1, 0).bit_length()), "flags"))
        sizes.append(size)
    index = unpack_planes(planes, [count] * columns, count).astype(np.intp)
    if np.any(index >= np.array(sizes, np.intp)[:, None]):
        raise cursor.error("a flag index lies outside its palette")
    return np.take_along_axis(palettes, index, axis=1)


def _encode_values(values: NDArray[np.int64], counts: NDArray[np.intp]) -> list[tuple[int, int, bytes]]:
    """(mode, width, planes) of each column's present values, which stand in `values` one column after the other.

    Differences wrap modulo 2**64, so every int64 is exact. The mode is the one with the smaller sum of bit lengths: an
    exact integer stand-in for the compressed size, so the choice never depends on libzstd.
    """
    held = np.flatnonzero(counts)
    starts = (np.cumsum(counts) - counts)[held]
    steps = values.copy()
    steps[1:] -= values[:-1]
    steps[starts] = values[starts]
    plain, delta = zigzag(values), zigzag(steps)
    modes, widths = np.full(len(counts), _RAW), np.zeros(len(counts), np.int64)
    codes = np.zeros((len(counts), int(counts.max(initial=0))), np.uint64)
    if len(held):
        plain_bits, delta_bits = bit_lengths(plain), bit_lengths(delta)
        cheaper = np.add.reduceat(delta_bits, starts) < np.add.reduceat(plain_bits, starts)
        modes[held[cheaper]] = _DELTA
        most = np.where(cheaper, np.maximum.reduceat(delta_bits, starts), np.maximum.reduceat(plain_bits, starts))
        widths[held] = most
        codes[_places(counts, codes.shape[1])] = np.where(np.repeat(cheaper, counts[held]), delta, plain)
    planes = pack_planes(codes, int(widths.max(initial=0)))
    return [
        (mode, width, planes[:width, row, : plane_bytes(count, 1)].tobytes())
        for row, (mode, width, count) in enumerate(zip(modes.tolist(), widths.tolist(), counts.tolist(), strict=True))
    ]


def _places(counts: NDArray[np.intp], size: int) -> NDArray[np.bool_]:
    """Where the present values stand in an array of shape (columns, `size`), each column's from its beginning."""
    return np.arange(size) < counts[:, None]


def encode_block(slots: NDArray[np.uint16], columns: Sequence[Column]) -> bytes:
    """One block of canonical columns. Same input and libzstd, same bytes."""
    parts = []
    if len(slots):
        first = int(slots[0])
        here = np.zeros(int(slots[-1]) - first + 1, np.uint8)
        here[slots - first] = 1
        parts.append(np.packbits(here).tobytes())
    sheet = sheet_of(columns, len(slots))
    counts = np.count_nonzero(sheet.present, axis=1)
    for c, held in zip(columns, counts.tolist(), strict=True):
        parts.append(bytes([_ALL]) if held == len(slots) else bytes([_SOME]) + c.present_bits.tobytes())
    parts += _encode_flags(sheet.qc)
    values = _encode_values(sheet.scaled[sheet.present], counts)
    parts += [bytes([c.exponent, mode, width]) for c, (mode, width, _) in zip(columns, values, strict=True)]
    parts += [planes for _, _, planes in values]
    return zstandard.ZstdCompressor(level=LEVEL, write_checksum=False, write_content_size=True).compress(
        b"".join(parts)
    )


def _inflate(frame: bytes, limit: int, cursor: Cursor) -> bytes:
    """The frame's content, its declared size checked against what such a block can be at most."""
    try:
        size = zstandard.frame_content_size(frame)
        if not 0 <= size <= limit:
            raise cursor.error(f"block claims {size} bytes, at most {limit} are possible")
        return zstandard.ZstdDecompressor(max_window_size=1 << 27).decompress(frame, limit, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise cursor.error(f"not a zstd frame: {error}") from None


def decode_block(frame: bytes, items: Sequence[DataItem], first: int, last: int, count: int, at: Cursor) -> Told:
    """What a block says; `first`, `last`, `count` from the index, checked. `at` places errors in the file.

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
    present = _decode_presence(cursor, len(items), count)
    qc = _decode_flags(cursor, len(items), count)
    heads = [cursor.take(3, "column head") for _ in items]
    for exponent, mode, width in heads:
        if exponent > MAX_EXPONENT or mode not in (_RAW, _DELTA) or width > 64:
            raise cursor.error(f"impossible column head: exponent {exponent}, mode {mode}, width {width}")
    counts = np.count_nonzero(present, axis=1)
    held = counts.tolist()
    planes = [cursor.take(plane_bytes(n, width), "values") for n, (_, _, width) in zip(held, heads, strict=True)]
    cursor.end("the last column")
    values = unzigzag(unpack_planes(planes, held, max(held, default=0)))
    differs = np.array([mode == _DELTA for _, mode, _ in heads], np.bool_)
    values[differs] = np.cumsum(values[differs], axis=1, dtype=np.int64)
    scaled = np.zeros((len(items), count), np.int64)
    scaled[present] = values[_places(counts, values.shape[1])]
    return Told(slots, tuple(exponent for exponent, _, _ in heads), Sheet(scaled, present, qc))


def _decode_presence(cursor: Cursor, columns: int, count: int) -> NDArray[np.bool_]:
    packed = np.full((columns, plane_bytes(count, 1)), 0xFF, np.uint8)
    for row in range(columns):
        kind = cursor.byte("presence kind")
        if kind not in (_ALL, _SOME):
            raise cursor.error(f"unknown presence kind {kind}")
        if kind == _SOME:
            packed[row] = np.frombuffer(cursor.take(plane_bytes(count, 1), "presence"), np.uint8)
    return np.unpackbits(packed, axis=1, count=count).view(np.bool_)
