"""A recorded run at any moment of it: the fold, with checkpoints along the journal to go back to.

A checkpoint is the whole folded state, packed (2 MB for 300 stations and forty years), with a byte of the journal to go
on from. Opening one and folding the rest of the way costs a fraction of a second wherever the moment lies. All are in a
temporary file without a name, so that memory does not grow with the journal.
"""

from __future__ import annotations

import contextlib
import gc
import io
import math
import os
import pickle
import tempfile
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import zstandard

from cimis_engine.heap import give_back
from cimis_engine.run.events import Resources, Stamped
from cimis_engine.run.journal import JournalReader, ends_of
from cimis_engine.run.state import RunState

CHECKPOINT_EVERY = 6_000
"""Events between two checkpoints: folding them takes some 0.15 s, packing one 0.06 s, unpacking it 0.03 s."""
CHECKPOINT_BYTES = 192 << 20
"""Of disk, all checkpoints together; when they are more, every other one goes and the next lie twice as far apart."""
_BLOCK = 256 * 1024
_TRAIL = 4096


@dataclass(frozen=True, slots=True)
class Moment:
    """Where to stop: after the last event at or before Unix time `t` and at or before `seq`."""

    t: float = math.inf
    seq: float = math.inf

    def allows(self, stamped: Stamped) -> bool:
        return stamped.t <= self.t and stamped.seq <= self.seq


class Head:
    """A fold in the midst of a journal, which is read on from byte `offset`.

    `trail`: the sequence numbers it passed last, but for the engine's word once a second.
    """

    def __init__(self, journal: Path, state: RunState | None = None, offset: int = 0) -> None:
        self.state = state or RunState()
        self.trail: deque[int] = deque(maxlen=_TRAIL)
        self._reader = JournalReader(journal, offset=offset, block=_BLOCK)
        self._waiting: deque[Stamped] = deque()
        self._block = offset

    def next(self) -> Stamped | None:
        """The event that comes next; None at the end. Raises `OSError`."""
        while not self._waiting:
            self._block = self._reader.offset
            new = self._reader.read_new()
            if not new:
                return None
            self._waiting.extend(stamped for stamped in new if stamped.seq > self.state.seq)
        return self._waiting[0]

    def run(self, until: Moment, limit: int) -> int:
        """Fold at most `limit` events that `until` allows; how many that was. Raises `OSError`."""
        some: list[Stamped] = []
        try:
            while len(some) < limit and (stamped := self.next()) is not None and until.allows(stamped):
                some.append(self._waiting.popleft())
        finally:  # what was read counts, though no more can be
            self.state.apply_all(some)
            self.trail.extend(stamped.seq for stamped in some if not isinstance(stamped.event, Resources))
        return len(some)

    @property
    def offset(self) -> int:
        """A byte to go on from: that of the block the next event is in. What it holds of events folded is skipped."""
        return self._block


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A packed state: after event `seq` at Unix time `t`; the journal goes on in the block at byte `offset`.

    Packed, it is `length` bytes at `place` of the timeline's file; the start of the journal needs none.
    """

    seq: int
    t: float
    offset: int
    place: int = 0
    length: int = 0


class Timeline:
    """A journal and the checkpoints of it known so far. Not for use from two threads.

    `first` and `last` are its ends as they were when it was opened, None for a journal without an event.
    """

    def __init__(self, journal: Path, *, every: int = CHECKPOINT_EVERY, budget: int = CHECKPOINT_BYTES) -> None:
        self.journal = journal
        self.first, self.last = ends_of(journal)
        self._every, self._budget = every, budget
        self._kept = [Checkpoint(0, -math.inf, 0)]
        self._file: IO[bytes] | None = None  # made with the first checkpoint
        self._end = 0

    def close(self) -> None:
        """Give up the checkpoints."""
        if self._file is not None:
            self._file.close()

    @property
    def size(self) -> int:
        """Bytes of all checkpoints."""
        return sum(each.length for each in self._kept)

    @property
    def known(self) -> int:
        """The sequence number of the last checkpoint: up to here any moment is near."""
        return self._kept[-1].seq

    @property
    def complete(self) -> bool:
        """Whether no further checkpoint is to come."""
        return self.last is None or self.last.seq - self.known < self._every

    def nearest(self, until: Moment) -> Checkpoint:
        """The last checkpoint before a moment."""
        at = bisect_right(self._kept, until.t, key=lambda c: c.t)
        return self._kept[max(0, min(at, bisect_right(self._kept, until.seq, key=lambda c: float(c.seq))) - 1)]

    def open(self, checkpoint: Checkpoint) -> Head:
        """A fold that goes on from a checkpoint."""
        if self._file is None or not checkpoint.length:
            return Head(self.journal)
        packed = os.pread(self._file.fileno(), checkpoint.length, checkpoint.place)
        return Head(self.journal, _unpack(packed), checkpoint.offset)

    def note(self, head: Head) -> None:
        """Keep a checkpoint of a fold that has come far enough beyond the last one; one there is no room for is not
        kept, and the way to the moments behind it is longer."""
        if head.state.seq < self.known + self._every:
            return
        state = head.state
        packed = _pack(state)
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  closed by `close`
            _write_all(self._file.fileno(), packed, self._end)
        except OSError:
            self._every *= 2
            return
        self._kept.append(Checkpoint(state.seq, state.now, head.offset, self._end, len(packed)))
        self._end += len(packed)
        while self.size > self._budget and len(self._kept) > 2:
            self._kept = self._kept[:1] + self._kept[2::2]
            self._every *= 2
        give_back()


def _write_all(fd: int, data: bytes, place: int) -> None:
    rest = memoryview(data)
    while rest:
        written = os.pwrite(fd, rest, place)
        rest, place = rest[written:], place + written


def _pack(state: RunState) -> bytes:
    """Part by part: the whole at once takes as much memory again as the state, and tears holes into the heap."""
    packed = io.BytesIO()
    with zstandard.ZstdCompressor(level=1).stream_writer(packed, closefd=False) as pieces:
        for part in state.parts():
            pickle.dump(part, pieces, pickle.HIGHEST_PROTOCOL)
    return packed.getvalue()


def _parts(pieces: IO[bytes]) -> Iterator[Any]:
    with contextlib.suppress(EOFError):
        while True:
            yield pickle.load(pieces)


def _unpack(packed: bytes) -> RunState:
    """What `_pack` packed, in this process: nothing else is ever unpickled.

    Without the collector, which would walk the new objects again and again and take half of the time.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        with zstandard.ZstdDecompressor().stream_reader(packed) as pieces:
            return RunState.put_together(_parts(io.BufferedReader(pieces)))
    finally:
        if collecting:
            gc.enable()
