"""`cimis revisions` lists what was changed; `cimis update` says what it cannot do."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest

from cimis_engine.errors import UsageError
from cimis_engine.model.batch import Covered, RecordBatch, column
from cimis_engine.model.items import Interval, UnitSystem, items_of
from cimis_engine.store.store import Store
from cimis_tui.__main__ import main
from cimis_tui.cli.update import joint_code, parse_days


def records(values: str, interval: Interval = Interval.DAILY, station: int = 2) -> RecordBatch:
    """`21.3P 21.4 -`: a record a word, value and flag; `-` is none."""
    told = [(n, word) for n, word in enumerate(values.split(), 1) if word != "-"]
    tenths = np.array([round(float(w.rstrip("PY")) * 10) for _, w in told], np.int64)
    flags = np.array([ord(w[-1]) if w[-1] in "PY" else 32 for _, w in told], np.uint8)
    item = items_of(interval)[0]
    one = column(item, 1, tenths, np.ones(len(told), np.bool_), flags)
    slots = np.array([n for n, _ in told], np.uint16)
    covered = (Covered(1, len(values.split()), 1),)
    return RecordBatch(station, interval, 2024, UnitSystem.METRIC, slots, (one,), covered)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    store = Store.create(tmp_path)
    store.write(records("21.3P 21.4 - 20.0"), "r1")
    store.write(records("21.3 21.9Y 22.0 -"), "r2")
    store.write(records("5.2P", Interval.HOURLY, station=7), "r2")
    store.write(records("5.1P", Interval.HOURLY, station=7), "r3")
    store.close()
    return tmp_path


def test_the_table(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["revisions", "--data-dir", str(home)]) == 0
    out, err = capsys.readouterr()
    assert [line.split()[2:] for line in out.splitlines()[1:]] == [
        ["002", "2024-01-01", "day-air-tmp-avg", "settled", "21.3P", "21.3", "(C)"],
        ["002", "2024-01-02", "day-air-tmp-avg", "changed", "21.4", "21.9Y", "(C)"],
        ["002", "2024-01-03", "day-air-tmp-avg", "appeared", "22.0", "(C)"],
        ["002", "2024-01-04", "day-air-tmp-avg", "vanished", "20.0", "(C)"],
        ["007", "2024-01-01", "0100", "hly-air-tmp", "changed", "5.2P", "5.1P", "(C)"],
    ]
    assert "5 values revised (2 changed, 1 settled, 1 appeared, 1 vanished), in 5 records of 2 stations" in err


def test_json_and_csv_say_the_same(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["revisions", "--data-dir", str(home), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["revisions"]
    assert main(["revisions", "--data-dir", str(home), "--csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert len(rows) == len(found) == 5
    for one, row in zip(found, rows, strict=True):
        assert list(one) == list(row)
        values = {k: "" if v is None else str(v).strip() for k, v in one.items()}
        assert values == row
    assert found[0]["old_qc"] == "P"
    assert (found[2]["old_value"], found[2]["old_qc"], found[2]["run"]) == (None, None, "r2")


@pytest.mark.parametrize(
    ("flags", "count"),
    [
        ("--station 2", 4),
        ("--station 3", 0),
        ("--item hly-air-tmp", 1),
        ("--item day-air-tmp-avg", 4),
        ("--run r3", 1),
        ("--since 1d", 5),
        ("--since 2099-01-01", 0),
    ],
)
def test_filters(home: Path, capsys: pytest.CaptureFixture[str], flags: str, count: int) -> None:
    assert main(["revisions", "--data-dir", str(home), "--json", *flags.split()]) == 0
    assert len(json.loads(capsys.readouterr().out)["revisions"]) == count


def test_none_is_no_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Store.create(tmp_path).close()
    assert main(["revisions", "--data-dir", str(tmp_path)]) == 0
    out, err = capsys.readouterr()
    assert (out, "no revisions" in err) == ("", True)


@pytest.mark.parametrize("flags", ["--item rain", "--since soon", "--since 2024-13-01", "--station none"])
def test_what_cannot_be_is_said(home: Path, flags: str) -> None:
    assert main(["revisions", "--data-dir", str(home), *flags.split()]) == 2


def test_update_needs_something_stored(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CIMIS_APP_KEY", "k")
    assert main(["update", "--data-dir", str(tmp_path / "none")]) == 2
    Store.create(tmp_path).close()
    assert main(["update", "--data-dir", str(tmp_path), "--json"]) == 2
    out, err = capsys.readouterr()
    assert "cimis backfill" in json.loads(out)["error"]["hint"]
    assert "nothing is stored" in err


def test_days() -> None:
    assert [parse_days(text) for text in ("45d", "7", "0d", " 10D ")] == [45, 7, 0, 10]
    for wrong in ("", "d", "-3d", "1.5d", "45w", "1000000"):
        with pytest.raises(UsageError):
            parse_days(wrong)


def test_several_runs_have_one_exit_code() -> None:
    assert [joint_code(c) for c in ([0, 0], [4, 4], [0, 4], [3, 0], [0, 130], [3, 5])] == [0, 4, 3, 3, 130, 5]
