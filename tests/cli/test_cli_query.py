"""`query` and `export` as a person runs them: text, JSON, files, costs, mistakes."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import msgspec
import pytest
from store_samples import sample

from cimis_engine.model.items import Interval, UnitSystem
from cimis_engine.model.plausible import DEFAULT_RULES
from cimis_engine.model.station import Station
from cimis_engine.store.store import Store
from cimis_tui.__main__ import main
from cimis_tui.cli.limits import plausibility
from cimis_tui.cli.parser import parse

Said = tuple[str, str]
Run = Callable[..., Said]
WEEK = "--start 2024-06-01 --end 2024-06-07"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.chdir(tmp_path)
    for name in ("CIMIS_DATA_DIR", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    store = Store.create(tmp_path / "data")
    for station in (2, 5):
        store.write(sample(station=station, count=366))
        store.write(sample(station=station, count=8784, interval=Interval.HOURLY))
    store.write(sample(station=9, count=366, units=UnitSystem.ENGLISH))
    store.close()

    def run(line: str, code: int = 0) -> Said:
        assert main(line.split()) == code
        said = capsys.readouterr()
        return said.out, said.err

    return run


def test_several_stations(run: Run) -> None:
    out, _ = run(f"query -s 2,5 {WEEK}")
    lines = out.splitlines()
    assert lines[0].split()[:2] == ["station", "date"]
    assert [line.split()[:2] for line in lines[2:]] == [
        [f"{s:03d}", f"2024-06-{d:02d}"] for s in (2, 5) for d in range(1, 8)
    ]
    assert len({len(line) for line in lines[2:]}) == 1, "aligned"
    assert json.loads(run(f"query -s all --hourly {WEEK} --json")[0])["records"][-1]["station"] == 5


def test_both_unit_systems(run: Run) -> None:
    out, err = run(f"query -s all {WEEK} --json", code=2)
    assert json.loads(out)["error"]["class"] == "MixedUnitsError" and "--units" in err
    out, err = run(f"query -s all {WEEK} --units E")
    assert sum(line.endswith("converted") for line in out.splitlines()) == 14
    assert "14 records converted from metric units" in err


def test_warm_is_told_beside_cold(run: Run) -> None:
    out, err = run(f"query -s 2 {WEEK} --hourly --repeat 3")
    assert len(out.splitlines()) == 2 + 168, "the data once"
    assert re.search(r"cold: from 1 chunk in .*decode 2 of 2 blocks.*hits 0, misses 3, evictions 0", err)
    assert re.search(r"warm: .*read 0 B.*decode 0 of 2 blocks.*hits 3, misses 0.*the median of 2", err)
    perf = json.loads(run(f"query -s 2 {WEEK} --hourly --repeat 3 --perf --json")[0])["perf"]
    assert perf["runs"] == 3
    assert perf["cold"]["blocks_decoded"] == 2 and perf["cold"]["bytes_read"] > 0
    assert (perf["warm"]["blocks_decoded"], perf["warm"]["bytes_read"]) == (0, 0)
    assert perf["warm"]["total_ms"] < perf["cold"]["total_ms"]
    perf = json.loads(run(f"query -s 2 {WEEK} --hourly --repeat 2 --perf --json --cache 0")[0])["perf"]
    assert perf["warm"]["blocks_decoded"] == 2
    once = json.loads(run(f"query -s 2 {WEEK} --perf --json")[0])["perf"]
    assert once["warm"] is None
    assert "perf" not in json.loads(run(f"query -s 2 {WEEK} --json")[0])


@pytest.mark.parametrize(
    ("text", "size"), [("500", 500), ("100MB", 100_000_000), ("64MiB", 64 << 20), ("2 kb", 2000), ("1GiB", 1 << 30)]
)
def test_sizes(text: str, size: int) -> None:
    assert parse(["query", "-s", "2", "--start", "x", "--end", "x", "--cache", text]).cache == size


@pytest.mark.parametrize("text", ["", "MB", "-1", "5x", "1.5GB", "1i", "10TB"])
def test_no_sizes(run: Run, text: str) -> None:
    assert main(["query", "-s", "2", "--start", "x", "--end", "x", f"--cache={text}"]) == 2


def test_marks_and_dropped_values_are_counted_on_stderr(run: Run, tmp_path: Path) -> None:
    (tmp_path / "cimis.toml").write_text("[plausible.day-air-tmp-avg]\nhigh = 15.3\n")
    out, err = run(f"query -s 2 {WEEK} --plausible --drop-severe")
    assert out.count("!") == 2
    assert "2 values out of range, 0 changed too fast" in err and "0 values with a severe flag" in err


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("plausible = 3", "no table"),
        ("[plausible]\nday-nothing = {}", "day-nothing"),
        ("[plausible.hly-air-tmp]\nhihg = 3", "hihg"),
        ('[plausible.hly-air-tmp]\nhigh = "3"', "high"),
        ("[plausible.hly-air-tmp]\nhigh = true", "high"),
        ("[plausible.hly-air-tmp]\nhours = 0", "hours"),
        ("[plausible.day-air-tmp-avg]\nhours = 25", "hours"),
        ("[plausible]\nhly-air-tmp = 3", "hly-air-tmp"),
    ],
)
def test_mistaken_limits_are_named(run: Run, tmp_path: Path, text: str, word: str) -> None:
    (tmp_path / "cimis.toml").write_text(text)
    assert word in run(f"query -s 2 {WEEK} --plausible", code=2)[1]


def test_limits_change_only_what_they_name(tmp_path: Path) -> None:
    (tmp_path / "cimis.toml").write_text("[plausible.hly-air-tmp]\nhours = 3\n[plausible.day-wind-ene]\nlow = 0\n")
    rules, default = plausibility(tmp_path), DEFAULT_RULES["hly-air-tmp"]
    assert (rules["hly-air-tmp"].hours, rules["hly-air-tmp"].high) == (3, default.high)
    assert (rules["day-wind-ene"].low, rules["day-wind-ene"].high, rules["day-wind-ene"].hours) == (0, None, 24)
    assert len(rules) == len(DEFAULT_RULES) + 1
    assert plausibility(tmp_path / "elsewhere") == DEFAULT_RULES


def test_a_parquet_file(run: Run, tmp_path: Path) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    out, err = run(f"query -s 2,5 {WEEK} --parquet week.parquet")
    assert out == "" and "14 records written to week.parquet" in err
    assert pq.read_table(tmp_path / "week.parquet").num_rows == 14


def test_parquet_without_its_package(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    for line in (f"query -s 2 {WEEK} --parquet x", "export --parquet x --stations 2"):
        assert "pip install pyarrow" in run(line, code=2)[1]
    assert not (tmp_path / "x").exists()


def test_export(run: Run, tmp_path: Path) -> None:
    out, err = run("export --csv out.csv --stations 2,5 --years 2024")
    assert out == "" and "732 records of 2 chunks, 3 items written to out.csv (1 file, " in err
    assert "station directory" in err
    assert len(list(csv.reader(io.StringIO((tmp_path / "out.csv").read_text())))) == 733
    document = json.loads(run("export --csv tree --hive --units M --items day-air-tmp-avg --json")[0])
    told = {name: document[name] for name in ("format", "path", "chunks", "records", "files", "units", "items")}
    assert told == {
        "format": "csv",
        "path": "tree",
        "chunks": 3,
        "records": 1098,
        "files": 3,
        "units": "M",
        "items": ["day-air-tmp-avg"],
    }
    assert document["bytes"] == sum(p.stat().st_size for p in (tmp_path / "tree").rglob("*.csv"))
    assert "cimis: tree is there already" in run("export --csv tree --hive --stations 2", code=2)[1]
    assert "no such daily records" in run("export --csv x --stations 77", code=2)[1]
    assert "MixedUnitsError" in run("export --csv x --json", code=2)[0]


def test_stations_by_county_as_everywhere(run: Run, tmp_path: Path) -> None:
    for line in (f"query -s county:Yolo {WEEK}", "export --csv a.csv --stations 5,active", "verify --stations active"):
        assert "no station directory is stored" in run(line, code=2)[1], line
    station = Station(5, "Five", "", "Yolo", "", date(1982, 6, 7), None, True, 0, "Grass", 36.0, -120.0)
    document = {"base_url": "u", "fetched_at": 0.0, "stations": [station]}
    (tmp_path / "data" / "stations.json").write_bytes(msgspec.json.encode(document))
    found = json.loads(run(f"query -s county:yolo {WEEK} --json")[0])
    assert {r["station"] for r in found["records"]} == {5}
    assert json.loads(run("export --csv a.csv --stations active --json")[0])["chunks"] == 1
    assert json.loads(run("publish tree --stations county:Yolo --json")[0])["chunks"] == 2
    assert json.loads(run("verify --stations active --json")[0])["chunks"] == 2
    assert "no station in a county 'Yollo'" in run(f"query -s county:Yollo {WEEK}", code=2)[1]


@pytest.mark.parametrize("line", ["verify", "verify --json", "migrate --to v2", "rollback", "publish tree"])
def test_work_on_stations_that_are_not_stored_is_a_mistake(run: Run, line: str) -> None:
    assert "nothing of stations 888-999 is stored in data" in run(f"{line} --stations 888-999", code=2)[1]
    assert run(f"{line} --stations 5,999")[0], "of one is enough"


def test_a_lost_chunk_is_not_passed_over(run: Run, tmp_path: Path) -> None:
    (tmp_path / "data" / "stations" / "005" / "2024_daily.zst").unlink()
    for line in (f"query -s 2,5 {WEEK} --json", "export --csv a.csv --units M --json", "publish tree --json"):
        out, err = run(line, code=6)
        assert json.loads(out)["error"]["class"] == "MissingChunkError", line
        assert "`cimis verify --repair` fetches it again" in err
    assert not (tmp_path / "a.csv").exists()
