"""A chunk on its way to its place: encoded, in a temp, read back, checked; then put there together with others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cimis_engine.clock import Clock
from cimis_engine.model.batch import RecordBatch
from cimis_engine.store import gate
from cimis_engine.store.atomic import FileSystem, Staged, StoreWriteError, settle, stage
from cimis_engine.store.catalog import ChunkEntry, entry_of
from cimis_engine.store.chunk import EncodedChunk
from cimis_engine.store.formats import Format
from cimis_engine.store.revisions import Superseded


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
class Ready:
    """A chunk that only has to take its place. `staged` None: it is there already. Seconds: encode, write, verify."""

    entry: ChunkEntry
    staged: Staged | None
    superseded: tuple[Superseded, ...] = ()
    seconds: tuple[float, float, float] = (0, 0, 0)

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


def make_ready(
    fs: FileSystem,
    clock: Clock,
    path: Path,
    whole: RecordBatch,
    encoded: EncodedChunk,
    format: Format,
    durable: set[Path],
) -> Ready:
    """Stage a chunk's bytes and pass them through the gate. Raises `StoreWriteError` and what `gate.check` raises.

    `whole` is canonical, and what the bytes must decode to. `durable`: see `atomic.stage`.
    """
    began = clock.monotonic()
    entry = entry_of(encoded.data, whole, path, clock.time())
    staged = stage(fs, path, encoded.data, durable)
    written_at = clock.monotonic()
    staged.verify(lambda data: gate.check(data, encoded, whole, format, path))
    return Ready(entry, staged, seconds=(0, written_at - began, clock.monotonic() - written_at))


def discard(ready: Sequence[Ready]) -> None:
    """Give up chunks that were not put in their places."""
    for one in ready:
        if one.staged is not None:
            one.staged.discard()


def put_in_place(fs: FileSystem, ready: Sequence[Ready], durable: set[Path]) -> None:
    """Replace, then make it last; the catalog is next. Raises `StoreWriteError`: those not replaced are discarded."""
    staged = [one.staged for one in ready if one.staged is not None]
    for at, chunk in enumerate(staged):
        try:
            chunk.replace()
        except StoreWriteError:
            for other in staged[at:]:
                other.discard()
            raise
    settle(fs, [chunk.path for chunk in staged], durable)
