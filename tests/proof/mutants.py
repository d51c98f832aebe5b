"""Ways to get the protocol wrong. Each must be caught by the crash proofs, or they prove nothing.

A mutant is a door that behaves differently, or a part of the store replaced while a history is rehearsed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from disk import Inode, RecordingDoor

from cimis_engine.model.batch import RecordBatch
from cimis_engine.store import atomic, generations, writing
from cimis_engine.store import store as store_module
from cimis_engine.store.atomic import FileSystem
from cimis_engine.store.catalog import Catalog, ChunkEntry
from cimis_engine.store.revisions import Superseded
from cimis_engine.store.store import ChunkWritten, RebuildReport, Store


class NoFileSync(RecordingDoor):
    def sync(self, fd: int) -> None:
        pass


class NoDirectorySync(RecordingDoor):
    def sync_dir(self, path: Path) -> None:
        pass


class SyncAfterRename(RecordingDoor):
    def sync(self, fd: int) -> None:
        pass

    def replace(self, source: Path, target: Path) -> None:
        super().replace(source, target)
        inode = self.disk.look(self._at(target))
        inode.synced = inode.current


class UnlinkFirst(RecordingDoor):
    def replace(self, source: Path, target: Path) -> None:
        if target.exists():
            self.unlink(target)
        super().replace(source, target)


class WriteInPlace(RecordingDoor):
    """Open the target, cut it to nothing, write it, sync it."""

    def replace(self, source: Path, target: Path) -> None:
        if not target.exists():
            super().replace(source, target)
            return
        self._begin("write in place", target)
        inode: Inode = self.disk.look(self._at(target))
        for inode.current in (b"", source.read_bytes()):
            target.write_bytes(inode.current)
            self.seen()
        inode.synced = inode.current
        self.unlink(source)


def _catalog_first(store: Store, ready: Sequence[Any]) -> list[ChunkWritten]:
    changed = [one for one in ready if one.staged is not None]
    store.catalog.commit([one.entry for one in changed], [s for one in changed for s in one.superseded])
    for one in changed:
        one.staged.replace()
    atomic.settle(store.fs, [one.staged.path for one in changed], store.durable)
    return [one.written(store.path(*one.entry.key), 0) for one in ready]


@contextlib.contextmanager
def _generation_last() -> Iterator[None]:
    """The chunk before is kept when the new one is in its place already."""
    late: list[tuple[Any, ...]] = []
    commit, keep = Store._commit, generations.keep

    def committed(store: Store, ready: Sequence[Any]) -> list[ChunkWritten]:
        for one in [one for one in ready if one.staged is not None]:
            one.staged.replace()
            one.staged.replace = lambda: None
        for args in late:
            keep(*args)
        late.clear()
        return commit(store, ready)

    with (
        mock.patch.object(Store, "_commit", committed),
        mock.patch.object(generations, "keep", lambda *args: late.append(args)),
    ):
        yield


def _only_the_first(fs: FileSystem, replaced: Iterable[Path], durable: set[Path]) -> None:
    atomic.settle(fs, list(replaced)[:1], durable)


def _only_single_chunks(fs: FileSystem, replaced: Iterable[Path], durable: set[Path]) -> None:
    chunks = list(replaced)
    atomic.settle(fs, chunks if len(chunks) == 1 else [], durable)


def _two_transactions(revisions_first: bool) -> Callable[..., None]:
    commit = Catalog.commit

    def committed(catalog: Catalog, entries: Iterable[ChunkEntry], superseded: Iterable[Superseded] = ()) -> None:
        parts: list[tuple[Any, Any]] = [(list(entries), ()), ((), list(superseded))]
        for part in reversed(parts) if revisions_first else parts:
            commit(catalog, *part)

    return committed


def _make_then_sync(fs: FileSystem, path: Path) -> None:
    missing = [p for p in (path.parent, path) if not p.is_dir()]
    atomic.make_dirs(fs, path)
    for made in missing:
        fs.sync_dir(made.parent)


def _adopt_unsynced(store: Store, entry: ChunkEntry, batch: RecordBatch, path: Path) -> None:
    known = store.catalog.get(*entry.key)
    if known is None or known.artifact_digest != entry.artifact_digest:
        store.catalog.commit([entry], store._unrecorded(batch, known))


def _rebuild_unsynced(store: Store, rebuild: Callable[[Store], RebuildReport] = Store.rebuild) -> RebuildReport:
    with mock.patch.object(store_module, "settle", lambda *_: None):
        return rebuild(store)


def _patch(target: Any, name: str, new: Any) -> Callable[[], contextlib.AbstractContextManager[Any]]:
    return lambda: mock.patch.object(target, name, new)


@dataclass(frozen=True)
class Mutant:
    """`killed`: what it does wrong shows only when a process died first and the next one recovered in that way."""

    name: str
    door: type[RecordingDoor] = RecordingDoor
    patch: Callable[[], contextlib.AbstractContextManager[Any]] = contextlib.nullcontext
    killed: str = ""


MUTANTS = [
    Mutant("no sync of the file", NoFileSync),
    Mutant("no sync of the directory", NoDirectorySync),
    Mutant("file synced after the rename", SyncAfterRename),
    Mutant("old file unlinked first", UnlinkFirst),
    Mutant("written in place", WriteInPlace),
    Mutant("catalog before the replace", patch=_patch(Store, "_commit", _catalog_first)),
    Mutant("generation kept after the replace", patch=_generation_last),
    Mutant("only one directory of a group synced", patch=_patch(writing, "settle", _only_the_first)),
    Mutant("no directory of a group synced", patch=_patch(writing, "settle", _only_single_chunks)),
    Mutant("parents of new directories not synced", patch=_patch(atomic, "_not_in", lambda *_: iter(()))),
    Mutant("entry, then its revisions", patch=_patch(Catalog, "commit", _two_transactions(revisions_first=False))),
    Mutant("revisions, then their entry", patch=_patch(Catalog, "commit", _two_transactions(revisions_first=True))),
    Mutant("a chunk adopted unsynced", patch=_patch(Store, "_adopt", _adopt_unsynced), killed="plan"),
    Mutant("a chunk catalogued unsynced", patch=_patch(Store, "rebuild", _rebuild_unsynced), killed="rebuild"),
    Mutant(
        "a data directory half made", patch=_patch(store_module, "make_dirs_durably", _make_then_sync), killed="write"
    ),
]
SOUND = Mutant("none")
