"""Migration: the same records in another format, and back.

A station at a time: its chunks are written in the other format, each read back and compared by content digest, then
take their places together, with one sync of their directory and one transaction. What was there is kept in `.gen` until
`cimis gc`. There is no record of how far a migration came: what is not yet in the format is what is left to do, so an
interrupted one resumes by being started again. Readers notice nothing: any mixture of formats says the same.
"""

from __future__ import annotations

import contextlib
import hashlib
import statistics
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cimis_engine.errors import CimisError, IntegrityError
from cimis_engine.model.batch import RecordBatch
from cimis_engine.model.items import Interval
from cimis_engine.store import gate, generations, paths
from cimis_engine.store.chunk import Block, ChunkInfo, EncodedChunk, decode_part, read_header
from cimis_engine.store.content import raw_bytes
from cimis_engine.store.formats import Format, format_of
from cimis_engine.store.paths import Key
from cimis_engine.store.store import SameContent, Store, StoreReadError
from cimis_engine.store.wire import ChunkError

_TIMED = 40
"""Chunks whose reading is timed: enough for a median, spread over the store."""
_REPEATS = 3
_CODECS = {format.codec for format in Format}
_WEEK = {Interval.DAILY: 7, Interval.HOURLY: 7 * 24}


@dataclass(frozen=True, slots=True)
class Baseline:
    """What must not change with the format, and what is meant to. Read from the files, not from the catalog.

    `content` is one digest over the content digests of all chunks. Times are medians in milliseconds over some chunks,
    files in the page cache: a whole chunk read and decoded, and the blocks of a week; None where there is no chunk.
    """

    chunks: int
    records: int
    content: str
    stored_bytes: int
    formats: dict[str, int]
    year_ms: float | None
    week_ms: float | None


@dataclass(frozen=True, slots=True)
class Switched:
    """One station. `error`: it was not switched (or, where a rename failed, in part: the content is the same).

    Bytes of the chunks concerned.
    """

    station: int
    chunks: int
    bytes_before: int
    bytes_after: int
    error: CimisError | None = None


class ContentChangedError(IntegrityError):
    """The store's content is not what it was before formats were switched. Cannot happen; is checked all the same."""

    def __init__(self, before: Baseline, after: Baseline) -> None:
        super().__init__(
            f"{before.records} records with digest {before.content[:12]} became {after.records} with "
            f"{after.content[:12]}",
            hint="`cimis rollback` puts the former files back; please report this",
        )
        self.before, self.after = before, after


def capture(store: Store, stations: Collection[int] | None = None) -> Baseline:
    """The store as it is on disk; chunks that cannot be read are left out. Decodes only what it times."""
    content = hashlib.sha256()
    formats: dict[str, int] = {}
    found: list[Path] = []
    records = stored = 0
    for path, data, info in _headers(store, stations):
        content.update(f"{info.station} {info.interval} {info.year} {info.digest}\n".encode())
        name = f"v{info.codec}"
        formats[name] = formats.get(name, 0) + 1
        records, stored = records + info.records, stored + len(data)
        found.append(path)
    timed = found[:: -(-len(found) // _TIMED) or 1]
    return Baseline(
        chunks=len(found),
        records=records,
        content=content.hexdigest(),
        stored_bytes=stored,
        formats=dict(sorted(formats.items())),
        year_ms=_median_ms(store, timed, lambda info: info.blocks),
        week_ms=_median_ms(store, timed, _week),
    )


def _headers(store: Store, stations: Collection[int] | None) -> Iterator[tuple[Path, bytes, ChunkInfo]]:
    """The chunks that can say what they are. Damaged ones are `verify`'s business."""
    for path, _ in store.chunks(stations):
        with contextlib.suppress(ChunkError, OSError):
            data = store.fs.read(path)
            yield path, data, read_header(data, path)


def _week(info: ChunkInfo) -> Sequence[Block]:
    """The blocks that hold any of the seven days in the middle of the chunk."""
    middle = (info.blocks[0].first + info.blocks[-1].last) // 2
    found = [b for b in info.blocks if b.last >= middle and b.first < middle + _WEEK[info.interval]]
    return found or info.blocks[:1]


def _median_ms(store: Store, chunks: Sequence[Path], blocks: Callable[[ChunkInfo], Sequence[Block]]) -> float | None:
    """The median over some chunks of the best of a few reads: of a busy machine, the best is the least untrue."""

    def once(path: Path) -> float:
        began = store.clock.monotonic()
        data = store.fs.read(path)
        info = read_header(data, path)
        decode_part(data, info, blocks(info), path)
        return (store.clock.monotonic() - began) * 1000

    times = []
    for path in chunks:
        with contextlib.suppress(ChunkError, OSError):
            times.append(min(once(path) for _ in range(_REPEATS)))
    return statistics.median(times) if times else None


def not_in(store: Store, format: Format, stations: Collection[int] | None = None) -> dict[int, list[Key]]:
    """The chunks that are in another format, by station, ascending. One that cannot be read counts as such."""
    found: dict[int, list[Key]] = {}
    for path, key in store.chunks(stations):
        try:
            done = read_header(store.fs.read(path), path).codec == format.codec
        except (ChunkError, OSError):
            done = False
        if not done:
            found.setdefault(key[0], []).append(key)
    return found


def adopt_switched(store: Store, stations: Collection[int] | None = None) -> None:
    """Tell the catalog of chunks that took their places before it could be told: one that was cut off between the two
    leaves them, and as they are in the format already, nothing else would come to them. Hold the store's lock.

    Raises `StoreWriteError`, `DatabaseError`. Damaged chunks are left as they are.
    """
    for path, key in store.chunks(stations):
        with contextlib.suppress(ChunkError, StoreReadError, OSError):
            known, data = store.entry(*key), store.fs.read(path)
            if known is None or (known.codec, known.stored_bytes) != (read_header(data, path).codec, len(data)):
                store.adopt(path, key)


def migrate_station(store: Store, station: int, keys: Sequence[Key], to: Format) -> Switched:
    """Write a station's chunks in a format. Hold the store's lock; errors of this station are told, not raised."""

    def encoder(path: Path) -> Callable[[RecordBatch, bytes], EncodedChunk]:
        return lambda whole, digest: gate.encode(whole, digest, to, path)

    return _switch(store, station, {key: (to, encoder(store.path(*key))) for key in keys})


def former_artifacts(store: Store, stations: Collection[int] | None = None) -> dict[int, dict[Key, Path]]:
    """Of chunks by station: the newest artifact in `.gen` that holds the same content in another format."""
    found: dict[int, dict[Key, Path]] = {}
    for path, key in store.chunks(stations):
        with contextlib.suppress(ChunkError, OSError):
            now = read_header(store.fs.read(path), path)
            for kept in reversed(generations.kept(store.root, key)):
                named = paths.parse_generation_path(store.root, kept)
                if named is None or not now.digest.startswith(named[1]):
                    continue
                then = read_header(store.fs.read(kept), kept)
                if then.digest == now.digest and then.codec in _CODECS - {now.codec}:
                    found.setdefault(key[0], {})[key] = kept
                    break
    return found


def roll_back_station(store: Store, station: int, artifacts: Mapping[Key, Path]) -> Switched:
    """Put former artifacts back, taking them out of `.gen`: one step back, so that a second time does not go forth.

    What they replace is not kept; it says the same, and `migrate_station` makes it again. As that one.
    """
    chunks: dict[Key, SameContent] = {}
    for key, path in artifacts.items():
        try:
            data = store.fs.read(path)
            info = read_header(data, path)
        except OSError as error:
            return Switched(station, len(artifacts), 0, 0, StoreReadError(path, error))
        except ChunkError as error:
            return Switched(station, len(artifacts), 0, 0, error)
        raw = raw_bytes(info.records, len(info.items))
        same = EncodedChunk(data, info.digest, info.records, info.nulls, raw)
        chunks[key] = (format_of(info.codec), _already(same))
    done = _switch(store, station, chunks, keep=False)
    if done.error is None:
        with contextlib.suppress(OSError):  # one that stays is in the format of its chunk: `gc` removes it
            for path in artifacts.values():
                store.fs.unlink(path)
    return done


def _already(encoded: EncodedChunk) -> Callable[[RecordBatch, bytes], EncodedChunk]:
    return lambda _whole, _digest: encoded


def _switch(store: Store, station: int, chunks: Mapping[Key, SameContent], *, keep: bool = True) -> Switched:
    before = sum(store.path(*key).stat().st_size for key in chunks)
    try:
        written = store.switch(chunks, keep=keep)
    except CimisError as error:
        return Switched(station, len(chunks), before, before, error)
    return Switched(station, len(chunks), before, sum(w.stored_bytes for w in written))
