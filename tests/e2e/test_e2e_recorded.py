"""Recorded real responses, through HTTP, into chunks and back: every value, flag and null compared."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

from conftest import Run

from cimis_engine.model.items import DAILY_ITEMS, HOURLY_ITEMS, Interval
from cimis_engine.model.period import slot_of
from cimis_engine.simulator.process import start_simulator
from cimis_engine.store.store import Store

Key = tuple[int, Interval, int, int, str]
BY_FIELD = {i.field: i for i in (*DAILY_ITEMS, *HOURLY_ITEMS)}


def recorded(folders: list[Path]) -> Iterator[tuple[Key, str | None, str | None]]:
    """(station, interval, year, slot, field), value and flag of everything the files hold; JSON wins over CSV."""
    seen: set[tuple[int, Interval, int, int]] = set()
    for path in sorted(p for f in folders for p in f.glob("*.json")):
        body = json.loads(path.read_text())
        for provider in body.get("Data", {}).get("Providers", []):
            for record in provider["Records"]:
                interval = Interval(record["Scope"])
                day = date.fromisoformat(record["Date"])
                hour = int(record["Hour"]) // 100 if interval is Interval.HOURLY else None
                where = (int(record["Station"]), interval, day.year, slot_of(day, hour))
                seen.add(where)
                for field in BY_FIELD.keys() & record.keys():
                    yield (*where, field), record[field]["Value"], record[field]["Qc"]
    for path in sorted(p for f in folders for p in f.glob("*.csv")):
        with path.open(newline="") as lines:
            for line in csv.DictReader(lines):
                day = date.fromisoformat(line["Date"])
                where = (int(line["Station"]), Interval.HOURLY, day.year, slot_of(day, int(line["Hour"]) // 100))
                if where in seen:
                    continue
                for name, text in line.items():
                    if name.endswith("Value"):
                        yield (*where, name[:-5]), text or None, line[name[:-5] + "Qc"]


def compare(folders: list[Path], store: Store) -> tuple[int, list[str]]:
    """Every recorded value against the store: how many were compared, and what differs."""
    compared, wrong = 0, []
    held: dict[tuple[int, Interval, int], dict[tuple[int, str], tuple[Decimal | None, str | None]]] = {}
    for key, value, flag in recorded(folders):
        station, interval, year, slot, field = key
        chunk = (station, interval, year)
        if chunk not in held:
            batch = store.read(station, interval, year)
            held[chunk] = {}
            for column in batch.columns if batch else ():
                for i, s in enumerate(batch.slots.tolist() if batch else ()):
                    held[chunk][s, column.item.field] = (column.value(i), column.flag(i))
        want = (None if value is None else Decimal(value), flag)
        got = held[chunk].pop((slot, field), "absent")
        compared += 1
        if got != want:
            wrong.append(f"{key}: stored {got}, source {want}")
    extra = sum(1 for chunk in held.values() for value, flag in chunk.values() if value is not None or flag is not None)
    if extra:
        wrong.append(f"{extra} stored values are in no source")
    return compared, wrong


def test_metric_files_come_back_exactly(cimis: Run, real_data: Path, tmp_path: Path) -> None:
    stations = "6,47,70,121,131,139,166,170,196"
    with start_simulator(["--recorded", str(real_data)]) as recorded_api:
        for interval in ([], ["--hourly"]):
            cimis(
                *f"backfill --stations {stations} --years 2014-2016 --headless --data-dir D".split(),
                *interval,
                on=recorded_api,
            )
    folders = [real_data / name for name in ("daily", "hourly", "hourly-csv")]
    compared, wrong = compare(folders, Store.open(tmp_path / "D"))
    print(f"\ncompared {compared} values, flags and nulls: {len(wrong)} differences")
    assert compared > 800_000
    assert not wrong, wrong[:5]


def test_english_files_come_back_exactly(cimis: Run, real_data: Path, tmp_path: Path) -> None:
    with start_simulator(["--recorded", str(real_data)]) as recorded_api:
        common = ["--units", "E", "--headless", "--data-dir", "D"]
        cimis("backfill", "--stations", "259", "--years", "2020", *common, on=recorded_api)
        cimis("backfill", "--stations", "263", "--years", "2023", "--hourly", *common, on=recorded_api)
    compared, wrong = compare([real_data / "english"], Store.open(tmp_path / "D"))
    print(f"\ncompared {compared} values, flags and nulls: {len(wrong)} differences")
    assert compared > 1000
    assert not wrong, wrong[:5]
