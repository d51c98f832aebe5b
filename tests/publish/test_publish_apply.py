"""Applying: a store ends at exactly the target digests, or as it was; and what a crash leaves, applying again ends."""

from __future__ import annotations

import errno
import shutil
import sqlite3
from pathlib import Path

import pytest
from publish_samples import FS, bundle_at, digests, fill, on_disk, revised, state, telling, two_states
from store_samples import Death, DyingFileSystem, FailingFileSystem, sample

from cimis_engine.model.items import Interval, UnitSystem
from cimis_engine.publish.apply import BundleMismatchError, apply_bundle
from cimis_engine.publish.bundle import NoBundleError, make_bundle
from cimis_engine.publish.publish import publish
from cimis_engine.publish.tree import TreeError, open_published
from cimis_engine.store.atomic import StoreWriteError
from cimis_engine.store.database import DatabaseError
from cimis_engine.store.lock import StoreLockedError
from cimis_engine.store.store import Store, StoreReadError
from cimis_engine.store.verify import verify
from cimis_engine.store.wire import ChunkError

Row = tuple[object, ...]


def revisions(store: Store) -> list[Row]:
    return [
        (r.station, r.interval, r.year, r.slot, r.item.slug, r.kind, r.old_value, r.new_value, r.old_flag, r.new_flag)
        for r in store.catalog.revisions()
    ]


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return two_states(tmp_path)[1]


@pytest.fixture
def target(bundle: Path, tmp_path: Path) -> Store:
    """The publisher's store, at the target."""
    return Store.open(tmp_path / "publisher")


def test_a_copy_ends_where_the_publisher_is(bundle: Path, target: Store, tmp_path: Path) -> None:
    copy = fill(tmp_path / "copy", state(1))
    done = apply_bundle(copy, bundle_at(bundle))
    assert digests(copy) == digests(target)
    assert on_disk(copy.root) == on_disk(target.root)
    assert (done.chunks, done.changed, done.revised) == (4, 4, 4)
    assert revisions(copy) == revisions(target)
    assert {r.run_id for r in copy.catalog.revisions()} == {done.run_id}
    assert verify(copy).findings == []
    assert verify(copy).generations == 2, "what was revised is kept, what was extended is not"


def test_again_changes_nothing(bundle: Path, tmp_path: Path) -> None:
    copy = fill(tmp_path / "copy", state(1))
    apply_bundle(copy, bundle_at(bundle))
    before = {p: p.stat().st_mtime_ns for p in sorted((copy.root / "stations").rglob("*"))}
    done = apply_bundle(copy, bundle_at(bundle))
    assert (done.chunks, done.changed, done.revised) == (4, 0, 0)
    assert {p: p.stat().st_mtime_ns for p in sorted((copy.root / "stations").rglob("*"))} == before


def test_a_store_made_from_nothing(tmp_path: Path) -> None:
    """From a manifest that has one chunk to one that has all: new chunks need no source."""
    source = fill(tmp_path / "D", state(1)[2:3])
    publish(source, tmp_path / "T")
    source.replace_all(state(2))
    publish(source, tmp_path / "T")
    made = make_bundle(open_published(tmp_path / "T/manifests/1.json", FS), open_published(tmp_path / "T", FS))
    (tmp_path / "b").write_bytes(made.data)
    copy = fill(tmp_path / "copy", state(1)[2:3])
    assert apply_bundle(copy, bundle_at(tmp_path / "b")).changed == 4
    assert on_disk(copy.root) == on_disk(source.root)


def test_equal_states_give_an_empty_bundle(tmp_path: Path) -> None:
    store = fill(tmp_path / "D", state(1))
    publish(store, tmp_path / "T")
    one = open_published(tmp_path / "T", FS)
    made = make_bundle(one, one)
    (tmp_path / "b").write_bytes(made.data)
    assert (made.chunks, len(made.data)) == (0, 82)
    assert apply_bundle(store, bundle_at(tmp_path / "b")).chunks == 0


def test_the_other_way_round(bundle: Path, tmp_path: Path) -> None:
    """Without the chunk that is new: back from state 2 to state 1."""
    source = fill(tmp_path / "D", state(2)[:4])
    publish(source, tmp_path / "T")
    source.replace_all(state(1))
    publish(source, tmp_path / "T")
    made = make_bundle(open_published(tmp_path / "T/manifests/1.json", FS), open_published(tmp_path / "T", FS))
    assert (made.added, made.changed, made.removed) == (1, 1, 2)
    (tmp_path / "b").write_bytes(made.data)
    copy = fill(tmp_path / "copy", state(2)[:4])
    apply_bundle(copy, bundle_at(tmp_path / "b"))
    assert on_disk(copy.root) == on_disk(source.root)


@pytest.mark.parametrize(
    ("at", "what"),
    [
        ([revised(sample(count=10), 3)], "has digest"),
        ([sample(count=10, units=UnitSystem.ENGLISH)], "english units, the bundle is in metric"),
        ([sample(station=8, year=2025)], "is stored already"),
        ([], "is not stored here"),
    ],
)
def test_a_store_in_another_state_is_left_alone(bundle: Path, tmp_path: Path, at: list, what: str) -> None:  # type: ignore[type-arg]
    given = {(b.station, b.interval, b.year): b for b in state(1)} | {(b.station, b.interval, b.year): b for b in at}
    chunks = list(given.values()) if at else state(1)[1:]
    copy = fill(tmp_path / "copy", chunks)
    before = on_disk(copy.root)
    with pytest.raises(BundleMismatchError, match=what) as caught:
        apply_bundle(copy, bundle_at(bundle))
    assert (caught.value.exit_code, "nothing was changed" in caught.value.hint) == (2, True)
    assert on_disk(copy.root) == before
    assert list(copy.root.rglob(".gen")) == []


def test_a_damaged_chunk_is_not_replaced(bundle: Path, tmp_path: Path) -> None:
    copy = fill(tmp_path / "copy", state(1))
    path = copy.path(7, Interval.HOURLY, 2024)
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    before = on_disk(copy.root)
    with pytest.raises(ChunkError):
        apply_bundle(copy, bundle_at(bundle))
    assert on_disk(copy.root) == before


def test_not_beside_a_run(bundle: Path, tmp_path: Path) -> None:
    copy = fill(tmp_path / "copy", state(1))
    with Store.open(copy.root).lock(), pytest.raises(StoreLockedError):
        apply_bundle(copy, bundle_at(bundle))


def test_states_that_no_bundle_joins(tmp_path: Path) -> None:
    for n, chunks in enumerate((state(1), state(1)[1:], [sample(count=10, units=UnitSystem.ENGLISH), *state(1)[1:]])):
        publish(fill(tmp_path / f"D{n}", chunks), tmp_path / f"T{n}")
    whole, less, other = (open_published(tmp_path / f"T{n}", FS) for n in range(3))
    with pytest.raises(NoBundleError, match="station 002, daily 2024 is not in the new manifest"):
        make_bundle(whole, less)
    with pytest.raises(NoBundleError, match="english units now, and was in metric"):
        make_bundle(whole, other)


def test_a_bundle_takes_chunks_from_either_tree(tmp_path: Path) -> None:
    tree, file = two_states(tmp_path)
    (tmp_path / "old.json").write_bytes((tree / "manifests" / "1.json").read_bytes())
    old, new = open_published(tmp_path / "old.json", FS), open_published(tree, FS)
    assert make_bundle(old, new).data == file.read_bytes(), "same states, same bytes"
    next((tree / "chunks").rglob("*.zst")).unlink()
    shutil.rmtree(tree / "chunks")
    with pytest.raises(TreeError, match="is not in the tree"):
        make_bundle(old, new)


def _copies(tmp_path: Path) -> Path:
    fill(tmp_path / "copy", state(1)).close()
    return tmp_path / "copy"


def _trace(copy: Path, bundle: Path, to: Path) -> list[str]:
    shutil.copytree(copy, to)
    fs = FailingFileSystem()
    apply_bundle(Store.open(to, fs=fs), bundle_at(bundle))
    return fs.trace


def test_the_order_of_operations(bundle: Path, tmp_path: Path) -> None:
    trace = _trace(_copies(tmp_path), bundle, tmp_path / "trace")
    first = trace.index("open_new")
    assert set(trace[:first]) <= {"read", "make_dir"}, "everything is checked before anything is written"
    assert trace[:first].count("read") >= 3 * 2
    last = len(trace) - 1 - trace[::-1].index("sync")
    tail = trace[last:]
    assert tail[:6] == ["sync", "read", "replace", "replace", "replace", "replace"]
    assert set(tail[6:]) == {"sync_dir"}


def test_a_death_at_any_operation_is_mended_by_applying_again(bundle: Path, target: Store, tmp_path: Path) -> None:
    """The process stops at operation `index` and does nothing more, not even clean up."""
    copy, goal, told = _copies(tmp_path), digests(target), revisions(target)
    old = digests(Store.open(copy))
    halves = 0
    for index in telling(_trace(copy, bundle, tmp_path / "trace")):
        root = tmp_path / str(index)
        shutil.copytree(copy, root)
        dying = Store.open(root, fs=DyingFileSystem(index))
        with pytest.raises(Death):
            apply_bundle(dying, bundle_at(bundle))
        dying.close()
        after = Store.open(root)
        assert not verify(after).damaged
        moved = 0
        for key, digest in goal.items():
            held = after.load(after.path(*key), key)[0].digest if after.path(*key).exists() else None
            assert held in (digest, old.get(key)), "neither where it was nor where it goes"
            moved += held == digest != old.get(key)
        halves += 0 < moved < 4
        apply_bundle(after, bundle_at(bundle))
        assert digests(after) == goal
        assert revisions(after) == told, "recorded once, whoever died"
        assert verify(after).findings == []
        after.close()
    assert halves >= 3, "the middle of the replacing was among them"


def test_an_error_changes_nothing_unless_it_comes_while_replacing(bundle: Path, target: Store, tmp_path: Path) -> None:
    copy, goal = _copies(tmp_path), digests(target)
    before = on_disk(copy)
    trace = _trace(copy, bundle, tmp_path / "trace")
    replacing = len(trace) - 1 - trace[::-1].index("read")
    for index in telling(trace):
        root = tmp_path / str(index)
        shutil.copytree(copy, root)
        store = Store.open(root, fs=FailingFileSystem(index, (errno.ENOSPC, errno.EIO)[index % 2]))
        with pytest.raises((StoreWriteError, StoreReadError)):
            apply_bundle(store, bundle_at(bundle))
        store.close()
        after = Store.open(root)
        assert after.stale_temps() == []
        if index <= replacing:
            assert on_disk(root) == before
        apply_bundle(after, bundle_at(bundle))
        assert digests(after) == goal
        after.close()


def test_a_catalog_that_cannot_be_written_is_caught_up(bundle: Path, target: Store, tmp_path: Path) -> None:
    root = _copies(tmp_path)
    store = Store.open(root)
    refuse = "CREATE TRIGGER no BEFORE INSERT ON chunks BEGIN SELECT RAISE(ABORT, 'no'); END"
    sqlite3.connect(root / "metadata.sqlite3", isolation_level=None).execute(refuse)
    with pytest.raises(DatabaseError):
        apply_bundle(store, bundle_at(bundle))
    store.close()
    sqlite3.connect(root / "metadata.sqlite3", isolation_level=None).execute("DROP TRIGGER no")
    after = Store.open(root)
    assert apply_bundle(after, bundle_at(bundle)).changed == 0
    assert digests(after) == digests(target)
    assert revisions(after) == revisions(target)
    assert verify(after).findings == []
