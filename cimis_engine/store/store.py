"""The store: read and write the chunks of a data directory.

Order of a write: the old chunk kept if its content was revised (`generations`), the new one on disk, read back and
synced, then catalog and revisions. So these may lag the disk after a crash and never lead it; what the catalog says is
checked against the file before anyone plans by it.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cimis_engine.clock import Clock, SystemClock
from cimis_engine.errors import CimisError, UsageError
from cimis_engine.model.batch import Covered, RecordBatch, UnitMismatchError, merge, uncovered
from cimis_engine.model.items import DataItem, Interval, UnitSystem
from cimis_engine.model.plan import OpenSlots
from cimis_engine.store import generations, lock, paths
from cimis_engine.store.atomic import FileSystem, Staged, StoreWriteError, make_dirs_durably, settle, stage
from cimis_engine.store.catalog import Catalog, ChunkEntry, entry_of
from cimis_engine.store.chunk import EncodedChunk, decode_as, decode_chunk, encode_canonical
from cimis_engine.store.content import canonical, digest_of_canonical
from cimis_engine.store.database import open_database
from cimis_engine.store.paths import Key
from cimis_engine.store.revisions import Superseded, changes_between
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

    `revised` counts the values that were stored before and are others now.

    Times in milliseconds; write, verify and commit are 0 where nothing was written.
    """

    path: Path
    digest: str
    raw_bytes: int
    stored_bytes: int
    records: int
    nulls: int
    changed: bool
    revised: int
    encode_ms: float
    write_ms: float
    verify_ms: float
    commit_ms: float


@dataclass(frozen=True, slots=True)
class _Held:
    """A stored chunk before a write: the file's bytes, its records, its catalog entry."""

    data: bytes
    batch: RecordBatch
    entry: ChunkEntry


@dataclass(frozen=True, slots=True)
class _Ready:
    """A chunk that only has to take its place. `staged` None: it is there already. Seconds: encode, write, verify."""

    entry: ChunkEntry
    staged: Staged | None
    superseded: tuple[Superseded, ...]
    seconds: tuple[float, float, float]

    def written(self, path: Path, commit_seconds: float) -> ChunkWritten:
        entry, changed = self.entry, self.staged is not None
        encode_ms, write_ms, verify_ms = (s * 1000 for s in self.seconds)
        return ChunkWritten(
            path=path,
            digest=entry.digest,
            raw_bytes=entry.raw_bytes,
            stored_bytes=entry.stored_bytes,
            records=entry.records,
            nulls=entry.nulls,
            changed=changed,
            revised=sum(len(s.changes) for s in self.superseded),
            encode_ms=encode_ms,
            write_ms=write_ms,
            verify_ms=verify_ms,
            commit_ms=commit_seconds * 1000 if changed else 0.0,
        )


@dataclass(frozen=True, slots=True)
class RebuildReport:
    """`chunks` are in the catalog now; `damaged` files were left out of it, each told by its error."""

    chunks: int
    damaged: tuple[ChunkError | StoreReadError, ...]


class Store:
    """One data directory. Any thread may call; `database` is for one thread at a time."""

    def __init__(self, root: Path, *, clock: Clock | None = None, fs: FileSystem | None = None) -> None:
        self.root = root.absolute()
        self.clock, self.fs = clock or SystemClock(), fs or FileSystem()
        self.database: sqlite3.Connection = open_database(paths.database_path(self.root))
        self.catalog = Catalog(self.database)
        self._writing = threading.Lock()
        self._durable = {self.root}
        self._locked = False
        if self.catalog.outdated:
            self.rebuild()

    @staticmethod
    def exists(root: Path) -> bool:
        return paths.database_path(root).is_file() or paths.stations_dir(root).is_dir()

    @classmethod
    def create(cls, root: Path, *, clock: Clock | None = None, fs: FileSystem | None = None) -> Store:
        """The store at `root`, made if there is none. Raises `StoreWriteError`, `DatabaseError`."""
        make_dirs_durably(fs or FileSystem(), paths.stations_dir(root.absolute()))
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
                    self.fs.unlink(temp)
            self._locked = True
            try:
                yield
            finally:
                self._locked = False

    def stale_temps(self) -> list[Path]:
        """Temps beside chunks and generations. Another process's work in progress, unless the lock is held."""
        stations = paths.stations_dir(self.root)
        return sorted(p for where in ("*", "*/.gen") for p in stations.glob(f"{where}/.*.tmp") if paths.is_temp(p))

    def files(self) -> list[Path]:
        """Everything under `stations` that is no directory, in order."""
        return sorted(p for p in paths.stations_dir(self.root).rglob("*") if p.is_symlink() or not p.is_dir())

    def path(self, station: int, interval: Interval, year: int) -> Path:
        return paths.chunk_path(self.root, station, interval, year)

    def chunk_bytes(self, path: Path) -> bytes | None:
        """A chunk file's bytes, None if there is none. Raises `StoreReadError`."""
        try:
            return self.fs.read(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreReadError(path, error) from error

    def read(self, station: int, interval: Interval, year: int) -> RecordBatch | None:
        """A chunk's records, every checksum checked; None if there is none. Raises `ChunkError`, `StoreReadError`."""
        path = self.path(station, interval, year)
        data = self.chunk_bytes(path)
        return None if data is None else decode_as(data, path, (station, interval, year))

    def load(self, path: Path, key: Key) -> tuple[ChunkEntry, RecordBatch]:
        """A chunk file read whole, every checksum checked. Raises `ChunkError`, `StoreReadError`."""
        try:
            data, written_at = self.fs.read(path), path.stat().st_mtime
        except OSError as error:
            raise StoreReadError(path, error) from error
        batch = decode_as(data, path, key)
        return entry_of(data, batch, path, written_at), batch

    def write(self, batch: RecordBatch, run_id: str | None = None) -> ChunkWritten:
        """`write_all` of one batch. Raises what that tells of."""
        written, error = self.write_all([batch], run_id)
        if error is not None:
            raise error
        return written[0]

    def write_all(
        self, batches: Sequence[RecordBatch], run_id: str | None = None
    ) -> tuple[list[ChunkWritten], CimisError | None]:
        """Merge batches of different chunks into their chunks, durably; unchanged content is not written again.

        They are a group: each file is synced and read back on its own, then all take their places, with one sync of
        their directory and one transaction. Where known values change, the chunk before is kept as a generation and
        every change is recorded, seen by `run_id`.

        Returns what was written, in order, and the error of the first batch that could not be (those after it were not
        tried): `UnitMismatchError`, `StoreWriteError`, `DatabaseError`, or `ChunkError` or `StoreReadError` if what is
        stored cannot be read: a damaged chunk is never silently replaced.
        """
        with self._writing:
            ready: list[_Ready] = []
            failure: CimisError | None = None
            for batch in batches:
                try:
                    ready.append(self._prepare(batch, run_id))
                except CimisError as error:
                    failure = error
                    break
            try:
                return self._commit(ready), failure
            except CimisError as error:
                return [], error

    def _prepare(self, batch: RecordBatch, run_id: str | None) -> _Ready:
        """All that can be done before the chunk takes its place: it is encoded, in a temp, synced and read back."""
        key = (batch.station, batch.interval, batch.year)
        path = self.path(*key)
        began = self.clock.monotonic()
        held = self._held(path, key)
        if held is not None:
            # First what an earlier write may have left undone: it knows of revisions that this one cannot see.
            self._adopt(held.entry, held.batch, path)
        whole = canonical(merge([batch] if held is None else [held.batch, batch]))
        digest = digest_of_canonical(whole)
        if held is not None and digest.hex() == held.entry.digest:
            return _Ready(held.entry, None, (), (self.clock.monotonic() - began, 0, 0))
        encoded = encode_canonical(whole, digest)
        entry = entry_of(encoded.data, whole, path, self.clock.time())
        encoded_at = self.clock.monotonic()
        superseded = self._put_aside(held, whole, run_id) if held else ()
        staged = stage(self.fs, path, encoded.data, self._durable)
        written_at = self.clock.monotonic()
        staged.verify(lambda data: _check(data, encoded, path))
        verified_at = self.clock.monotonic()
        seconds = (encoded_at - began, written_at - encoded_at, verified_at - written_at)
        return _Ready(entry, staged, superseded, seconds)

    def _commit(self, ready: Sequence[_Ready]) -> list[ChunkWritten]:
        """Put the staged chunks in their places, durably, then into the catalog. All or, on an error, as many as were
        replaced before it; the catalog then knows of none."""
        began = self.clock.monotonic()
        staged = [one.staged for one in ready if one.staged is not None]
        for at, chunk in enumerate(staged):
            try:
                chunk.replace()
            except StoreWriteError:
                for other in staged[at:]:
                    other.discard()
                raise
        settle(self.fs, [chunk.path for chunk in staged], self._durable)
        if staged:
            changed = [one for one in ready if one.staged is not None]
            self.catalog.commit([one.entry for one in changed], [s for one in changed for s in one.superseded])
        share = (self.clock.monotonic() - began) / max(1, len(staged))
        return [one.written(self.path(*one.entry.key), share) for one in ready]

    def _held(self, path: Path, key: Key) -> _Held | None:
        """The chunk that is there now, read whole; None if there is none."""
        data = self.chunk_bytes(path)
        if data is None:
            return None
        batch = decode_as(data, path, key)
        return _Held(data, batch, entry_of(data, batch, path, self.clock.time()))

    def _put_aside(self, held: _Held, new: RecordBatch, run_id: str | None) -> tuple[Superseded, ...]:
        """Keep the stored chunk as a generation if `new` revises it, durably: before anything takes its place.

        What it returns is to be committed in one transaction with the new chunk's entry; see `generations`.
        """
        changes = changes_between(held.batch, new)
        if not changes:
            return ()  # the old content is contained in the new: a copy of it would tell nothing
        entry = held.entry
        generations.keep(self.fs, self.root, entry.key, entry.digest, held.data, self._durable)
        return (Superseded(entry.key, entry.units, entry.digest, changes, self.clock.time(), run_id),)

    def _adopt(self, entry: ChunkEntry, batch: RecordBatch, path: Path) -> None:
        """Bring lagging tables up to the disk: an earlier write ended between replace and catalog."""
        known = self.catalog.get(*entry.key)
        if known is not None and known.artifact_digest == entry.artifact_digest:
            return
        # The process that died may have synced nothing of where it put the chunk.
        settle(self.fs, [path], self._durable)
        self.catalog.commit([entry], self._unrecorded(batch, known))

    def _unrecorded(self, batch: RecordBatch, known: ChunkEntry | None) -> tuple[Superseded, ...]:
        key = (batch.station, batch.interval, batch.year)
        digest = known.digest if known else None
        recorded = self.catalog.has_revisions(key)
        return generations.unrecorded(self.fs, self.root, batch, known=digest, recorded=recorded)

    def rebuild(self) -> RebuildReport:
        """Make the catalog anew from the files alone, in one transaction, and record the revisions that only `.gen`
        knows of. Hold the store's lock. Raises `StoreWriteError`, `DatabaseError`."""
        entries: list[ChunkEntry] = []
        superseded: list[Superseded] = []
        damaged: list[ChunkError | StoreReadError] = []
        for path in self.files():
            key = paths.parse_chunk_path(self.root, path)
            if key is None:
                continue
            try:
                entry, batch = self.load(path, key)
            except (ChunkError, StoreReadError) as error:
                damaged.append(error)
                continue
            superseded += self._unrecorded(batch, self.catalog.get(*key))
            entries.append(entry)
        settle(self.fs, [self.path(*entry.key) for entry in entries], self._durable)
        self.catalog.replace_all(entries, superseded)
        return RebuildReport(len(entries), tuple(damaged))

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
            entry, batch = self.load(path, (station, interval, year))
        except (ChunkError, StoreReadError):
            return None
        if self._locked:
            self._adopt(entry, batch, path)
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
