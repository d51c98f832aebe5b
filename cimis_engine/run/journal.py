"""The journal: a run's events in a file, one JSON object a line, appended and never changed.

One writer, any number of readers. A line counts once its newline is there; a torn last line is as if never written.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Self

import msgspec

from cimis_engine.clock import Clock
from cimis_engine.errors import CimisError
from cimis_engine.json_schema import DRAFT, components
from cimis_engine.run.events import KINDS, VERSION, Event, Stamped, decode, encode

BLOCK = 4 << 20
_TAIL_BYTES = 64 * 1024


class JournalError(CimisError):
    """The journal cannot be written: a full disk, a lost folder. `path` and the system's `reason` say which."""

    def __init__(self, path: Path, reason: OSError) -> None:
        super().__init__(
            f"cannot write the journal {path}: {reason.strerror or reason}",
            hint="free some space on that disk, then run the same command again: it resumes",
        )
        self.path, self.reason = path, reason


class JournalWriter:
    """Stamps events with the next sequence number and the clock's time, appends each as one line, then calls `tee`.

    An existing journal is continued: its torn last line is cut off and numbering goes on. When a write fails nothing
    of that line stays, the number is not used up, `tee` is not called, and the writer may be used again.
    Not for use from two threads. Raises `JournalError` on opening and writing.
    """

    def __init__(self, path: Path, clock: Clock, *, tee: Iterable[Callable[[Stamped], object]] = ()) -> None:
        self.path = path
        self._clock = clock
        self._tee = tuple(tee)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise JournalError(path, error) from error
        try:
            self.seq, self._size = _last(path)
            os.ftruncate(self._fd, self._size)
        except OSError as error:
            os.close(self._fd)
            raise JournalError(path, error) from error

    def emit(self, event: Event) -> Stamped:
        """Append one event; what is returned is on its line in the file already."""
        stamped = Stamped(self.seq + 1, self._clock.time(), event)
        line = memoryview(encode(stamped))
        size = len(line)
        try:
            while line:
                line = line[os.write(self._fd, line) :]
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, self._size)
            raise JournalError(self.path, error) from error
        self.seq, self._size = stamped.seq, self._size + size
        for call in self._tee:
            call(stamped)
        return stamped

    def close(self) -> None:
        """Flush to the disk and close. Raises `JournalError`."""
        try:
            os.fsync(self._fd)
        except OSError as error:
            raise JournalError(self.path, error) from error
        finally:
            os.close(self._fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _last(path: Path) -> tuple[int, int]:
    """The last sequence number of a journal and the length of its whole lines."""
    reader = JournalReader(path)
    while reader.read_new():
        pass
    return reader.seq, reader.offset


class JournalReader:
    """Follows a journal. It keeps an offset, not half a line, so a torn end may also be cut off and written anew.

    `seq` is the last number read, kinds unknown here included; `damaged` counts whole lines that are not an event.
    """

    def __init__(self, path: Path, *, offset: int = 0, block: int = BLOCK) -> None:
        """Reads from the line that begins at byte `offset` on, about `block` bytes at once."""
        self.path = path
        self.offset = offset
        self._block = block
        self.seq = 0
        self.damaged = 0

    def read_new(self) -> list[Stamped]:
        """Events since the last call, at most about a block of lines at once; empty when there is nothing new (yet).

        A file that does not exist yet has no events. Raises `OSError` for one that cannot be read.
        """
        found: list[Stamped] = []
        while not found:
            lines = self._lines()
            if not lines:
                break
            for line in lines:
                self._take(line, found)
        return found

    def _lines(self) -> list[bytes]:
        try:
            file = self.path.open("rb")
        except FileNotFoundError:
            return []
        with file:
            file.seek(self.offset)
            data = file.read(self._block)
            end = data.rfind(b"\n") + 1
            while not end and len(data) % self._block == 0 and (more := file.read(self._block)):
                data += more
                end = data.rfind(b"\n") + 1
        self.offset += end
        return data[:end].splitlines()

    def _take(self, line: bytes, found: list[Stamped]) -> None:
        try:
            stamped = decode(line)
            self.seq = stamped.seq if stamped is not None else msgspec.json.decode(line, type=_Numbered).seq
        except (msgspec.MsgspecError, UnicodeDecodeError):
            self.damaged += 1
            return
        if stamped is not None:
            found.append(stamped)


class _Numbered(msgspec.Struct):
    seq: int


def events_of(path: Path) -> Iterator[Stamped]:
    """Every known event of a journal, one after the other. Raises `OSError`, also when the file does not exist."""
    path.stat()
    reader = JournalReader(path)
    while new := reader.read_new():
        yield from new


def read_all(path: Path) -> list[Stamped]:
    """As `events_of`, in a list."""
    return list(events_of(path))


def ends_of(path: Path) -> tuple[Stamped | None, Stamped | None]:
    """First and last event of a journal, without reading what is between; None where there is none."""
    try:
        with path.open("rb") as file:
            head = file.readline()
            file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
            tail = file.read().split(b"\n")[:-1]
    except OSError:
        return None, None
    events = (_event(line) for line in (*reversed(tail), head))
    return _event(head), next((event for event in events if event), None)


def _event(line: bytes) -> Stamped | None:
    try:
        return decode(line)
    except ValueError:  # a torn line, or the middle of one; msgspec's errors are ValueErrors
        return None


def event_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a journal line, from the event types: what `event.schema.json` holds."""
    refs, defs = components(KINDS.values())
    envelope: dict[str, Any] = {
        "v": {"const": VERSION},
        "seq": {"type": "integer", "minimum": 1},
        "t": {"type": "number", "description": "Unix seconds"},
    }
    for cls in KINDS.values():
        body = defs[cls.__name__]
        body["properties"] = {**envelope, **body["properties"]}
        body["required"] = [*envelope, *body["required"]]
    return {
        "$schema": DRAFT,
        "title": "A line of a run's journal",
        "description": "Readers skip kinds and fields they do not know.",
        "oneOf": refs,
        "$defs": defs,
    }
