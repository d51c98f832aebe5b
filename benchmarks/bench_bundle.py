"""A bundle of one new day for many stations: bytes a station-day, beside the chunks that changed and beside whole ones.

    python benchmarks/bench_bundle.py [STATIONS]

STATIONS (default 150) of the simulator, as the agency shows them on two days that follow each other: `day` is the new
records alone, `update` also the flags settled meanwhile (what `cimis update` brings). Then recorded data, where
it is (`CIMIS_REAL_DATA`): each station-year without its last day, and with it; daily with 12 items, hourly with 13.

"digests" are 32 bytes of target and 8 of source digest a chunk: nothing can shrink them. "changed chunks" are the
bytes a copy would fetch without bundles. Times are wall times of one round, in ms.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "store"))

import numpy as np
from store_real import as_batch, real_data, real_records

from cimis_engine.model.batch import Covered, RecordBatch, column, item_mask
from cimis_engine.model.items import Interval, UnitSystem, items_of
from cimis_engine.model.period import Span, slot_of
from cimis_engine.publish.apply import apply_bundle
from cimis_engine.publish.bundle import make_bundle, read_bundle
from cimis_engine.publish.publish import publish
from cimis_engine.publish.tree import open_published
from cimis_engine.simulator import render
from cimis_engine.simulator.source import Now, as_of
from cimis_engine.simulator.stations import stations
from cimis_engine.simulator.weather import Weather
from cimis_engine.store.atomic import FileSystem
from cimis_engine.store.store import Store

TODAY = date(2024, 7, 2)
FS = FileSystem()


def shown(count: int, interval: Interval, now: date, until: date) -> list[RecordBatch]:
    """The year of `count` stations up to a day, as the agency shows it on another."""
    weather, found = Weather(1), []
    for station in stations(count):
        data = weather.station_year(station, interval, now.year)
        slots = Span(date(now.year, 1, 1), until).slot_range(interval, now.year)
        here = np.array([s for s in slots if not data.absent[s - 1]])
        columns = []
        for item in items_of(interval):
            seen = as_of(data.columns[item.slug], item, station, now.year, Now(now, 12))
            scaled = render.scaled(item, UnitSystem.METRIC, seen.values)[here - 1].astype(np.int64)
            decimals = render.decimals_of(item, UnitSystem.METRIC)
            columns.append(column(item, decimals, scaled, seen.present[here - 1], seen.flags[here - 1]))
        covered = (Covered(slots[0], slots[-1], item_mask(items_of(interval))),)
        units = UnitSystem.METRIC
        found.append(
            RecordBatch(station.number, interval, now.year, units, here.astype(np.uint16), tuple(columns), covered)
        )
    return found


def recorded(interval: Interval, items: int) -> tuple[list[RecordBatch], list[RecordBatch]]:
    """Recorded station-years without their last day, and with it."""
    folder = real_data()
    old, new = list[RecordBatch](), list[RecordBatch]()
    for key, records in real_records(folder).items() if folder else ():
        batch = as_batch(key, records)
        day = 1 if interval is Interval.DAILY else 24
        if batch.interval is not interval or len(batch.columns) != items or len(batch) < 10 * day:
            continue
        last = int(batch.slots[-1])
        first = last - day + 1
        mask = item_mask(c.item for c in batch.columns)
        new.append(replace(batch, covered=(Covered(1, last, mask),)))
        old.append(replace(batch.select(batch.slots < first), covered=(Covered(1, first - 1, mask),)))
    return old, new


def measure(name: str, old: Sequence[RecordBatch], new: Sequence[RecordBatch]) -> str:
    with tempfile.TemporaryDirectory() as folder:
        home, tree = Path(folder) / "D", Path(folder) / "T"
        for batches in (old, new):
            store = Store.create(home)
            store.replace_all(batches)
            began = time.perf_counter()
            publish(store, tree)
            published = time.perf_counter() - began
            store.close()
        began = time.perf_counter()
        before, after = open_published(tree / "manifests" / "1.json", FS), open_published(tree, FS)
        made = make_bundle(before, after)
        bundled = time.perf_counter() - began
        copy = Store.create(Path(folder) / "E")
        copy.replace_all(old)
        began = time.perf_counter()
        done = apply_bundle(copy, read_bundle(made.data, Path("bundle")))
        applied = time.perf_counter() - began
        assert [e.digest for e in copy.catalog.entries()] == [e.digest for e in Store.open(home).catalog.entries()]
        had = before.manifest.by_key()
        chunks = sum(c.size for c in after.manifest.chunks if c.digest != had[c.key].digest)
    days = made.chunks
    return (
        f"{name:26}  {days:8}  {made.added:6}  {made.changed:7}  {len(made.data):8}  {len(made.data) / days:17.1f}"
        f"  {made.frames / days:13.1f}  {chunks:14}  {chunks / len(made.data):5.0f}  {published * 1000:7.0f}"
        f"  {bundled * 1000:6.0f}  {applied * 1000:5.0f}  {done.revised:7}"
    )


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 150
    print(
        f"{'':26}  stations   added  changed  bundle B  bytes/station-day  less digests  changed chunks"
        "  ratio  publish  bundle  apply  revised"
    )
    yesterday, before = TODAY - timedelta(days=1), TODAY - timedelta(days=2)
    for interval in Interval:
        items = len(items_of(interval))
        new = shown(count, interval, TODAY, yesterday)
        last = slot_of(before) * (1 if interval is Interval.DAILY else 24)
        less = [replace(b.select(b.slots <= last), covered=(replace(b.covered[0], last=last),)) for b in new]
        print(measure(f"simulated {interval.value}, {items}, day", less, new))
        print(measure(f"simulated {interval.value}, {items}, update", shown(count, interval, yesterday, before), new))
    for interval, items in ((Interval.DAILY, 12), (Interval.HOURLY, 13)):
        old, new = recorded(interval, items)
        if new:
            print(measure(f"recorded {interval.value}, {items}, day", old, new))
    return 0


if __name__ == "__main__":
    sys.exit(main())
