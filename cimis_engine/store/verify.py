"""Integrity: read everything, compare disk and catalog both ways."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from cimis_engine.store import paths
from cimis_engine.store.generations import read_generation
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
    def sound(self) -> bool:
        """No stored record is lost. Strays, temps and a lagging catalog are untidy, not unsound."""
        return not self.damaged and not self.missing_files


def verify(store: Store) -> VerifyReport:
    """Read every file under `stations` and compare it with its checksums and with the catalog, both ways."""
    report = VerifyReport()
    catalogued = {store.path(*e.key): e for e in store.catalog.entries()}
    for path in store.files():
        key = paths.parse_chunk_path(store.root, path)
        if key is None:
            finding = _generation(store, path, report)
            report.findings += [finding] if finding else []
            continue
        report.chunks += 1
        known = catalogued.pop(path, None)
        try:
            found, _ = store.load(path, key)
        except (ChunkError, StoreReadError) as error:
            report.findings.append(Finding(Kind.DAMAGED, path, _what(error)))
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


def _generation(store: Store, path: Path, report: VerifyReport) -> Finding | None:
    """An earlier generation, read as a chunk is; or something that is neither."""
    named = paths.parse_generation_path(store.root, path)
    if named is None:
        return _foreign(path)
    try:
        read_generation(store.fs, path, *named)
    except (ChunkError, OSError) as error:
        return Finding(Kind.DAMAGED, path, f"an earlier generation: {_what(error)}")
    report.generations += 1
    return None


def _what(error: Exception) -> str:
    return error.what if isinstance(error, ChunkError) else str(error)


def _foreign(path: Path) -> Finding:
    if paths.is_temp(path):
        return Finding(Kind.STALE_TEMP, path, "left by a writer that died, or of one at work")
    return Finding(Kind.STRAY, path, "not a chunk")
