"""Read of a chunk file only the blocks that are wanted: an index, then ranges of bytes, through a cache.

Header, index and footer are under one CRC and each block under its own, and all that is read is checked. The content
digest is over the whole chunk, so a partial read cannot compare it: `Store.read` and `cimis verify` do. Header and
blocks are read from one open file, so a chunk that is replaced meanwhile is read as it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cimis_engine.clock import Clock
from cimis_engine.lru import ByteLru
from cimis_engine.store.atomic import FileSystem
from cimis_engine.store.chunk import Block, ChunkInfo, check_name, decode_blocks, read_info
from cimis_engine.store.paths import Key
from cimis_engine.store.records import Piece
from cimis_engine.store.wire import ChunkError

CACHE_BUDGET = 64 << 20
"""A hundred hourly station-years, decoded."""
_INDEX_SIZE = 2048
"""About what an index takes in memory."""
_SMALL = 8192
"""A file no larger than this is read at one go: two pages of the disk cost no more than one."""


BlockCache = ByteLru[ChunkInfo | Piece]
"""Keys: a file as it was (see `_stamp`), and a block's number in it, or -1 for its index."""


@dataclass(slots=True)
class Reading:
    """What reading cost so far. Times in seconds; `blocks` were wanted, `decoded` of them not in the cache."""

    chunks: int = 0
    blocks: int = 0
    decoded: int = 0
    bytes_read: int = 0
    read_s: float = 0.0
    decode_s: float = 0.0


def read_blocks(
    fs: FileSystem, clock: Clock, cache: BlockCache, path: Path, key: Key, slots: range, reading: Reading
) -> tuple[ChunkInfo, list[Piece]] | None:
    """The index of a chunk and its blocks with records within `slots`; None if there is no such file.

    Adds to `reading`. Raises `ChunkError` and OSError.
    """
    try:
        fd = fs.open(path)
    except FileNotFoundError:
        return None
    try:
        file = _File(fs, clock, fd, path, reading)
        info = _index(file, cache, path, key)
        found: dict[int, Piece] = {}
        missed: dict[int, tuple[Block, bytes]] = {}
        for number, block in enumerate(info.blocks):
            if not block.count or block.last < slots.start or block.first >= slots.stop:
                continue
            held = cache.get((file.stamp, number))
            if isinstance(held, Piece):
                found[number] = held
            else:
                missed[number] = block, file.read(block.offset, block.size)
        if missed:
            with file.decoding():
                decoded = decode_blocks(list(missed.values()), info, path)
                for number, (at, columns) in zip(missed, decoded, strict=True):
                    piece = Piece(info.station, info.year, info.units, at, columns, tuple(c.present for c in columns))
                    cache.put((file.stamp, number), piece, piece.nbytes)
                    found[number] = piece
        reading.decoded += len(missed)
    finally:
        fs.close(fd)
    reading.chunks += 1
    reading.blocks += len(found)
    return info, [found[number] for number in sorted(found)]


def _index(file: _File, cache: BlockCache, path: Path, key: Key) -> ChunkInfo:
    info = cache.get((file.stamp, -1))
    if not isinstance(info, ChunkInfo):
        with file.decoding():
            info = read_info(file.read, file.size, path)
        cache.put((file.stamp, -1), info, _INDEX_SIZE)
    check_name(info, path, key)
    return info


class _File:
    """An open chunk file whose every byte read, and the time it took, is counted."""

    def __init__(self, fs: FileSystem, clock: Clock, fd: int, path: Path, reading: Reading) -> None:
        self._fs, self._clock, self._fd, self._path, self._reading = fs, clock, fd, path, reading
        stat = fs.stat(fd)
        self.size = stat.st_size
        self.stamp = (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns)
        """The file as it is: chunks are replaced, never written in place."""
        self._whole: bytes | None = None

    def read(self, at: int, size: int) -> bytes:
        if self.size > _SMALL:
            return self._read(at, size)
        if self._whole is None:
            self._whole = self._read(0, self.size)
        return self._whole[at : at + size]

    def _read(self, at: int, size: int) -> bytes:
        began = self._clock.monotonic()
        data = self._fs.read_at(self._fd, size, at)
        while len(data) < size:
            more = self._fs.read_at(self._fd, size - len(data), at + len(data))
            if not more:
                raise ChunkError(f"the file ends {size - len(data)} bytes too early", at + len(data), self._path)
            data += more
        self._reading.bytes_read += size
        self._reading.read_s += self._clock.monotonic() - began
        return data

    @contextmanager
    def decoding(self) -> Iterator[None]:
        """Time within it counts as decoding, but for what is spent reading."""
        began, read_before = self._clock.monotonic(), self._reading.read_s
        yield
        self._reading.decode_s += self._clock.monotonic() - began - (self._reading.read_s - read_before)
