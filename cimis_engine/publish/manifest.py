"""The manifest of a published tree: which chunks there are, and what each holds. Bytes to facts and back; pure.

Everything in it is text from a stranger until `decode` has looked at it: sizes, counts and order are checked, a path
is taken only if it is the one that the chunk's digest gives. `docs/publishing.md` specifies it.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from itertools import pairwise
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from cimis_engine.errors import IntegrityError, UsageError
from cimis_engine.json_schema import DRAFT, components
from cimis_engine.model.batch import Covered, union_covered
from cimis_engine.model.items import Interval, UnitSystem
from cimis_engine.model.period import moment_of, slots_in_year
from cimis_engine.model.station import MAX_STATION
from cimis_engine.store.catalog import ChunkEntry
from cimis_engine.store.chunk import MAX_CHUNK
from cimis_engine.store.content import INTERVAL_CODE
from cimis_engine.store.paths import Key

SCHEMA_VERSION = "1.0"
MAX_MANIFEST = 16 << 20
"""No manifest is larger. The whole network since 1982, daily and hourly, is about 15,000 chunks and 6 MB."""

_MOST_SLOTS = 8784
Hex = Annotated[str, Meta(pattern="^[0-9a-f]{64}$", max_length=64)]
Day = Annotated[str, Meta(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$", max_length=10)]
Slot = Annotated[int, Meta(ge=1, le=_MOST_SLOTS)]
Mask = Annotated[int, Meta(ge=1, le=(1 << 32) - 1)]
Covers = Annotated[tuple[tuple[Slot, Slot, Mask], ...], Meta(max_length=_MOST_SLOTS)]


class ManifestError(IntegrityError):
    """A manifest is not what it must be. `what` says how, `where` which file."""

    def __init__(self, what: str, where: object) -> None:
        super().__init__(
            f"{where}: not a sound manifest: {what}",
            hint="nothing was taken by it; fetch it again, or ask its publisher",
        )
        self.what, self.where = what, where


class FormatVersionError(UsageError):
    """`where` was written in a format version (`found`) that this program does not know (`known`)."""

    def __init__(self, where: object, found: object, known: object) -> None:
        super().__init__(
            f"{where}: format version {found}, this program knows {known}", hint="use a newer version of this program"
        )
        self.where, self.found, self.known = where, found, known


class PublishedChunk(msgspec.Struct, frozen=True, gc=False):
    """One chunk of the tree. `digest` is of the content, `artifact_digest` SHA-256 of the file's bytes, both hex.

    `first_date` and `last_date` are of the records, null where there are none; `covered` is what was asked for: first
    slot, last slot, mask of item codes.
    """

    station: Annotated[int, Meta(ge=1, le=MAX_STATION)]
    interval: Interval
    year: Annotated[int, Meta(ge=1, le=9999)]
    units: UnitSystem
    digest: Hex
    artifact_digest: Hex
    path: Annotated[str, Meta(max_length=78)]
    size: Annotated[int, Meta(ge=1, le=MAX_CHUNK)]
    records: Annotated[int, Meta(ge=0, le=_MOST_SLOTS)]
    first_date: Day | None
    last_date: Day | None
    covered: Covers

    @property
    def key(self) -> Key:
        return self.station, self.interval, self.year

    @property
    def name(self) -> str:
        """For a message: `station 002, daily 2024`."""
        return f"station {self.station:03d}, {self.interval.value} {self.year}"


class Manifest(msgspec.Struct, frozen=True):
    """`generation` counts from 1, `previous` is the digest (SHA-256 of the file, hex) of the manifest before."""

    schema_version: Annotated[str, Meta(pattern=r"^1\.[0-9]{1,4}$", max_length=6)]
    generation: Annotated[int, Meta(ge=1, le=(1 << 53) - 1)]
    previous: Hex | None
    created: Annotated[str, Meta(pattern="^[0-9T:-]{19}Z$", max_length=20)]
    chunks: tuple[PublishedChunk, ...]

    def by_key(self) -> dict[Key, PublishedChunk]:
        return {chunk.key: chunk for chunk in self.chunks}


class _Version(msgspec.Struct):
    schema_version: Annotated[str, Meta(max_length=20)]


def order(key: Key) -> tuple[int, int, int]:
    """The order of chunks in manifests and bundles: interval (daily first), station, year."""
    station, interval, year = key
    return INTERVAL_CODE[interval], station, year


def artifact_path(artifact_digest: str) -> str:
    """Where a chunk stands in the tree: the only path `decode` accepts for it."""
    return f"chunks/{artifact_digest[:2]}/{artifact_digest}.zst"


def published(entry: ChunkEntry) -> PublishedChunk:
    """What a manifest says of a chunk."""
    edges = (entry.first_slot, entry.last_slot) if entry.records else ()
    first, last = (str(moment_of(entry.interval, entry.year, slot)[0]) for slot in edges) if edges else (None, None)
    return PublishedChunk(
        station=entry.station,
        interval=entry.interval,
        year=entry.year,
        units=entry.units,
        digest=entry.digest,
        artifact_digest=entry.artifact_digest,
        path=artifact_path(entry.artifact_digest),
        size=entry.stored_bytes,
        records=entry.records,
        first_date=first,
        last_date=last,
        covered=tuple((c.first, c.last, c.mask) for c in entry.covered),
    )


def digest_of(data: bytes) -> str:
    """A manifest's own digest: SHA-256 of its bytes, hex."""
    return hashlib.sha256(data).hexdigest()


def encode(manifest: Manifest) -> bytes:
    """A manifest file: JSON, a chunk a line. Same manifest, same bytes."""
    head = msgspec.structs.replace(manifest, chunks=())
    lines = b",\n".join(msgspec.json.encode(chunk) for chunk in manifest.chunks)
    return msgspec.json.encode(head).removesuffix(b"[]}") + b"[\n" + lines + b"\n]}\n"


def stamp(unix: float) -> str:
    """A Unix time as a manifest's `created`."""
    return datetime.fromtimestamp(int(unix), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def decode(data: bytes, where: object) -> Manifest:
    """A manifest from bytes that may lie. `where` is for messages. Raises `ManifestError`, `FormatVersionError`."""
    if len(data) > MAX_MANIFEST:
        raise ManifestError(f"{len(data)} bytes, at most {MAX_MANIFEST} are taken", where)
    try:
        version = msgspec.json.decode(data, type=_Version).schema_version
        if not version.startswith("1."):
            raise FormatVersionError(where, repr(version), SCHEMA_VERSION)
        manifest = msgspec.json.decode(data, type=Manifest)
    except RecursionError:
        raise ManifestError("nested too deeply", where) from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ManifestError(str(error), where) from None
    for before, chunk in pairwise(manifest.chunks):
        if order(before.key) >= order(chunk.key):
            raise ManifestError(f"{chunk.name} stands twice or out of order", where)
    for chunk in manifest.chunks:
        if what := _wrong(chunk):
            raise ManifestError(f"{chunk.name}: {what}", where)
    return manifest


def _wrong(chunk: PublishedChunk) -> str | None:
    """What cannot be of a chunk's facts. That they are true, only its bytes can show."""
    if chunk.path != artifact_path(chunk.artifact_digest):
        return f"path {chunk.path!r} is not {artifact_path(chunk.artifact_digest)!r}"
    size = slots_in_year(chunk.interval, chunk.year)
    covered = tuple(Covered(*c) for c in chunk.covered)
    if any(c.first > c.last or c.last > size for c in covered) or chunk.records > size:
        return "more slots than the year has"
    canonical = union_covered(chunk.interval, chunk.year, covered) == covered
    return None if canonical else "coverage is not ascending and joined"


def manifest_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a manifest, from its types: what `manifest.schema.json` holds."""
    _, defs = components([Manifest])
    top = defs.pop("Manifest")
    return {
        "$schema": DRAFT,
        **top,
        "title": "The manifest of a published tree of CIMIS chunks",
        "description": "Readers skip fields they do not know. Chunks ascend by interval, station and year.",
        "$defs": defs,
    }
