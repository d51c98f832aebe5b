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
from cimis_engine.fetch.api import StationWebApi
from cimis_engine.fetch.decode import DecodedPage, DecodeError, PageDecoder, TruncatedError
from cimis_engine.fetch.exchange import ApiRequest, AttemptError, ErrorKind
from cimis_engine.fetch.inflate import Inflater
from cimis_engine.fetch.network import interleave, race
from cimis_engine.fetch.page import ApiError, fetch_directory
from cimis_engine.fetch.pipeline import DecodePipeline
from cimis_engine.fetch.retry import RetryPolicy
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
    async with serving(answer) as url, slot_for(tmp_path, gzip=False) as slot:
        api = StationWebApi(url)
        await slot.get(api.data_request(2, api_span, Interval.DAILY, UnitSystem.METRIC, DAILY_ITEMS[4:6]), drop)
    line, _, headers = heard[0].decode().partition("\r\n")
    assert line == (
        "GET /StationWeb/GetDataByStationNumber?stationNbrs=2&startDate=2024-01-01&endDate=2024-12-31"
        "&isHourly=false&unitOfMeasure=M&dataItems=day-eto,day-asce-eto HTTP/1.1"
    )
    assert f"ocp-apim-subscription-key: {KEY}\r\n" in headers.replace(
        "Ocp-Apim-Subscription-Key", "ocp-apim-subscription-key"
    )
    assert "identity" in headers and "application/json" in headers and "cimis-backfill-console/" in headers


FAILURES = [
    (always(b"", then="close"), {}, ErrorKind.EOF, None),
    (always(response(b"abc", length=9), then="close"), {}, ErrorKind.EOF, 200),
    (always(response(b"abc", length=9), then="reset"), {}, ErrorKind.RESET, 200),
    (always(response(b"abc", length=9)), {"read_timeout": 0.05}, ErrorKind.TIMEOUT_READ, 200),
    (always(b""), {"attempt_timeout": 0.05}, ErrorKind.TIMEOUT_ATTEMPT, None),
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
        arguments = (slot, StationWebApi(url), RetryPolicy(), Still(), random.Random(1))
        stations = await fetch_directory(*arguments)
        assert [s.number for s in stations] == [2]
        with pytest.raises(ApiError) as caught:
            await fetch_directory(*arguments)
        assert (caught.value.exit_code, caught.value.error_class) == (5, "auth") and KEY not in str(caught.value)
        with pytest.raises(ApiError, match="Stations"):
            await fetch_directory(*arguments)
