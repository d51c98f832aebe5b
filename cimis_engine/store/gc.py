"""What of `.gen` is no longer wanted. Decided here, by name, age and content; removed file by file.

Three kinds go freely, for what they hold is in the store elsewhere: an artifact of the current content (what a
migration left), another artifact of the same earlier content, and a damaged file that a repair put aside. Each only
while the current chunk is there and sound. The only copy of a revision's old content goes when asked: where `keep` of
that chunk are newer. (The table of revisions knows the old values for ever.)
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cimis_engine.store import generations, paths
from cimis_engine.store.atomic import StoreWriteError
from cimis_engine.store.paths import Key
from cimis_engine.store.store import Store, StoreReadError
from cimis_engine.store.wire import ChunkError


@dataclass(frozen=True, slots=True)
class Unwanted:
    """A file of `.gen` that can go. `why`: artifact, duplicate, damaged or revision."""

    path: Path
    size: int
    why: str


@dataclass(frozen=True, slots=True)
class _Kept:
    path: Path
    digest8: str
    size: int
    put_aside: float


@dataclass(frozen=True, slots=True)
class Sweep:
    """What can go, and the chunks beside which nothing is touched now, each with the reason."""

    unwanted: tuple[Unwanted, ...]
    in_doubt: tuple[tuple[Path, str], ...]


def sweep(
    store: Store,
    *,
    keep: int | None = None,
    before: float | None = None,
    step: Callable[[int, int], None] = lambda done, total: None,
) -> Sweep:
    """What can be removed. `keep`: how many earlier contents of a chunk stay (None: all); `before`: only what was put
    aside before this Unix time (None: whenever). `step` is told before each chunk: how many are done, how many there
    are."""
    found: list[Unwanted] = []
    in_doubt = []
    chunks = list(_by_chunk(store))
    for done, (key, kept, aside) in enumerate(chunks):
        step(done, len(chunks))
        path = store.path(*key)
        try:
            entry, _ = store.load(path, key)
        except (ChunkError, StoreReadError) as error:
            in_doubt.append((path, str(error)))
            continue
        known = store.catalog.get(*key)
        if known is None or known.artifact_digest != entry.artifact_digest:
            # An earlier generation may hold revisions that are not recorded yet.
            in_doubt.append((path, "the catalog lags behind it: `cimis rebuild` settles that"))
            continue
        chosen = [Unwanted(k.path, k.size, why) for k, why in _choose(store, key, kept, entry.digest, keep)]
        chosen += [Unwanted(p, p.stat().st_size, "damaged") for p in aside]
        found += [u for u in chosen if before is None or u.path.stat().st_mtime < before]
    step(len(chunks), len(chunks))
    return Sweep(tuple(found), tuple(in_doubt))


def remove(store: Store, files: Iterable[Unwanted]) -> None:
    """Remove files. Hold the store's lock. Raises `StoreWriteError`; those before it are gone then."""
    for file in files:
        try:
            store.fs.unlink(file.path)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise StoreWriteError(file.path, "remove", error) from error
        with contextlib.suppress(OSError):
            file.path.parent.rmdir()  # which it is not, unless that was the last


def _choose(store: Store, key: Key, kept: list[_Kept], current: str, keep: int | None) -> Iterator[tuple[_Kept, str]]:
    """`kept` newest first."""
    contents: set[str] = set()
    for one in kept:
        if current.startswith(one.digest8):
            yield one, "artifact"
        elif one.digest8 in contents:
            yield one, "duplicate"
        elif keep is not None and len(contents) >= keep:
            yield one, "revision"
        elif _readable(store, key, one):
            contents.add(one.digest8)


def _readable(store: Store, key: Key, one: _Kept) -> bool:
    try:
        generations.read_generation(store.fs, one.path, key, one.digest8)
    except (ChunkError, OSError):
        return False
    return True


def _by_chunk(store: Store) -> Iterator[tuple[Key, list[_Kept], list[Path]]]:
    """What `.gen` has of each chunk: generations, newest first, and files set aside as damaged."""
    found: dict[Key, tuple[list[_Kept], list[Path]]] = {}
    for path in store.files():
        if named := paths.parse_generation_path(store.root, path):
            key, digest8 = named
            state = path.stat()
            found.setdefault(key, ([], []))[0].append(_Kept(path, digest8, state.st_size, state.st_mtime))
        elif aside := paths.parse_aside_path(store.root, path):
            found.setdefault(aside, ([], []))[1].append(path)
    for key, (kept, damaged) in sorted(found.items()):
        yield key, sorted(kept, key=lambda k: (k.put_aside, k.path.name), reverse=True), damaged
