"""Migration changes bytes and nothing else, whatever stops it; rollback goes back; gc removes what is elsewhere."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from pathlib import Path

import pytest
from store_samples import Death, DyingFileSystem, FailingFileSystem, sample

from cimis_engine.model.items import Interval
from cimis_engine.store import gate
from cimis_engine.store.atomic import FileSystem, StoreWriteError
from cimis_engine.store.chunk import EncodedChunk, encode_canonical, read_header
from cimis_engine.store.formats import Format
from cimis_engine.store.gate import FormatFaultError
from cimis_engine.store.gc import Sweep, remove, sweep
from cimis_engine.store.migrate import (
    adopt_switched,
    capture,
    former_artifacts,
    migrate_station,
    not_in,
    roll_back_station,
)
from cimis_engine.store.store import Store, StoreReadError
from cimis_engine.store.verify import Kind, verify

DAILY, V1, V2 = Interval.DAILY, Format.V1, Format.V2
KEY = (2, DAILY, 2024)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store.create(tmp_path / "D", format=V1)
    for station, year in [(2, 2023), (2, 2024), (5, 2024)]:
        store.write(sample(station=station, year=year))
    return store


def migrate(store: Store, to: Format) -> list[int]:
    """All of it; the stations that failed."""
    done = [migrate_station(store, s, keys, to) for s, keys in not_in(store, to).items()]
    return [d.station for d in done if d.error]


def codecs(store: Store) -> list[int]:
    return [read_header(path.read_bytes()).codec for path, _ in store.chunks()]


def digests(store: Store) -> list[str]:
    return [read_header(path.read_bytes()).digest for path, _ in store.chunks()]


def test_there_and_back(store: Store) -> None:
    before, files = capture(store), {p: p.read_bytes() for p, _ in store.chunks()}
    assert migrate(store, V2) == []
    after = capture(store)
    assert (after.chunks, after.records, after.content) == (before.chunks, before.records, before.content)
    assert (before.formats, after.formats) == ({"v1": 3}, {"v2": 3})
    assert after.stored_bytes == sum(p.stat().st_size for p, _ in store.chunks()) != before.stored_bytes
    assert after.year_ms is not None
    assert after.week_ms is not None
    assert not_in(store, V2) == {}
    report = verify(store, read_data=True)
    assert (report.ok, report.generations, report.findings) == (3, 3, [])
    assert [e.codec for e in store.catalog.entries()] == [2, 2, 2]
    assert store.catalog.revisions() == [], "another format is no revision"

    back = former_artifacts(store)
    assert [len(kept) for kept in back.values()] == [2, 1]
    for station, kept in back.items():
        assert roll_back_station(store, station, kept).error is None
    assert {p: p.read_bytes() for p, _ in store.chunks()} == files, "the very same bytes"
    assert former_artifacts(store) == {}, "a second time does not go forth again"
    assert not list(store.root.glob("stations/*/.gen/*"))
    assert verify(store, read_data=True).findings == []
    assert capture(store).content == before.content


def test_only_the_stations_asked_for(store: Store) -> None:
    assert not_in(store, V2, {5}) == {5: [(5, DAILY, 2024)]}
    assert not_in(store, V1) == {}
    assert capture(store, {2}).chunks == 2
    assert capture(store, {7}).year_ms is None


def test_rollback_leaves_what_was_written_since(store: Store) -> None:
    migrate(store, V2)
    store.write(sample(first=11))
    assert {key for kept in former_artifacts(store).values() for key in kept} == {(2, DAILY, 2023), (5, DAILY, 2024)}


def test_a_codec_that_fails_on_one_station_leaves_it_and_goes_on(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def faulty(whole: object, digest: bytes, codec: int) -> EncodedChunk:
        made = encode_canonical(whole, digest, codec)  # type: ignore[arg-type]
        if (getattr(whole, "station", 0), getattr(whole, "year", 0)) == (2, 2024):
            raise OverflowError("17 bits")
        return made

    monkeypatch.setattr(gate, "encode_canonical", faulty)
    (two, five) = (migrate_station(store, s, keys, V2) for s, keys in not_in(store, V2).items())
    assert isinstance(two.error, FormatFaultError)
    assert (two.bytes_before, five.error) == (two.bytes_after, None)
    assert (codecs(store), store.stale_temps()) == ([1, 1, 2], [])
    assert verify(store, read_data=True).findings == []


def test_a_damaged_chunk_leaves_its_station_as_it_was(store: Store) -> None:
    store.path(2, DAILY, 2023).write_bytes(b"?")
    assert migrate(store, V2) == [2]
    assert read_header(store.path(*KEY).read_bytes()).codec == 1
    assert read_header(store.path(5, DAILY, 2024).read_bytes()).codec == 2


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC])
def test_an_error_at_any_operation_leaves_every_chunk_whole(store: Store, code: int) -> None:
    before, failures = digests(store), 0
    while True:
        fs = store.fs = FailingFileSystem(failures, code)
        done = migrate_station(store, 2, [KEY], V2)
        store.fs = FileSystem()
        assert (digests(store), store.stale_temps()) == (before, [])
        if done.error is None:
            break
        replaced = fs.trace.count("replace") == 2 and fs.trace[-1] == "sync_dir"
        assert codecs(store)[1] == (2 if replaced else 1), "the copy in .gen, then the chunk itself"
        assert isinstance(done.error, StoreWriteError if failures else StoreReadError)
        if replaced:
            assert roll_back_station(store, 2, former_artifacts(store)[2]).error is None
        failures += 1
    assert failures > 10
    assert codecs(store) == [1, 2, 1]


def test_a_death_at_any_operation_is_resumed(tmp_path: Path) -> None:
    root, fresh = tmp_path / "D", tmp_path / "fresh"
    with contextlib.closing(Store.create(fresh, format=V1)) as store:
        for year in (2023, 2024):
            store.write(sample(year=year))
        before = digests(store)
    deaths = 0
    while True:
        shutil.copytree(fresh, root)
        with contextlib.closing(Store.open(root, fs=DyingFileSystem(deaths))) as dying:
            try:
                migrate(dying, V2)
                break
            except Death:
                deaths += 1
        with contextlib.closing(Store.open(root)) as after, after.lock():
            assert digests(after) == before, "whatever mixture of formats, the content is the same"
            for _, key in after.chunks():
                assert after.entry(*key) == after.catalog.get(*key), "the catalog is brought up"
            assert migrate(after, V2) == []
            assert (codecs(after), digests(after)) == ([2, 2], before)
            assert verify(after, read_data=True).findings == []
            assert after.catalog.revisions() == []
        shutil.rmtree(root)
    assert deaths > 20


def swept(store: Store, **how: float) -> tuple[Sweep, list[str]]:
    found = sweep(store, **how)  # type: ignore[arg-type]
    return found, sorted(f"{u.why} {u.path.name.split('.', 1)[0]} {u.path.parts[-3]}" for u in found.unwanted)


def test_a_chunk_that_took_its_place_before_the_catalog_knew_is_told_to_it(store: Store) -> None:
    """What a kill between the renames and the commit leaves: it is in the format, so nothing else would come to it."""
    entry, batch = store.load(store.path(*KEY), KEY)
    store.path(*KEY).write_bytes(encode_canonical(batch, bytes.fromhex(entry.digest), V2.codec).data)
    with store.lock():
        adopt_switched(store)
        assert migrate(store, V2) == []
    assert verify(store, read_data=True).findings == []
    known = store.catalog.get(*KEY)
    assert known is not None
    assert known.codec == V2.codec


def test_gc_removes_what_is_elsewhere_and_keeps_the_only_copies(store: Store) -> None:
    store.write(sample(start=300))
    migrate(store, V2)
    store.write(sample(start=500))
    migrate(store, V1)  # nothing but station 2's other year and station 5: the revised one was written as v1
    kept = sorted(p.name.split(".", 2)[2] for p in (store.root / "stations" / "002" / ".gen").glob("2024*"))
    assert kept == ["v1.zst", "v1.zst", "v2.zst"], "the first content, and the second in both formats"
    found, told = swept(store)
    assert told == [
        "artifact 2023_daily 002",
        "artifact 2023_daily 002",
        "artifact 2024_daily 005",
        "artifact 2024_daily 005",
        "duplicate 2024_daily 002",
    ]
    assert swept(store, keep=0)[1].count("revision 2024_daily 002") == 3
    assert swept(store, keep=1)[1].count("revision 2024_daily 002") == 1
    assert swept(store, before=0.0)[1] == []
    revisions = store.catalog.revisions()
    with store.lock():
        remove(store, found.unwanted)
    assert verify(store, read_data=True).generations == 2
    assert swept(store)[1] == []
    assert not (store.root / "stations" / "005" / ".gen").exists()
    store.close()
    for file in store.root.glob("metadata.sqlite3*"):
        file.unlink()
    again = Store.open(store.root)
    again.rebuild()
    told_again = [(r.slot, r.item, r.old_value, r.new_value) for r in again.catalog.revisions()]
    assert told_again == [(r.slot, r.item, r.old_value, r.new_value) for r in revisions]


def test_gc_touches_nothing_beside_a_chunk_in_doubt(store: Store) -> None:
    migrate(store, V2)
    store.path(*KEY).write_bytes(b"?")
    store.catalog.delete(5, DAILY, 2024)
    found, told = swept(store, keep=0)
    assert told == ["artifact 2023_daily 002"]
    assert [path for path, _ in found.in_doubt] == [store.path(*KEY), store.path(5, DAILY, 2024)]
    assert "rebuild" in found.in_doubt[1][1]


def test_gc_by_age(store: Store) -> None:
    migrate(store, V2)
    for path in store.root.glob("stations/002/.gen/*"):
        os.utime(path, (1000, 1000))
    told: list[tuple[int, int]] = []
    assert len(sweep(store, before=2000, step=lambda done, total: told.append((done, total))).unwanted) == 2
    assert told == [(0, 3), (1, 3), (2, 3), (3, 3)]


def test_a_generation_named_before_there_were_two_formats_is_still_one(store: Store) -> None:
    store.write(sample(start=300))
    (kept,) = store.root.glob("stations/002/.gen/*.v1.zst")
    kept.rename(kept.with_name(kept.name.replace(".v1.zst", ".zst")))
    report = verify(store, read_data=True)
    assert (report.generations, report.of(Kind.STRAY)) == (1, [])
