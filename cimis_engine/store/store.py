"""The store: read and write the chunks of a data directory.

Order of a write: chunk on disk, read back and synced, then the catalog. So the catalog may lag the disk after a crash
and never leads it; what it says is checked against the file before anyone plans by it.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cimis_engine.clock import Clock, SystemClock
from cimis_engine.errors import CimisError, UsageError
from cimis_engine.model.batch import Covered, RecordBatch, UnitMismatchError, merge, uncovered
from cimis_engine.model.items import DataItem, Interval, UnitSystem
from cimis_engine.model.plan import OpenSlots
from cimis_engine.store import lock, paths
from cimis_engine.store.atomic import FileSystem, StoreWriteError, make_dirs, stage
from cimis_engine.store.catalog import Catalog, ChunkEntry, entry_of
from cimis_engine.store.chunk import EncodedChunk, decode_as, decode_chunk, encode_canonical, read_header
from cimis_engine.store.content import canonical, digest_of_canonical
from cimis_engine.store.database import open_database
from cimis_engine.store.wire import ChunkError


class NoStoreError(UsageError):
    """There is no data directory at `root`."""

    def __init__(self, root: Path) -> None:
        super().__init__(f"no CIMIS data in {root}", hint="make one with `cimis init`, or name another --data-dir")
        self.root = root


class StoreReadError(CimisError):
    """A chunk is there and cannot be read: `path`, `errno`."""

    def __init__(self, path: Path, error: OSError) -> None:
        super().__init__(
            f"could not read {path}: {error.strerror or error}", hint="check the file's owner and the disk"
        )
        self.path, self.errno = path, error.errno


@dataclass(frozen=True, slots=True)
class ChunkWritten:
    """What a write did. Counts and bytes are of the whole chunk; `changed` is False if the content was there already.

    Times in milliseconds; write, verify and commit are 0 where nothing was written.
    """

    path: Path
    digest: str
    raw_bytes: int
    stored_bytes: int
    records: int
    nulls: int
    changed: bool
    encode_ms: float
    write_ms: float
    verify_ms: float
    commit_ms: float


class Store:
    """One data directory. Any thread may call; `database` is for one thread at a time."""

    def __init__(self, root: Path, *, clock: Clock | None = None, fs: FileSystem | None = None) -> None:
        self.root = root.absolute()
        self.clock, self._fs = clock or SystemClock(), fs or FileSystem()
        self.database: sqlite3.Connection = open_database(paths.database_path(self.root))
        self.catalog = Catalog(self.database)
        self._writing = threading.Lock()
        self._durable = {self.root}
        self._locked = False

    @staticmethod
    def exists(root: Path) -> bool:
        return paths.database_path(root).is_file() or paths.stations_dir(root).is_dir()

    @classmethod
    def create(cls, root: Path, *, clock: Clock | None = None, fs: FileSystem | None = None) -> Store:
        """The store at `root`, made if there is none. Raises `StoreWriteError`, `DatabaseError`."""
        door = fs or FileSystem()
        for made in make_dirs(door, paths.stations_dir(root.absolute())):
            try:
                door.sync_dir(made.parent)
            except OSError as error:
                raise StoreWriteError(made, "make the directory", error) from error
        return cls(root, clock=clock, fs=fs)

    @classmethod
    def open(cls, root: Path, *, clock: Clock | None = None, fs: FileSystem | None = None) -> Store:
        """The store at `root`. Raises `NoStoreError`, `DatabaseError`."""
        if not cls.exists(root):
            raise NoStoreError(root)
        return cls(root, clock=clock, fs=fs)

    def close(self) -> None:
        self.database.close()

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Be the only writer; temps that a dead writer left are deleted. Raises `StoreLockedError`."""
        with lock.exclusive(self.root):
            for temp in self.stale_temps():
                with contextlib.suppress(OSError):
                    self._fs.unlink(temp)
            self._locked = True
            try:
                yield
            finally:
                self._locked = False

    def stale_temps(self) -> list[Path]:
        """Temps beside the chunks. Another process's work in progress, unless the lock is held."""
        return sorted(p for p in paths.stations_dir(self.root).glob("*/.*.tmp") if paths.is_temp(p))

    def path(self, station: int, interval: Interval, year: int) -> Path:
        return paths.chunk_path(self.root, station, interval, year)

    def chunk_bytes(self, path: Path) -> bytes | None:
        """A chunk file's bytes, None if there is none. Raises `StoreReadError`."""
        try:
            return self._fs.read(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreReadError(path, error) from error

    def read(self, station: int, interval: Interval, year: int) -> RecordBatch | None:
        """A chunk's records, every checksum checked; None if there is none. Raises `ChunkError`, `StoreReadError`."""
        path = self.path(station, interval, year)
        data = self.chunk_bytes(path)
        return None if data is None else decode_as(data, path, (station, interval, year))

    def write(self, batch: RecordBatch) -> ChunkWritten:
        """Merge a batch into its chunk, durably; unchanged content is not written again.

        Raises `UnitMismatchError`, `StoreWriteError`, `DatabaseError`, and `ChunkError` or `StoreReadError` if what is
        stored cannot be read: a damaged chunk is never silently replaced.
        """
        with self._writing:
            return self._write(batch)

    def _write(self, batch: RecordBatch) -> ChunkWritten:
        key = (batch.station, batch.interval, batch.year)
        path = self.path(*key)
        began = self.clock.monotonic()
        stored = self.chunk_bytes(path)
        old = None if stored is None else decode_as(stored, path, key)
        whole = canonical(merge([batch] if old is None else [old, batch]))
        digest = digest_of_canonical(whole)
        if stored is not None and digest.hex() == read_header(stored, path).digest:
            return self._unchanged(stored, path, began)
        encoded = encode_canonical(whole, digest)
        entry = entry_of(encoded.data, path, self.clock.time())
        encoded_at = self.clock.monotonic()
        staged = stage(self._fs, path, encoded.data, self._durable)
        written_at = self.clock.monotonic()
        staged.verify(lambda data: _check(data, encoded, path))
        verified_at = self.clock.monotonic()
        staged.commit()
        self.catalog.commit(entry)
        committed_at = self.clock.monotonic()
        return _written(
            path,
            entry,
            changed=True,
            seconds=(
                encoded_at - began,
                written_at - encoded_at,
                verified_at - written_at,
                committed_at - verified_at,
            ),
        )

    def _unchanged(self, stored: bytes, path: Path, began: float) -> ChunkWritten:
        entry = entry_of(stored, path, self.clock.time())
        compared_at = self.clock.monotonic()
        self._adopt(entry, path)
        committed_at = self.clock.monotonic()
        return _written(path, entry, changed=False, seconds=(compared_at - began, 0, 0, committed_at - compared_at))

    def _adopt(self, entry: ChunkEntry, path: Path) -> None:
        """Bring a lagging catalog up to the disk: an earlier write ended between replace and catalog."""
        known = self.catalog.get(*entry.key)
        if known is not None and known.artifact_digest == entry.artifact_digest:
            return
        try:
            self._fs.sync_dir(path.parent)
        except OSError as error:
            raise StoreWriteError(path, "sync the directory of", error, replaced=True) from error
        self.catalog.commit(entry)

    def entry(self, station: int, interval: Interval, year: int) -> ChunkEntry | None:
        """What is on disk, as a catalog entry; None if there is no chunk or it is damaged.

        The catalog's word is taken if the file's size agrees. Otherwise the file is decoded, and the catalog brought
        up to it while the store's lock is held. Contents of the right size are not read: that is `verify`'s work.
        """
        path = self.path(station, interval, year)
        known = self.catalog.get(station, interval, year)
        try:
            size = path.stat(follow_symlinks=False).st_size
        except OSError:
            return None
        if known is not None and known.stored_bytes == size:
            return known
        try:
            data = self.chunk_bytes(path)
            if data is None:
                return None
            decode_as(data, path, (station, interval, year))
        except (ChunkError, StoreReadError):
            return None
        entry = entry_of(data, path, path.stat().st_mtime)
        if self._locked:
            self._adopt(entry, path)
        return entry

    def covered(self, station: int, interval: Interval, year: int) -> tuple[Covered, ...]:
        """What need not be fetched again; () where the file is missing or damaged, whatever the catalog says."""
        entry = self.entry(station, interval, year)
        return entry.covered if entry else ()

    def open_slots(self, units: UnitSystem, items: Iterable[DataItem], interval: Interval) -> OpenSlots:
        """For the planner: (station, year, wanted slots) → the range still to fetch.

        The callable raises `UnitMismatchError` if the chunk is stored in other units.
        """
        wanted_items = tuple(items)

        def still_open(station: int, year: int, wanted: range) -> range:
            entry = self.entry(station, interval, year)
            if entry is None:
                return wanted
            if entry.units is not units:
                raise UnitMismatchError(station, year, entry.units, units)
            return uncovered(interval, year, entry.covered, wanted, wanted_items)

        return still_open


def _check(data: bytes, encoded: EncodedChunk, path: Path) -> None:
    if data != encoded.data:
        raise ChunkError("the disk returned other bytes than were written", 0, path)
    if len(decode_chunk(data, path)) != encoded.records:  # which compares CRCs, slots and content digest
        raise ChunkError("what was written decodes to other records", 0, path)


def _written(
    path: Path, entry: ChunkEntry, *, changed: bool, seconds: tuple[float, float, float, float]
) -> ChunkWritten:
    encode_ms, write_ms, verify_ms, commit_ms = (s * 1000 for s in seconds)
    return ChunkWritten(
        path=path,
        digest=entry.digest,
        raw_bytes=entry.raw_bytes,
        stored_bytes=entry.stored_bytes,
        records=entry.records,
        nulls=entry.nulls,
        changed=changed,
        encode_ms=encode_ms,
        write_ms=write_ms,
        verify_ms=verify_ms,
        commit_ms=commit_ms,
    )
