"""Recorded CIMIS data as batches: a small parser of its own, so that the store is tested without the fetch room."""

from __future__ import annotations

import csv
import json
import os
from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from cimis_engine.model.batch import RecordBatch, column
from cimis_engine.model.items import Interval, UnitSystem, items_of
from cimis_engine.model.period import slot_of
from cimis_engine.model.qc import NOT_REPORTED, flag_code

Cell = tuple[Decimal | None, int]
Key = tuple[int, Interval, int, UnitSystem]
Records = dict[Key, dict[int, dict[str, Cell]]]


def real_data() -> Path | None:
    """The folder of recorded data, or None where it is absent."""
    named = os.environ.get("CIMIS_REAL_DATA")
    folder = Path(named) if named else Path(__file__).resolve().parents[2].parent / "shared" / "data"
    return folder if folder.is_dir() else None


def _flag(text: str | None) -> int:
    code = flag_code(text)
    assert code is not None, text
    return code


def _number(text: str | None) -> Decimal | None:
    return Decimal(text) if text else None


def _json_records(path: Path, units: UnitSystem) -> Iterator[tuple[Key, int, dict[str, Cell]]]:
    for provider in json.loads(path.read_text())["Data"]["Providers"]:
        for record in provider["Records"]:
            day = date.fromisoformat(record["Date"])
            interval = Interval(record["Scope"])
            slot = slot_of(day, int(record["Hour"]) // 100 if interval is Interval.HOURLY else None)
            cells: dict[str, Cell] = {
                name: (_number(value["Value"]), _flag(value["Qc"]))
                for name, value in record.items()
                if isinstance(value, dict)
            }
            yield (int(record["Station"]), interval, day.year, units), slot, cells


def _csv_records(path: Path) -> Iterator[tuple[Key, int, dict[str, Cell]]]:
    with path.open(newline="") as lines:
        for row in csv.DictReader(lines):
            day = date.fromisoformat(row["Date"])
            cells: dict[str, Cell] = {
                name.removesuffix("Value"): (_number(text), _flag(row[name.removesuffix("Value") + "Qc"]))
                for name, text in row.items()
                if name.endswith("Value")
            }
            key = (int(row["Station"]), Interval.HOURLY, day.year, UnitSystem.METRIC)
            yield key, slot_of(day, int(row["Hour"]) // 100), cells


def file_records(folder: Path) -> Iterator[Records]:
    """File after file every value: (station, interval, year, units) -> slot -> field name -> (value, flag byte)."""
    metric, english = UnitSystem.METRIC, UnitSystem.ENGLISH
    sources: list[Iterator[tuple[Key, int, dict[str, Cell]]]] = [
        *(_json_records(p, english) for p in sorted(folder.glob("english/*.json"))),
        *(_json_records(p, metric) for p in sorted(folder.glob("hourly/*.json"))),
        *(_json_records(p, metric) for p in sorted(folder.glob("daily/*.json"))),
        *(_csv_records(p) for p in sorted(folder.glob("hourly-csv/*.csv"))),
    ]
    for source in sources:
        found: Records = defaultdict(lambda: defaultdict(dict))
        for key, slot, cells in source:
            found[key][slot].update(cells)
        yield found


def real_records(folder: Path) -> Records:
    """The same of all files together."""
    found: Records = defaultdict(lambda: defaultdict(dict))
    for records in file_records(folder):
        for key, slots in records.items():
            for slot, cells in slots.items():
                found[key][slot].update(cells)
    return found


def as_batch(key: Key, records: dict[int, dict[str, Any]]) -> RecordBatch:
    station, interval, year, units = key
    slots = sorted(records)
    columns = []
    for item in items_of(interval):
        cells = [records[s].get(item.field, (None, NOT_REPORTED)) for s in slots]
        if all(cell == (None, NOT_REPORTED) for cell in cells):
            continue
        exponent = max((-int(v.as_tuple().exponent) for v, _ in cells if v is not None), default=0)
        scaled = np.array([0 if v is None else int(v.scaleb(exponent)) for v, _ in cells], np.int64)
        present = np.array([v is not None for v, _ in cells], np.bool_)
        columns.append(column(item, exponent, scaled, present, np.array([f for _, f in cells], np.uint8)))
    return RecordBatch(station, interval, year, units, np.array(slots, np.uint16), tuple(columns))


def file_batches(folder: Path) -> Iterator[tuple[date, RecordBatch]]:
    """Every file as one batch, and its first day: the slots of a water year counted on from that, in leap year 2024."""
    for records in file_records(folder):
        (station, interval, _, units), *_ = records
        a_day = 1 if interval is Interval.DAILY else 24
        moved = {
            date(year, 1, 1).toordinal() * a_day + slot - 1: cells
            for (_, _, year, _), held in records.items()
            for slot, cells in held.items()
        }
        first = min(moved) // a_day
        slots = {at - first * a_day + 1: cells for at, cells in moved.items()}
        yield date.fromordinal(first), as_batch((station, interval, 2024, units), slots)
