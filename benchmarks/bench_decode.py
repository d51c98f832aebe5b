"""Decode of one hourly body of about 7.5 MB to columns: fast, reference and whole document at once.

Run: .venv/bin/python benchmarks/bench_decode.py
Best of three, CPU time; peaks by tracemalloc, in a pass of their own, the body itself not counted.
Ratios matter, not absolutes.
"""

from __future__ import annotations

import json
import random
import time
import tracemalloc
from collections.abc import Callable
from datetime import date, timedelta

import msgspec

from cimis_engine.fetch.decode import PageDecoder
from cimis_engine.fetch.decode_ijson import IjsonPageDecoder
from cimis_engine.model.items import HOURLY_ITEMS, Interval, UnitSystem
from cimis_engine.model.period import Span

PIECE = 64 << 10


def body(days: int) -> bytes:
    rng = random.Random(7)
    records = []
    for day in range(days):
        for hour in range(1, 25):
            base = {
                "Date": f"{date(2024, 1, 1) + timedelta(days=day)}",
                "Julian": f"{day + 1}",
                "Hour": f"{hour:02d}00",
            }
            base |= {"Station": "2", "Standard": "metric", "ZipCodes": "93624", "Scope": "hourly"}
            cells = {
                i.field: {"Value": f"{rng.uniform(0, 40):.1f}", "Qc": " ", "Unit": i.unit_metric} for i in HOURLY_ITEMS
            }
            records.append(base | cells)
    document = {"Data": {"Providers": [{"Name": "cimis", "Records": records}]}}
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def stream(kind: type[PageDecoder] | type[IjsonPageDecoder], data: bytes) -> None:
    span = Span(date(2024, 1, 1), date(2024, 12, 31))
    decoder = kind(interval=Interval.HOURLY, units=UnitSystem.METRIC, items=HOURLY_ITEMS, span=span, station=2)
    for at in range(0, len(data), PIECE):
        decoder.feed(data[at : at + PIECE])
    decoder.finish()


def main() -> None:
    small, large = body(73), body(366)
    ways: dict[str, Callable[[bytes], object]] = {
        "splitter + msgspec to columns": lambda data: stream(PageDecoder, data),
        "ijson to columns": lambda data: stream(IjsonPageDecoder, data),
        "msgspec whole, no columns": msgspec.json.decode,
    }
    print(f"body {len(large) / 1e6:.1f} MB, {366 * 24} records")
    for name, way in ways.items():
        best = 1e9
        for _ in range(3):
            started = time.process_time()
            way(large)
            best = min(best, time.process_time() - started)
        peaks = []
        for data in (small, large):
            tracemalloc.start()
            way(data)
            peaks.append(tracemalloc.get_traced_memory()[1] / 1e6)
            tracemalloc.stop()
        print(f"{name:30} {366 * 24 / best / 1000:6.0f} k records/s   peak {peaks[0]:5.1f} -> {peaks[1]:5.1f} MB")


if __name__ == "__main__":
    main()
