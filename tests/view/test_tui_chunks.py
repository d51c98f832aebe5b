"""The table of chunks in words: cells, order, filter, totals, what verifying found and what to do next."""

from __future__ import annotations

from pathlib import Path

import pytest

from cimis_engine.model.batch import Covered
from cimis_engine.model.items import Interval, UnitSystem
from cimis_engine.store.catalog import ChunkEntry
from cimis_engine.store.verify import Finding, Kind, VerifyReport
from cimis_tui.view.cells import Line, width_of
from cimis_tui.view.chunk_rows import CHUNK_COLUMNS, CHUNKS, VALUES, ChunkRow, arranged, cells_of, export_chunk
from cimis_tui.view.order import Filter, FilterError, parse_filter
from cimis_tui.view.store_facts import (
    NEXT,
    ChunkFacts,
    Listed,
    Progress,
    _listed,
    chunk_title,
    lost_words,
    present_chunk,
    present_progress,
    present_totals,
)


def text(line: Line) -> str:
    return "".join(cell.text for cell in line)


def row(station: int = 2, year: int = 2018, *, hourly: bool = False, records: int = 360, **facts: object) -> ChunkRow:
    entry = ChunkEntry(
        station=station,
        interval=Interval.HOURLY if hourly else Interval.DAILY,
        year=year,
        units=UnitSystem.METRIC,
        codec=2 if hourly else 1,
        items=4,
        records=records,
        nulls=3,
        first_slot=1,
        last_slot=365,
        raw_bytes=records * 18,
        stored_bytes=records * 4,
        digest="0a1b2c3d" * 8,
        artifact_digest="ff" * 32,
        covered=(Covered(1, 365, 15),),
        absent=((70, 74),),
        pending=(),
        written_at=1_763_600_000.0,
    )
    return ChunkRow(entry, {2: "Davis", 5: "Shafter"}.get(station, ""), 0, **facts)  # type: ignore[arg-type]


ROWS = [row(5, 2017), row(2, 2018), row(2, 2016, records=100), row(2, 2018, hourly=True, records=8600)]


def test_a_cell_for_every_column_and_a_value_to_sort_by() -> None:
    assert len(cells_of(ROWS[0])) == len(CHUNK_COLUMNS)
    assert set(VALUES) == {column.key for column in CHUNK_COLUMNS} - {"check"}
    told = dict(zip((c.key for c in CHUNK_COLUMNS), (c.text for c in cells_of(ROWS[3])), strict=True))
    assert (told["station"], told["records"], told["each"], told["ratio"]) == ("2", "8,600", "4.0", "4.5:1")
    assert (told["generations"], told["missing"], told["state"]) == ("–", "5", "unchecked")
    assert (told["asked"], told["finding"]) == ("2018-01-01 to 2018-01-16", "")
    assert export_chunk(ROWS[3])["digest"] == "0a1b2c3d" * 8


def test_order_and_ties() -> None:
    def keys(by: str, reverse: bool = False) -> list[tuple[int, int]]:
        return [(r.entry.station, r.entry.year) for r in arranged(ROWS, by, reverse=reverse, keep=Filter(""))]

    assert keys("station") == [(2, 2016), (2, 2018), (2, 2018), (5, 2017)]
    assert keys("year", reverse=True) == [(2, 2018), (2, 2018), (5, 2017), (2, 2016)]
    assert keys("records")[0] == (2, 2016)


@pytest.mark.parametrize(
    ("words", "count"),
    [("", 4), ("davis", 3), ("!davis", 1), ("hourly", 1), ("year>2016", 3), ("records<=100", 1), ("0a1b", 4)],
)
def test_filter(words: str, count: int) -> None:
    assert len(arranged(ROWS, "year", reverse=False, keep=parse_filter(words, CHUNKS))) == count


def test_filter_by_what_verifying_found() -> None:
    rows = [row(), row(5, check="damaged"), row(7, check="sound")]
    assert [r.key[0] for r in arranged(rows, "state", reverse=False, keep=Filter(""))] == [5, 2, 7]
    assert len(arranged(rows, "state", reverse=False, keep=parse_filter("state:damage", CHUNKS))) == 1
    with pytest.raises(FilterError, match="no column 'speed'"):
        parse_filter("speed>3", CHUNKS)


def test_totals() -> None:
    assert text(present_totals(Listed(ROWS, 4), 120, 1)[0]) == (
        " 4 chunks   9.4k records   37.7 kB stored   4.0 B a record   4.5:1 of plain rows   3 in v1   1 in v2"
    )
    assert text(present_totals(Listed(ROWS, 4), 98, 1)[0]).endswith("  3 in v1  1 in v2"), "closer, so that all fits"
    assert text(present_totals(Listed(ROWS, 4), 90, 1)[0]).endswith("  3 in v1  …"), "what is left out is not hidden"
    assert text(present_totals(Listed(ROWS[:1], 4), 120, 1)[0]).startswith(" 1 of 4 chunks")
    assert text(present_totals(Listed((), 0), 80, 1)[0]) == " 0 chunks   0 records   0 B stored"


def found(*kinds: Kind) -> VerifyReport:
    report = VerifyReport(chunks=3, ok=3 - len(kinds))
    report.findings += [
        Finding(kind, Path("x"), "what is wrong", (2, Interval.DAILY, 2018), ((1, 3),)) for kind in kinds
    ]
    return report


@pytest.mark.parametrize(
    ("progress", "told"),
    [
        (None, "v verifies the chunk under the cursor"),
        (Progress(1, 4, found(Kind.DAMAGED), False), "1 of 4 files  ✗ 1 lost   esc ⌫ stops"),
        (Progress(3, 3, found(), True), "✓ 3 chunks sound"),
        (Progress(2, 9, found(), True, True), "stopped after 2 of 9 files: ✓ 3 chunks sound"),
        (Progress(3, 3, found(Kind.DAMAGED), True), "✗ 1 damaged, 2 sound   `cimis verify --repair` keeps"),
        (Progress(3, 3, found(Kind.UNCATALOGUED), True), "▲ 1 uncatalogued, 2 sound   `cimis rebuild`"),
        (Progress(3, 3, found(Kind.STRAY, Kind.MISSING_FILE), True), "✗ 1 stray, 1 missing file"),
    ],
)
def test_how_verifying_goes(progress: Progress | None, told: str) -> None:
    assert told in text(present_progress(progress, 120, 1)[0])
    assert width_of(present_progress(progress, 60, 1)[0]) <= 60


def test_where_there_is_no_room_for_advice_its_command_stays() -> None:
    line = text(present_progress(Progress(3, 3, found(Kind.DAMAGED), True), 70, 1)[0])
    assert line.endswith("`cimis verify --repair`")


def test_with_little_room_the_keys_are_told_in_fewer_words() -> None:
    assert text(present_progress(None, 60, 1)[0]) == " v verifies this chunk, V all of them"
    assert "…" not in text(present_progress(None, 80, 1)[0])


def test_everything_that_may_be_found_has_advice() -> None:
    assert set(NEXT) == set(Kind)


def test_items_end_on_a_whole_one() -> None:
    names = "day-air-tmp-avg day-air-tmp-max day-air-tmp-min day-dew-pnt day-eto"
    assert _listed(names.split(), 80) == names.replace(" ", "  ")
    assert _listed(names.split(), 60) == "day-air-tmp-avg  day-air-tmp-max  … and 3 more"
    assert _listed(names.split(), 4) == "…"


def test_what_does_not_fit_is_counted() -> None:
    facts = ChunkFacts(row(), None, Path("/d"))
    whole = [text(line) for line in present_chunk(facts, 96, 7)]
    assert [line[:13].strip() for line in whole] == [
        *("file", "digest", "items", "asked for", "encoded", "history", "file SHA-256"),
    ]
    assert [text(line) for line in present_chunk(facts, 96, 5)][-1] == "… 3 more lines: a taller window shows them"


def test_hours_of_whole_days_go_without_saying() -> None:
    finding = Finding(Kind.DAMAGED, Path("x"), "y", (2, Interval.HOURLY, 2018), ((1, 48), (49, 50), (60, 60)))
    assert lost_words(finding) == (
        "lost: 2018-01-01 to 2018-01-02, 2018-01-03 0100 to 2018-01-03 0200, 2018-01-03 1200"
    )


def test_detail_of_a_damaged_chunk() -> None:
    finding = Finding(Kind.DAMAGED, Path("x"), "block 3 of 27 is bad", (2, Interval.DAILY, 2018), ((1, 3), (9, 9)))
    lines = [
        text(line)
        for line in present_chunk(ChunkFacts(row(check="damaged", finding=finding), None, Path("/d")), 120, 12)
    ]
    assert lines[0] == "✗ damage: block 3 of 27 is bad"
    assert lines[1] == "  lost: 2018-01-01 to 2018-01-03, 2018-01-09"
    assert "--repair" in lines[2]
    assert lines[3] == "file         /d/stations/002/2018_daily.zst"
    assert "5 days missing at the agency: 2018-03-11 to 2018-03-15" in "".join(lines)
    assert chunk_title(ChunkFacts(row(), None, Path("/d"))) == "Chunk   2 Davis   2018 daily", "as tables have it"
    assert lost_words(Finding(Kind.STRAY, Path("x"), "y")) == ""
    assert "no chunk" in text(present_chunk(ChunkFacts(None, None, Path("/d")), 80, 5)[0])
