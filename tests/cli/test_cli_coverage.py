"""`cimis coverage`: a character a year, sums that add up, dates of what is not there."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import msgspec
import numpy as np
import pytest

from cimis_engine.model.batch import Covered, RecordBatch, column
from cimis_engine.model.items import DAILY_ITEMS, Interval, UnitSystem
from cimis_engine.model.station import Station
from cimis_engine.store.store import Store
from cimis_tui.__main__ import main


def records(station: int, year: int, slots: Iterable[int], asked: tuple[int, int]) -> RecordBatch:
    chosen = np.array(list(slots), np.uint16)
    count = len(chosen)
    one = column(DAILY_ITEMS[0], 1, np.arange(count), np.ones(count, np.bool_), np.full(count, 32, np.uint8))
    return RecordBatch(station, Interval.DAILY, year, UnitSystem.METRIC, chosen, (one,), (Covered(*asked, 1),))


def directory(root: Path, *stations: tuple[int, date, date | None]) -> None:
    found = [
        Station(n, f"S{n}", "", "", "", connect, end, True, 0, "Grass", 36.0, -120.0) for n, connect, end in stations
    ]
    document = {"base_url": "u", "fetched_at": 0.0, "stations": found}
    (root / "stations.json").write_bytes(msgspec.json.encode(document))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CIMIS_TODAY", "2025-01-11")
    store = Store.create(tmp_path)
    store.write(records(2, 2023, range(1, 366), (1, 365)))
    store.write(records(2, 2024, [*range(1, 50), *range(52, 101)], (1, 100)))
    store.write(records(5, 2023, range(1, 104), (1, 365)))  # three days after its end, then nothing
    store.write(records(7, 2025, range(1, 11), (1, 10)))
    store.close()
    directory(
        tmp_path, (2, date(1982, 6, 7), None), (5, date(2000, 1, 1), date(2023, 4, 10)), (7, date(2025, 1, 1), None)
    )
    return tmp_path


def test_the_table(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["coverage", "--data-dir", str(home)]) == 0
    out, err = capsys.readouterr()
    head, *rows = [line.split() for line in out.splitlines()]
    assert head[:2] == ["station", "2023"]
    assert rows == [
        ["002", "█▒·", "741", "463", "2", "276", "0", "0"],
        ["005", "█", "100", "103", "0", "0", "3", "0"],
        ["007", "█", "10", "10", "0", "0", "0", "0"],
        ["total", "851", "576", "2", "276", "3", "0"],
    ]
    assert out.splitlines()[3].startswith("007        █"), "no station, no mark"
    assert "complete" in err


def test_json_adds_up_and_names_the_slots(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["coverage", "--data-dir", str(home), "--json", "--stations", "2", "--years", "2024"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["schema_version"], found["interval"], found["end"]) == ("1.0", "daily", "2024-12-31")
    (year,) = found["years"]
    assert year["expected"] == year["records"] - year["unexpected"] + year["missing"] + year["unasked"] == 366
    assert year["missing_slots"] == [{"first": "2024-02-19", "last": "2024-02-20"}]
    assert year["unasked_slots"] == [{"first": "2024-04-10", "last": "2024-12-31"}]
    assert found["total"]["missing"] == 2


def test_the_list_of_dates(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["coverage", "--data-dir", str(home), "--missing"]) == 0
    assert [line.split() for line in capsys.readouterr().out.splitlines()[1:]] == [
        ["002", "2024-02-19", "2024-02-20", "missing"],
        ["002", "2024-04-10", "2024-12-31", "never", "asked"],
        ["002", "2025-01-01", "2025-01-10", "never", "asked"],
    ]
    assert main(["coverage", "--data-dir", str(home), "--missing", "--stations", "7"]) == 0
    out, err = capsys.readouterr()
    assert (out, "nothing is missing" in err) == ("", True)


def test_without_a_directory_it_says_so_and_goes_on(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "stations.json").unlink()
    assert main(["coverage", "--data-dir", str(home), "--stations", "5", "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["total"]["expected"] == 741
    assert "not known" in err


def test_what_cannot_be(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["coverage", "--data-dir", str(home / "none")]) == 2
    assert main(["coverage", "--data-dir", str(home), "--years", "2026"]) == 2
    assert "yesterday" in capsys.readouterr().err
    assert main(["coverage", "--data-dir", str(home), "--hourly"]) == 0
    assert "no hourly records" in capsys.readouterr().err
