"""A bundle: one small file that takes a store from one manifest to another, with the changed slots only.

`header | sections | CRC-32`. Whoever applies it checks the digest of every chunk before and after; the CRC only says
sooner that a file was damaged on its way. Specified in `docs/publishing.md`.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cimis_engine.errors import IntegrityError, UsageError
from cimis_engine.model.batch import RecordBatch
from cimis_engine.model.items import Interval
from cimis_engine.publish import manifest as manifests
from cimis_engine.publish.manifest import FormatVersionError, PublishedChunk
from cimis_engine.publish.patch import SOURCE_BYTES, Draft, Patch, draft
from cimis_engine.publish.section import MAX_CHUNKS, MAX_COST, cost, decode_section, encode_section
from cimis_engine.publish.sign import signature
from cimis_engine.publish.tree import SIGNATURE, Published, TreeError, read_bounded
from cimis_engine.store.atomic import FileSystem, stage
from cimis_engine.store.content import INTERVAL_CODE
from cimis_engine.store.wire import ChunkError, Cursor

MAGIC = b"\x89CIMIB\r\n"
VERSION = 1
MAX_BUNDLE = 256 << 20
"""No bundle is larger; past that, whole chunks of the tree are the better way."""
TARGET_BYTES = 32
_NEW = bytes(SOURCE_BYTES)
_HEAD = struct.Struct("<8sH32s32sI")
_SECTION = struct.Struct("<BHII")
_CRC = struct.Struct("<I")
_INTERVAL = {code: interval for interval, code in INTERVAL_CODE.items()}


class BundleError(IntegrityError):
    """A bundle is not what it must be: `path`, `what`, and where in the file (`offset`)."""

    def __init__(self, path: Path, what: str, offset: int) -> None:
        super().__init__(
            f"{path}, byte {offset}: not a sound bundle: {what}", hint="nothing was changed; fetch the bundle again"
        )
        self.path, self.what, self.offset = path, what, offset


class BundleFileError(UsageError):
    """A bundle cannot be read from, or written to, `path`."""

    def __init__(self, path: Path, what: str, hint: str) -> None:
        super().__init__(f"{path}: {what}", hint=hint)
        self.path, self.what = path, what


class NoBundleError(UsageError):
    """No bundle can lead from one manifest to the other."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"no bundle leads there: {what}", hint="a bundle adds and changes records; take the new tree's chunks whole"
        )
        self.what = what


@dataclass(frozen=True, slots=True)
class Section:
    """Patches of one interval, still compressed. `size` is what the frame claims to hold, `offset` its place."""

    interval: Interval
    size: int
    targets: tuple[bytes, ...]
    sources: tuple[bytes | None, ...]
    frame: bytes
    offset: int


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle file whose frames are whole. The manifests' digests (hex) say which states it leads from and to."""

    path: Path
    from_manifest: str
    to_manifest: str
    sections: tuple[Section, ...]

    @property
    def chunks(self) -> int:
        return sum(len(s.targets) for s in self.sections)

    def patches(self) -> Iterator[Patch]:
        """Every patch, a section in memory at a time. Raises `BundleError`."""
        last = (-1, 0, 0)
        for section in self.sections:
            at = Cursor(b"", self.path, base=section.offset)
            try:
                found = decode_section(
                    section.frame, section.size, section.interval, section.targets, section.sources, at
                )
            except ChunkError as error:
                raise BundleError(self.path, error.what, error.offset) from error
            for patch in found:
                if manifests.order(patch.key) <= last:
                    raise BundleError(self.path, "sections out of order", section.offset)
                last = manifests.order(patch.key)
                yield patch


@dataclass(frozen=True, slots=True)
class Bundled:
    """A bundle file's bytes and what is in them: chunks, slots by what happened to them; `digests` and `frames` are the
    bytes taken by digests and by all else that depends on the change."""

    data: bytes
    chunks: int
    added: int
    changed: int
    removed: int
    digests: int
    frames: int


def make_bundle(old: Published, new: Published) -> Bundled:
    """What leads from one published state to another. The chunks that changed are read from either tree.

    Raises `NoBundleError`, and `TreeError` or `StoreReadError` for a chunk that cannot be read.
    """
    had, has = old.manifest.by_key(), new.manifest.by_key()
    if gone := sorted(had.keys() - has.keys(), key=manifests.order):
        raise NoBundleError(f"{had[gone[0]].name} is not in the new manifest")
    parts: list[bytes] = []
    chunks = added = changed = removed = digests = frames = 0
    for drafts in _sections(old, new, had):
        patches = [d.patch for d in drafts]
        frame, size = encode_section(drafts)
        head = _SECTION.pack(INTERVAL_CODE[patches[0].interval], len(patches), size, len(frame))
        named = b"".join(p.target for p in patches) + b"".join(p.source or _NEW for p in patches)
        parts += [head, named, frame]
        chunks += len(patches)
        added += sum(p.fresh.count for p in patches)
        changed += sum(p.other.count for p in patches)
        removed += sum(last - first + 1 for p in patches for first, last in p.removed)
        digests, frames = digests + len(named), frames + len(frame)
    header = _HEAD.pack(MAGIC, VERSION, bytes.fromhex(old.digest), bytes.fromhex(new.digest), len(parts) // 3)
    data = header + b"".join(parts)
    if len(data) + _CRC.size > MAX_BUNDLE:
        raise NoBundleError(f"it would have {len(data)} bytes, at most {MAX_BUNDLE} are taken")
    return Bundled(data + _CRC.pack(zlib.crc32(data)), chunks, added, changed, removed, digests, frames)


def _sections(
    old: Published, new: Published, had: dict[tuple[int, Interval, int], PublishedChunk]
) -> Iterator[list[Draft]]:
    """The drafts of all changed chunks, in order, as many together as a section may hold."""
    held: list[Draft] = []
    weight = 0
    for told in new.manifest.chunks:
        before = had.get(told.key)
        if before is not None and before.digest == told.digest:
            continue
        one = _draft(old, new, before, told)
        full = len(held) == MAX_CHUNKS or weight + cost(one.patch) > MAX_COST
        if held and (full or held[0].patch.interval is not told.interval):
            yield held
            held, weight = [], 0
        held.append(one)
        weight += cost(one.patch)
    if held:
        yield held


def _draft(old: Published, new: Published, before: PublishedChunk | None, told: PublishedChunk) -> Draft:
    if before is not None and before.units is not told.units:
        raise NoBundleError(
            f"{told.name} is in {told.units.standard} units now, and was in {before.units.standard} ones"
        )
    batch = _records(told, new, old)
    held = _records(before, old, new) if before else None
    source = bytes.fromhex(before.digest)[:SOURCE_BYTES] if before else None
    return draft(held, batch, source, bytes.fromhex(told.digest))


def _records(told: PublishedChunk, *where: Published) -> RecordBatch:
    for place in where:
        batch = place.tree.chunk(told)
        if batch is not None:
            return batch
    raise TreeError(where[0].tree.path(manifests.artifact_path(told.artifact_digest)), "is not in the tree")


def read_bundle(data: bytes, path: Path) -> Bundle:
    """The envelope of a bundle file: sizes that agree, every byte under the CRC; no frame is opened.

    Raises `BundleError`, `FormatVersionError`.
    """
    try:
        return _read(Cursor(data, path), data, path)
    except ChunkError as error:
        raise BundleError(path, error.what, error.offset) from error


def _read(cursor: Cursor, data: bytes, path: Path) -> Bundle:
    magic, version, old, new, count = cursor.unpack(_HEAD, "header")
    if magic != MAGIC:
        raise BundleError(path, "wrong magic", 0)
    if version != VERSION:
        raise FormatVersionError(path, version, VERSION)
    if zlib.crc32(data[: -_CRC.size]) != _CRC.unpack(data[-_CRC.size :])[0]:
        raise BundleError(path, "damaged: it does not match its CRC", len(data) - _CRC.size)
    sections = []
    for _ in range(min(count, len(data))):
        code, chunks, size, frame_size = cursor.unpack(_SECTION, "section head")
        interval = _INTERVAL.get(code)
        if interval is None or not 0 < chunks <= MAX_CHUNKS:
            raise cursor.error(f"impossible section: interval {code}, {chunks} chunks")
        targets = [cursor.take(TARGET_BYTES, "target digests") for _ in range(chunks)]
        sources = [cursor.take(SOURCE_BYTES, "source digests") for _ in range(chunks)]
        at = cursor.at
        frame = cursor.take(frame_size, "frame")
        named = tuple(None if s == _NEW else s for s in sources)
        sections.append(Section(interval, size, tuple(targets), named, frame, at))
    cursor.take(_CRC.size, "CRC")
    cursor.end("the CRC")
    return Bundle(path, old.hex(), new.hex(), tuple(sections))


def load_bundle(fs: FileSystem, path: Path) -> bytes:
    """A bundle file's bytes. Raises `BundleFileError`, `TreeError` for what is too large, `StoreReadError`."""
    data = read_bounded(fs, path, MAX_BUNDLE)
    if data is None:
        raise BundleFileError(path, "no such file", "make one with `cimis bundle`")
    return data


def write_bundle(fs: FileSystem, path: Path, data: bytes, key: Ed25519PrivateKey | None) -> None:
    """Write a bundle whole or not at all, and its signature before it. Raises `BundleFileError`, `StoreWriteError`."""
    path = path.absolute()
    if not path.parent.is_dir() or path.is_dir():
        raise BundleFileError(path, "no file can be written there", "name a file in a folder that exists")
    beside = path.with_name(path.name + SIGNATURE)
    if key is None and beside.exists():
        raise BundleFileError(path, f"an older signature lies beside it: {beside.name}", "delete it, or give --sign")
    files = [(beside, signature(key, data))] if key else []
    for file, content in (*files, (path, data)):
        stage(fs, file, content, {path.parent}).commit()
