"""Publish a store as a static tree: immutable chunks named by their digest, and one manifest, which is replaced last.

Order: chunks, durably → the manifest there was, kept as `manifests/GENERATION.json` → signature, good for that manifest
and the next → `manifest.json`. Wherever it stops, the manifest in place names only what is there, whole.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cimis_engine.errors import UsageError
from cimis_engine.publish import manifest as manifests
from cimis_engine.publish import sign
from cimis_engine.publish.manifest import Manifest, PublishedChunk
from cimis_engine.publish.tree import EARLIER, MANIFEST, SIGNATURE, Published, Tree, TreeError, open_published
from cimis_engine.store import lock, paths
from cimis_engine.store.atomic import StoreWriteError, make_dirs_durably, settle, stage
from cimis_engine.store.catalog import entry_of
from cimis_engine.store.chunk import MAX_CHUNK, decode_as
from cimis_engine.store.paths import Key
from cimis_engine.store.store import MissingChunkError, Store

Step = Callable[[int, int], None]


class NothingToPublishError(UsageError):
    """The store has no chunk of what was asked for."""

    def __init__(self, root: Path) -> None:
        super().__init__(f"nothing to publish in {root}", hint="see what is stored with `cimis stats`")
        self.root = root


class SignedTreeError(UsageError):
    """The tree at `root` is signed, and the new manifest would not be."""

    def __init__(self, root: Path) -> None:
        super().__init__(
            f"{root} is signed: an unsigned manifest would be refused by its readers",
            hint="give --sign KEYFILE, or publish into another folder",
        )
        self.root = root


@dataclass(frozen=True, slots=True)
class Publication:
    """What is published now. `copied` chunks (`copied_bytes`) were not in the tree before; `changed` is False if the
    manifest stood already."""

    manifest: Path
    digest: str
    generation: int
    chunks: int
    bytes: int
    changed: bool
    copied: int
    copied_bytes: int
    signed: bool


def publish(
    store: Store,
    root: Path,
    *,
    stations: Iterable[int] = (),
    key: Ed25519PrivateKey | None = None,
    step: Step = lambda done, total: None,
) -> Publication:
    """Make the tree at `root` show the store (or some stations of it). A second time writes nothing.

    `step` is told after each chunk: how many are done, how many there are.

    Every chunk is read and compared with its digest. Raises `NothingToPublishError`, `SignedTreeError`, `ChunkError`,
    `MissingChunkError` and `StoreReadError` for the store's chunks, `TreeError`, `ManifestError` and
    `FormatVersionError` for what is in the tree, `StoreWriteError`, `StoreLockedError` (another publisher). The
    manifest in place stays valid whatever happens.
    """
    wanted = frozenset(stations)
    keys = [k for k in _keys(store) if not wanted or k[0] in wanted]
    if not keys:
        raise NothingToPublishError(store.root)
    if Store.exists(root):
        raise UsageError(
            f"{root} is a data directory", hint="publish into a folder of its own: all of it may be served"
        )
    publisher = _Publisher(store, root.absolute())
    with publisher.alone():
        publisher.sweep()
        return publisher.publish(keys, key, step)


def _keys(store: Store) -> list[Key]:
    """Every chunk that is there or should be: one that the catalog alone knows must not vanish in silence."""
    on_disk = {key for path in store.files() if (key := paths.parse_chunk_path(store.root, path))}
    return sorted(on_disk | {entry.key for entry in store.catalog.entries()}, key=manifests.order)


class _Publisher:
    def __init__(self, store: Store, root: Path) -> None:
        self._store, self._fs, self._clock = store, store.fs, store.clock
        make_dirs_durably(self._fs, root)
        self.tree, self._durable = Tree(root, self._fs), {root}

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Be the only publisher of this tree. Raises `StoreLockedError`, `StoreWriteError`."""
        with contextlib.ExitStack() as held:
            try:
                held.enter_context(lock.exclusive(self.tree.root))
            except OSError as error:
                raise StoreWriteError(self.tree.root, "publish into", error) from error
            yield

    def sweep(self) -> None:
        """Delete what a publisher that died left half written; the lock is held."""
        for temp in [p for where in ("", "chunks/*/", "manifests/") for p in self.tree.root.glob(f"{where}.*.tmp")]:
            if paths.is_temp(temp):
                with contextlib.suppress(OSError):
                    self._fs.unlink(temp)

    def publish(self, keys: list[Key], key: Ed25519PrivateKey | None, step: Step) -> Publication:
        current = self._current()
        signatures = self.tree.read(MANIFEST + SIGNATURE, sign.MAX_SIGNATURES)
        chunks, copied = self._copy(keys, current, step)
        manifest = self._next(current, chunks)
        data = current.data if current and manifest is current.manifest else manifests.encode(manifest)
        if len(data) > manifests.MAX_MANIFEST:
            raise UsageError(
                f"a manifest of {len(chunks)} chunks would be too large", hint="publish fewer --stations into a folder"
            )
        changed = current is None or data != current.data
        if changed:
            manifests.decode(
                data, self.tree.root / MANIFEST
            )  # what no reader would take must not take the old one's place
        if key is None and signatures is not None and changed:
            raise SignedTreeError(self.tree.root)
        if changed and current is not None:
            self._put(f"{EARLIER}/{current.manifest.generation}.json", current.data)
            if signatures is not None:
                self._put(f"{EARLIER}/{current.manifest.generation}.json{SIGNATURE}", signatures)
        if key is not None:
            self._sign(key, data, current, signatures)
        if changed:
            self._put(MANIFEST, data)
        return Publication(
            manifest=self.tree.root / MANIFEST,
            digest=manifests.digest_of(data),
            generation=manifest.generation,
            chunks=len(chunks),
            bytes=sum(c.size for c in chunks),
            changed=changed,
            copied=len(copied),
            copied_bytes=sum(copied),
            signed=key is not None or signatures is not None,
        )

    def _current(self) -> Published | None:
        path = self.tree.path(MANIFEST)
        return open_published(path, self._fs) if path.exists() else None

    def _next(self, current: Published | None, chunks: tuple[PublishedChunk, ...]) -> Manifest:
        if current is not None and current.manifest.chunks == chunks:
            return current.manifest
        generation, previous = (current.manifest.generation + 1, current.digest) if current else (1, None)
        created = manifests.stamp(self._clock.time())
        return Manifest(manifests.SCHEMA_VERSION, generation, previous, created, chunks)

    def _copy(
        self, keys: list[Key], current: Published | None, step: Step
    ) -> tuple[tuple[PublishedChunk, ...], list[int]]:
        """Every chunk in the tree, durably; what each is, and the sizes of those that were not there."""
        named = {c.artifact_digest for c in current.manifest.chunks} if current else set[str]()
        chunks, copied, settled = list[PublishedChunk](), list[int](), list[Path]()
        for told, data in self._chunks(keys):
            chunks.append(told)
            step(len(chunks), len(keys))
            if self._held(told.path) != data:
                staged = stage(self._fs, self.tree.path(told.path), data, self._durable)
                staged.verify(_same_as(data, staged.path))
                staged.replace()
                copied.append(told.size)
            elif told.artifact_digest in named:
                continue
            # One that lies there unnamed may be a dead publisher's, whose folder was never synced.
            settled.append(self.tree.path(told.path))
        settle(self._fs, settled, self._durable)
        return tuple(chunks), copied

    def _held(self, relative: str) -> bytes | None:
        """What lies in a chunk's place; a file too large to be one is replaced like any other damage."""
        path = self.tree.path(relative)
        return None if path.is_file() and path.stat().st_size > MAX_CHUNK else self.tree.read(relative, MAX_CHUNK)

    def _chunks(self, keys: list[Key]) -> Iterator[tuple[PublishedChunk, bytes]]:
        """The store's chunks and their bytes. Where the catalog does not name these very bytes, they are decoded."""
        for key in keys:
            path = self._store.path(*key)
            data = self._store.chunk_bytes(path)
            if data is None:
                raise MissingChunkError(path)
            entry = self._store.catalog.get(*key)
            if entry is None or entry.artifact_digest != hashlib.sha256(data).hexdigest():
                entry = entry_of(data, decode_as(data, path, key), path, self._clock.time())
            yield manifests.published(entry), data

    def _sign(self, key: Ed25519PrivateKey, data: bytes, current: Published | None, signatures: bytes | None) -> None:
        """Sign the next manifest, and the one in place for as long as it stays there."""
        lines = [sign.signature(key, data)]
        if current is not None and current.data != data:
            lines.append(sign.signature(key, current.data))
        if signatures is None or not sign.signed(key.public_key(), data, signatures):
            self._put(MANIFEST + SIGNATURE, b"".join(lines))

    def _put(self, relative: str, data: bytes) -> None:
        staged = stage(self._fs, self.tree.path(relative), data, self._durable)
        staged.verify(_same_as(data, staged.path))
        staged.commit()


def _same_as(written: bytes, path: Path) -> Callable[[bytes], None]:
    def check(read: bytes) -> None:
        if read != written:
            raise TreeError(path, "the disk returned other bytes than were written")

    return check
