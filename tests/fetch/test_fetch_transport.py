"""The transport, the inflater and the pipeline over real loopback sockets."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import logging
import random
import socket
import zlib
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from fetch_server import CA, Handler, always, response, serving

from cimis_engine.clock import SystemClock
from cimis_engine.errors import UsageError
from cimis_engine.fetch.decode import DecodedPage, DecodeError, PageDecoder, TruncatedError
from cimis_engine.fetch.directory import parse_directory
from cimis_engine.fetch.exchange import ApiRequest, AttemptError, ErrorKind
from cimis_engine.fetch.inflate import Inflater
from cimis_engine.fetch.network import interleave, race
from cimis_engine.fetch.page import ApiError, fetch_document
from cimis_engine.fetch.pipeline import DecodePipeline
from cimis_engine.fetch.retry import RetryPolicy
from cimis_engine.fetch.station_web import StationWebDialect
from cimis_engine.fetch.transport import Slot, ssl_context
from cimis_engine.model.items import DAILY_ITEMS, Interval, UnitSystem
from cimis_engine.model.period import Span

KEY = "canary-key-1234"


@contextlib.asynccontextmanager
async def slot_for(tmp_path: Path, **options: Any) -> AsyncIterator[Slot]:
    (tmp_path / "ca.pem").write_bytes(CA.cert_pem.bytes())
    slot = Slot(context=ssl_context(tmp_path / "ca.pem"), key=KEY, clock=SystemClock(), **options)
    try:
        yield slot
    finally:
        await slot.aclose()


async def drop(_: bytes) -> None:
    pass


@pytest.mark.asyncio
async def test_phases_on_a_new_and_on_a_reused_connection(tmp_path: Path) -> None:
    async with serving(always(response(b"x" * 5000)), tls=True) as url, slot_for(tmp_path) as slot:
        first = await slot.get(ApiRequest(url, "/a"), drop)
        second = await slot.get(ApiRequest(url, "/a"), drop)
    for phases in (first.phases, second.phases):
        happened = [phases.pool_wait, phases.dns, phases.tcp, phases.tls, phases.send, phases.ttfb, phases.read]
        assert sum(p for p in happened if p is not None) <= phases.total_ms + 1e-6
        assert None not in (phases.pool_wait, phases.send, phases.ttfb, phases.read)
    assert not first.phases.reused and None not in (first.phases.dns, first.phases.tcp, first.phases.tls)
    assert second.phases.reused and (second.phases.dns, second.phases.tcp, second.phases.tls) == (None, None, None)
    assert (first.status, first.wire_bytes, first.http_version) == (200, 5000, "HTTP/1.1")


@pytest.mark.asyncio
async def test_the_request_carries_the_key_in_its_header_only(tmp_path: Path) -> None:
    heard = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(response(b"{}"))

    api_span = Span(date(2024, 1, 1), date(2024, 12, 31))
    async with serving(answer) as url, slot_for(tmp_path, gzip=False, user_agent="mine/1") as slot:
        api = StationWebDialect(url)
        await slot.get(api.data_request(2, api_span, Interval.DAILY, UnitSystem.METRIC, DAILY_ITEMS[4:6]), drop)
    line, _, headers = heard[0].decode().partition("\r\n")
    assert line == (
        "GET /StationWeb/GetDataByStationNumber?stationNbrs=2&startDate=2024-01-01&endDate=2024-12-31"
        "&isHourly=false&unitOfMeasure=M&dataItems=day-eto,day-asce-eto HTTP/1.1"
    )
    assert f"ocp-apim-subscription-key: {KEY}\r\n" in headers.replace(
        "Ocp-Apim-Subscription-Key", "ocp-apim-subscription-key"
    )
    assert "identity" in headers and "application/json" in headers and "mine/1" in headers


FAILURES = [
    (always(b"", then="close"), {}, ErrorKind.EOF, None),
    (always(response(b"abc", length=9), then="close"), {}, ErrorKind.EOF, 200),
    (always(response(b"abc", length=9), then="reset"), {}, ErrorKind.RESET, 200),
    (always(response(b"abc", length=9)), {"read_timeout": 0.05}, ErrorKind.TIMEOUT_READ, 200),
    (always(b""), {"attempt_timeout": 0.5}, ErrorKind.TIMEOUT_ATTEMPT, None),
    (always(b"what\r\n\r\n"), {}, ErrorKind.PROTOCOL, None),
    (always(response(b"x" * 99)), {"max_wire_bytes": 50}, ErrorKind.TOO_LARGE, 200),
]


@pytest.mark.asyncio
@pytest.mark.parametrize(("answer", "options", "kind", "status"), FAILURES)
async def test_failures_are_typed_and_the_slot_lives_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, answer: Handler, options: Any, kind: ErrorKind, status: int | None
) -> None:
    caplog.set_level(logging.DEBUG)
    async with serving(answer) as bad, serving(always(response(b"ok"))) as good, slot_for(tmp_path, **options) as slot:
        with pytest.raises(AttemptError) as caught:
            await slot.get(ApiRequest(bad, "/a"), drop)
        assert (caught.value.kind, caught.value.status) == (kind, status)
        assert caught.value.phases.total_ms > 0
        assert caught.value.__cause__ is None and caught.value.__context__ is None
        assert (await slot.get(ApiRequest(good, "/a"), drop)).wire_bytes == 2
        assert KEY not in repr(caught.value) + repr(slot) + repr(vars(caught.value)) + caplog.text


@pytest.mark.asyncio
async def test_refused_unknown_name_and_unknown_authority(tmp_path: Path) -> None:
    async def unknown(host: str, port: int) -> list[str]:
        raise socket.gaierror(-2, "Name or service not known")

    async with serving(always(b"")) as gone:
        pass
    async with slot_for(tmp_path) as slot, slot_for(tmp_path, resolver=unknown) as lost:
        with pytest.raises(AttemptError, match="refused"):
            await slot.get(ApiRequest(gone, "/"), drop)
        with pytest.raises(AttemptError, match="dns") as caught:
            await lost.get(ApiRequest("http://nowhere.invalid", "/"), drop)
        assert caught.value.phases.dns is not None and caught.value.phases.tcp is None
    stranger = Slot(context=ssl_context(None), key=KEY, clock=SystemClock())
    async with serving(always(b""), tls=True) as url:
        with pytest.raises(AttemptError, match="certificate"):
            await stranger.get(ApiRequest(url, "/"), drop)
    await stranger.aclose()


@pytest.mark.asyncio
async def test_a_cancelled_slot_serves_again(tmp_path: Path) -> None:
    async with serving(always(b"")) as silent, serving(always(response(b"ok"))) as good, slot_for(tmp_path) as slot:
        task = asyncio.create_task(slot.get(ApiRequest(silent, "/"), drop))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await slot.get(ApiRequest(good, "/"), drop)).status == 200


def test_a_key_with_a_newline_is_refused_without_showing_it() -> None:
    with pytest.raises(UsageError) as caught:
        Slot(context=ssl_context(None), key=KEY + "\n", clock=SystemClock())
    assert KEY not in str(caught.value)


@pytest.mark.asyncio
async def test_race_prefers_the_first_to_come_up() -> None:
    closed: list[str] = []

    async def connect(address: str) -> str:
        if address == "dead":
            raise ConnectionRefusedError
        if address == "slow":
            await asyncio.Event().wait()
        return address

    async def discard(address: str) -> None:
        closed.append(address)

    assert await race(["slow", "dead", "fast"], connect, discard, stagger=0.0) == "fast"
    with pytest.raises(ConnectionRefusedError):
        await race(["dead", "dead"], connect, discard)
    assert interleave([(10, "a"), (10, "b"), (2, "c"), (10, "a")]) == ["a", "c", "b"]


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "raw", "identity"])
def test_inflating(encoding: str) -> None:
    plain = random.Random(1).randbytes(100_000) + b"a" * 300_000
    raw = zlib.compressobj(wbits=-15)
    wire = {
        "gzip": gzip.compress(plain[:5]) + gzip.compress(plain[5:]),
        "deflate": zlib.compress(plain),
        "raw": raw.compress(plain) + raw.flush(),
        "identity": plain,
    }[encoding]
    name = "deflate" if encoding == "raw" else encoding
    inflater = Inflater(name)
    pieces = [p for at in range(0, len(wire), 777) for p in inflater.pieces(wire[at : at + 777])]
    inflater.finish()
    assert b"".join(pieces) == plain and max(map(len, pieces)) <= 65536
    with pytest.raises(DecodeError) as caught:
        list(Inflater(name, max_bytes=1000).pieces(wire))
    assert caught.value.error_class == "too_large"
    if encoding != "identity":
        short = Inflater(name)
        list(short.pieces(wire[:-1]))
        with pytest.raises(TruncatedError):
            short.finish()
    with pytest.raises(DecodeError, match="not asked for"):
        Inflater("br")


BODY = json.dumps(
    {"Data": {"Providers": [{"Records": [
        {"Date": f"2024-01-{d:02d}", "Station": "2", "Standard": "metric", "DayEto": {"Value": "1.2", "Qc": " "}}
        for d in range(1, 31)
    ]}]}}
).encode()  # fmt: skip


async def through(status: int, headers: dict[str, str], chunks: list[bytes], max_queued: int = 1 << 20) -> Any:
    pipeline = DecodePipeline(clock=SystemClock(), max_queued=max_queued)
    worker = asyncio.create_task(pipeline.run())
    span = Span(date(2024, 1, 1), date(2024, 12, 31))
    decoder = PageDecoder(interval=Interval.DAILY, units=UnitSystem.METRIC, items=DAILY_ITEMS, span=span, station=2)
    session = pipeline.open(decoder)
    session.begin(status, headers)
    try:
        for chunk in chunks:
            await session.write(chunk)
        return session, await session.finish()
    finally:
        worker.cancel()


@pytest.mark.asyncio
async def test_the_pipeline_decodes_in_order_under_a_small_bound() -> None:
    wire = gzip.compress(BODY)
    chunks = [wire[at : at + 50] for at in range(0, len(wire), 50)]
    session, page = await through(200, {"content-encoding": "gzip"}, chunks, max_queued=60)
    assert isinstance(page, DecodedPage) and page.records == 30
    assert session.decoded_bytes == len(BODY) and session.decode_ms > 0 and session.head == BODY[:2048]
    _, page = await through(200, {}, [BODY], max_queued=10)
    assert page.records == 30


@pytest.mark.asyncio
async def test_the_pipeline_only_looks_at_what_is_not_data() -> None:
    session, page = await through(403, {}, [b'"[ERR1006-INVALID APP KEY]"'])
    assert page is None and session.head.startswith(b'"[ERR1006')
    session, page = await through(200, {}, [b" ", b"<html>", b"Request Rejected"])
    assert page is None and b"<html>" in session.head
    with pytest.raises(TruncatedError):
        await through(200, {"content-encoding": "gzip"}, [gzip.compress(BODY)[:-3]])
    with pytest.raises(DecodeError, match="not asked for"):
        await through(200, {"content-encoding": "br"}, [b"abc"])


@pytest.mark.asyncio
async def test_a_refusal_does_not_wait_behind_the_bodies_that_came_before() -> None:
    """Nothing decodes here at all: what is not 200 is known when its last byte is in."""
    pipeline = DecodePipeline(clock=SystemClock())
    span = Span(date(2024, 1, 1), date(2024, 12, 31))
    decoders = [
        PageDecoder(interval=Interval.DAILY, units=UnitSystem.METRIC, items=DAILY_ITEMS, span=span, station=n)
        for n in (2, 5)
    ]
    slow, refused = (pipeline.open(decoder) for decoder in decoders)
    slow.begin(200, {})
    await slow.write(BODY)
    refused.begin(429, {"content-encoding": "gzip"})
    await refused.write(gzip.compress(b'{"statusCode":429}'))
    assert await refused.finish() is None and refused.head == b'{"statusCode":429}'
    assert slow.head == b""


class Still(SystemClock):
    async def sleep(self, seconds: float) -> None:
        pass


@pytest.mark.asyncio
async def test_the_directory_is_fetched_with_retries_and_typed_errors(tmp_path: Path) -> None:
    entry = {"StationNbr": "2", "Name": "FivePoints", "ConnectDate": "6/7/1982", "DisconnectDate": "12/31/2050"}
    answers = [
        response(b"busy", "503 Busy"),
        response(gzip.compress(json.dumps({"Stations": [entry]}).encode()), "200 OK", "Content-Encoding: gzip"),
        response(f'"[ERR1006-INVALID APP KEY] [{KEY}]"'.encode(), "403 Forbidden"),
        response(b'{"Stops":[]}'),
    ]

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answers.pop(0))

    async with serving(answer) as url, slot_for(tmp_path) as slot:
        request = StationWebDialect(url).stations_request()

        async def fetch() -> Any:
            return await fetch_document(
                slot, request, parse_directory, "x", policy=RetryPolicy(), clock=Still(), rng=random.Random(1)
            )

        stations = await fetch()
        assert [s.number for s in stations] == [2]
        with pytest.raises(ApiError) as caught:
            await fetch()
        assert (caught.value.exit_code, caught.value.error_class) == (5, "auth") and KEY not in str(caught.value)
        with pytest.raises(ApiError, match="Stations"):
            await fetch()


class Counted:
    """A server that keeps count: `seen` has the number of the connection each request came on."""

    def __init__(self, answer: Handler) -> None:
        self.url, self.seen, self.ended = "", list[int](), 0
        self._answer, self._connections, self._changed = answer, 0, asyncio.Condition()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        number = self._connections
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.seen.append(number)
                await self._tell()
                if b"/silent" not in head:
                    await self._answer(reader, writer)
        writer.close()
        self.ended += 1
        await self._tell()

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def until(self, *, requests: int = 0, ended: int = 0) -> None:
        """Wait for so many requests, and so many connections that have ended."""
        async with asyncio.timeout(10), self._changed:
            await self._changed.wait_for(lambda: len(self.seen) >= requests and self.ended >= ended)


@contextlib.asynccontextmanager
async def counting(answer: Handler) -> AsyncIterator[Counted]:
    counted = Counted(answer)
    server = await asyncio.start_server(counted.serve, "127.0.0.1", 0)
    counted.url = f"http://localhost:{server.sockets[0].getsockname()[1]}"
    try:
        yield counted
    finally:
        server.close()


async def ok(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(response(b"ok"))
    await writer.drain()


async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(response(b"half", length=8))
    await writer.drain()


@pytest.mark.asyncio
@pytest.mark.parametrize("cancels", [1, 2, 3])
async def test_after_any_cancel_the_slot_goes_on_over_a_new_connection(tmp_path: Path, cancels: int) -> None:
    """Cancelled while it waits for the answer, once or again and again: the old connection ends, nothing is left."""
    async with counting(ok) as server, slot_for(tmp_path) as slot:
        target = ApiRequest(server.url, "/a")
        await slot.get(target, drop)
        await slot.get(target, drop)
        task = asyncio.create_task(slot.get(ApiRequest(server.url, "/silent"), drop))
        await server.until(requests=3)
        for _ in range(cancels):
            task.cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await task
        exchange = await slot.get(target, drop)
        assert exchange.status == 200 and not exchange.phases.reused
        assert (await slot.get(target, drop)).phases.reused
        assert server.seen == [1, 1, 1, 2, 2]
        await server.until(ended=1)
        await slot.aclose()
        await server.until(ended=2)
        assert not slot._closing
        assert len(asyncio.all_tasks()) <= 1 + 1, "this test, and a server's connection that is just ending"


@pytest.mark.asyncio
async def test_a_cancel_in_the_midst_of_a_body_leaves_no_half_of_it(tmp_path: Path) -> None:
    got: list[bytes] = []
    begun = asyncio.Event()

    async def keep(chunk: bytes) -> None:
        got.append(chunk)
        begun.set()

    async with counting(half) as server, counting(ok) as good, slot_for(tmp_path) as slot:
        task = asyncio.create_task(slot.get(ApiRequest(server.url, "/a"), keep))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await server.until(ended=1)
        await slot.get(ApiRequest(good.url, "/a"), keep)
        assert (got, server.seen) == ([b"half", b"ok"], [1])


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("answer", "options", "kind"),
    [
        (half, {"read_timeout": 0.5, "attempt_timeout": 30.0}, ErrorKind.TIMEOUT_READ),
        (half, {"read_timeout": 30.0, "attempt_timeout": 0.5}, ErrorKind.TIMEOUT_ATTEMPT),
    ],
)
async def test_after_a_timeout_the_slot_goes_on_over_a_new_connection(
    tmp_path: Path, answer: Handler, options: dict[str, float], kind: ErrorKind
) -> None:
    async with counting(answer) as server, slot_for(tmp_path, **options) as slot:
        for n in (1, 2):
            with pytest.raises(AttemptError) as caught:
                await slot.get(ApiRequest(server.url, "/a"), drop)
            assert (caught.value.kind, caught.value.status) == (kind, 200)
            await server.until(ended=n)
        assert server.seen == [1, 2]


@pytest.mark.asyncio
async def test_a_body_that_trickles_is_stopped_by_the_whole_attempts_timeout(tmp_path: Path) -> None:
    """Every read is in time, so only the timeout around the whole attempt can end it."""

    async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(response(b"", length=10**9))
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0)

    async with counting(trickle) as server, slot_for(tmp_path, read_timeout=5.0, attempt_timeout=0.15) as slot:
        with pytest.raises(AttemptError) as caught:
            await slot.get(ApiRequest(server.url, "/a"), drop)
        assert caught.value.kind is ErrorKind.TIMEOUT_ATTEMPT and caught.value.wire_bytes > 2


@pytest.mark.asyncio
async def test_connecting_has_a_timeout_of_its_own(tmp_path: Path) -> None:
    async def slow(host: str, port: int) -> list[str]:
        await asyncio.Event().wait()
        return []

    async with slot_for(tmp_path, resolver=slow, connect_timeout=0.05) as slot:
        with pytest.raises(AttemptError) as caught:
            await slot.get(ApiRequest("http://nowhere.invalid", "/"), drop)
        assert caught.value.kind is ErrorKind.TIMEOUT_CONNECT


def test_what_a_server_says_is_quoted_without_the_key() -> None:
    slot = asyncio.run(_keyed())
    assert slot.redactor.data(f"no such key: {KEY}.".encode()) == b"no such key: ***."
    assert slot.redactor.text(f"no such key: {KEY}.") == "no such key: ***."


async def _keyed() -> Slot:
    return Slot(context=ssl_context(None), key=KEY, clock=SystemClock())
