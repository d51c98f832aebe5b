"""The store: read and write the chunks of a data directory.

Order of a write: the old chunk kept if its content was revised (`generations`), the new one on disk, read back and
synced, then catalog and revisions. So these may lag the disk after a crash and never lead it; what the catalog says is
checked against the file before anyone plans by it.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from cimis_engine.clock import Clock, SystemClock
from cimis_engine.errors import CimisError, IntegrityError, UsageError
from cimis_engine.model.batch import Covered, RecordBatch, UnitMismatchError, merge, uncovered
from cimis_engine.model.items import DataItem, Interval, UnitSystem
from cimis_engine.model.plan import OpenSlots
from cimis_engine.model.plausible import Rules
from cimis_engine.store import gate, generations, lock, paths
from cimis_engine.store.atomic import FileSystem, disk_exit_code, make_dirs_durably, settle
from cimis_engine.store.blocks import CACHE_BUDGET, BlockCache
from cimis_engine.store.catalog import Catalog, ChunkEntry, entry_of
from cimis_engine.store.chunk import EncodedChunk, decode_as
from cimis_engine.store.content import canonical, digest_of_canonical
from cimis_engine.store.database import open_copy, open_database
from cimis_engine.store.formats import DEFAULT_FORMAT, Format, format_of
from cimis_engine.store.paths import Key
from cimis_engine.store.revisions import Superseded, changes_between
from cimis_engine.store.wire import ChunkError
from cimis_engine.store.writing import ChunkWritten, Ready, discard, make_ready, put_in_place

SameContent = tuple[Format, Callable[[RecordBatch, bytes], EncodedChunk]]
"""A format, and what makes a chunk of it from canonical records and their digest."""

if TYPE_CHECKING:
    from cimis_engine.store.query import QueryResult


class NoStoreError(UsageError):
    """There is no data directory at `root`."""

    def __init__(self, root: Path) -> None:
        super().__init__(f"no CIMIS data in {root}", hint="make one with `cimis init`, or name another --data-dir")
        self.root = root


class StoreReadOnlyError(UsageError):
    """The data directory cannot be written to by this user, or lies on a read-only disk."""

    def __init__(self, root: Path) -> None:
        super().__init__(
            f"{root} is read-only",
            hint="reading works; to write, change its owner or mount, or name another --data-dir",
        )
        self.root = root


class MissingChunkError(IntegrityError):
    """The catalog knows a chunk and its file, `path`, is gone: what it held is lost, not absent."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"lost chunk: {path} is in the catalog and not on disk",
            hint="`cimis verify --repair` fetches it again; `cimis rebuild` makes the catalog forget it",
        )
        self.path = path


class StoreReadError(CimisError):
    """A chunk is there and cannot be read: `path`, `errno`."""

    def __init__(self, path: Path, error: OSError) -> None:
        super().__init__(
            f"could not read {path}: {error.strerror or error}", hint="check the file's owner and the disk"
        )
        self.path, self.errno, self.exit_code = path, error.errno, disk_exit_code(error)


@dataclass(frozen=True, slots=True)
class _Held:
    """A stored chunk before a write: the file's bytes, its records, its catalog entry."""

    data: bytes
    batch: RecordBatch
    entry: ChunkEntry


@dataclass(frozen=True, slots=True)
class RebuildReport:
    """`chunks` are in the catalog now; `damaged` files were left out of it, each told by its error."""

    chunks: int
    damaged: tuple[ChunkError | StoreReadError, ...]


class Store:
    """One data directory. Any thread may call; `database` is for one thread at a time.

    `format` is what new chunks are written in; all are read. Where the directory cannot be written to, `read_only` is
    true and `database` is a copy in memory, made when the store was opened: nothing is locked, nothing is left behind.
    """

    def __init__(
        self,
        root: Path,
        *,
        clock: Clock | None = None,
        fs: FileSystem | None = None,
        format: Format = DEFAULT_FORMAT,
    ) -> None:
        self.root = root.absolute()
        self.clock, self.fs, self.format = clock or SystemClock(), fs or FileSystem(), format
        database = paths.database_path(self.root)
        lost = not database.exists() and bool(self.chunks())
        self.read_only = not all(self.fs.writable(p) for p in (self.root, database) if p.exists())
        self.database: sqlite3.Connection = (open_copy if self.read_only else open_database)(database)
        self.catalog = Catalog(self.database)
        self.durable = {self.root}
        self.cache = BlockCache(CACHE_BUDGET)
        self._writing = threading.Lock()
        self._locked = False
        if self.catalog.outdated or lost:
            self.rebuild()  # an empty catalog beside chunks would say that nothing is stored

    @staticmethod
    def exists(root: Path) -> bool:
        return paths.database_path(root).is_file() or paths.stations_dir(root).is_dir()

    @classmethod
    def create(
        cls,
        root: Path,
        *,
        clock: Clock | None = None,
        fs: FileSystem | None = None,
        format: Format = DEFAULT_FORMAT,
    ) -> Store:
        """The store at `root`, made if there is none. Raises `StoreWriteError`, `DatabaseError`."""
        make_dirs_durably(fs or FileSystem(), paths.stations_dir(root.absolute()))
        return cls(root, clock=clock, fs=fs, format=format)

    @classmethod
    def open(
        cls,
        root: Path,
        *,
        clock: Clock | None = None,
        fs: FileSystem | None = None,
        format: Format = DEFAULT_FORMAT,
    ) -> Store:
        """The store at `root`. Raises `NoStoreError`, `DatabaseError`."""
        if not cls.exists(root):
            raise NoStoreError(root)
        return cls(root, clock=clock, fs=fs, format=format)

    def close(self) -> None:
        self.database.close()

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Be the only writer; temps that a dead writer left are deleted.

        Raises `StoreLockedError`, and `StoreReadOnlyError` where nobody could write.
        """
        if self.read_only:
            raise StoreReadOnlyError(self.root)
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

    def chunks(self, stations: Collection[int] | None = None) -> list[tuple[Path, Key]]:
        """The chunk files on disk and what they are named for, in order; of some stations, or all (None)."""
        named = ((path, paths.parse_chunk_path(self.root, path)) for path in self.files())
        return [(p, key) for p, key in named if key is not None and (stations is None or key[0] in stations)]

    def path(self, station: int, interval: Interval, year: int) -> Path:
        return paths.chunk_path(self.root, station, interval, year)

    def require_no_loss(self, key: Key) -> None:
        """For who found no file for a chunk. Raises `MissingChunkError` if the catalog knows that there was one."""
        if self.catalog.get(*key) is not None:
            raise MissingChunkError(self.path(*key))

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

    def query(
        self,
        stations: int | str | Iterable[int],
        start: date | str,
        end: date | str,
        *,
        interval: Interval | str = Interval.DAILY,
        items: Iterable[str] | None = None,
        units: UnitSystem | str | None = None,
        drop_severe: bool = False,
        plausible: bool | Rules = False,
    ) -> QueryResult:
        """The stored records of inclusive dates, as columns.

        `stations`: a number, several, or text as `2,5,10-20` and `all`; dates as `2024-06-01`; `items` are slugs (None:
        all that are stored); `units`: `M` or `E`, what is stored in the other is converted (needed where both are
        stored). `drop_severe`: values flagged I, M or S become missing. `plausible`: mark values by the default rules,
        or by others. Raises `UsageError`, `ChunkError`, `StoreReadError`.
        """
        from cimis_engine.store.query import query_by_name  # which is built on this room

        return query_by_name(
            self,
            stations,
            start,
            end,
            interval=interval,
            items=items,
            units=units,
            drop_severe=drop_severe,
            plausible=plausible,
        )

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
            ready: list[Ready] = []
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

    def switch(self, chunks: Mapping[Key, SameContent], *, keep: bool = True) -> list[ChunkWritten]:
        """Put other bytes of the same content in the place of chunks, as a group like `write_all`'s.

        With `keep` the bytes before stay as generations. A reader sees each chunk as it was or as it is, with the same
        records. Raises, with every chunk as it was unless a rename failed, `ChunkError`, `StoreReadError`,
        `StoreWriteError`, `FormatFaultError`, `DatabaseError`. Hold the store's lock.
        """
        with self._writing:
            ready: list[Ready] = []
            try:
                for key, (format, encode) in chunks.items():
                    path = self.path(*key)
                    held = self._held(path, key)
                    if held is None:
                        continue
                    self._adopt(held.entry, held.batch, path)
                    encoded = encode(held.batch, bytes.fromhex(held.entry.digest))
                    if keep:
                        self._keep(held)
                    ready.append(make_ready(self.fs, self.clock, path, held.batch, encoded, format, self.durable))
            except BaseException:
                discard(ready)
                raise
            return self._commit(ready)

    def replace_all(self, chunks: Iterable[RecordBatch], run_id: str | None = None) -> list[ChunkWritten]:
        """Put whole chunks in the places of those there are, durably, with nothing merged: what is not in them is gone.

        All or none: none takes its place before every one is written aside, synced and read back. Only where an error
        or a crash comes among the replacing itself are some replaced; the same call again does the rest. Otherwise as
        `write_all`, whose errors it raises.
        """
        with self._writing:
            ready: list[Ready] = []
            try:
                for chunk in chunks:
                    one = self._prepare(chunk, run_id, exact=True)
                    ready.append(one)
            except BaseException:
                discard(ready)
                raise
            return self._commit(ready)

    def _prepare(self, batch: RecordBatch, run_id: str | None, *, exact: bool = False) -> Ready:
        """All that can be done before the chunk takes its place: it is encoded, in a temp, synced and read back.

        `exact`: the batch is the chunk as it shall be; otherwise it is merged into what is stored.
        """
        key = (batch.station, batch.interval, batch.year)
        path = self.path(*key)
        began = self.clock.monotonic()
        held = self._held(path, key)
        if held is not None:
            # First what an earlier write may have left undone: it knows of revisions that this one cannot see.
            self._adopt(held.entry, held.batch, path)
        whole = canonical(batch if exact else merge([batch] if held is None else [held.batch, batch]))
        digest = digest_of_canonical(whole)
        if held is not None and digest.hex() == held.entry.digest:
            return Ready(held.entry, None, (), (self.clock.monotonic() - began, 0, 0))
        encoded = gate.encode(whole, digest, self.format, path)
        encoded_at = self.clock.monotonic()
        superseded = self._put_aside(held, whole, run_id) if held else ()
        ready = make_ready(self.fs, self.clock, path, whole, encoded, self.format, self.durable)
        return replace(ready, superseded=superseded, seconds=(encoded_at - began, *ready.seconds[1:]))

    def _commit(self, ready: Sequence[Ready]) -> list[ChunkWritten]:
        """Put the staged chunks in their places, durably, then into the catalog. All or, on an error, as many as were
        replaced before it; the catalog then knows of none."""
        began = self.clock.monotonic()
        put_in_place(self.fs, ready, self.durable)
        changed = [one for one in ready if one.staged is not None]
        if changed:
            self.catalog.commit([one.entry for one in changed], [s for one in changed for s in one.superseded])
        share = (self.clock.monotonic() - began) / max(1, len(changed))
        return [one.written(self.path(*one.entry.key), share) for one in ready]

    def _held(self, path: Path, key: Key) -> _Held | None:
        """The chunk that is there now, read whole; None if there is none."""
        data = self.chunk_bytes(path)
        if data is None:
            return None
        batch = decode_as(data, path, key)
        return _Held(data, batch, entry_of(data, batch, path, self.clock.time()))

    def _keep(self, held: _Held) -> None:
        """Copy a chunk into `.gen`, durably. Raises `StoreWriteError`."""
        entry = held.entry
        generations.keep(self.fs, self.root, entry.key, entry.digest, format_of(entry.codec), held.data, self.durable)

    def _put_aside(self, held: _Held, new: RecordBatch, run_id: str | None) -> tuple[Superseded, ...]:
        """Keep the stored chunk as a generation if `new` revises it, durably: before anything takes its place.

        What it returns is to be committed in one transaction with the new chunk's entry; see `generations`.
        """
        changes = changes_between(held.batch, new)
        if not changes:
            return ()  # the old content is contained in the new: a copy of it would tell nothing
        entry = held.entry
        self._keep(held)
        return (Superseded(entry.key, entry.units, entry.digest, changes, self.clock.time(), run_id),)

    def adopt(self, path: Path, key: Key) -> None:
        """Bring the catalog up to a sound chunk on disk. Raises `ChunkError`, `StoreReadError`, `StoreWriteError`."""
        self._adopt(*self.load(path, key), path)

    def _adopt(self, entry: ChunkEntry, batch: RecordBatch, path: Path) -> None:
        """Bring lagging tables up to the disk: an earlier write ended between replace and catalog."""
        known = self.catalog.get(*entry.key)
        if known is not None and known.artifact_digest == entry.artifact_digest:
            return
        # The process that died may have synced nothing of where it put the chunk.
        settle(self.fs, [path], self.durable)
        self.catalog.commit([entry], self._unrecorded(batch, known))

    def _unrecorded(self, batch: RecordBatch, known: ChunkEntry | None) -> tuple[Superseded, ...]:
        key = (batch.station, batch.interval, batch.year)
        digest = known.digest if known else None
        recorded = self.catalog.has_revisions(key)
        return generations.unrecorded(self.fs, self.root, batch, known=digest, recorded=recorded)

    def rebuild(self, step: Callable[[int, int], None] | None = None) -> RebuildReport:
        """Make the catalog anew from the files alone, in one transaction, and record the revisions that only `.gen`
        knows of. Hold the store's lock. `step` is told after each chunk: how many are done, how many there are.

        Raises `StoreWriteError`, `DatabaseError`.
        """
        entries: list[ChunkEntry] = []
        superseded: list[Superseded] = []
        damaged: list[ChunkError | StoreReadError] = []
        files = self.chunks()
        for done, (path, key) in enumerate(files, 1):
            if step:
                step(done, len(files))
            try:
                entry, batch = self.load(path, key)
            except (ChunkError, StoreReadError) as error:
                damaged.append(error)
                continue
            superseded += self._unrecorded(batch, self.catalog.get(*key))
            entries.append(entry)
        if not self.read_only:
            settle(self.fs, [self.path(*entry.key) for entry in entries], self.durable)
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
