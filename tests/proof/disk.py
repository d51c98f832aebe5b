"""A disk that may lose whatever was not synced, and a door to the real file system that keeps such a disk beside it.

What the model takes for granted, and nothing else:

* a file's bytes last once the file is synced; until then any of it may be missing, zero or cut off;
* an entry of a directory (made, renamed, removed) lasts once that directory is synced; until then each may or may not
  be there, in any combination. A rename is two entries, the new name and the end of the old one;
* SQLite's commits last, and are there wholly or not at all (WAL, `synchronous = FULL`). The real files are taken as
  they lie at each commit, and once more with the last transaction half in the log.

Real file systems promise more (ext4 keeps a rename whole, and orders it after the data). What holds here holds there.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from store_samples import Death

from cimis_engine.store.atomic import FileSystem

Content = bytes | None
"""A file's bytes; None: a directory."""
State = frozenset[tuple[str, Content]]
"""What a crash leaves: every path, relative to the folder in which the disk begins, and what is there."""
DATABASE = ("metadata.sqlite3", "metadata.sqlite3-wal")
NOT_OF_THE_DOOR = (*DATABASE, "metadata.sqlite3-shm", ".lock")


SHARED_MEMORY = Path("/dev/shm") if Path("/dev/shm").is_dir() else None
"""Where syncing costs nothing, for proofs that make thousands of directories; None: the usual place must do."""


@dataclass(eq=False)
class Inode:
    """A file whatever its name. `synced` survives for sure, `current` is what a reader sees now."""

    synced: bytes = b""
    current: bytes = b""

    def after_a_crash(self) -> list[bytes]:
        """Whole, as it was, nothing, zeros, the first half, the first half and zeros."""
        if self.current == self.synced:
            return [self.current]
        half, size = self.current[: len(self.current) // 2], len(self.current)
        return list(dict.fromkeys([self.current, self.synced, b"", bytes(size), half, half + bytes(size - len(half))]))


@dataclass(frozen=True)
class Reach:
    """Which combinations of unsynced entries are tried: all, of up to `all_of`. Of more: every prefix and suffix, each
    entry alone missing, and alone there."""

    all_of: int

    def subsets(self, count: int) -> Iterator[tuple[bool, ...]]:
        if count <= self.all_of:
            yield from itertools.product((True, False), repeat=count)
            return
        for at in range(count + 1):
            yield tuple(n < at for n in range(count))
            yield tuple(n >= at for n in range(count))
            yield tuple(n == at for n in range(count))
            yield tuple(n != at for n in range(count))


@dataclass
class Disk:
    """Paths are relative to where the disk begins; that folder itself lasts."""

    lasting: dict[str, Inode | None] = field(default_factory=dict)
    pending: list[tuple[str, Inode | None, bool]] = field(default_factory=list)
    """Entries not synced: path, what it names (None: a directory), and whether it is there or gone."""
    database: dict[str, bytes] = field(default_factory=dict)
    half_committed: dict[str, bytes] | None = None
    """The database with the transaction that comes next half in its log."""

    def enter(self, path: str, inode: Inode | None) -> None:
        self.pending.append((path, inode, True))

    def remove(self, path: str) -> None:
        self.pending.append((path, None, False))

    def sync_dir(self, path: str) -> None:
        here = [update for update in self.pending if _parent(update[0]) == path]
        self.pending = [update for update in self.pending if update not in here]
        _apply(self.lasting, here)

    def look(self, path: str) -> Inode:
        """The file a path names now."""
        seen = dict(self.lasting)
        _apply(seen, self.pending)
        found = seen[path]
        assert found is not None, path
        return found

    @staticmethod
    def of(base: Path) -> Disk:
        """A disk that holds what a folder holds, all of it synced."""
        files = {path.relative_to(base).as_posix(): path for path in sorted(base.rglob("*"))}
        contents = {at: None if path.is_dir() else path.read_bytes() for at, path in files.items()}
        lasting = {at: None if data is None else Inode(data, data) for at, data in contents.items()}
        return Disk({at: inode for at, inode in lasting.items() if Path(at).name not in NOT_OF_THE_DOOR})

    def crashes(self, reach: Reach) -> Iterator[State]:
        """Everything that may be left if the power goes now."""
        for kept in reach.subsets(len(self.pending)):
            entries = dict(self.lasting)
            _apply(entries, itertools.compress(self.pending, kept))
            there = {path: inode for path, inode in entries.items() if _reachable(path, entries)}
            for contents in _contents(there):
                for database in (self.database, self.half_committed):
                    if database is not None:
                        files = {p: data for p, data in database.items() if _reachable(p, entries)}
                        yield frozenset({**contents, **files}.items())


def _apply(entries: dict[str, Inode | None], updates: Iterable[tuple[str, Inode | None, bool]]) -> None:
    for path, inode, there in updates:
        if there:
            entries[path] = inode
        else:
            entries.pop(path, None)


def _parent(path: str) -> str:
    return path.rpartition("/")[0]


def _reachable(path: str, entries: dict[str, Inode | None]) -> bool:
    parent = _parent(path)
    return not parent or (parent in entries and entries[parent] is None and _reachable(parent, entries))


def _contents(there: dict[str, Inode | None]) -> Iterator[dict[str, Content]]:
    """The entries with each unsynced file in each of its conditions, the others whole; and all of them empty."""
    whole: dict[str, Content] = {path: None if inode is None else inode.current for path, inode in there.items()}
    loose = [(path, inode.after_a_crash()) for path, inode in there.items() if inode is not None]
    loose = [(path, left) for path, left in loose if len(left) > 1]
    yield whole
    for path, left in loose:
        for data in left[1:]:
            yield {**whole, path: data}
    if len(loose) > 1:
        yield {**whole, **{path: b"" for path, _ in loose}}


def lay_out(state: State, base: Path) -> None:
    """Make what a crash left. Files get times in the order of their names: generations are told in order of time."""
    for at, (path, content) in enumerate(sorted(state, key=lambda entry: entry[0])):
        target = base / path
        if content is None:
            target.mkdir(parents=True)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
            os.utime(target, (1_700_000_000 + at, 1_700_000_000 + at))


class RecordingDoor(FileSystem):
    """The real file system below `base`, with the disk model beside it. After every operation `seen` is called."""

    def __init__(self, base: Path, seen: Callable[[], None] = lambda: None) -> None:
        self.base, self.seen, self.disk = base, seen, Disk.of(base)
        self.operations: list[str] = []
        self._open: dict[int, Inode] = {}
        self._stop: tuple[int, BaseException] | None = None

    @contextlib.contextmanager
    def stopped(self, after: int, by: BaseException) -> Iterator[None]:
        """So many operations work, then comes `by`: an OSError once, a `Death` for good."""
        self._stop = len(self.operations) + after, by
        try:
            yield
        finally:
            self._stop = None

    def _begin(self, name: str, path: Path | None = None) -> None:
        if self._stop is not None and len(self.operations) >= self._stop[0]:
            error = self._stop[1]
            if not isinstance(error, Death):
                self._stop = None
            raise error
        self.watch_database()
        self.operations.append(f"{name} {path.name}" if path else name)

    def _at(self, path: Path) -> str:
        relative = path.relative_to(self.base).as_posix()
        return "" if relative == "." else relative

    def watch_database(self) -> None:
        """Take SQLite's files if they are others than before: a commit ended."""
        found = {self._at(path): path.read_bytes() for name in DATABASE for path in self.base.glob(f"*/{name}")}
        if found == self.disk.database:
            return
        self.disk.half_committed = _half_way(self.disk.database, found)
        if self.disk.half_committed:
            self.seen()
        self.disk.database, self.disk.half_committed = found, None
        self.operations.append("commit")
        self.seen()

    def make_dir(self, path: Path) -> None:
        self._begin("make_dir", path)
        super().make_dir(path)
        self.disk.enter(self._at(path), None)
        self.seen()

    def open_new(self, path: Path) -> int:
        self._begin("open_new", path)
        fd = super().open_new(path)
        self._open[fd] = Inode()
        self.disk.enter(self._at(path), self._open[fd])
        self.seen()
        return fd

    def write(self, fd: int, data: memoryview) -> int:
        self._begin("write")
        taken = super().write(fd, data)
        self._open[fd].current += bytes(data[:taken])
        self.seen()
        return taken

    def sync(self, fd: int) -> None:
        self._begin("sync")
        self._open[fd].synced = self._open[fd].current
        self.seen()

    def close(self, fd: int) -> None:
        self._open.pop(fd)
        super().close(fd)

    def replace(self, source: Path, target: Path) -> None:
        self._begin("replace", target)
        moved = self.disk.look(self._at(source))
        super().replace(source, target)
        self.disk.enter(self._at(target), moved)
        self.disk.remove(self._at(source))
        self.seen()

    def sync_dir(self, path: Path) -> None:
        self._begin("sync_dir", path)
        if path.is_relative_to(self.base):  # what is above lasts anyway
            self.disk.sync_dir(self._at(path))
        self.seen()

    def unlink(self, path: Path) -> None:
        self._begin("unlink", path)
        super().unlink(path)
        self.disk.remove(self._at(path))
        self.seen()

    def read(self, path: Path) -> bytes:
        self._begin("read", path)
        return super().read(path)


def _half_way(old: dict[str, bytes], new: dict[str, bytes]) -> dict[str, bytes] | None:
    """A commit that only wrote to the log, cut off in the middle of what it wrote; None for any other change."""
    grown = [path for path, data in new.items() if data != old.get(path)]
    if old.keys() != new.keys() or len(grown) != 1 or not grown[0].endswith("-wal"):
        return None
    before, now = old[grown[0]], new[grown[0]]
    return {**new, grown[0]: now[: (len(before) + len(now)) // 2]} if now.startswith(before) else None
