"""Two states of a store, and what every test of publishing begins with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from store_samples import sample

from cimis_engine.model.batch import RecordBatch, column
from cimis_engine.model.items import Interval
from cimis_engine.publish.bundle import Bundle, load_bundle, make_bundle, read_bundle
from cimis_engine.publish.publish import publish
from cimis_engine.publish.tree import open_published
from cimis_engine.store.atomic import FileSystem
from cimis_engine.store.content import content_digest
from cimis_engine.store.paths import Key
from cimis_engine.store.store import Store

FS = FileSystem()
Digests = dict[Key, str]


def revised(batch: RecordBatch, at: int, by: int = 1) -> RecordBatch:
    """The same with one value changed."""
    first, *rest = batch.columns
    scaled = first.scaled.astype(np.int64)
    scaled[at] += by
    return replace(batch, columns=(column(first.item, first.exponent, scaled, first.present, first.qc), *rest))


def state(n: int) -> list[RecordBatch]:
    """State 1 or 2: one chunk is only extended, one revised, one loses a record, one is new, and one stays."""
    hourly = sample(station=7, interval=Interval.HOURLY, count=48, items=2)
    stays = sample(station=3, year=2023)
    lost = sample(station=5, count=10)
    if n == 1:
        return [sample(count=10), hourly, stays, lost]
    keep = np.ones(10, np.bool_)
    keep[4] = False
    new = sample(station=8, year=2025, first=3, count=2, items=5)
    return [sample(count=12), revised(hourly, 5, -70), stays, lost.select(keep), new]


def fill(root: Path, batches: list[RecordBatch]) -> Store:
    store = Store.create(root)
    store.replace_all(batches)
    return store


def digests(store: Store) -> Digests:
    """What is on disk, by the files alone."""
    found = {}
    for entry in store.catalog.entries():
        batch = store.read(*entry.key)
        assert batch is not None
        found[entry.key] = content_digest(batch)
    return found


def on_disk(root: Path) -> dict[str, bytes]:
    """Current chunks by their path."""
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.glob("stations/*/*.zst"))}


def two_states(tmp: Path) -> tuple[Path, Path]:
    """A tree published twice (`tree`), and the bundle between (`bundle`)."""
    tree, file = tmp / "tree", tmp / "day.cimisb"
    source = fill(tmp / "publisher", state(1))
    publish(source, tree)
    source.replace_all(state(2))
    publish(source, tree)
    source.close()
    made = make_bundle(open_published(tree / "manifests" / "1.json", FS), open_published(tree, FS))
    file.write_bytes(made.data)
    return tree, file


def bundle_at(path: Path) -> Bundle:
    return read_bundle(load_bundle(FS, path), path)


def telling(trace: list[str]) -> list[int]:
    """The operations worth failing at: all, but of writes in a row (they are short in tests) the first and the last."""
    around = [*zip(["", *trace], trace, [*trace[1:], ""], strict=False)]
    return [n for n, (before, this, after) in enumerate(around) if this != "write" or not before == this == after]
