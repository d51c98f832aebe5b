"""Reading bytes that may lie: a bounds-checked cursor, and the one error a damaged chunk raises."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

from cimis_engine.errors import IntegrityError


class ChunkError(IntegrityError):
    """A chunk's bytes are not what they claim to be. `what` says how, `offset` where, `path` in which file if known."""

    def __init__(self, what: str, offset: int, path: Path | None = None) -> None:
        where = f"{path}, byte {offset}" if path else f"byte {offset}"
        super().__init__(
            f"damaged chunk ({where}): {what}",
            hint="`cimis verify` lists all damage; with --repair it keeps what is sound and fetches the rest",
        )
        self.what, self.offset, self.path = what, offset, path


class NewerFormatError(ChunkError):
    """A chunk that this program cannot read because another, newer one wrote it: nothing says that it is damaged."""

    def __init__(self, what: str, offset: int, path: Path | None = None) -> None:
        super().__init__(what, offset, path)
        self.hint = "a newer program wrote it: use that one"


class Cursor:
    """Takes fields off the front of `data`; nothing is read or allocated before its size has been checked.

    `base` is what error offsets count from, where `data` is a part of a file.
    """

    def __init__(self, data: bytes, path: Path | None = None, *, base: int = 0) -> None:
        self._data, self.path, self.base = data, path, base
        self.at = 0

    @property
    def left(self) -> int:
        return len(self._data) - self.at

    def error(self, what: str) -> ChunkError:
        return ChunkError(what, self.base + self.at, self.path)

    def take(self, size: int, name: str) -> bytes:
        if size > self.left:
            raise self.error(f"{name} needs {size} bytes, {self.left} are left")
        self.at += size
        return self._data[self.at - size : self.at]

    def peek(self, size: int) -> bytes:
        """At most `size` of the bytes that come next; they are not taken."""
        return self._data[self.at : self.at + size]

    def unpack(self, layout: struct.Struct, name: str) -> tuple[Any, ...]:
        return layout.unpack(self.take(layout.size, name))

    def byte(self, name: str) -> int:
        return self.take(1, name)[0]

    def end(self, name: str) -> None:
        if self.left:
            raise self.error(f"{self.left} bytes too many after {name}")
