"""One engine at a time on a data directory: `flock` on `<data-dir>/.lock`, which dies with its process."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from cimis_engine.errors import UsageError
from cimis_engine.store.atomic import StoreWriteError
from cimis_engine.store.paths import lock_path


class StoreLockedError(UsageError):
    """Another process works on this data directory. `pid` is None if it has not said who it is."""

    def __init__(self, root: Path, pid: int | None) -> None:
        holder = f"process {pid}" if pid else "another process"
        super().__init__(
            f"{root} is in use by {holder}",
            hint="wait for it to end, watch it with `cimis attach`, or use another --data-dir",
        )
        self.root, self.pid = root, pid


@contextlib.contextmanager
def exclusive(root: Path) -> Iterator[None]:
    """Hold the data directory. Raises `StoreLockedError` at once if someone else does, and `StoreWriteError`."""
    path = lock_path(root)
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise StoreWriteError(path, "open", error) from error
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            text = os.pread(fd, 20, 0).strip()
            raise StoreLockedError(root, int(text) if text.isdigit() else None) from None
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(fd)
