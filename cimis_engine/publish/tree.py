"""A published folder, read with suspicion: no link is followed inside, no size believed, no digest taken on trust."""

from __future__ import annotations

import hashlib
import stat
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from cimis_engine.errors import IntegrityError, UsageError
from cimis_engine.model.batch import RecordBatch
from cimis_engine.publish import manifest as manifests
from cimis_engine.publish import sign
from cimis_engine.publish.manifest import Manifest, PublishedChunk
from cimis_engine.store.atomic import FileSystem
from cimis_engine.store.catalog import entry_of
from cimis_engine.store.chunk import decode_as
from cimis_engine.store.store import StoreReadError
from cimis_engine.store.wire import ChunkError

MANIFEST = "manifest.json"
EARLIER = "manifests"
SIGNATURE = ".sig"


class TreeError(IntegrityError):
    """Something in a published tree is not what it must be: `path`, `what`."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(f"{path}: {what}", hint="nothing was taken from it; publish it again, or fetch it again")
        self.path, self.what = path, what


class NoManifestError(UsageError):
    """There is no manifest at `path`."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"no manifest at {path}", hint="name a folder that `cimis publish` made, or a manifest file")
        self.path = path


class Tree:
    """The folder at `root`, which may be a link itself: that is the caller's own affair."""

    def __init__(self, root: Path, fs: FileSystem) -> None:
        self.root, self.fs = root, fs

    def path(self, relative: str) -> Path:
        """A path below the root. `relative` is made from checked digests and numbers, never from a manifest's text.

        Raises `TreeError` where a folder on the way is a link: what is below would be somewhere else.
        """
        path = self.root
        for part in relative.split("/"):
            path = path / part
            if path.is_symlink():
                raise TreeError(path, "is a symbolic link; a tree has none")
        return path

    def read(self, relative: str, limit: int) -> bytes | None:
        """A file of at most `limit` bytes; None if there is none. Raises `TreeError`, `StoreReadError`."""
        return read_bounded(self.fs, self.path(relative), limit)

    def chunk(self, told: PublishedChunk) -> RecordBatch | None:
        """The records of a chunk, all that the manifest says of it checked; None if the tree lacks it.

        Raises `TreeError`, `StoreReadError`.
        """
        path = self.path(manifests.artifact_path(told.artifact_digest))
        data = read_bounded(self.fs, path, told.size)
        if data is None:
            return None
        if len(data) != told.size:
            raise TreeError(path, f"has {len(data)} bytes, the manifest says {told.size}")
        if hashlib.sha256(data).hexdigest() != told.artifact_digest:
            raise TreeError(path, "is not the file its name says: another digest")
        try:
            batch = decode_as(data, path, told.key)
            found = manifests.published(entry_of(data, batch, path, 0.0))
        except ChunkError as error:
            raise TreeError(path, f"{told.name}: {error.what}") from error
        if found != told:
            wrong = [name for name in told.__struct_fields__ if getattr(found, name) != getattr(told, name)]
            raise TreeError(path, f"{told.name}: the manifest tells otherwise of its {', '.join(wrong)}")
        return batch


def read_bounded(fs: FileSystem, path: Path, limit: int) -> bytes | None:
    """A regular file of at most `limit` bytes; None if there is none. Raises `TreeError`, `StoreReadError`."""
    try:
        facts = path.lstat()
        if not stat.S_ISREG(facts.st_mode):
            raise TreeError(path, "is no regular file")
        if facts.st_size > limit:
            raise TreeError(path, f"has {facts.st_size} bytes, at most {limit} are taken")
        return fs.read(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise StoreReadError(path, error) from error


@dataclass(frozen=True, slots=True)
class Published:
    """A manifest where it was found. `data` are its bytes, `digest` theirs; its chunks are in `tree`, if anywhere."""

    path: Path
    data: bytes
    digest: str
    manifest: Manifest
    tree: Tree


def open_published(path: Path, fs: FileSystem) -> Published:
    """A published folder or a manifest file, of now or earlier (`DIR/manifests/3.json`).

    Raises `NoManifestError`, `ManifestError`, `FormatVersionError`, `TreeError`, `StoreReadError`.
    """
    file = path / MANIFEST if path.is_dir() else path
    data = read_bounded(fs, file, manifests.MAX_MANIFEST)
    if data is None:
        raise NoManifestError(file)
    root = file.parent.parent if file.parent.name == EARLIER else file.parent
    return Published(file, data, manifests.digest_of(data), manifests.decode(data, file), Tree(root, fs))


def require_signature(fs: FileSystem, key: Ed25519PublicKey, path: Path, data: bytes) -> None:
    """Raises `SignatureError` unless `path`, which holds `data`, is signed by `key` in the file beside it."""
    beside = path.with_name(path.name + SIGNATURE)
    sign.require(key, path, data, read_bounded(fs, beside, sign.MAX_SIGNATURES))
