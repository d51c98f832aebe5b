"""CPU of one hourly station-year (8,784 records of 14 items), stage by stage, from the socket to the catalog.

    .venv/bin/python benchmarks/bench_stages.py

Each stage runs alone on what the stage before it made, over several stations; the median CPU time of this process is
shown (user and system, all threads). Response and server are real: the simulator, over TLS, in its own process.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import zstandard

from cimis_engine.clock import SystemClock
from cimis_engine.fetch.decode import PageDecoder
from cimis_engine.fetch.inflate import Inflater
from cimis_engine.fetch.station_web import StationWebDialect
from cimis_engine.fetch.transport import Slot, ssl_context
from cimis_engine.model.batch import RecordBatch, merge
from cimis_engine.model.items import HOURLY_ITEMS, Interval, UnitSystem
from cimis_engine.model.period import Span
from cimis_engine.simulator.process import SimulatorProcess, start_simulator
from cimis_engine.store import chunk, codec_v1, content
from cimis_engine.store.atomic import FileSystem, stage
from cimis_engine.store.catalog import entry_of
from cimis_engine.store.store import Store

STATIONS = (2, 5, 6, 7, 12, 15, 39, 43)
HALVES = (Span(date(2024, 1, 1), date(2024, 6, 30)), Span(date(2024, 7, 1), date(2024, 12, 31)))
T = TypeVar("T")


class Bill:
    """CPU milliseconds by stage."""

    def __init__(self) -> None:
        self.spent: dict[str, list[float]] = {}

    def time(self, stage_name: str, work: Callable[..., T], *arguments: Any) -> T:
        began = time.process_time()
        result = work(*arguments)
        self.spent.setdefault(stage_name, []).append((time.process_time() - began) * 1000)
        return result


def download(api: SimulatorProcess, station: int, loop: asyncio.AbstractEventLoop, slot: Slot) -> list[list[bytes]]:
    dialect = StationWebDialect(api.url)

    async def body(span: Span) -> list[bytes]:
        parts: list[bytes] = []

        async def keep(part: bytes) -> None:
            parts.append(part)

        await slot.get(dialect.data_request(station, span, Interval.HOURLY, UnitSystem.METRIC, HOURLY_ITEMS), keep)
        return parts

    return [loop.run_until_complete(body(span)) for span in HALVES]


def inflate(bodies: list[list[bytes]]) -> list[list[bytes]]:
    whole = []
    for parts in bodies:
        inflater = Inflater("gzip")
        whole.append([piece for part in parts for piece in inflater.pieces(part)])
        inflater.finish()
    return whole


def decode(station: int, bodies: list[list[bytes]]) -> list[RecordBatch]:
    batches: list[RecordBatch] = []
    for span, pieces in zip(HALVES, bodies, strict=True):
        decoder = PageDecoder(
            interval=Interval.HOURLY, units=UnitSystem.METRIC, items=HOURLY_ITEMS, span=span, station=station
        )
        for piece in pieces:
            decoder.feed(piece)
        batches += decoder.finish().batches
    return batches


class _NoCompressor:
    def __init__(self, **_: Any) -> None: ...

    def compress(self, data: bytes) -> bytes:
        return data


def encode_bare(batch: RecordBatch) -> None:
    """The transform without zstd."""
    real = zstandard.ZstdCompressor
    zstandard.ZstdCompressor = _NoCompressor  # type: ignore[assignment,misc]
    try:
        codec_v1.encode_block(batch.slots, batch.columns)
    finally:
        zstandard.ZstdCompressor = real  # type: ignore[misc]


def main() -> None:
    bill, loop, clock = Bill(), asyncio.new_event_loop(), SystemClock()
    with start_simulator(["--tls"]) as api, tempfile.TemporaryDirectory() as folder:
        store = Store.create(Path(folder))
        slot = Slot(context=ssl_context(api.ca_file), key="benchmark", clock=clock)
        for round_of in ("warm", "measured"):
            if round_of == "measured":
                bill = Bill()
            for station in STATIONS:
                bodies = bill.time("HTTP and TLS", download, api, station, loop, slot)
                plain = bill.time("inflate", inflate, bodies)
                parts = bill.time("decode to columns", decode, station, plain)
                whole = bill.time("merge halves", merge, parts)
                batch = bill.time("canonical form", content.canonical, whole)
                digest = bill.time("content digest", content.digest_of_canonical, batch)
                bill.time("encode: transform", encode_bare, batch)
                encoded = bill.time("encode: with zstd", chunk.encode_canonical, batch, digest)
                path = store.path(station, Interval.HOURLY, 2024)
                staged = bill.time("write, sync", stage, FileSystem(), path, encoded.data, set())
                bill.time("read back, decode, compare", staged.verify, chunk.decode_chunk)
                bill.time("replace, sync folder", staged.commit)
                bill.time("catalog", store.catalog.commit, [entry_of(encoded.data, batch, path, 0.0)])
        loop.run_until_complete(slot.aclose())
        store.close()
    table = {name: statistics.median(times) for name, times in bill.spent.items()}
    table["encode: zstd"] = table.pop("encode: with zstd") - table["encode: transform"]
    total = sum(table.values())
    print("CPU of one hourly station-year, 8,784 records of 14 items\n")
    for name, ms in sorted(table.items(), key=lambda line: -line[1]):
        print(f"{name:28} {ms:7.1f} ms  {ms / total:6.1%}")
    print(f"{'all':28} {total:7.1f} ms  = {total / 8784 * 1000:.1f} µs a record")


if __name__ == "__main__":
    main()
