"""The one door to the disk for chunk writes: a reader sees the old file or the new one, whole, whatever happens.

temp in the same directory (`O_CREAT|O_EXCL|O_NOFOLLOW`) → write → fsync → read back and check → replace → fsync of the
directory, and of the parent of every directory not known to be durable. After an fsync error the temp is deleted and
never synced again: the kernel may have dropped its pages. Promised on Linux and macOS (there with `F_FULLFSYNC`).
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from cimis_engine.errors import CimisError
from cimis_engine.store.paths import temp_name

_HINTS = {
    errno.ENOSPC: "the disk is full: free some space and run the same command again",
    errno.EDQUOT: "the disk quota is used up: free some space and run the same command again",
    errno.EIO: "the disk reports an input/output error: check it before trusting it with more data",
    errno.EROFS: "the file system is read-only: remount it, or name another place",
    errno.EACCES: "no permission to write there: check its owner, or name another place",
    errno.ENOENT: "name a place where files can be made",
    errno.ENOTDIR: "name a place where files can be made",
}
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_ELSEWHERE = frozenset({errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP})


def disk_exit_code(error: OSError) -> int:
    """5 where there is no room, 2 where the caller named a place that will not do, 1 where the disk itself failed."""
    return 5 if error.errno in _FULL else 2 if error.errno in _ELSEWHERE else 1


class StoreWriteError(CimisError):
    """Writing failed at `operation` on `path` with `errno`. What was stored before is untouched, unless `replaced`:
    then the new file is in place, whole, but may not survive a power cut; writing it again settles that."""

    def __init__(self, path: Path, operation: str, error: OSError, *, replaced: bool = False) -> None:
        reason = error.strerror or str(error)
        super().__init__(
            f"could not {operation} {path}: {reason}", hint=_HINTS.get(error.errno or 0, "run the same command again")
        )
        self.path, self.operation, self.errno, self.replaced = path, operation, error.errno, replaced
        self.exit_code = disk_exit_code(error)


class FileSystem:
    """The operations the protocol is made of. Tests put a failing one in its place."""

    def writable(self, path: Path) -> bool:
        """Whether this process may write there; not on a disk that is mounted read-only, even for root."""
        return os.access(path, os.W_OK)

    def make_dir(self, path: Path) -> None:
        path.mkdir()

    def open_new(self, path: Path) -> int:
        """A descriptor of a file that did not exist before."""
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)

    def write(self, fd: int, data: memoryview) -> int:
        """How many bytes were taken: fewer than offered on a disk that is filling up."""
        return os.write(fd, data)

    def sync(self, fd: int) -> None:
        if sys.platform == "darwin":
            fcntl.fcntl(fd, fcntl.F_FULLFSYNC)
        else:
            os.fsync(fd)

    def close(self, fd: int) -> None:
        os.close(fd)

    def open(self, path: Path) -> int:
        """A descriptor to read from; a symbolic link in the file's place is an error."""
        return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)

    def stat(self, fd: int) -> os.stat_result:
        return os.fstat(fd)

    def read_at(self, fd: int, size: int, offset: int) -> bytes:
        """Fewer bytes than asked for only where the file ends, or once in a while."""
        return os.pread(fd, size, offset)

    def read(self, path: Path) -> bytes:
        """A whole file; a symbolic link in its place is an error."""
        with os.fdopen(self.open(path), "rb") as file:
            return file.read()

    def replace(self, source: Path, target: Path) -> None:
        os.replace(source, target)

    def sync_dir(self, path: Path) -> None:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self.sync(fd)
        finally:
            os.close(fd)

    def unlink(self, path: Path) -> None:
        path.unlink()


class Staged:
    """A temp file. `write` it, `verify` it, then `commit` it; each deletes it if it fails."""

    def __init__(self, fs: FileSystem, path: Path, temp: Path, durable: set[Path]) -> None:
        self._fs, self.path, self.temp, self._durable = fs, path, temp, durable

    def write(self, data: bytes) -> None:
        """Fill the temp and sync it. Raises `StoreWriteError`."""
        with self._discarding("write"):
            fd = self._fs.open_new(self.temp)
            try:
                _write_all(self._fs, fd, data)
                self._fs.sync(fd)
            finally:
                self._fs.close(fd)

    def verify(self, check: Callable[[bytes], None]) -> None:
        """Read the temp back and pass its bytes to `check`. Raises what `check` raises, and `StoreWriteError`."""
        with self._discarding("read back"):
            check(self._fs.read(self.temp))

    def commit(self) -> None:
        """Put the temp in the place of `path`, durably. Raises `StoreWriteError`."""
        self.replace()
        settle(self._fs, [self.path], self._durable)

    def replace(self) -> None:
        """Put the temp in the place of `path`; `settle` makes that last. Raises `StoreWriteError`."""
        with self._discarding("replace"):
            self._fs.replace(self.temp, self.path)

    def discard(self) -> None:
        # A temp that cannot be deleted now is swept by the next holder of the store's lock.
        with contextlib.suppress(OSError):
            self._fs.unlink(self.temp)

    @contextlib.contextmanager
    def _discarding(self, operation: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.discard()
            raise StoreWriteError(self.path, operation, error) from error
        except BaseException:
            self.discard()
            raise


def stage(fs: FileSystem, path: Path, data: bytes, durable: set[Path]) -> Staged:
    """Write `data` to a new temp beside `path` and sync it. Raises `StoreWriteError`; the temp is gone then.

    `durable` holds the directories whose own entries are known to be on disk, and grows: the first commit of a process
    into a directory syncs its parent too, for an earlier process may have died between making and syncing it.
    """
    make_dirs(fs, path.parent)
    staged = Staged(fs, path, path.with_name(temp_name(path.name, os.getpid(), secrets.token_hex(6))), durable)
    staged.write(data)
    return staged


def settle(fs: FileSystem, replaced: Iterable[Path], durable: set[Path]) -> None:
    """Make replaced files last: each of their directories is synced once, however many they are.

    Raises `StoreWriteError` with `replaced`. `durable`: see `stage`.
    """
    for directory, path in {path.parent: path for path in replaced}.items():
        try:
            fs.sync_dir(directory)
            for made in _not_in(durable, directory):
                fs.sync_dir(made.parent)
                durable.add(made)
        except OSError as error:
            raise StoreWriteError(path, "sync the directory of", error, replaced=True) from error


def _write_all(fs: FileSystem, fd: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        taken = fs.write(fd, rest)
        if taken <= 0:
            raise OSError(errno.EIO, "the disk took no bytes")
        rest = rest[taken:]


def make_dirs(fs: FileSystem, path: Path) -> None:
    """Make what is missing of a path. Raises `StoreWriteError`."""
    for directory in _missing(path):
        with _making(directory), contextlib.suppress(FileExistsError):
            fs.make_dir(directory)


def make_dirs_durably(fs: FileSystem, path: Path) -> None:
    """Make what is missing of a path, each directory durable before anything is made in it. Raises `StoreWriteError`.

    So only the innermost one of those that are there may be of a process that died before it was durable: it is synced
    first, unless its parent may not be read, for then that process was not ours.
    """
    missing = _missing(path)
    there = missing[0].parent if missing else path
    with _making(there), contextlib.suppress(PermissionError):
        fs.sync_dir(there.parent)
    for directory in missing:
        with _making(directory):
            with contextlib.suppress(FileExistsError):
                fs.make_dir(directory)
            fs.sync_dir(directory.parent)


def _missing(path: Path) -> list[Path]:
    """The directories of a path that are not there, outermost first."""
    missing: list[Path] = []
    while not path.is_dir():
        missing.append(path)
        path = path.parent
    return missing[::-1]


@contextlib.contextmanager
def _making(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreWriteError(directory, "make the directory", error) from error


def _not_in(durable: set[Path], directory: Path) -> Iterator[Path]:
    while directory not in durable and directory != directory.parent:
        yield directory
        directory = directory.parent
