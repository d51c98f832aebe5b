"""The simulator on its socket: connections, delays and faults around the `Api`."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import ssl
import tempfile
import time
from collections import Counter, deque
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cimis_engine.errors import CimisError
from cimis_engine.model.period import PST
from cimis_engine.simulator import faults, legacy, query
from cimis_engine.simulator.api import Api, answer_of, blocked, refused, revoked, truncated
from cimis_engine.simulator.config import DAILY_CAP, HOURLY_CAP, LEGACY_CAP, SimulatorConfig
from cimis_engine.simulator.faults import Fault
from cimis_engine.simulator.http import HttpAnswer, HttpRequest, cut, read_request
from cimis_engine.simulator.query import (
    STATION_PATH,
    STATIONS_PATH,
    ApiRefusalError,
    DataQuery,
    Limits,
    gateway_refusal,
    identity,
    parameters,
)
from cimis_engine.simulator.recorded import RecordedSource
from cimis_engine.simulator.source import Now, SimulatedSource, Source
from cimis_engine.simulator.stations import directory_entry, stations
from cimis_engine.simulator.tally import Tally
from cimis_engine.simulator.weather import Weather

DATA_PATHS = (query.DATA_PATH, legacy.DATA_PATH)
HOST = "127.0.0.1"
REFUSED_SECONDS = 0.15
_IDLE_SECONDS = 60.0
_NOON = 12
_WHO = ("stationnbrs", "stationnbr", "targets", "zipcodes", "coordinates", "addresses")
_RETRY_AFTER = {"Retry-After": "1"}


class SimulatorError(CimisError):
    """The simulator cannot start."""


def make_source(config: SimulatorConfig) -> Source:
    """Recorded responses where a folder is given, else invented weather."""
    entries = stations(config.stations)
    directory = {s.number: directory_entry(s) for s in entries}
    if config.recorded is not None:
        return RecordedSource(config.recorded, directory)
    return SimulatedSource(Weather(config.seed, config.revise), {s.number: s for s in entries}, directory)


def limits(config: SimulatorConfig) -> Limits:
    """Caps as configured, else those of the dialect."""
    daily, hourly = (LEGACY_CAP, LEGACY_CAP) if config.dialect == "legacy" else (DAILY_CAP, HOURLY_CAP)
    return Limits(config.cap_daily or daily, config.cap_hourly or hourly, config.cap_unsaid)


class Simulator:
    """One simulator. `start` it in a running loop, `stop` it there; `stats` and `log` say what it did."""

    def __init__(self, config: SimulatorConfig) -> None:
        self.config = config
        self.ca_file: Path | None = config.ca_file if config.tls else None
        self.tally = Tally()
        self._api = Api(make_source(config), limits(config), config.key, old=config.dialect == "legacy")
        self._seen: Counter[str] = Counter()
        self._let_through: deque[float] = deque()
        self._last_used: float | None = None
        self._server: asyncio.Server | None = None
        self._context: ssl.SSLContext | None = None
        self._temp: Path | None = None
        self._port = config.port
        self._tasks: set[asyncio.Task[None]] = set()
        self._workers = ThreadPoolExecutor(max_workers=2, thread_name_prefix="render")
        self._listening = asyncio.Lock()
        self._stopped = False

    @property
    def url(self) -> str:
        return f"{'https' if self.config.tls else 'http'}://{HOST}:{self._port}"

    @property
    def stats(self) -> dict[str, Any]:
        return self.tally.stats()

    @property
    def log(self) -> list[dict[str, Any]]:
        return list(self.tally.log)

    async def start(self) -> str:
        """Listen; returns the URL. Raises `SimulatorError` where the port is taken."""
        if self.config.tls:
            from cimis_engine.simulator.tls import server_context

            if self.ca_file is None:
                self._temp = Path(tempfile.mkdtemp(prefix="cimis-simulator-"))
                self.ca_file = self._temp / "ca.pem"
            self._context = server_context(self.ca_file)
        try:
            await self._listen()
        except OSError as error:
            raise SimulatorError(
                f"cannot listen on {HOST}:{self._port}: {error.strerror}", hint="try --port 0"
            ) from error
        return self.url

    async def stop(self) -> None:
        """Close the socket and every connection, at once."""
        self._stopped = True
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._workers.shutdown(wait=False, cancel_futures=True)
        if self._temp is not None:
            shutil.rmtree(self._temp, ignore_errors=True)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(
            self._connection, HOST, self._port, ssl=self._context, backlog=1024, limit=1 << 16
        )
        self._port = self._server.sockets[0].getsockname()[1]

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.tally.connections += 1
        self.tally.connections_opened += 1
        # Drained means handed to the kernel: a body cut short must have left before the reset. (A high mark of 0 makes
        # asyncio's TLS transport of 3.11 pause at an empty buffer, for ever.)
        writer.transport.set_write_buffer_limits(high=1, low=0)
        try:
            while (request := await read_request(reader)) is not None:
                if not await self._serve(request, reader, writer):
                    break
        except (OSError, asyncio.CancelledError):
            writer.transport.abort()
        finally:
            self.tally.connections -= 1
            self._tasks.discard(task)
            with contextlib.suppress(OSError):
                writer.close()

    async def _serve(self, request: HttpRequest, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; returns whether the connection goes on."""
        if request.path.startswith("/_simulator/"):
            await self._send(self._own(request), request, writer)
            return request.keep_alive
        self.tally.begin()
        params = parameters(request.query)
        entry: dict[str, Any] = {
            "t": time.time(),
            "path": request.path,
            "station": next((params[name] for name in _WHO if name in params), None),
            "start": params.get("startdate"),
            "end": params.get("enddate"),
            "fault": None,
            "status": None,
            "in_flight": self.tally.in_flight,
        }
        self.tally.log.append(entry)
        try:
            return await self._exchange(request, reader, writer, entry)
        finally:
            self.tally.in_flight -= 1

    async def _exchange(
        self, request: HttpRequest, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, entry: dict[str, Any]
    ) -> bool:
        answer = self._at_the_gate(request)
        if answer is not None:
            return await self._finish(answer, request, writer, entry)
        name = identity(request.path, request.query)
        self._seen[name] += 1
        seen = self._seen[name]
        fault = faults.decide(self.config.fault_seed, self.config.faults, name, seen)
        self.tally.first_attempts += seen == 1
        self.tally.first_attempts_faulted += seen == 1 and fault is not None
        if fault is not None:
            entry["fault"] = fault.value
            self.tally.faults[fault.value] += 1
        if delay := self._delay(name, seen):
            await asyncio.sleep(delay)
        if fault is Fault.REFUSED:
            cut(writer)
            task = asyncio.create_task(self._refuse_connections())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            return False
        if fault is Fault.RESET:
            cut(writer)
            return False
        answer = _instead(fault)
        if answer is None:
            answer = await self._answer(request)
            if fault is Fault.TRUNCATED:
                answer = truncated(answer)
            elif fault is not None:
                entry["status"] = answer.status
                await self._part_only(fault, answer, reader, writer)
                return False
        return await self._finish(answer, request, writer, entry)

    def _at_the_gate(self, request: HttpRequest) -> HttpAnswer | None:
        if self._api.outdated(request):
            return blocked()
        if not self._api.knows(request.path):
            return refused(gateway_refusal(404, "Resource not found"))
        if request.method != "GET":
            return refused(gateway_refusal(405, "Method not allowed"))
        if self.config.revoke_after is not None and self.tally.requests > self.config.revoke_after:
            return revoked()
        return self._api.refuse(request) or (self._over_the_rate() if request.path in DATA_PATHS else None)

    def _over_the_rate(self) -> HttpAnswer | None:
        """The gateway's refusal, when it has let through as many requests for data within a second as it may."""
        if self.config.rate is None:
            return None
        now = time.monotonic()
        while self._let_through and self._let_through[0] <= now - 1.0:
            self._let_through.popleft()
        if len(self._let_through) >= self.config.rate:
            return _instead(Fault.RETRY_AFTER)
        self._let_through.append(now)
        return None

    def _delay(self, name: str, seen: int) -> float:
        """Seconds before the first byte: latency, its jitter, and waking up after idleness."""
        config, now = self.config, time.monotonic()
        delay = (config.latency + config.jitter * faults.jitter(config.seed, name, seen)) / 1000.0
        idle = self._last_used is None or now - self._last_used > _IDLE_SECONDS
        self._last_used = now
        cold = faults.scenario(config.faults).cold
        if idle and cold:
            self.tally.faults[faults.COLD_START] += 1
            delay += cold
        return delay

    def now(self) -> Now:
        """The agency's date and ended hours: as configured (at noon), or the real ones in PST."""
        if self.config.now is not None:
            return Now(self.config.now, _NOON)
        moment = datetime.now(UTC).astimezone(PST)
        return Now(moment.date(), moment.hour)

    async def _answer(self, request: HttpRequest) -> HttpAnswer:
        try:
            request = self._api.understood(request)
            if request.path in (STATIONS_PATH, STATION_PATH):
                return self._api.stations(request)
            now = self.now()
            query = self._api.query(request, now)
            asked = {n for part in query if isinstance(part, DataQuery) for n in part.stations}
            if self.config.fail_stations & asked:
                raise gateway_refusal(500, "Internal server error")
        except ApiRefusalError as error:
            return refused(error)
        page = self._api.cached(query, now)
        if page is None:
            page = await asyncio.get_running_loop().run_in_executor(self._workers, self._api.page, query, now)
        else:
            self.tally.cache_hits += 1
        self.tally.records_sent += page.records
        return answer_of(page, request)

    async def _finish(
        self, answer: HttpAnswer, request: HttpRequest, writer: asyncio.StreamWriter, entry: dict[str, Any]
    ) -> bool:
        entry["status"] = answer.status
        self.tally.by_status[answer.status] += 1
        await self._send(answer, request, writer)
        return request.keep_alive

    async def _send(self, answer: HttpAnswer, request: HttpRequest, writer: asyncio.StreamWriter) -> None:
        body = b"" if request.method == "HEAD" else answer.body
        writer.write(answer.head(request.keep_alive) + body)
        self.tally.bytes_sent += len(body)
        await writer.drain()

    async def _part_only(
        self, fault: Fault, answer: HttpAnswer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """The head and half of the body; then a reset, or silence until the end, the client's or ours."""
        half = answer.body[: len(answer.body) // 2]
        writer.write(answer.head(True) + half)
        self.tally.bytes_sent += len(half)
        await writer.drain()
        if fault is Fault.STALL:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(reader.read(1), self.config.stall)
        else:
            cut(writer)

    async def _refuse_connections(self) -> None:
        """Close the listening socket for a moment, for real: whoever connects meanwhile is refused by the kernel."""
        async with self._listening:
            if self._server is not None:
                self._server.close()
            await asyncio.sleep(REFUSED_SECONDS)
            if not self._stopped:
                await self._listen()

    def _own(self, request: HttpRequest) -> HttpAnswer:
        documents = {"/_simulator/stats": self.stats, "/_simulator/log": self.log}
        if request.path not in documents:
            return refused(gateway_refusal(404, "Resource not found"))
        return HttpAnswer(200, json.dumps(documents[request.path]).encode())


def _instead(fault: Fault | None) -> HttpAnswer | None:
    """What a fault sends in place of the answer; None where it spoils the answer itself, or there is no fault."""
    if fault is Fault.RETRY_AFTER:
        error = refused(gateway_refusal(429, "Rate limit is exceeded. Try again in 1 seconds."))
        return HttpAnswer(429, error.body, headers=_RETRY_AFTER)
    if fault is Fault.THROTTLED:
        return refused(gateway_refusal(429, "Rate limit is exceeded."))
    if fault is Fault.UNAVAILABLE:
        return HttpAnswer(503, b"The service is unavailable.", "text/html")
    return blocked() if fault is Fault.BLOCKED else None
