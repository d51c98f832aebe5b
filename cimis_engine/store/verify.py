"""Integrity: read everything, compare disk and catalog both ways; make the catalog anew from the files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from cimis_engine.store import paths
from cimis_engine.store.catalog import ChunkEntry, entry_of
from cimis_engine.store.chunk import decode_as
from cimis_engine.store.store import Store, StoreReadError
from cimis_engine.store.wire import ChunkError


class Kind(StrEnum):
    """What `verify` may find. Only the first two mean that data is lost."""

    DAMAGED = "damaged"
    MISSING_FILE = "missing-file"
    UNCATALOGUED = "uncatalogued"
    """A sound chunk that the catalog does not know, or knows otherwise: `cimis rebuild` settles it."""
    STRAY = "stray"
    """Not a file of the store's."""
    STALE_TEMP = "stale-temp"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong; `what` in words."""

    kind: Kind
    path: Path
    what: str


@dataclass(slots=True)
class VerifyReport:
    """`chunks` were read, `ok` of them are sound and as catalogued; `records` and `bytes` are of all sound ones."""

    chunks: int = 0
    ok: int = 0
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
    def sound(self) -> bool:
        """No stored record is lost. Strays, temps and a lagging catalog are untidy, not unsound."""
        return not self.damaged and not self.missing_files


@dataclass(frozen=True, slots=True)
class RebuildReport:
    """`chunks` are in the catalog now; `damaged` files were left out of it."""

    chunks: int
    damaged: tuple[Finding, ...]


def _files(store: Store) -> Iterator[Path]:
    return (p for p in sorted(paths.stations_dir(store.root).rglob("*")) if p.is_symlink() or not p.is_dir())


def _load(store: Store, path: Path, key: paths.Key) -> ChunkEntry | Finding:
    """Read one chunk file whole: its entry if every checksum holds, else the finding."""
    try:
        data = store.chunk_bytes(path)
        if data is None:
            return Finding(Kind.MISSING_FILE, path, "deleted while it was being verified")
        decode_as(data, path, key)
        return entry_of(data, path, path.stat().st_mtime)
    except (ChunkError, StoreReadError) as error:
        return Finding(Kind.DAMAGED, path, error.what if isinstance(error, ChunkError) else str(error))


def verify(store: Store) -> VerifyReport:
    """Read every file under `stations` and compare it with its checksums and with the catalog, both ways."""
    report = VerifyReport()
    catalogued = {store.path(*e.key): e for e in store.catalog.entries()}
    for path in _files(store):
        key = paths.parse_chunk_path(store.root, path)
        if key is None:
            report.findings.append(_foreign(path))
            continue
        report.chunks += 1
        known = catalogued.pop(path, None)
        found = _load(store, path, key)
        if isinstance(found, Finding):
            report.findings.append(found)
            continue
        report.records += found.records
        report.bytes += found.stored_bytes
        if known is not None and known.artifact_digest == found.artifact_digest:
            report.ok += 1
        else:
            what = "not in the catalog" if known is None else "the catalog knows other bytes of it"
            report.findings.append(Finding(Kind.UNCATALOGUED, path, what))
    report.findings += [Finding(Kind.MISSING_FILE, path, "in the catalog, not on disk") for path in sorted(catalogued)]
    return report


def _foreign(path: Path) -> Finding:
    if paths.is_temp(path):
        return Finding(Kind.STALE_TEMP, path, "left by a writer that died, or of one at work")
    return Finding(Kind.STRAY, path, "not a chunk")


def rebuild(store: Store) -> RebuildReport:
    """Make the catalog anew from the files alone, in one transaction. Hold the store's lock."""
    entries: list[ChunkEntry] = []
    damaged: list[Finding] = []
    for path in _files(store):
        key = paths.parse_chunk_path(store.root, path)
        if key is not None:
            found = _load(store, path, key)
            if isinstance(found, ChunkEntry):
                entries.append(found)
            else:
                damaged.append(found)
    store.catalog.replace_all(entries)
    return RebuildReport(len(entries), tuple(damaged))
