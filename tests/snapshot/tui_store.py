"""A small store beside a run: two stations, seeded weather with its gaps and flags, the same on every machine."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from textual.pilot import Pilot

from cimis_engine.model.batch import Column, Covered, RecordBatch, column, item_mask
from cimis_engine.model.items import DataItem, Interval, UnitSystem, parse_items
from cimis_engine.model.period import HOURS, days_in_year
from cimis_engine.store.formats import Format
from cimis_engine.store.store import Store
from cimis_tui.screens.data import DataScreen
from cimis_tui.screens.store import StoreScreen

WRITTEN = 1_763_600_000
"""Unix seconds at which every chunk was written."""
YEARS = (2016, 2017, 2018)
_ITEMS = {
    Interval.DAILY: ("day-air-tmp-avg", "day-eto", "day-precip", "day-wind-run"),
    Interval.HOURLY: ("hly-air-tmp", "hly-eto", "hly-precip", "hly-wind-dir"),
}
_LOW_HIGH = {"air-tmp": (40, 260), "eto": (30, 780), "precip": (0, 0), "wind-run": (500, 3100), "wind-dir": (0, 3600)}


def filled(data_dir: Path, stations: tuple[int, ...] = (62, 83)) -> Path:
    """A data directory with daily chunks of `YEARS` and hourly ones of the last year, and the run's folder in it."""
    store = Store.create(data_dir, format=Format.V1)
    for station in stations:
        for year in YEARS:
            store.write(weather(station, Interval.DAILY, year))
        store.format = Format.V2
        store.write(weather(station, Interval.HOURLY, YEARS[-1]))
        store.format = Format.V1
    store.close()
    for path in (data_dir / "stations").rglob("*.zst"):
        os.utime(path, (WRITTEN, WRITTEN))
    with_times(data_dir)
    return data_dir / "runs" / "1121-1904-7f3a"


async def answered(pilot: Pilot[Any]) -> None:
    """The data or store screen, if it is in front, has been told all it asked for."""
    app = pilot.app
    while True:
        await pilot.pause()
        if any(not worker.is_finished for worker in app.workers):
            await app.workers.wait_for_complete()
        elif not isinstance(app.screen, DataScreen | StoreScreen) or app.screen.told:
            await pilot.pause()
            return


def with_times(data_dir: Path) -> None:
    """Make the catalog anew, so that it says what the files' times say."""
    store = Store.open(data_dir)
    store.rebuild()
    store.close()


def weather(station: int, interval: Interval, year: int) -> RecordBatch:
    """A year of seasons and chance; a week without records, some values missing, and flags of every grade."""
    dice = np.random.default_rng([station, year, interval is Interval.HOURLY])
    each = 1 if interval is Interval.DAILY else HOURS
    slots = np.arange(1, days_in_year(year) * each + 1)
    gap = date(year, 3, 10).timetuple().tm_yday * each
    slots = slots[(slots <= gap) | (slots > gap + 7 * each)]
    items = parse_items(_ITEMS[interval], interval)
    columns = tuple(_column(item, slots, each, dice) for item in items)
    covered = (Covered(1, int(slots[-1]), item_mask(items)),)
    return RecordBatch(station, interval, year, UnitSystem.METRIC, slots.astype(np.uint16), columns, covered)


def _column(item: DataItem, slots: NDArray[np.int64], each: int, dice: np.random.Generator) -> Column:
    kind = next(name for name in _LOW_HIGH if name in item.slug)
    low, high = _LOW_HIGH[kind]
    season = (1 - np.cos(2 * np.pi * (slots / each - 15) / 365)) / 2
    day = np.clip(np.sin(np.pi * ((slots % each) - 6) / 12), 0, 1) if each > 1 else 1.0
    chance = np.convolve(dice.normal(0, 1, len(slots) + 6), np.ones(7) / 7, "valid")
    if kind == "precip":
        scaled = np.where((chance > 0.5) & (season < 0.5), dice.integers(5, 220, len(slots)), 0)
    else:
        scaled = np.rint(low + (high - low) * (season * 0.8 * day + 0.08 * chance + 0.1)).astype(np.int64)
    scaled = np.maximum(scaled, 0) // (each if kind == "eto" and each > 1 else 1)
    flags, present = np.full(len(slots), ord(" "), np.uint8), np.ones(len(slots), np.bool_)
    for letter, count in (("Y", 6), ("R", 3), ("A", 4), ("P", 5), ("S", 2)):
        flags[dice.integers(0, len(slots), count)] = ord(letter)
    lost = dice.integers(0, len(slots), 5)
    flags[lost], present[lost] = ord("M"), False
    return column(item, 2 if kind in ("eto", "precip") else 1, scaled, present, flags)


def break_chunk(path: Path) -> None:
    """Turn one bit in the middle of a chunk file; its time stays."""
    data, times = bytearray(path.read_bytes()), (WRITTEN, WRITTEN)
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    os.utime(path, times)
