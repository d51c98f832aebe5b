"""Damage is localised to the block and its slots; repair keeps what is sound and names what is to be fetched again."""

from __future__ import annotations

import contextlib
import shutil
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from store_samples import Death, DyingFileSystem, same, sample

from cimis_engine.errors import CimisError
from cimis_engine.model.batch import Covered, union_covered
from cimis_engine.model.items import Interval, UnitSystem
from cimis_engine.model.period import Span
from cimis_engine.store import chunk, paths
from cimis_engine.store.chunk import encode_canonical, read_header
from cimis_engine.store.content import canonical, content_digest
from cimis_engine.store.damage import within, without
from cimis_engine.store.formats import Format
from cimis_engine.store.repair import Repair, UnknownContentError, jobs_for, repair
from cimis_engine.store.store import Store
from cimis_engine.store.verify import Kind, VerifyReport, verify

HOURLY, DAILY = Interval.HOURLY, Interval.DAILY
YEAR = sample(interval=HOURLY, count=8784)
KEY = (2, HOURLY, 2024)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An hourly year in blocks of two weeks, and a daily chunk of one block."""
    store = Store.create(tmp_path / "D", format=Format.V2)
    store.write(YEAR)
    store.write(sample())
    return store


def spoil(path: Path, at: int) -> bytes:
    data = bytearray(path.read_bytes())
    data[at] ^= 0x40
    path.write_bytes(data)
    return bytes(data)


def mended(store: Store, report: VerifyReport | None = None) -> list[Repair]:
    with store.lock():
        return repair(store, report or verify(store))


def test_damage_is_told_by_block_and_dates(store: Store) -> None:
    path = store.path(*KEY)
    blocks = read_header(path.read_bytes()).blocks
    assert len(blocks) == 27
    spoil(path, blocks[2].offset + 5)
    spoil(path, blocks[3].offset)
    (finding,) = verify(store).findings
    assert (finding.kind, finding.key) == (Kind.DAMAGED, KEY)
    assert finding.lost == ((673, 1008), (1009, 1344))
    assert f"block 3 of 27 (byte {blocks[2].offset}) does not match its CRC; block 4 of 27" in finding.what


def test_sound_blocks_are_kept_and_the_rest_is_named(store: Store) -> None:
    path = store.path(*KEY)
    block = read_header(path.read_bytes()).blocks[2]
    bad = spoil(path, block.offset + 5)
    (done,) = mended(store)
    assert (done.how, done.records) == ("salvaged", 8784 - 336)
    (job,) = done.jobs
    assert (job.span, job.units) == (Span(date(2024, 1, 29), date(2024, 2, 11)), UnitSystem.METRIC)
    assert [i.code for i in job.items] == [0, 1, 2]
    (aside,) = (store.root / "stations" / "002" / ".gen").iterdir()
    assert (aside.read_bytes(), paths.parse_aside_path(store.root, aside)) == (bad, KEY)
    rest = store.read(*KEY)
    assert rest is not None
    assert [(c.first, c.last) for c in rest.covered] == [(1, 672), (1009, 8784)]
    assert same(rest, canonical(YEAR.select((YEAR.slots < 673) | (YEAR.slots > 1008))).with_covered(rest.covered))
    assert [f.kind for f in verify(store, read_data=True).findings] == [Kind.SET_ASIDE]
    assert store.catalog.revisions() == []
    store.write(YEAR.select((YEAR.slots >= 673) & (YEAR.slots <= 1008)).with_covered([Covered(673, 1008, 7)]))
    entry = store.catalog.get(*KEY)
    assert entry is not None
    assert entry.digest == content_digest(YEAR)
    assert store.catalog.revisions() == [], "what comes back is not a revision"


def test_what_cannot_be_read_at_all_is_asked_for_whole(store: Store) -> None:
    path = store.path(2, DAILY, 2024)
    path.write_bytes(path.read_bytes()[:-1])
    (done,) = mended(store)
    assert (done.how, [str(j.span) for j in done.jobs]) == ("refetch", ["2024-01-01..2024-01-10"])
    assert not path.exists()
    again = verify(store)
    assert [f.kind for f in again.lost] == [Kind.MISSING_FILE], "until it has been fetched, it is known to be lost"
    assert [d.jobs for d in mended(store, again)] == [done.jobs]


def test_a_missing_file_is_asked_for(store: Store) -> None:
    store.path(2, DAILY, 2024).unlink()
    (done,) = mended(store)
    assert (done.how, [str(j.span) for j in done.jobs]) == ("refetch", ["2024-01-01..2024-01-10"])


def test_an_artifact_of_the_same_content_needs_no_fetching(store: Store) -> None:
    from cimis_engine.store.migrate import migrate_station

    with store.lock():
        migrate_station(store, 2, [KEY], Format.V1)
    path = store.path(*KEY)
    spoil(path, path.stat().st_size - 20)
    (done,) = mended(store)
    assert (done.how, done.records, done.jobs) == ("restored", 8784, ())
    held = store.read(*KEY)
    assert held is not None
    assert same(held, canonical(YEAR))
    assert verify(store, read_data=True).sound


def test_a_damaged_generation_is_set_aside(store: Store) -> None:
    store.write(sample(start=700))
    (kept,) = (store.root / "stations" / "002" / ".gen").glob("*.zst")
    spoil(kept, 80)
    (done,) = mended(store)
    assert (done.how, done.jobs, kept.exists()) == ("set-aside", (), False)
    assert verify(store).sound


def test_what_nothing_tells_of_is_said_to_be_so(store: Store) -> None:
    path = store.path(2, DAILY, 2024)
    path.write_bytes(b"nothing of use")
    store.catalog.delete(2, DAILY, 2024)
    (done,) = mended(store)
    assert isinstance(done.error, UnknownContentError)
    assert "cimis backfill --stations 2 --years 2024" in done.error.hint
    assert not path.exists()


def test_a_lagging_catalog_is_brought_up(store: Store) -> None:
    store.catalog.delete(2, DAILY, 2024)
    assert [d.how for d in mended(store)] == ["catalogued"]
    assert verify(store).findings == []


def test_damage_that_only_decoding_shows(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A block whose CRC is right and whose content is not: the CRCs say nothing, the digest does."""
    path = store.path(*KEY)
    data = path.read_bytes()
    info = read_header(data)
    third = info.blocks[2]
    wrong = bytearray(data[third.offset : third.offset + third.size])
    wrong[-3] ^= 8
    parts = [(b, data[b.offset : b.offset + b.size]) for b in info.blocks]
    parts[2] = (
        chunk.Block(2, third.first, third.last, third.count, third.size, chunk.zlib.crc32(wrong), 0),
        bytes(wrong),
    )
    path.write_bytes(chunk.seal(canonical(YEAR), parts, bytes.fromhex(info.digest)))
    assert not verify(store).damaged
    assert verify(store, read_data=True).damaged


def _three_blocks(root: Path) -> VerifyReport:
    """A store with one daily chunk of three blocks, the second of them damaged."""
    year = canonical(sample(count=300))
    with contextlib.closing(Store.create(root)) as store:
        path = store.write(sample(count=300)).path
        digest = bytes.fromhex(content_digest(year))
        path.write_bytes(encode_canonical(year, digest, Format.V1.codec, block_slots=100).data)
        store.rebuild()
        spoil(path, read_header(path.read_bytes()).blocks[1].offset + 5)
        return verify(store)


def test_a_death_at_any_operation_of_a_repair_loses_nothing_more(tmp_path: Path) -> None:
    report = _three_blocks(tmp_path / "D")
    shutil.copytree(tmp_path / "D", tmp_path / "fresh")
    deaths = 0
    while True:
        shutil.rmtree(tmp_path / "D")
        shutil.copytree(tmp_path / "fresh", tmp_path / "D")
        with contextlib.closing(Store.open(tmp_path / "D", fs=DyingFileSystem(deaths))) as dying:
            try:
                repair(dying, report)
                break
            except Death:
                deaths += 1
        with contextlib.closing(Store.open(tmp_path / "D")) as after:
            mended(after)
            rest = after.read(2, DAILY, 2024)
            assert rest is not None
            assert (len(rest), rest.covered[0].last, rest.covered[1].first) == (200, 100, 201)
            assert [f.kind for f in verify(after, read_data=True).findings] == [Kind.SET_ASIDE]
    assert deaths > 10


def test_an_error_of_one_chunk_does_not_stop_the_others(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.path(2, DAILY, 2024).write_bytes(b"?")
    store.write(sample(station=5))
    store.path(5, DAILY, 2024).unlink()
    report = verify(store)
    real = store.fs.open_new

    def full(path: Path) -> int:
        if ".gen" in path.parts:
            raise OSError(28, "No space left on device")
        return real(path)

    monkeypatch.setattr(store.fs, "open_new", full)
    done = {d.finding.key: d for d in mended(store, report)}
    failed = done[2, DAILY, 2024]
    assert failed.how == "failed"
    assert isinstance(failed.error, CimisError)
    assert "disk is full" in failed.error.hint
    assert store.path(2, DAILY, 2024).read_bytes() == b"?", "what could not be put aside is not touched"
    assert done[5, DAILY, 2024].how == "refetch"


def test_jobs_join_neighbours_and_take_whole_days() -> None:
    lost = [Covered(25, 30, 3), Covered(31, 60, 3), Covered(100, 101, 3), Covered(102, 103, 1)]
    found = [(str(j.span), [i.code for i in j.items]) for j in jobs_for(KEY, UnitSystem.METRIC, lost)]
    assert found == [
        ("2024-01-02..2024-01-03", [0, 1]),
        ("2024-01-05..2024-01-05", [0, 1]),
        ("2024-01-05..2024-01-05", [0]),
    ]


RANGES = st.lists(st.tuples(st.integers(1, 60), st.integers(0, 9)), max_size=6)


@given(RANGES, RANGES)
def test_coverage_is_divided_and_nothing_is_lost(covered: list[tuple[int, int]], lost: list[tuple[int, int]]) -> None:
    whole = union_covered(DAILY, 2024, [Covered(a, a + n, 1 + a % 3) for a, n in covered])
    cut = [(c.first, c.last) for c in union_covered(DAILY, 2024, [Covered(a, a + n, 1) for a, n in lost])]
    left, taken = without(whole, cut), within(whole, cut)
    assert union_covered(DAILY, 2024, left, taken) == whole
    slots = [{s for c in part for s in range(c.first, c.last + 1)} for part in (left, taken)]
    assert not slots[0] & slots[1]
    assert all(any(a <= s <= b for a, b in cut) for s in slots[1])
