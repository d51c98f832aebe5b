"""Write aside, then rename: whoever looks at the target sees what was there before, or all of what is there now."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from cimis_engine.errors import UsageError
from cimis_engine.store.atomic import StoreWriteError


class TargetExistsError(UsageError):
    """The folder to write is there already, and not empty: its files would be mixed with the new ones."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is there already", hint="name another, or move it away first")
        self.path = path


@contextlib.contextmanager
def aside(target: Path, *, folder: bool = False) -> Iterator[Path]:
    """A path beside `target` to make a file (or, with `folder`, a tree) at, which takes its place when all went well.

    A file that was there is replaced; a folder is not. Raises `TargetExistsError`, and `StoreWriteError` for what the
    disk refuses, also within.
    """
    if folder and target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise TargetExistsError(target)
    if not folder and target.is_dir():
        raise UsageError(f"{target} is a folder", hint="name a file, or add --hive")
    beside = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        (beside if folder else beside.parent).mkdir(parents=True, exist_ok=True)
        yield beside
        if not folder:
            with beside.open("rb+") as file:
                os.fsync(file.fileno())
        beside.replace(target)
    except OSError as error:
        # The words of pyarrow's errors name the file aside.
        plain = OSError(error.errno, os.strerror(error.errno)) if error.errno else error
        raise StoreWriteError(target, "write", plain) from error
    finally:
        if beside.is_dir():
            shutil.rmtree(beside, ignore_errors=True)
        else:
            beside.unlink(missing_ok=True)
