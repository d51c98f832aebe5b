"""Apply a bundle to a store: it ends at exactly the target digests, or as it was.

All chunks that are not at the target yet must be at the source; each is built and its digest compared, in memory,
before anything is written. Then all are staged (written aside, synced, read back), and only then take their places one
by one. A crash among these leaves some at the target and some at the source, each whole: applying again does the rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cimis_engine.errors import UsageError
from cimis_engine.model.batch import RecordBatch
from cimis_engine.publish.bundle import Bundle, BundleError
from cimis_engine.publish.patch import Patch, patched
from cimis_engine.store.content import digest_of_canonical
from cimis_engine.store.store import Store


class BundleMismatchError(UsageError):
    """The bundle begins at another state than the store's: `patch` is of the chunk, `found` its digest in the store."""

    def __init__(self, patch: Patch, what: str, found: str | None) -> None:
        super().__init__(
            f"the bundle does not fit: station {patch.station:03d}, {patch.interval.value} {patch.year} {what}",
            hint="nothing was changed; apply the bundles in between first, or one from the state that this store is in",
        )
        self.patch, self.found = patch, found


@dataclass(frozen=True, slots=True)
class Applied:
    """What applying did: `chunks` of the bundle are at their target digests, `changed` of them were not before.

    `records` are in the changed ones, `revised` counts values that were stored before and are others now.
    """

    chunks: int
    changed: int
    records: int
    revised: int
    run_id: str


def apply_bundle(store: Store, bundle: Bundle) -> Applied:
    """Bring a store to the bundle's target. A store that is there already is left as it is.

    Revisions are recorded as seen by `bundle-` and the first twelve digits of the new manifest's digest.

    Raises before anything is written `BundleError`, `BundleMismatchError`, `StoreLockedError`, and `ChunkError` or
    `StoreReadError` for what is stored; afterwards `StoreWriteError` and `DatabaseError`.
    """
    run_id = f"bundle-{bundle.to_manifest[:12]}"
    with store.lock():
        for _ in _targets(store, bundle):
            pass
        written = store.replace_all(_targets(store, bundle), run_id)
    changed = [w for w in written if w.changed]
    return Applied(
        chunks=len(written),
        changed=len(changed),
        records=sum(w.records for w in changed),
        revised=sum(w.revised for w in changed),
        run_id=run_id,
    )


def _targets(store: Store, bundle: Bundle) -> Iterator[RecordBatch]:
    """Every chunk of the bundle as it must be, its digest compared."""
    for patch in bundle.patches():
        path = store.path(*patch.key)
        held: RecordBatch | None = None
        if store.chunk_bytes(path) is not None:
            entry, held = store.load(path, patch.key)
            if entry.digest == patch.target.hex():
                yield held
                continue
            _compare(patch, entry.digest, held)
        elif patch.source is not None:
            raise BundleMismatchError(patch, "is not stored here", None)
        batch = patched(held, patch)
        if digest_of_canonical(batch) != patch.target:
            what = f"station {patch.station:03d}, {patch.interval.value} {patch.year} does not come to its digest"
            raise BundleError(bundle.path, what, 0)
        yield batch


def _compare(patch: Patch, digest: str, held: RecordBatch) -> None:
    if held.units is not patch.units:
        what = f"is stored in {held.units.standard} units, the bundle is in {patch.units.standard} ones"
    elif patch.source is None:
        what = f"is stored already, with digest {digest[:12]}"
    elif not digest.startswith(patch.source.hex()):
        what = f"has digest {digest[:12]}, the bundle begins at {patch.source.hex()}"
    else:
        return
    raise BundleMismatchError(patch, what, digest)
