"""Known delays on real clocks: each must appear in its own phase, within 15 ms, and move no other.

    .venv/bin/python benchmarks/bench_phases.py [RUNS]

A whole engine run of one page over real TLS on loopback, again and again: first as it is, then with a delay at one door
at a time. A row is a door: what was injected, by how much its phase grew over the run without delays (median of RUNS
pairs, 5 unless said otherwise), and the phase that moved most beside it. Connections are made anew for every run.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import ssl
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import httpcore
import trustme

from cimis_engine.fetch.decode import DecodedPage, PageDecoder
from cimis_engine.fetch.network import resolve
from cimis_engine.fetch.phases import CONSECUTIVE, PHASES
from cimis_engine.model.items import DAILY_ITEMS, Interval, UnitSystem
from cimis_engine.model.period import Span
from cimis_engine.model.plan import build_plan
from cimis_engine.model.station import Station
from cimis_engine.run import events as ev
from cimis_engine.run.engine import run_engine
from cimis_engine.run.spec import Request, RunSpec, Settings, save_spec
from cimis_engine.store import gate
from cimis_engine.store.atomic import FileSystem
from cimis_engine.store.paths import is_temp
from cimis_engine.store.store import Store

TOLERANCE_MS = 15.0
SPAN = Span(date(2024, 1, 1), date(2024, 12, 31))
DELAYS = {
    "dns": 0.1, "tcp": 0.15, "tls": 0.2, "send": 0.12, "ttfb": 0.3, "read": 0.25,
    "decode": 0.1, "encode": 0.11, "write": 0.13, "verify": 0.14, "commit": 0.16,
}  # fmt: skip


def body() -> bytes:
    """A year of daily records with all items, as the API writes them."""
    records = []
    for n in range(366):
        day = SPAN.start + timedelta(days=n)
        cells = {i.field: {"Value": f"{n % 40}.{i.code % 10}", "Qc": " ", "Unit": i.unit_metric} for i in DAILY_ITEMS}
        records.append({"Date": day.isoformat(), "Julian": str(n + 1), "Station": "2", "Standard": "metric"} | cells)
    document = {"Data": {"Providers": [{"Name": "cimis", "Records": records}]}}
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


@dataclass
class Doors:
    """Seconds lost at each door: awaited where the engine waits, slept through where it works."""

    seconds: dict[str, float] = field(default_factory=dict)

    async def wait(self, door: str) -> None:
        if delay := self.seconds.get(door):
            await asyncio.sleep(delay)

    def work(self, door: str) -> None:
        if delay := self.seconds.get(door):
            time.sleep(delay)

    async def resolve(self, host: str, port: int) -> list[str]:
        await self.wait("dns")
        return await resolve(host, port)


class Network(httpcore.AsyncNetworkBackend):
    """The real one, with doors before connecting, the handshake and sending."""

    def __init__(self, doors: Doors) -> None:
        self._doors, self._real = doors, httpcore.AnyIOBackend()

    async def connect_tcp(self, *arguments: Any, **options: Any) -> httpcore.AsyncNetworkStream:
        await self._doors.wait("tcp")
        return Stream(self._doors, await self._real.connect_tcp(*arguments, **options))

    async def sleep(self, seconds: float) -> None:
        await self._real.sleep(seconds)


class Stream(httpcore.AsyncNetworkStream):
    def __init__(self, doors: Doors, real: httpcore.AsyncNetworkStream) -> None:
        self._doors, self._real = doors, real

    async def start_tls(self, *arguments: Any, **options: Any) -> httpcore.AsyncNetworkStream:
        await self._doors.wait("tls")
        return Stream(self._doors, await self._real.start_tls(*arguments, **options))

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - its signature
        if buffer:
            await self._doors.wait("send")
        await self._real.write(buffer, timeout)

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        return await self._real.read(max_bytes, timeout)

    async def aclose(self) -> None:
        await self._real.aclose()

    def get_extra_info(self, info: str) -> Any:
        return self._real.get_extra_info(info)


class Disk(FileSystem):
    def __init__(self, doors: Doors) -> None:
        self._doors = doors

    def read(self, path: Path) -> bytes:
        if is_temp(path):
            self._doors.work("verify")
        return super().read(path)

    def open_new(self, path: Path) -> int:
        self._doors.work("write")
        return super().open_new(path)

    def replace(self, source: Path, target: Path) -> None:
        self._doors.work("commit")
        super().replace(source, target)


@contextlib.contextmanager
def slow_work(doors: Doors) -> Iterator[None]:
    """Doors before the last step of decoding and before encoding."""
    finish, encode = PageDecoder.finish, gate.encode_canonical

    def slow_finish(decoder: PageDecoder) -> DecodedPage:
        doors.work("decode")
        return finish(decoder)

    def slow_encode(*arguments: Any) -> Any:
        doors.work("encode")
        return encode(*arguments)

    with (
        mock.patch.object(PageDecoder, "finish", slow_finish),
        mock.patch.object(gate, "encode_canonical", slow_encode),
    ):
        yield


@contextlib.asynccontextmanager
async def serving(doors: Doors, wire: bytes, context: ssl.SSLContext) -> AsyncIterator[str]:
    """An HTTPS server with doors before its first byte and in the middle of the body."""
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(wire)}\r\nContent-Encoding: gzip\r\n\r\n".encode()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            await doors.wait("ttfb")
            writer.write(head + wire[: len(wire) // 2])
            await writer.drain()
            await doors.wait("read")
            writer.write(wire[len(wire) // 2 :])
            await writer.drain()
            await reader.read()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    async with server:
        yield f"https://localhost:{server.sockets[0].getsockname()[1]}"


async def journey(doors: Doors, wire: bytes, context: ssl.SSLContext, ca_file: Path) -> dict[str, float]:
    """Milliseconds of every phase of one engine run."""
    station = Station(2, "Here", "", "", "", date(1982, 6, 7), None, True, 0, "", None, None)
    plan = build_plan(
        [station],
        interval=Interval.DAILY,
        span=SPAN,
        units=UnitSystem.METRIC,
        items=DAILY_ITEMS,
        today=date(2026, 1, 1),
        open_slots=lambda _station, _year, wanted: wanted,
    )
    found: dict[str, float] = {}

    def note(stamped: ev.Stamped) -> None:
        if isinstance(event := stamped.event, ev.AttemptFinished):
            taken = {name: getattr(event.timings, name) for name in (*CONSECUTIVE, "decode", "total")}
            found.update({name: ms or 0.0 for name, ms in taken.items()})
        if isinstance(event, ev.ChunkFinished):
            found.update({name: getattr(event, f"{name}_ms") for name in ("encode", "write", "verify", "commit")})

    with tempfile.TemporaryDirectory() as folder:
        async with serving(doors, wire, context) as url:
            settings = Settings(base_url=url, ca_file=str(ca_file), concurrency=1)
            request = Request(stations="2", start=str(SPAN.start), end=str(SPAN.end))
            spec = RunSpec(run_id="r", command="benchmark", data_dir=folder, request=request, settings=settings)
            save_spec(spec)
            store = Store.create(Path(folder), fs=Disk(doors))
            with contextlib.closing(store), store.lock(), slow_work(doors):
                await run_engine(
                    spec,
                    plan,
                    store=store,
                    key="benchmark",
                    on_event=note,
                    handle_signals=False,
                    resolver=doors.resolve,
                    network=Network(doors),
                )
    assert sum(found[name] for name in CONSECUTIVE) <= found["total"] + 1e-6
    return found


def medians(runs: Iterable[dict[str, float]]) -> dict[str, float]:
    every = list(runs)
    return {name: statistics.median(run[name] for run in every) for name in every[0]}


def main() -> int:
    repeat = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    wire, authority = gzip.compress(body(), 6), trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    with tempfile.TemporaryDirectory() as folder:
        ca_file = Path(folder) / "ca.pem"
        authority.cert_pem.write_to_path(str(ca_file))

        def once(seconds: dict[str, float]) -> dict[str, float]:
            return asyncio.run(journey(Doors(seconds), wire, context, ca_file))

        once({})
        plain = medians(once({}) for _ in range(repeat))
        print("phase      plain ms   injected   measured     off by   moved most beside it")
        good = True
        for door, seconds in DELAYS.items():
            moved = medians(
                {name: slow[name] - calm[name] for name in PHASES}
                for slow, calm in ((once({door: seconds}), once({})) for _ in range(repeat))
            )
            error = moved.pop(door) - seconds * 1000
            other = max(moved, key=lambda name: abs(moved[name]))
            good &= abs(error) <= TOLERANCE_MS and abs(moved[other]) <= TOLERANCE_MS
            measured = error + seconds * 1000
            print(
                f"{door:9s}  {plain[door]:8.2f}   {seconds * 1000:8.0f}   {measured:8.2f}   {error:+8.2f}"
                f"   {other} {moved[other]:+.2f}"
            )
    print(f"\npool_wait  {plain['pool_wait']:8.2f}   within the slot; nothing to inject, for a slot has one user")
    print("every delay in its own phase, and no other moved, within 15 ms" if good else "NOT within 15 ms")
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
