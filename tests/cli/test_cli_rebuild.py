"""`cimis rebuild`: the catalog from the chunks alone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from cimis_engine.model.batch import RecordBatch, column
from cimis_engine.model.items import DAILY_ITEMS, Interval, UnitSystem
from cimis_engine.store.store import Store
from cimis_tui.__main__ import main


def stored(root: Path, years: tuple[int, ...]) -> None:
    store = Store.create(root)
    for year in years:
        one = column(DAILY_ITEMS[0], 1, np.array([213]), np.array([True]), np.array([32], np.uint8))
        store.write(RecordBatch(2, Interval.DAILY, year, UnitSystem.METRIC, np.array([1], np.uint16), (one,)))
    store.close()


def test_a_lost_database_is_made_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stored(tmp_path, (2023, 2024))
    for file in tmp_path.glob("metadata.sqlite3*"):
        file.unlink()
    assert main(["rebuild", "--data-dir", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["chunks"] == 2
    assert len(Store.open(tmp_path).catalog.entries()) == 2


def test_a_damaged_chunk_is_left_out_and_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stored(tmp_path, (2023, 2024))
    chunk = tmp_path / "stations" / "002" / "2024_daily.zst"
    chunk.write_bytes(chunk.read_bytes()[:-3])
    assert main(["rebuild", "--data-dir", str(tmp_path)]) == 6
    out = capsys.readouterr().out
    assert "2024_daily.zst" in out
    assert "1 chunk in the catalog, 1 left out" in out
