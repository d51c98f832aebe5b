from __future__ import annotations

import csv
import io
from datetime import date

import numpy as np
import pytest

from cimis_engine.errors import UsageError
from cimis_engine.model.batch import RecordBatch, column
from cimis_engine.model.items import Interval, UnitSystem, parse_items
from cimis_engine.model.period import Span, slot_of
from cimis_engine.model.qc import GOOD, NOT_REPORTED
from cimis_tui.cli.records import as_csv, as_table, chosen_items, document

ITEMS = parse_items(["day-air-tmp-avg", "day-eto", "day-precip"], Interval.DAILY)
SPAN = Span(date(2024, 6, 1), date(2024, 6, 2))


def _batch() -> RecordBatch:
    slots = np.array([slot_of(date(2024, 6, 1)), slot_of(date(2024, 6, 2))], np.uint16)
    temperature = column(ITEMS[0], 1, np.array([205, -3]), np.array([True, True]), np.array([GOOD, ord("R")]))
    eto = column(ITEMS[1], 2, np.array([650, 0]), np.array([True, False]), np.array([GOOD, ord("M")]))
    return RecordBatch(2, Interval.DAILY, 2024, UnitSystem.METRIC, slots, (temperature, eto))


def test_table_shows_values_flags_and_gaps() -> None:
    assert as_table(Interval.DAILY, ITEMS, [_batch()]) == [
        "date        air-tmp-avg    eto   precip",
        "                    (C)   (mm)     (mm)",
        "2024-06-01         20.5    6.5        –",
        "2024-06-02         -0.3R     –M       –",
    ]


def test_csv_reads_back() -> None:
    lines = list(csv.reader(io.StringIO(as_csv(Interval.DAILY, ITEMS, [_batch()]))))
    assert lines[0] == ["date", *(n for i in ITEMS for n in (i.slug, f"{i.slug}-qc"))]
    assert lines[1] == ["2024-06-01", "20.5", "", "6.5", "", "", ""]
    assert lines[2] == ["2024-06-02", "-0.3", "R", "", "M", "", ""]


def test_document_keeps_values_flags_and_nulls() -> None:
    found = document(2, Interval.DAILY, SPAN, ITEMS, [_batch()])
    assert (found["units"], found["items"][0]) == ("M", {"slug": "day-air-tmp-avg", "unit": "(C)"})
    assert found["records"][1] == {
        "date": "2024-06-02",
        "values": {
            "day-air-tmp-avg": {"value": -0.3, "qc": "R"},
            "day-eto": {"value": None, "qc": "M"},
            "day-precip": {"value": None, "qc": None},
        },
    }


def test_hourly_records_carry_their_hour() -> None:
    items = parse_items(["hly-eto"], Interval.HOURLY)
    slots = np.array([slot_of(date(2024, 6, 1), 24)], np.uint16)
    eto = column(items[0], 2, np.array([12]), np.array([True]), np.array([GOOD]))
    batch = RecordBatch(2, Interval.HOURLY, 2024, UnitSystem.METRIC, slots, (eto,))
    assert document(2, Interval.HOURLY, SPAN, items, [batch])["records"][0]["hour"] == "2400"
    assert as_csv(Interval.HOURLY, items, [batch]).splitlines()[1] == "2024-06-01,2400,0.12,"
    assert as_table(Interval.HOURLY, items, [batch])[2].split() == ["2024-06-01", "2400", "0.12"]


def test_items_not_reported_are_null_without_flag() -> None:
    slots = np.array([1], np.uint16)
    gone = column(ITEMS[0], 1, np.array([0]), np.array([False]), np.array([NOT_REPORTED]))
    batch = RecordBatch(2, Interval.DAILY, 2024, UnitSystem.METRIC, slots, (gone,))
    values = document(2, Interval.DAILY, SPAN, ITEMS[:1], [batch])["records"][0]["values"]
    assert values == {"day-air-tmp-avg": {"value": None, "qc": None}}


def test_which_items() -> None:
    assert len(chosen_items(None, Interval.DAILY, as_table=True)) == 9
    assert len(chosen_items(None, Interval.DAILY, as_table=False)) == 29
    assert len(chosen_items("all", Interval.HOURLY, as_table=True)) == 14
    assert [i.slug for i in chosen_items("DayEto", Interval.DAILY, as_table=True)] == ["day-eto"]
    with pytest.raises(UsageError, match="hourly"):
        chosen_items("hly-eto", Interval.DAILY, as_table=True)
