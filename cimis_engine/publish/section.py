"""A section of a bundle: the patches of many chunks as columns, so that what they have in common is said once. Pure.

A zstd frame over tables (what changes where), then presence, flags and values item by item across all chunks of the
section, like a chunk's own codec. Specified in `docs/publishing.md`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice, pairwise

import numpy as np
import zstandard
from numpy.typing import NDArray

from cimis_engine.model.batch import MAX_EXPONENT, Covered, item_mask
from cimis_engine.model.completeness import SlotRange, count_slots
from cimis_engine.model.items import Interval, UnitSystem, items_of
from cimis_engine.model.period import slots_in_year
from cimis_engine.model.station import MAX_STATION
from cimis_engine.publish.patch import Draft, Patch, Rows
from cimis_engine.store.codec_v1 import bit_lengths, pack_planes, plane_bytes, unpack_planes, unzigzag, zigzag
from cimis_engine.store.wire import Cursor

LEVEL = 19
MAX_CHUNKS = 4096
MAX_COST = 1 << 20
"""Cells and runs of a section: what bounds the memory that one takes."""
MAX_CONTENT = 16 << 20
"""Bytes of a section's tables and columns: `MAX_COST` cells of random 64-bit values are less."""
Cells = tuple[Rows, int]
"""One item's cells in a patch: its rows, and which of them is the item's."""
_RUNS = ("covered", "removed", "added", "changed")


def cost(patch: Patch) -> int:
    """What a patch adds to its section: cells, and runs of every kind."""
    runs = sum(len(getattr(patch, kind)) for kind in _RUNS)
    return len(patch.items) * (patch.fresh.count + patch.other.count) + runs


def encode_section(drafts: Sequence[Draft]) -> tuple[bytes, int]:
    """A zstd frame of patches of one interval, ascending by station and year, and the size of its content."""
    content = b"".join(_content(drafts))
    compressor = zstandard.ZstdCompressor(level=LEVEL, write_checksum=False, write_content_size=True)
    return compressor.compress(content), len(content)


def _content(drafts: Sequence[Draft]) -> Iterator[bytes]:
    patches = [d.patch for d in drafts]
    yield _differences([p.station for p in patches])
    yield _differences([p.year for p in patches])
    yield bytes(ord(p.units.value) for p in patches)
    yield _column([item_mask(p.items) for p in patches], "<u4")
    for kind in _RUNS:
        yield _column([len(getattr(p, kind)) for p in patches], "<u2")
    yield _column([c.first for p in patches for c in p.covered], "<u2")
    yield _column([c.last for p in patches for c in p.covered], "<u2")
    yield _column([c.mask for p in patches for c in p.covered], "<u4")
    for kind in _RUNS[1:]:
        for end in (0, 1):
            yield _column([run[end] for p in patches for run in getattr(p, kind)], "<u2")
    columns = _columns(patches)
    for column in columns:
        yield bytes(patches[n].exponents[row] for n, row in column)
    places = [_places(patches, column) for column in columns]
    for cells in places:
        yield np.packbits(~np.concatenate([rows.present[row] for rows, row in cells])).tobytes()
    for cells in places:
        yield np.concatenate([rows.flags[row] for rows, row in cells]).tobytes()
    heads, planes = list[bytes](), list[bytes]()
    for column, cells in zip(columns, places, strict=True):
        plain, other = _values(cells[: len(column)]), _values(cells[len(column) :])
        steps = zigzag(np.concatenate([drafts[n].steps[row, patches[n].fresh.present[row]] for n, row in column]))
        stepped = int(bit_lengths(steps).sum()) < int(bit_lengths(plain).sum())
        packed = [_planes(codes) for codes in (steps if stepped else plain, other)]
        heads.append(bytes([stepped, *(width for width, _ in packed)]))
        planes += [data for _, data in packed]
    yield from heads
    yield from planes


def _columns(patches: Sequence[Patch]) -> list[list[tuple[int, int]]]:
    """For each item any patch has, by code: the patches that have it, and its row in each."""
    codes = sorted({item.code for p in patches for item in p.items})
    rows = [{item.code: row for row, item in enumerate(p.items)} for p in patches]
    return [[(n, held[code]) for n, held in enumerate(rows) if code in held] for code in codes]


def _places(patches: Sequence[Patch], column: Sequence[tuple[int, int]]) -> list[Cells]:
    """The cells of an item: those of every patch's fresh rows, then of every patch's other rows."""
    return [(patches[n].fresh, row) for n, row in column] + [(patches[n].other, row) for n, row in column]


def _values(cells: Sequence[Cells]) -> NDArray[np.uint64]:
    return zigzag(np.concatenate([rows.values[row, rows.present[row]] for rows, row in cells]))


def _differences(numbers: Sequence[int]) -> bytes:
    return np.diff(np.array(numbers, "<u2"), prepend=np.array([0], "<u2")).tobytes()


def _column(numbers: Sequence[int], kind: str) -> bytes:
    return np.array(numbers, kind).tobytes()


def _planes(codes: NDArray[np.uint64]) -> tuple[int, bytes]:
    """Width and bit planes of some codes."""
    width = int(codes.max(initial=0)).bit_length()
    return width, pack_planes(codes[None], width)[:width].tobytes()


class _Reader(Cursor):
    """A cursor over a section's content that takes columns of numbers."""

    def column(self, count: int, kind: str, name: str) -> list[int]:
        """`count` little-endian numbers."""
        found: list[int] = np.frombuffer(self.take(count * np.dtype(kind).itemsize, name), kind).tolist()
        return found

    def differences(self, count: int, name: str) -> list[int]:
        """What `_differences` packed."""
        steps = np.frombuffer(self.take(2 * count, name), "<u2")
        found: list[int] = np.cumsum(steps, dtype=np.uint16).tolist()
        return found


def decode_section(
    frame: bytes, size: int, interval: Interval, targets: Sequence[bytes], sources: Sequence[bytes | None], at: Cursor
) -> list[Patch]:
    """The patches of a frame whose content is said to have `size` bytes; `at` places errors in the file.

    Nothing is allocated before its size has been checked. Raises `ChunkError`.
    """
    if size > MAX_CONTENT:
        raise at.error(f"a section claims {size} bytes, at most {MAX_CONTENT} are taken")
    try:
        if zstandard.frame_content_size(frame) != size:
            raise at.error("a section's frame has another size than its head says")
        content = zstandard.ZstdDecompressor(max_window_size=1 << 27).decompress(frame, size, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise at.error(f"not a zstd frame: {error}") from None
    cursor = _Reader(content, at.path, base=at.base + at.at)
    patches = _tables(cursor, interval, targets, sources)
    found = _cells(cursor, patches)
    cursor.end("the last column")
    return found


def _tables(
    cursor: _Reader, interval: Interval, targets: Sequence[bytes], sources: Sequence[bytes | None]
) -> list[Patch]:
    """What changes where. The rows are empty still, of the right shape."""
    count = len(targets)
    stations, years = cursor.differences(count, "stations"), cursor.differences(count, "years")
    units = cursor.take(count, "units")
    masks = cursor.column(count, "<u4", "item masks")
    counts = {kind: cursor.column(count, "<u2", f"{kind} run counts") for kind in _RUNS}
    runs = {kind: _run_columns(cursor, kind, sum(counts[kind])) for kind in _RUNS}
    known = items_of(interval)
    patches: list[Patch] = []
    total = 0
    for n, (station, year, mask) in enumerate(zip(stations, years, masks, strict=True)):
        if not 0 < station <= MAX_STATION or not 0 < year <= 9999 or units[n] not in b"ME" or mask >> len(known):
            raise cursor.error(f"impossible chunk: station {station}, year {year}, units {units[n]}, items {mask:x}")
        span = slots_in_year(interval, year)
        asked, *slots = (tuple(islice(runs[kind], counts[kind][n])) for kind in _RUNS)
        removed, added, changed = (tuple((run.first, run.last) for run in found) for found in slots)
        _ascending([(run.first, run.last) for run in asked], span, cursor)
        for found in (removed, added, changed, sorted((*removed, *added, *changed))):
            _ascending(found, span, cursor)
        items = tuple(item for item in known if mask >> item.code & 1)
        patch = Patch(
            station=station,
            interval=interval,
            year=year,
            units=UnitSystem(chr(units[n])),
            source=sources[n],
            target=targets[n],
            items=items,
            exponents=(),
            stepped=np.zeros(len(items), np.bool_),
            covered=asked,
            removed=removed,
            added=added,
            changed=changed,
            fresh=_empty(len(items), count_slots(added)),
            other=_empty(len(items), count_slots(changed)),
        )
        patches.append(patch)
        total += cost(patch)
        if total > MAX_COST:
            raise cursor.error(f"more than {MAX_COST} cells and runs in a section")
    if any((a.station, a.year) >= (b.station, b.year) for a, b in pairwise(patches)):
        raise cursor.error("chunks stand twice or out of order")
    return patches


def _run_columns(cursor: _Reader, kind: str, count: int) -> Iterator[Covered]:
    """Runs of one kind, of all chunks; those of slots alone have a mask of 0."""
    firsts, lasts = (cursor.column(count, "<u2", f"{kind} runs") for _ in range(2))
    masks = cursor.column(count, "<u4", "coverage") if kind == "covered" else [0] * count
    return map(Covered, firsts, lasts, masks)


def _ascending(runs: Sequence[SlotRange], span: int, cursor: Cursor) -> None:
    before = 0
    for first, last in runs:
        if not before < first <= last <= span:
            raise cursor.error(f"slots {first}..{last} after {before}, in a year of {span}")
        before = last


def _empty(items: int, slots: int) -> Rows:
    shape = (items, slots)
    return Rows(np.zeros(shape, np.bool_), np.zeros(shape, np.uint8), np.zeros(shape, np.int64))


def _cells(cursor: _Reader, patches: Sequence[Patch]) -> list[Patch]:
    """The rows, filled in place, and the exponents."""
    columns = _columns(patches)
    exponents: list[list[int]] = [[] for _ in patches]
    for column in columns:
        for (n, _), exponent in zip(column, cursor.take(len(column), "exponents"), strict=True):
            if exponent > MAX_EXPONENT:
                raise cursor.error(f"impossible exponent {exponent}")
            exponents[n].append(exponent)
    places = [_places(patches, column) for column in columns]
    for cells in places:
        ends = np.cumsum([rows.count for rows, _ in cells])
        bits = np.frombuffer(cursor.take(plane_bytes(int(ends[-1]), 1), "presence"), np.uint8)
        absent = np.unpackbits(bits, count=int(ends[-1])).view(np.bool_)
        for (rows, row), missing in zip(cells, np.split(absent, ends[:-1]), strict=True):
            rows.present[row] = ~missing
    for cells in places:
        ends = np.cumsum([rows.count for rows, _ in cells])
        flags = np.frombuffer(cursor.take(int(ends[-1]), "flags"), np.uint8)
        for (rows, row), part in zip(cells, np.split(flags, ends[:-1]), strict=True):
            rows.flags[row] = part
    heads = [cursor.take(3, "column head") for _ in columns]
    for column, cells, (stepped, *widths) in zip(columns, places, heads, strict=True):
        if stepped > 1 or max(widths) > 64:
            raise cursor.error(f"impossible column head: stepped {stepped}, widths {widths}")
        for n, row in column:
            patches[n].stepped[row] = stepped
        _fill(cursor, cells[: len(column)], widths[0])
        _fill(cursor, cells[len(column) :], widths[1])
    return [replace(p, exponents=tuple(found)) for p, found in zip(patches, exponents, strict=True)]


def _fill(cursor: Cursor, cells: Sequence[Cells], width: int) -> None:
    """The values of some cells from their bit planes."""
    counts = [int(np.count_nonzero(rows.present[row])) for rows, row in cells]
    total = sum(counts)
    values = unzigzag(unpack_planes([cursor.take(plane_bytes(total, width), "values")], [total], total))[0]
    for (rows, row), part in zip(cells, np.split(values, np.cumsum(counts)[:-1]), strict=True):
        rows.values[row, rows.present[row]] = part
