from __future__ import annotations

import csv
import io
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from cimis_engine.errors import UsageError
from cimis_engine.model.batch import RecordBatch, column
from cimis_engine.model.items import Interval, UnitSystem, items_of, parse_items
from cimis_engine.model.plausible import Limits
from cimis_engine.model.qc import GOOD, NOT_REPORTED
from cimis_engine.store.query import QueryResult
from cimis_engine.store.store import Store
from cimis_tui.cli.records import as_csv, as_table, chosen_items, document

ITEMS = parse_items(["day-air-tmp-avg", "day-eto", "day-precip"], Interval.DAILY)
SLUGS = [item.slug for item in ITEMS]


def _batch() -> RecordBatch:
    slots = np.array([153, 154], np.uint16)  # 1 and 2 June 2024
    temperature = column(ITEMS[0], 1, np.array([205, -3]), np.array([True, True]), np.array([GOOD, ord("R")]))
    eto = column(ITEMS[1], 2, np.array([650, 0]), np.array([True, False]), np.array([GOOD, ord("M")]))
    return RecordBatch(2, Interval.DAILY, 2024, UnitSystem.METRIC, slots, (temperature, eto))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store.create(tmp_path / "D")
    store.write(_batch())
    return store


def _days(store: Store, **asked: object) -> QueryResult:
    return store.query("all", "2024-06-01", "2024-06-02", **({"items": SLUGS} | asked))


def test_table_shows_values_flags_and_gaps(store: Store) -> None:
    assert as_table(_days(store), with_station=False) == [
        "date        air-tmp-avg    eto   precip",
        "                    (C)   (mm)     (mm)",
        "2024-06-01         20.5    6.5        –",
        "2024-06-02         -0.3R     –M       –",
    ]


def test_table_of_several_stations_with_marks_and_converted_records(store: Store) -> None:
    store.write(replace(_batch(), station=117, units=UnitSystem.ENGLISH))
    low = Limits(low=Decimal(0))
    found = _days(store, units="E", plausible={SLUGS[0]: low}, items=SLUGS[:2])
    assert as_table(found, with_station=True) == [
        "station  date        air-tmp-avg     eto",
        "                             (F)    (in)",
        "002      2024-06-01         68.9    0.26    converted",
        "002      2024-06-02         31.5R!     –M   converted",
        "117      2024-06-01         20.5 !  6.50",
        "117      2024-06-02         -0.3R!     –M",
    ]


def test_csv_reads_back(store: Store) -> None:
    lines = list(csv.reader(io.StringIO(as_csv(_days(store)))))
    assert lines[0] == ["station", "date", *(n for i in ITEMS for n in (i.slug, f"{i.slug}-qc"))]
    assert lines[1] == ["002", "2024-06-01", "20.5", "", "6.5", "", "", ""]
    assert lines[2] == ["002", "2024-06-02", "-0.3", "R", "", "M", "", ""]


def test_csv_says_what_was_converted_and_marked(store: Store) -> None:
    found = _days(store, units="E", plausible={SLUGS[0]: Limits(low=Decimal(0))}, items=SLUGS[:1])
    assert as_csv(found).splitlines() == [
        "station,date,converted,day-air-tmp-avg,day-air-tmp-avg-qc,day-air-tmp-avg-mark",
        "002,2024-06-01,yes,68.9,,",
        "002,2024-06-02,yes,31.5,R,range",
    ]


def test_document_keeps_values_flags_and_nulls(store: Store) -> None:
    found = document(_days(store))
    assert (found["units"], found["items"][0]) == ("M", {"slug": "day-air-tmp-avg", "unit": "(C)"})
    assert found["records"][1] == {
        "station": 2,
        "date": "2024-06-02",
        "values": {
            "day-air-tmp-avg": {"value": -0.3, "qc": "R"},
            "day-eto": {"value": None, "qc": "M"},
            "day-precip": {"value": None, "qc": None},
        },
    }
    found = document(_days(store, units="E", plausible=True, items=SLUGS[:1]))
    assert found["records"][0] == {
        "station": 2,
        "date": "2024-06-01",
        "converted": True,
        "values": {"day-air-tmp-avg": {"value": 68.9, "qc": " ", "mark": None}},
    }
    assert (found["units"], found["converted_records"]) == ("E", 2)


def test_hours_are_the_agencys(store: Store) -> None:
    item = items_of(Interval.HOURLY)[0]
    air = column(item, 0, np.array([20, 0]), np.array([True, False]), np.array([GOOD, NOT_REPORTED]))
    slots = np.array([152 * 24 + 1, 152 * 24 + 24], np.uint16)
    store.write(RecordBatch(2, Interval.HOURLY, 2024, UnitSystem.ENGLISH, slots, (air,)))
    found = store.query(2, "2024-06-01", "2024-06-01", interval="hourly")
    assert [line.split(",")[2] for line in as_csv(found).splitlines()] == ["hour", "0100", "2400"]
    assert document(found)["records"][1] == {
        "station": 2,
        "date": "2024-06-01",
        "hour": "2400",
        "values": {"hly-air-tmp": {"value": None, "qc": None}},
    }
    assert as_table(found, with_station=False)[1:3] == [
        "                      (F)",
        "2024-06-01  0100       20",
    ]


def test_chosen_items() -> None:
    assert chosen_items(None, Interval.DAILY, as_table=False) is None
    assert chosen_items("all", Interval.DAILY, as_table=True) == items_of(Interval.DAILY)
    shown = chosen_items(None, Interval.HOURLY, as_table=True)
    assert shown is not None and "hly-air-tmp" in {i.slug for i in shown}
    chosen = chosen_items("day-eto,day-precip", Interval.DAILY, as_table=True)
    assert chosen is not None and [i.slug for i in chosen] == ["day-eto", "day-precip"]
    with pytest.raises(UsageError):
        chosen_items("hly-eto", Interval.DAILY, as_table=True)
