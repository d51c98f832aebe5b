"""The tree: a second publish writes nothing, an interrupted one leaves the old manifest valid; nothing is believed."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest
from publish_samples import FS, digests, fill, revised, state, telling
from store_samples import Death, DyingFileSystem, FailingFileSystem, sample

import cimis_engine
from cimis_engine.errors import CimisError
from cimis_engine.model.items import Interval
from cimis_engine.publish.manifest import manifest_schema
from cimis_engine.publish.publish import NothingToPublishError, publish
from cimis_engine.publish.tree import NoManifestError, Published, TreeError, open_published
from cimis_engine.store.atomic import StoreWriteError
from cimis_engine.store.content import content_digest
from cimis_engine.store.lock import StoreLockedError, exclusive
from cimis_engine.store.store import MissingChunkError, Store, StoreReadError
from cimis_engine.store.wire import ChunkError


def files(root: Path) -> dict[str, tuple[bytes, int]]:
    found = [p for p in root.rglob("*") if p.is_file() and p.name != ".lock"]
    return {str(p.relative_to(root)): (p.read_bytes(), p.stat().st_mtime_ns) for p in found}


def whole(root: Path) -> Published:
    """The tree's manifest, every chunk it names read and compared."""
    current = open_published(root, FS)
    for told in current.manifest.chunks:
        batch = current.tree.chunk(told)
        assert batch is not None, f"{told.name} is not there"
        assert content_digest(batch) == told.digest
    return current


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return fill(tmp_path / "D", state(1))


def test_a_manifest_says_what_the_store_holds(store: Store, tmp_path: Path) -> None:
    made = publish(store, tmp_path / "T")
    current = whole(tmp_path / "T")
    assert {c.key: c.digest for c in current.manifest.chunks} == digests(store)
    assert [c.name for c in current.manifest.chunks][-1] == "station 007, hourly 2024"
    assert (made.generation, made.chunks, made.copied, made.changed, made.signed) == (1, 4, 4, True, False)
    assert (made.bytes, made.digest) == (made.copied_bytes, current.digest)
    first = current.manifest.chunks[0]
    assert (first.first_date, first.last_date, first.records) == ("2024-01-01", "2024-01-10", 10)
    assert first.covered == ((1, 10, 7),)


def test_the_same_store_again_writes_nothing(store: Store, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    publish(store, tmp_path / "T", step=lambda done, total: told.append((done, total)))
    chunks = len(store.catalog.entries())
    assert told == [(done, chunks) for done in range(1, chunks + 1)]
    before = files(tmp_path / "T")
    again = publish(store, tmp_path / "T")
    assert (again.changed, again.copied, again.generation) == (False, 0, 1)
    assert files(tmp_path / "T") == before


def test_the_next_generation_names_the_one_before_and_copies_what_is_new(store: Store, tmp_path: Path) -> None:
    first = publish(store, tmp_path / "T")
    was = files(tmp_path / "T")
    store.replace_all(state(2))
    second = publish(store, tmp_path / "T")
    current = whole(tmp_path / "T")
    assert (second.generation, second.copied, current.manifest.previous) == (2, 4, first.digest)
    now = files(tmp_path / "T")
    assert now["manifests/1.json"][0] == was["manifest.json"][0]
    assert {name: held for name, held in now.items() if name.startswith("chunks") and name in was} == {
        name: held for name, held in was.items() if name.startswith("chunks")
    }
    earlier = open_published(tmp_path / "T" / "manifests" / "1.json", FS)
    assert all(earlier.tree.chunk(told) is not None for told in earlier.manifest.chunks)


def test_damage_in_the_tree_is_mended_by_publishing(store: Store, tmp_path: Path) -> None:
    publish(store, tmp_path / "T")
    victim = next((tmp_path / "T" / "chunks").rglob("*.zst"))
    victim.write_bytes(b"x" * victim.stat().st_size)
    with pytest.raises(TreeError, match="another digest"):
        whole(tmp_path / "T")
    again = publish(store, tmp_path / "T")
    assert (again.changed, again.copied) == (False, 1)
    whole(tmp_path / "T")


def test_some_stations_alone(store: Store, tmp_path: Path) -> None:
    publish(store, tmp_path / "T", stations=[3, 5, 99])
    assert [c.station for c in whole(tmp_path / "T").manifest.chunks] == [3, 5]
    with pytest.raises(NothingToPublishError):
        publish(store, tmp_path / "T", stations=[99])


def test_a_damaged_or_lost_chunk_is_not_published(store: Store, tmp_path: Path) -> None:
    publish(store, tmp_path / "T")
    path = store.path(3, Interval.DAILY, 2023)
    data = path.read_bytes()
    path.write_bytes(data[:-20] + b"?" + data[-19:])
    with pytest.raises(ChunkError):
        publish(store, tmp_path / "T")
    path.unlink()
    with pytest.raises(MissingChunkError, match="2023_daily"):
        publish(store, tmp_path / "T")
    assert whole(tmp_path / "T").manifest.generation == 1


def test_a_lagging_catalog_is_not_believed(store: Store, tmp_path: Path) -> None:
    path = store.path(2, Interval.DAILY, 2024)
    other = fill(tmp_path / "other", [revised(sample(count=10), 2)])
    path.write_bytes(other.path(2, Interval.DAILY, 2024).read_bytes())
    publish(store, tmp_path / "T")
    assert whole(tmp_path / "T").manifest.chunks[0].digest == content_digest(revised(sample(count=10), 2))


def test_one_publisher_at_a_time(store: Store, tmp_path: Path) -> None:
    (tmp_path / "T").mkdir()
    with exclusive(tmp_path / "T"), pytest.raises(StoreLockedError):
        publish(store, tmp_path / "T")


@pytest.mark.parametrize("dies", [True, False])
def test_wherever_it_stops_the_manifest_in_place_is_whole(tmp_path: Path, dies: bool) -> None:
    """Death, or a full disk, at every operation of a second publish; the next publish ends it."""
    root, tree = tmp_path / "D", tmp_path / "trace"
    fill(root, state(1)).close()
    publish(Store.open(root), tree)
    once = {str(p.relative_to(tree)): p.read_bytes() for p in tree.rglob("*") if p.is_file()}
    Store.open(root).replace_all(state(2))
    tracing = FailingFileSystem()
    publish(Store.open(root, fs=tracing), tree)
    final = open_published(tree, FS).manifest.chunks
    assert tracing.trace.count("replace") == 4 + 2, "chunks, the old manifest, the new one"
    generations = set()
    for index in telling(tracing.trace):
        here = tmp_path / str(index)
        for name, data in once.items():
            (here / name).parent.mkdir(parents=True, exist_ok=True)
            (here / name).write_bytes(data)
        fs = DyingFileSystem(index) if dies else FailingFileSystem(index, errno.ENOSPC)
        with pytest.raises(Death if dies else (StoreWriteError, StoreReadError)):
            publish(Store.open(root, fs=fs), here)
        generations.add(whole(here).manifest.generation)
        publish(Store.open(root), here)
        assert whole(here).manifest.chunks == final
        assert list(here.rglob("*.tmp")) == []
    assert generations == {1, 2}


def test_no_link_is_followed(store: Store, tmp_path: Path) -> None:
    publish(store, tmp_path / "T")
    chunk = next((tmp_path / "T" / "chunks").rglob("*.zst"))
    chunk.rename(tmp_path / "elsewhere.zst")
    chunk.symlink_to(tmp_path / "elsewhere.zst")
    for act in (lambda: whole(tmp_path / "T"), lambda: publish(store, tmp_path / "T")):
        with pytest.raises(TreeError, match="symbolic link"):
            act()
    chunk.unlink()
    (tmp_path / "T" / "chunks").rename(tmp_path / "far")
    (tmp_path / "T" / "chunks").symlink_to(tmp_path / "far")
    with pytest.raises(TreeError, match="symbolic link"):
        publish(store, tmp_path / "T")
    (tmp_path / "far").rename(tmp_path / "T" / "x")
    (tmp_path / "T" / "manifest.json").unlink()
    (tmp_path / "T" / "manifest.json").symlink_to("/dev/zero")
    with pytest.raises(TreeError, match="no regular file"):
        open_published(tmp_path / "T", FS)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(TreeError, match="no regular file"):
        open_published(tmp_path / "fifo", FS)
    with pytest.raises(NoManifestError):
        open_published(tmp_path, FS)
    with (tmp_path / "manifest.json").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(TreeError, match="at most"):
        open_published(tmp_path, FS)


@pytest.mark.parametrize(
    ("field", "value"),
    [("records", 9), ("first_date", "2024-01-02"), ("units", "E"), ("digest", "0" * 64), ("covered", [[1, 9, 7]])],
)
def test_a_manifest_that_tells_otherwise_of_a_chunk_is_caught(
    store: Store, tmp_path: Path, field: str, value: object
) -> None:
    publish(store, tmp_path / "T")
    file = tmp_path / "T" / "manifest.json"
    document = json.loads(file.read_text())
    document["chunks"][0][field] = value
    file.write_text(json.dumps(document))
    current = open_published(tmp_path / "T", FS)
    with pytest.raises(TreeError, match=f"tells otherwise of its {field}"):
        current.tree.chunk(current.manifest.chunks[0])


@pytest.mark.parametrize("by", [1, -1])
def test_sizes_that_lie_are_caught(store: Store, tmp_path: Path, by: int) -> None:
    publish(store, tmp_path / "T")
    file = tmp_path / "T" / "manifest.json"
    document = json.loads(file.read_text())
    document["chunks"][0]["size"] += by
    file.write_text(json.dumps(document))
    current = open_published(tmp_path / "T", FS)
    with pytest.raises(TreeError, match="bytes"):
        current.tree.chunk(current.manifest.chunks[0])


def test_a_hostile_manifest_is_not_replaced(store: Store, tmp_path: Path) -> None:
    (tmp_path / "T").mkdir()
    (tmp_path / "T" / "manifest.json").write_text("{}")
    with pytest.raises(CimisError):
        publish(store, tmp_path / "T")
    assert (tmp_path / "T" / "manifest.json").read_text() == "{}"


def test_the_schema_file_is_the_one_of_the_types() -> None:
    file = Path(cimis_engine.__file__).parent / "schemas" / "manifest.schema.json"
    assert json.loads(file.read_text()) == manifest_schema()
