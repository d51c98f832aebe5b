"""Generations: what a chunk was before is kept beside it, as `.gen/YYYY_INTERVAL.DIGEST8.FORMAT.zst`.

That is: its content before the agency revised it, and the same content in another format (`migrate`).

Order, for a chunk whose content was revised: the old bytes are copied into `.gen` and made durable, then the new chunk
takes their place, then catalog and revisions are committed in one transaction. So, wherever a crash falls:

* before the replace: the copy is of what is still current. Harmless; the next revision writes it again.
* between replace and commit: the catalog still names the digest of the chunk that was replaced, and `.gen` holds it.
  Whoever brings the catalog up to the disk (`Store._adopt`, `rebuild`) asks `unrecorded` and commits what it says
  together with the entry. The revisions are never ahead of the disk, and never lost.

Content that was merely extended is not kept: all of it is in the new chunk, so nothing could be learned from it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from cimis_engine.model.batch import RecordBatch
from cimis_engine.store import paths
from cimis_engine.store.atomic import FileSystem, stage
from cimis_engine.store.chunk import decode_as, read_header
from cimis_engine.store.formats import Format
from cimis_engine.store.paths import Key
from cimis_engine.store.revisions import Superseded, changes_between
from cimis_engine.store.wire import ChunkError


def keep(fs: FileSystem, root: Path, key: Key, digest: str, format: Format, data: bytes, durable: set[Path]) -> Path:
    """Copy a chunk's bytes into `.gen`, durably; one of the same digest and format is replaced.

    Raises `StoreWriteError`.

    A copy and not a link: it goes through the one protocol that is proved, and works on every file system.
    """
    path = paths.generation_path(root, key, digest, format)
    put_aside(fs, path, data, durable)
    return path


def put_aside(fs: FileSystem, path: Path, data: bytes, durable: set[Path]) -> None:
    """Bytes as they are, durably. Raises `StoreWriteError`."""
    staged = stage(fs, path, data, durable)
    staged.verify(lambda read: _same(read, data, path))
    staged.commit()


def _same(read: bytes, written: bytes, path: Path) -> None:
    if read != written:
        raise ChunkError("the disk returned other bytes than were written", 0, path)


def kept(root: Path, key: Key) -> list[Path]:
    """The generation files of a chunk, in the order they were put aside."""
    name = paths.chunk_path(root, *key).stem
    found = paths.generations_dir(root, key[0]).glob(f"{name}.*.zst")
    ours = [p for p in found if paths.parse_generation_path(root, p)]
    return sorted(ours, key=lambda p: (p.stat().st_mtime_ns, p.name))


def counts(root: Path) -> Counter[Key]:
    """How many generation files every chunk has."""
    found = (paths.parse_generation_path(root, path) for path in paths.stations_dir(root).glob("*/.gen/*.zst"))
    return Counter(named[0] for named in found if named)


def read_generation(fs: FileSystem, path: Path, key: Key, digest8: str) -> tuple[RecordBatch, str]:
    """A generation's records and its digest, every checksum and the name checked. Raises `ChunkError`, OSError."""
    data = fs.read(path)
    batch, digest = decode_as(data, path, key), read_header(data, path).digest
    if not digest.startswith(digest8):
        raise ChunkError(f"its content has digest {digest[:8]}: not what its name says", 0, path)
    return batch, digest


def unrecorded(
    fs: FileSystem, root: Path, current: RecordBatch, *, known: str | None, recorded: bool
) -> tuple[Superseded, ...]:
    """The revisions on disk that the tables do not know: what a crash between replace and commit left, or all of them
    where the database was lost.

    `known` is the digest of the catalog's entry (None: there is none), `recorded` whether the tables know any
    generation of this chunk. They were seen when the generation was put aside. A generation that cannot be read is
    passed over: `verify` reports it.
    """
    key = (current.station, current.interval, current.year)
    if known is None and recorded:
        return ()
    chain = list(_readable(fs, root, key, known))
    found = []
    for n, (batch, digest, put_aside) in enumerate(chain, 1):
        successor = chain[n][0] if n < len(chain) else current
        if batch.units is successor.units and (changes := changes_between(batch, successor)):
            found.append(Superseded(key, batch.units, digest, changes, put_aside, None))
    return tuple(found)


def _readable(fs: FileSystem, root: Path, key: Key, digest: str | None) -> Iterator[tuple[RecordBatch, str, float]]:
    """Batch, digest and modification time of a chunk's generations, or of the one with a digest."""
    for path in kept(root, key):
        named = paths.parse_generation_path(root, path)
        if named is None or (digest is not None and not digest.startswith(named[1])):
            continue
        try:
            batch, full = read_generation(fs, path, key, named[1])
        except (ChunkError, OSError):
            continue
        if digest in (None, full):
            yield batch, full, path.stat().st_mtime
