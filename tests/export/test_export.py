"""Exports read back by DuckDB: rows and sums agree with the store; the agency's layout; whole or not at all."""

from __future__ import annotations

import csv
import errno
import sys
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from store_samples import sample

from cimis_engine.errors import CimisError
from cimis_engine.export.agency import header, heading
from cimis_engine.export.aside import TargetExistsError, aside
from cimis_engine.export.export import Exported, Form, NothingToExportError, Survey, export, survey
from cimis_engine.export.parquet import write_parquet
from cimis_engine.model.batch import column
from cimis_engine.model.items import DAILY_ITEMS, HOURLY_ITEMS, Interval, UnitSystem, parse_items
from cimis_engine.store.atomic import StoreWriteError
from cimis_engine.store.frames import MissingPackageError
from cimis_engine.store.query import MixedUnitsError
from cimis_engine.store.store import Store
from cimis_engine.store.wire import ChunkError

duckdb = pytest.importorskip("duckdb")
pytest.importorskip("pyarrow")
STATIONS, YEARS = (2, 5, 117), (2023, 2024)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Every chunk with values, flags and gaps of its own; one of fewer items, one of more decimals."""
    store, noise = Store.create(tmp_path / "D"), np.random.default_rng(9)
    for station in STATIONS:
        for year in YEARS:
            count = 300 + station % 7
            batch = sample(station=station, year=year, first=9, count=count, items=2 if station == 5 else 4)
            columns = [
                column(
                    c.item,
                    2 if year == 2024 else 1,
                    noise.integers(-9000, 9000, count),
                    noise.random(count) > 0.1,
                    noise.choice([0, 1, 32, 89, 255], count).astype(np.uint8),
                )
                for c in batch.columns
            ]
            store.write(replace(batch, columns=tuple(columns)))
    return store


def plan(store: Store, **chosen: Any) -> Survey:
    return survey(store, chosen.pop("interval", Interval.DAILY), **{"stations": STATIONS} | chosen)


def expected(store: Store, slug: str, stations: Sequence[int] = STATIONS) -> tuple[int, Decimal, int]:
    """Records, sum of an item's values, and how many have the flag Y: from whole chunks, by other code than exports."""
    count, total, flagged = 0, Decimal(0), 0
    for station in stations:
        for year in YEARS:
            batch = store.read(station, Interval.DAILY, year)
            assert batch is not None
            count += len(batch)
            held = next((c for c in batch.columns if c.item.slug == slug), None)
            for index in range(len(batch) if held else 0):
                assert held is not None
                total += held.value(index) or 0
                flagged += held.flag(index) == "Y"
    return count, total, flagged


def asked(path: str, slug: str) -> tuple[int, Decimal, int]:
    name = slug.replace("-", "_")
    sql = f"SELECT count(*), sum({name}::DECIMAL(18,4)), count(*) FILTER ({name}_qc = 'Y') FROM '{path}'"
    rows, total, flagged = duckdb.sql(sql).fetchall()[0]
    return rows, total, flagged


@pytest.mark.parametrize("hive", [False, True])
def test_parquet_agrees_with_the_store(store: Store, tmp_path: Path, hive: bool) -> None:
    target, told = tmp_path / ("tree" if hive else "out.parquet"), list[Exported]()
    done = export(store, plan(store), Form.PARQUET, target, hive=hive, progress=told.append)
    path = str(target / "**" / "*.parquet") if hive else str(target)
    for item in DAILY_ITEMS[:4]:
        assert asked(path, item.slug) == expected(store, item.slug)
    by_chunk = duckdb.sql(f"SELECT station, date_part('year', date), count(*) FROM '{path}' GROUP BY ALL").fetchall()
    assert sorted(by_chunk) == [(s, y, 300 + s % 7) for s in STATIONS for y in YEARS]
    assert [t.chunks for t in told] == [1, 2, 3, 4, 5, 6]
    assert told[-1].records == done.records == plan(store).records == sum(n for *_, n in by_chunk)
    files = [p for p in (target.rglob("*.parquet") if hive else [target]) if p.is_file()]
    assert (done.files, done.bytes) == (len(files), sum(p.stat().st_size for p in files))
    if hive:
        assert target / "station=117" / "year=2024" / "daily.parquet" in files


def test_parquet_says_what_it_holds(store: Store, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    export(store, plan(store), Form.PARQUET, tmp_path / "out.parquet")
    schema = pq.read_schema(tmp_path / "out.parquet")
    assert (schema.metadata[b"units"], schema.metadata[b"interval"]) == (b"M", b"daily")
    assert schema.field("day_air_tmp_avg").metadata[b"unit"] == b"(C)"
    column = pq.read_metadata(tmp_path / "out.parquet").row_group(0).column(2)
    assert (column.compression, column.path_in_schema) == ("ZSTD", "day_air_tmp_avg")


def test_csv_agrees_with_the_store(store: Store, tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    export(store, plan(store), Form.CSV, target, names={2: "FivePoints, west"})
    lines = list(csv.reader(target.open(newline="")))
    names = [name for item in DAILY_ITEMS[:4] for name in (heading(item, UnitSystem.METRIC), "qc")]
    assert lines[0][:5] == ["Stn Id", "Stn Name", "CIMIS Region", "Date", "Jul"]
    assert sorted(lines[0][5:]) == sorted(names)
    assert lines[1][:5] == ["2", "FivePoints, west", "", "1/9/2023", "009"]
    for item in DAILY_ITEMS[:4]:
        at = lines[0].index(heading(item, UnitSystem.METRIC))
        total = sum((Decimal(line[at]) for line in lines[1:] if line[at]), Decimal(0))
        flagged = sum(line[at + 1] == "Y" for line in lines[1:])
        assert (len(lines) - 1, total, flagged) == expected(store, item.slug)
    name = heading(DAILY_ITEMS[0], UnitSystem.METRIC)
    sql = f"SELECT count(*), sum(\"{name}\"::DECIMAL(18,4)) FROM read_csv('{target}', header=true)"
    assert duckdb.sql(sql).fetchall()[0] == expected(store, DAILY_ITEMS[0].slug)[:2]


def test_what_was_chosen_and_no_more(store: Store, tmp_path: Path) -> None:
    items = parse_items(["day-air-tmp-max"], Interval.DAILY)
    chosen = plan(store, stations=[5, 117, 99], years=range(2024, 2025), items=items)
    assert chosen.chunks == ((5, Interval.DAILY, 2024), (117, Interval.DAILY, 2024))
    export(store, chosen, Form.CSV, tmp_path / "tree", hive=True)
    files = sorted(p.relative_to(tmp_path / "tree").as_posix() for p in (tmp_path / "tree").rglob("*.csv"))
    assert files == ["station=117/year=2024/daily.csv", "station=5/year=2024/daily.csv"]
    first = (tmp_path / "tree" / files[0]).read_text().splitlines()[0]
    assert first == "Stn Id,Stn Name,CIMIS Region,Date,Jul,Max Air Temp (C),qc"


def test_converted_records_are_marked(store: Store, tmp_path: Path) -> None:
    store.write(sample(station=9, year=2024, units=UnitSystem.ENGLISH, count=3))
    stations = [2, 9]
    with pytest.raises(MixedUnitsError):
        plan(store, stations=stations)
    chosen = plan(store, stations=stations, units=UnitSystem.ENGLISH)
    export(store, chosen, Form.PARQUET, tmp_path / "a.parquet")
    export(store, chosen, Form.CSV, tmp_path / "a.csv")
    found = duckdb.sql(f"SELECT station, converted, count(*) FROM '{tmp_path}/a.parquet' GROUP BY ALL").fetchall()
    assert sorted(found) == [(2, True, 604), (9, False, 3)]
    lines = list(csv.reader((tmp_path / "a.csv").open(newline="")))
    assert [line[-1] for line in lines if line[0] in ("Stn Id", "9")] == ["Converted", "no", "no", "no"]
    assert lines[1][-1] == "yes" and "Avg Air Temp (F)" in lines[0]


def test_hours_as_the_agency_writes_them(store: Store, tmp_path: Path) -> None:
    store.write(sample(interval=Interval.HOURLY, first=24, count=2, items=1))
    export(store, plan(store, interval=Interval.HOURLY), Form.CSV, tmp_path / "h.csv")
    assert (tmp_path / "h.csv").read_bytes().decode().split("\r\n") == [
        "Stn Id,Stn Name,CIMIS Region,Date,Hour (PST),Jul,Air Temp (C),qc",
        "2,,,1/1/2024,2400,001,, ",
        "2,,,1/2/2024,0100,002,15.2,Y",
        "",
    ]


def test_the_header_of_the_default_report_is_the_agencys() -> None:
    slugs = """day-asce-eto day-eto day-precip day-sol-rad-avg day-vap-pres-avg day-air-tmp-max day-air-tmp-min
        day-air-tmp-avg day-rel-hum-max day-rel-hum-min day-rel-hum-avg day-dew-pnt day-wind-spd-avg day-wind-run
        day-soil-tmp-avg"""
    items = [item for item in parse_items(slugs.split(), Interval.DAILY) if item.slug != "day-asce-eto"]
    assert header(Interval.DAILY, items, UnitSystem.ENGLISH, with_converted=False) == (
        "Stn Id,Stn Name,CIMIS Region,Date,Jul,ETo (in),qc,Precip (in),qc,Sol Rad (Ly/day),qc,Avg Vap Pres (mBars),qc,"
        "Max Air Temp (F),qc,Min Air Temp (F),qc,Avg Air Temp (F),qc,Max Rel Hum (%),qc,Min Rel Hum (%),qc,"
        "Avg Rel Hum (%),qc,Dew Point (F),qc,Avg Wind Speed (mph),qc,Wind Run (miles),qc,Avg Soil Temp (F),qc\r\n"
    )


def test_the_header_of_the_hourly_report_is_the_agencys() -> None:
    """As in a file of its web reports, but for `Net Rad`, which only a script that reads another tells of."""
    further = ("hly-asce-eto", "hly-asce-etr", "hly-res-wind")
    items = [item for item in HOURLY_ITEMS if item.slug not in further]
    told = header(Interval.HOURLY, items, UnitSystem.METRIC, with_converted=False)
    assert told.replace("Net Rad (W/sq.m),qc,", "") == (
        "Stn Id,Stn Name,CIMIS Region,Date,Hour (PST),Jul,ETo (mm),qc,Precip (mm),qc,Sol Rad (W/sq.m),qc,"
        "Vap Pres (kPa),qc,Air Temp (C),qc,Rel Hum (%),qc,Dew Point (C),qc,Wind Speed (m/s),qc,Wind Dir (0-360),qc,"
        "Soil Temp (C),qc\r\n"
    )
    assert "Sol Rad (W/sq.m),qc,Net Rad (W/sq.m),qc,Vap Pres" in told
    (rose,) = parse_items(["day-wind-nne"], Interval.DAILY)
    assert heading(rose, UnitSystem.METRIC) == "Rose NNE"


def test_every_item_has_a_heading_of_its_own() -> None:
    for items in (DAILY_ITEMS, HOURLY_ITEMS):
        assert len({heading(item, UnitSystem.METRIC) for item in items}) == len(items)


def test_a_damaged_chunk_leaves_nothing_behind(store: Store, tmp_path: Path) -> None:
    chosen = plan(store)
    path = store.path(117, Interval.DAILY, 2024)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    (tmp_path / "old.csv").write_text("old")
    with pytest.raises(ChunkError):
        export(store, chosen, Form.CSV, tmp_path / "old.csv")
    with pytest.raises(ChunkError):
        export(store, chosen, Form.PARQUET, tmp_path / "new", hive=True)
    assert (tmp_path / "old.csv").read_text() == "old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["D", "old.csv"]


def test_folders_are_not_mixed_and_files_are_replaced(store: Store, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "other").touch()
    with pytest.raises(TargetExistsError, match="full"):
        export(store, plan(store), Form.CSV, tmp_path / "full", hive=True)
    with pytest.raises(CimisError, match="is a folder"):
        export(store, plan(store), Form.CSV, tmp_path / "full")
    for _ in range(2):
        export(store, plan(store), Form.CSV, tmp_path / "deep" / "a.csv")
    words = "a.csv: No space left on device"
    with pytest.raises(StoreWriteError, match=words) as caught, aside(tmp_path / "a.csv") as beside:
        raise OSError(errno.ENOSPC, f"pyarrow: writing {beside}")
    assert (caught.value.exit_code, "full" in caught.value.hint) == (5, True)


def test_nothing_to_export_is_said_before_anything_is_written(store: Store) -> None:
    with pytest.raises(NothingToExportError):
        plan(store, interval=Interval.HOURLY)


def test_without_pyarrow_it_says_so(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingPackageError, match="'pyarrow'"):
        export(store, plan(store), Form.PARQUET, tmp_path / "a.parquet")
    assert [p.name for p in tmp_path.iterdir()] == ["D"]
    export(store, plan(store), Form.CSV, tmp_path / "a.csv")


def test_row_groups_do_not_grow_with_the_export(store: Store, tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({"n": np.arange(250_000)})
    size = write_parquet(tmp_path / "n.parquet", table)
    meta = pq.read_metadata(tmp_path / "n.parquet")
    assert [meta.row_group(n).num_rows for n in range(meta.num_row_groups)] == [100_000, 100_000, 50_000]
    assert size == (tmp_path / "n.parquet").stat().st_size
