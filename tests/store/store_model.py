"""What a store must hold after a history of writes, and whether the store in a directory does.

The model knows nothing of files: a write merges batches into contents, and what a write changed of known values is a
revision. `check` compares a directory with it, after a crash at any moment of the write that was in flight.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from store_samples import sample

from cimis_engine.errors import CimisError
from cimis_engine.model.batch import RecordBatch, merge
from cimis_engine.model.qc import flag_text
from cimis_engine.store import paths
from cimis_engine.store.chunk import decode_as
from cimis_engine.store.content import canonical, content_digest
from cimis_engine.store.generations import read_generation
from cimis_engine.store.paths import Key
from cimis_engine.store.revisions import changes_between
from cimis_engine.store.store import Store, StoreReadError
from cimis_engine.store.verify import verify
from cimis_engine.store.wire import ChunkError

Group = Sequence[RecordBatch]


def key_of(batch: RecordBatch) -> Key:
    return batch.station, batch.interval, batch.year


@dataclass(frozen=True)
class Held:
    """The contents of a store: the records of each chunk, what was revised on the way, and the generations kept."""

    batches: dict[Key, RecordBatch] = field(default_factory=dict)
    digests: dict[Key, str] = field(default_factory=dict)
    revised: Counter[tuple[Any, ...]] = field(default_factory=Counter)
    generations: frozenset[tuple[Key, str]] = frozenset()

    def after(self, group: Group) -> Held:
        """These contents after a group of writes."""
        batches, digests = dict(self.batches), dict(self.digests)
        revised, generations = Counter(self.revised), set(self.generations)
        for batch in group:
            key = key_of(batch)
            old = batches.get(key)
            new = canonical(merge([batch] if old is None else [old, batch]))
            changes = () if old is None else changes_between(old, new)
            if changes:
                generations.add((key, digests[key][:8]))
                revised.update(
                    (*key, c.slot, c.item, c.old_value, _flag(c.old_flag), c.new_value, _flag(c.new_flag))
                    for c in changes
                )
            batches[key], digests[key] = new, content_digest(new)
        return Held(batches, digests, revised, frozenset(generations))


def _flag(code: int | None) -> str | None:
    return None if code is None else flag_text(code)


def told(store: Store) -> Counter[tuple[Any, ...]]:
    """The revisions a store tells of, as `Held.revised` has them."""
    return Counter(
        (
            *(r.station, r.interval, r.year, r.slot, r.item.code),
            *(r.old_value, r.old_flag, r.new_value, r.new_flag),
        )
        for r in store.catalog.revisions()
    )


def check(root: Path, before: Held, after: Held, group: Group) -> list[str]:
    """What is wrong with the store in `root`, in words: nothing, if the protocol keeps its promises.

    All of `before` was acknowledged; a write of `group`, which makes it `after`, was in flight when the process or the
    machine stopped. The store is opened as it was found and looked at, then recovered as the next run does it: under
    the lock, with the same group written again. So `root` holds `after` when this returns nothing. Where something is
    wrong as it was found, it is left so.
    """
    try:
        store = Store.create(root)
    except CimisError as error:
        return [f"does not open: {error}"]
    try:
        return list(_as_found(store, before, after)) or list(_recovered(store, after, group))
    finally:
        store.close()


def _as_found(store: Store, before: Held, after: Held) -> Iterator[str]:
    """Every chunk is the old or the new one, whole; the catalog lags and never leads; no revision is lost."""
    entries = {entry.key: entry for entry in store.catalog.entries()}
    for key, new in after.digests.items():
        old, path = before.digests.get(key), store.path(*key)
        try:
            data = store.chunk_bytes(path)
            found = None if data is None else content_digest(decode_as(data, path, key))
        except (ChunkError, StoreReadError) as error:
            yield f"{key}: not whole: {error}"
            continue
        if found not in (old, new):
            yield f"{key}: acknowledged {old}, on disk {found}"
        entry = entries.pop(key, None)
        known = entry.digest if entry else None
        if known not in (old, new):
            yield f"{key}: acknowledged {old}, in the catalog {known}"
        if known == new != found:
            yield f"{key}: the catalog is ahead: it knows {known}, on disk is {found}"
    if entries:
        yield f"in the catalog and never written: {list(entries)}"
    if strays := [p for p in store.files() if not _ours(store, p, after)]:
        yield f"files that nobody wrote: {strays}"
    rows = told(store)
    if missing := before.revised - rows:
        yield f"revisions lost: {missing}"
    if extra := rows - after.revised:
        yield f"revisions told that never were: {extra}"
    for key, digest8 in before.generations:
        try:
            read_generation(store.fs, paths.generation_path(store.root, key, digest8), key, digest8)
        except (ChunkError, OSError) as error:
            yield f"generation {key} {digest8}: {error}"


def _ours(store: Store, path: Path, after: Held) -> bool:
    named = paths.parse_generation_path(store.root, path)
    return paths.is_temp(path) or paths.parse_chunk_path(store.root, path) in after.digests or named is not None


def _recovered(store: Store, after: Held, group: Group) -> Iterator[str]:
    """The next run ends exactly where the dead one would have ended."""
    with store.lock():
        if temps := store.stale_temps():
            yield f"temps under the lock: {temps}"
        for key in after.digests:
            store.entry(*key)
        _, error = store.write_all(group, "again")
        if error is not None:
            yield f"the same write again fails: {error}"
    for key, digest in after.digests.items():
        entry = store.catalog.get(*key)
        if entry is None or entry.digest != digest:
            yield f"{key}: the catalog does not follow"
    if (rows := told(store)) != after.revised:
        yield f"revisions: lost {after.revised - rows}, told too often {rows - after.revised}"
    report = verify(store)
    if report.findings or (report.ok, report.generations) != (len(after.digests), len(after.generations)):
        yield f"verify: {report.ok} sound, {report.generations} generations, {report.findings}"


def random_groups(seed: int) -> Iterator[Group]:
    """Endless writes of 1 to 4 chunks of six, over two folders: new, extended, now and then revised or unchanged."""
    dice = random.Random(seed)
    keys = [(station, year) for station in (2, 120) for year in (2022, 2023, 2024)]
    while True:
        yield [
            sample(
                station=station, year=year, first=1 + 10 * dice.randrange(30), start=dice.choice([150, 300]), items=2
            )
            for station, year in dice.sample(keys, dice.randrange(1, 5))
        ]
