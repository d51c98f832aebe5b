"""Integrity: every chunk and generation against its checksums, disk and catalog both ways, and what lies about."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from cimis_engine.model.batch import Covered
from cimis_engine.model.completeness import SlotRange
from cimis_engine.store import paths
from cimis_engine.store.catalog import ChunkEntry
from cimis_engine.store.chunk import ChunkInfo
from cimis_engine.store.damage import BadBlock, examine
from cimis_engine.store.paths import Key
from cimis_engine.store.store import Store, StoreReadError
from cimis_engine.store.wire import ChunkError, NewerFormatError

Step = Callable[[int, int], None]
"""Told after each file: how many are done, how many there are."""


class Kind(StrEnum):
    """What `verify` may find. The first three mean that something is lost, the fourth that nobody here can tell."""

    DAMAGED = "damaged"
    MISSING_FILE = "missing-file"
    DAMAGED_GENERATION = "damaged-generation"
    NEWER_FORMAT = "newer-format"
    UNCATALOGUED = "uncatalogued"
    """A sound chunk that the catalog does not know, or knows otherwise: `cimis rebuild` settles it."""
    SET_ASIDE = "set-aside"
    """A damaged chunk that a repair put aside: `cimis gc` removes it."""
    STRAY = "stray"
    """Not a file of the store's."""
    STALE_TEMP = "stale-temp"


LOSSES = frozenset({Kind.DAMAGED, Kind.MISSING_FILE, Kind.DAMAGED_GENERATION, Kind.NEWER_FORMAT})


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong; `what` in words. `key` where it is a chunk's.

    `lost` are the slots that cannot be read: of the bad blocks, or all that the chunk is known to have covered; empty
    where nothing is lost or nobody knows.
    """

    kind: Kind
    path: Path
    what: str
    key: Key | None = None
    lost: tuple[SlotRange, ...] = ()


@dataclass(slots=True)
class VerifyReport:
    """`chunks` were read, `ok` of them are sound and as catalogued; `records` and `bytes` are of all sound ones.

    `generations` are the sound earlier ones in `.gen`.
    """

    chunks: int = 0
    ok: int = 0
    generations: int = 0
    records: int = 0
    bytes: int = 0
    findings: list[Finding] = field(default_factory=list)

    def of(self, kind: Kind) -> list[Finding]:
        return [f for f in self.findings if f.kind is kind]

    @property
    def damaged(self) -> list[Finding]:
        return self.of(Kind.DAMAGED)

    @property
    def missing_files(self) -> list[Finding]:
        return self.of(Kind.MISSING_FILE)

    @property
    def uncatalogued(self) -> list[Finding]:
        return self.of(Kind.UNCATALOGUED)

    @property
    def stray(self) -> list[Finding]:
        return self.of(Kind.STRAY)

    @property
    def stale_temps(self) -> list[Finding]:
        return self.of(Kind.STALE_TEMP)

    @property
    def lost(self) -> list[Finding]:
        return [f for f in self.findings if f.kind in LOSSES]

    @property
    def sound(self) -> bool:
        """Nothing stored is lost, as far as this program can tell. All else is untidy, not unsound."""
        return not self.lost


def verify(
    store: Store, *, read_data: bool = False, stations: Collection[int] | None = None, step: Step | None = None
) -> VerifyReport:
    """Compare every file under `stations` with its checksums and with the catalog, both ways. Changes nothing.

    CRCs are always checked; with `read_data` every block is decoded, and compared with the content digest. `stations`:
    only these (None: all).
    """
    report = VerifyReport()
    wanted = None if stations is None else frozenset(stations)
    catalogued = [e for e in store.catalog.entries() if wanted is None or e.station in wanted]
    files = [p for p in store.files() if wanted is None or _station(store, p) in wanted]
    for done, _ in enumerate(walk(store, files, catalogued, report, read_data=read_data), 1):
        if step:
            step(done, len(files))
    return report


def walk(
    store: Store, files: Sequence[Path], catalogued: Iterable[ChunkEntry], report: VerifyReport, *, read_data: bool
) -> Iterator[Path]:
    """`verify` of some files and what the catalog has of them: each is in `report` when it is yielded.

    Whoever stops listening has a report of the files so far. What is catalogued and not there is told after the last.
    """
    known = {store.path(*entry.key): entry for entry in catalogued}
    for path in files:
        key = paths.parse_chunk_path(store.root, path)
        if key is None:
            finding = _beside(store, path, report, read_data)
        else:
            finding = _chunk(store, path, key, known.pop(path, None), report, read_data)
        report.findings += [finding] if finding else []
        yield path
    for path, entry in sorted(known.items()):
        what = "in the catalog, not on disk"
        report.findings.append(Finding(Kind.MISSING_FILE, path, what, entry.key, _covered(entry.covered)))


def _station(store: Store, path: Path) -> int | None:
    name = path.relative_to(paths.stations_dir(store.root)).parts[0]
    return int(name) if name.isascii() and name.isdigit() else None


def _chunk(
    store: Store, path: Path, key: Key, known: ChunkEntry | None, report: VerifyReport, decode: bool
) -> Finding | None:
    report.chunks += 1
    try:
        data, info, bad = _examined(store, path, key, decode)
    except NewerFormatError as error:
        return Finding(Kind.NEWER_FORMAT, path, error.what, key)
    except (ChunkError, StoreReadError) as error:
        return Finding(Kind.DAMAGED, path, _what(error), key, _covered(known.covered if known else ()))
    if bad:
        return Finding(Kind.DAMAGED, path, told(bad, info), key, tuple(b.slots for b in bad))
    report.records += info.records
    report.bytes += len(data)
    artifact = hashlib.sha256(data).hexdigest()
    if known is None or known.artifact_digest != artifact:
        known = store.catalog.get(*key)  # a writer at work may have told the catalog since
    if known is not None and known.artifact_digest == artifact:
        report.ok += 1
        return None
    what = "not in the catalog" if known is None else "the catalog knows other bytes of it"
    return Finding(Kind.UNCATALOGUED, path, what, key)


def _examined(store: Store, path: Path, key: Key, decode: bool) -> tuple[bytes, ChunkInfo, tuple[BadBlock, ...]]:
    try:
        data = store.fs.read(path)
    except OSError as error:
        raise StoreReadError(path, error) from error
    return data, *examine(data, path, key, decode=decode)


def _beside(store: Store, path: Path, report: VerifyReport, decode: bool) -> Finding | None:
    """A file that is no current chunk: an earlier generation, read as a chunk is; or something else."""
    if aside := paths.parse_aside_path(store.root, path):
        return Finding(Kind.SET_ASIDE, path, "a damaged chunk that a repair put aside", aside)
    named = paths.parse_generation_path(store.root, path)
    if named is None:
        return _foreign(path)
    key, digest8 = named
    try:
        _, info, bad = _examined(store, path, key, decode)
        if not bad and not info.digest.startswith(digest8):
            raise ChunkError(f"its content has digest {info.digest[:8]}: not what its name says", 0, path)
    except NewerFormatError as error:
        return Finding(Kind.NEWER_FORMAT, path, error.what, key)
    except (ChunkError, StoreReadError) as error:
        return Finding(Kind.DAMAGED_GENERATION, path, f"an earlier generation: {_what(error)}", key)
    if bad:
        return Finding(Kind.DAMAGED_GENERATION, path, f"an earlier generation: {told(bad, info)}", key)
    report.generations += 1
    return None


def told(bad: Collection[BadBlock], info: ChunkInfo) -> str:
    """`block 3 of 27 (byte 1204) does not match its CRC`."""
    return "; ".join(
        f"block {b.number} of {len(info.blocks)} (byte {b.block.offset}) "
        + (b.what.removeprefix("block ") if b.what.startswith("block ") else f"is damaged: {b.what}")
        for b in bad
    )


def _covered(covered: tuple[Covered, ...]) -> tuple[SlotRange, ...]:
    return tuple((c.first, c.last) for c in covered)


def _what(error: Exception) -> str:
    return f"{error.what} (byte {error.offset})" if isinstance(error, ChunkError) else str(error)


def _foreign(path: Path) -> Finding:
    if paths.is_temp(path):
        return Finding(Kind.STALE_TEMP, path, "left by a writer that died, or of one at work")
    return Finding(Kind.STRAY, path, "not a chunk")
