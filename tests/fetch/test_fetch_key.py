"""The key: on the wire in its place, and nowhere else, whatever a server echoes."""

from __future__ import annotations

import asyncio
import contextlib
import html
import json
import logging
import random
import string
import traceback
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cimis_engine.clock import SystemClock
from cimis_engine.errors import CimisError, UsageError
from cimis_engine.fetch.dialect import Dialect, dialect_of
from cimis_engine.fetch.directory import parse_directory
from cimis_engine.fetch.exchange import ApiRequest
from cimis_engine.fetch.key import APP_KEY_PARAMETER, MASK, SUBSCRIPTION_HEADER, KeyPlace, Redactor, check_key
from cimis_engine.fetch.page import fetch_document
from cimis_engine.fetch.retry import RetryPolicy
from cimis_engine.fetch.transport import Slot, ssl_context

KEY = "CANARY-7f3a+91/c4=e2&x%41zebra"
TRACES = ("CANARY", "zebra", "7f3a")
"""Of a key cut or escaped in any way, one of these is left."""

printable = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="\\"), min_size=1, max_size=40
)


@given(printable, st.sampled_from(["", "a=1"]))
def test_in_a_query_the_key_survives_whatever_its_letters(key: str, query: str) -> None:
    check_key(key)
    target, headers = APP_KEY_PARAMETER.put(key, f"/api/data{'?' if query else ''}{query}".encode(), [])
    assert headers == []
    assert parse_qs(urlsplit(target.decode()).query)["appKey"] == [key]
    assert urlsplit(target.decode()).path == "/api/data" and not urlsplit(target.decode()).fragment


def test_in_a_header_and_without_a_key() -> None:
    assert SUBSCRIPTION_HEADER.put("k", b"/a?b", [(b"x", b"y")]) == (
        b"/a?b",
        [(b"x", b"y"), (b"Ocp-Apim-Subscription-Key", b"k")],
    )
    for place in (SUBSCRIPTION_HEADER, APP_KEY_PARAMETER):
        assert place.put("", b"/a", []) == (b"/a", [])


@given(printable)
def test_every_way_of_writing_a_key_is_masked(key: str) -> None:
    redactor = Redactor(key)
    ways = {
        key,
        quote(key),
        quote(key, safe=""),
        quote(quote(key, safe=""), safe=""),
        "".join(f"%{ord(c):02x}" for c in key),
        "".join(f"&#{ord(c)};" for c in key),
        "".join(f"\\u{ord(c):04X}" for c in key),
        html.escape(key),
        json.dumps(key)[1:-1],
        json.dumps(json.dumps(key)[1:-1])[1:-1],
    }
    for way in ways:
        assert redactor.text(f"é{way}é") == f"é{MASK}é", way
        assert redactor.data(f"é{way}é".encode("latin-1")) == f"é{MASK}é".encode("latin-1")


def test_other_text_stays_and_no_key_masks_nothing() -> None:
    assert Redactor("secret").text("the secre of sekret") == "the secre of sekret"
    assert Redactor("").text(string.printable) == string.printable
    assert repr(Redactor("secret")) == "<Redactor>"


@pytest.mark.parametrize("key", ["a b", "a\n", "ü", "\x7f", "a\\b"])
def test_what_is_no_key(key: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_key(key)
    assert key not in str(caught.value)


ECHO = "{raw} {escaped} {marked} {header}"
ANSWERS = {
    "200": ("200 OK", '{{"Stops":"' + ECHO + '"}}'),
    "200 truncated": ("200 OK", '{{"Stations":[{{"StationNbr":"' + ECHO),
    "200 firewall": ("200 OK", "<html><title>Request Rejected</title>" + ECHO),
    "401": ("401 Unauthorized", '{{"statusCode":401,"message":"' + ECHO + '"}}'),
    "403": ("403 Forbidden", '"[ERR1006-INVALID APP KEY] Invalid application key [' + ECHO + ']."'),
    "400": ("400 Bad Request", '"[ERR2006-INVALID TARGET] ' + ECHO + '"'),
    "500": ("500 Server Error", "<p>" + ECHO),
    "302": ("302 Found", ECHO),
    "302 far": ("302 Found", ECHO),
    "malformed": ("what", ECHO),
}


@contextlib.asynccontextmanager
async def echoing(case: str, heard: list[bytes]) -> AsyncIterator[str]:
    """A server that repeats, in its head and its body, all it was sent; `timeout` says nothing at all."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                asked = await reader.readuntil(b"\r\n\r\n")
                heard.append(asked)
                if case == "timeout":
                    continue
                status, template = ANSWERS[case]
                line, _, rest = asked.decode().partition("\r\n")
                target = line.split(" ")[1]
                given = next((v.split(": ")[1] for v in rest.split("\r\n") if v.startswith("Ocp-Apim")), "")
                body = template.format(raw=KEY, escaped=target, marked=html.escape(KEY), header=given).encode()
                place = f"http://elsewhere.test:99{target}" if case == "302 far" else target
                head = f"HTTP/1.1 {status}\r\nLocation: {place}\r\nX-Key: {given or KEY}\r\nContent-Length: {len(body)}"
                if case == "malformed":
                    head = f"{status} {target} {given}"
                writer.write(f"{head}\r\n\r\n".encode() + body)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


@pytest.mark.asyncio
@pytest.mark.parametrize("api", ["station-web", "legacy"])
@pytest.mark.parametrize("case", [*ANSWERS, "timeout", "refused"])
async def test_no_echo_of_the_key_gets_above_the_transport(
    case: str, api: str, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("", "httpx", "httpcore", "httpcore.http11", "httpcore.connection", "asyncio"):
        caplog.set_level(logging.DEBUG, logger=name)
    heard: list[bytes] = []
    async with echoing("timeout" if case == "refused" else case, heard) as url:
        if case == "refused":
            url = "http://127.0.0.1:9"
        dialect: Dialect = dialect_of(api, url)
        slot = slot_of(dialect.key_place)
        try:
            with pytest.raises(CimisError) as caught:
                await fetch_document(
                    slot,
                    dialect.stations_request(),
                    parse_directory,
                    "the directory",
                    policy=RetryPolicy(max_attempts=1),
                    clock=SystemClock(),
                    rng=random.Random(1),
                )
        finally:
            await slot.aclose()
    sent = b"".join(heard).decode()
    assert case == "refused" or (quote(KEY, safe="") if api == "legacy" else KEY) in sent
    assert ("appKey=" in sent) == (api == "legacy" and case != "refused")
    error = caught.value
    told = [str(error), repr(error), error.hint, repr(vars(error)), repr(slot), repr(dialect.stations_request())]
    told += traceback.format_exception(error)
    assert "receive_response_headers" in caplog.text or case == "refused"
    for trace in TRACES:
        assert trace not in "\n".join(told), trace
        assert trace not in caplog.text, trace


def slot_of(place: KeyPlace) -> Slot:
    return Slot(context=ssl_context(None), key=KEY, key_place=place, clock=SystemClock(), read_timeout=0.1)


@pytest.mark.asyncio
@pytest.mark.parametrize("place", [SUBSCRIPTION_HEADER, APP_KEY_PARAMETER])
async def test_headers_that_echo_the_key_come_up_masked(place: KeyPlace) -> None:
    async def drop(_: bytes) -> None:
        pass

    async with echoing("302", []) as url:
        slot = slot_of(place)
        exchange = await slot.get(ApiRequest(url, "/a"), drop)
        await slot.aclose()
    assert exchange.headers["x-key"] == MASK
    assert exchange.headers["location"] == (f"/a?appKey={MASK}" if place.in_query else "/a")
