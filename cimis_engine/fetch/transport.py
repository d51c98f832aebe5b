"""A slot: one HTTP/1.1 connection to the API, one request at a time, bytes out as they come, phases clocked.

The key lives here and nowhere above: it is added on the way down, and taken out of headers that echo it on the way up.
httpcore keeps its bookkeeping per pool in O(n²), and a cancelled request can poison a pool (httpcore #1093), so every
slot has a pool of one connection and replaces it after any failure.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import httpcore

from cimis_engine.clock import Clock
from cimis_engine.errors import UsageError
from cimis_engine.fetch.exchange import USER_AGENT, ApiRequest, AttemptError, ErrorKind, Exchange
from cimis_engine.fetch.key import SUBSCRIPTION_HEADER, KeyPlace, Redactor, check_key, keep_out_of_logs
from cimis_engine.fetch.lean_httpx import httpx
from cimis_engine.fetch.network import Resolve, TimedBackend, error_kind, resolve
from cimis_engine.fetch.phases import PhaseRecorder

__all__ = ["ApiRequest", "AttemptError", "ErrorKind", "Exchange", "Slot", "ssl_context"]

MAX_WIRE_BYTES = 64 << 20
MAX_ERROR_BYTES = 64 << 10
"""Of a response that is not 200, only the beginning is read."""

Sink = Callable[[bytes], Awaitable[None]]
OnResponse = Callable[[int, Mapping[str, str]], None]
_TRACE = {
    "connection.start_tls.started": "tls",
    "http11.send_request_headers.started": "send",
    "http11.receive_response_headers.started": "ttfb",
}


def ssl_context(ca_file: Path | None) -> ssl.SSLContext:
    """The system's authorities, plus those of `ca_file`. Verification is never off. Raises `UsageError`."""
    context = httpx.create_ssl_context(trust_env=False)
    if ca_file is not None:
        try:
            context.load_verify_locations(cafile=str(ca_file))
        except (OSError, ssl.SSLError) as error:
            raise UsageError(f"cannot read certificate authorities from {ca_file}: {error}") from None
    return context


class _Body(httpx.AsyncByteStream):
    def __init__(self, stream: AsyncIterable[bytes]) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._stream:
            yield chunk

    async def aclose(self) -> None:
        if hasattr(self._stream, "aclose"):
            await self._stream.aclose()


class _KeyedTransport(httpx.AsyncBaseTransport):
    """httpx onto a pool of one connection, adding the key on the way down."""

    def __init__(
        self, context: ssl.SSLContext, key: str, place: KeyPlace, redactor: Redactor, backend: TimedBackend
    ) -> None:
        self._key, self._place, self._redactor = key, place, redactor
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=context,
            max_connections=1,
            max_keepalive_connections=1,
            keepalive_expiry=60.0,
            network_backend=backend,
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        target, headers = self._place.put(self._key, request.url.raw_path, request.headers.raw)
        url = httpcore.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=target,
        )
        response = await self._pool.handle_async_request(
            httpcore.Request(request.method, url, headers=headers, extensions=request.extensions)
        )
        assert isinstance(response.stream, AsyncIterable)
        return httpx.Response(
            response.status,
            headers=[(name, self._redactor.data(value)) for name, value in response.headers],
            stream=_Body(response.stream),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        await self._pool.aclose()


class _TooLargeError(Exception):
    pass


class Slot:
    """One connection. `get` must not be called while another `get` runs. Timeouts in seconds.

    `redactor` takes the key out of a body before it is quoted. Raises `UsageError` for a key that cannot be one.
    """

    def __init__(
        self,
        *,
        context: ssl.SSLContext,
        key: str,
        clock: Clock,
        key_place: KeyPlace = SUBSCRIPTION_HEADER,
        user_agent: str = USER_AGENT,
        gzip: bool = True,
        connect_timeout: float = 10.0,
        read_timeout: float = 30.0,
        attempt_timeout: float = 120.0,
        max_wire_bytes: int = MAX_WIRE_BYTES,
        resolver: Resolve = resolve,
        network: httpcore.AsyncNetworkBackend | None = None,
    ) -> None:
        check_key(key)
        keep_out_of_logs(key)
        self.redactor = Redactor(key)
        self._context, self._key, self._key_place, self._clock = context, key, key_place, clock
        self._attempt_timeout, self._max_wire_bytes, self._resolver = attempt_timeout, max_wire_bytes, resolver
        self._timeout = httpx.Timeout(read_timeout, connect=connect_timeout)
        self._network = network
        self._headers = {
            "User-Agent": user_agent,
            "Accept": "application/json",
            "Accept-Encoding": "gzip" if gzip else "identity",
        }
        self._closing: set[asyncio.Task[None]] = set()
        self._open()

    def __repr__(self) -> str:
        return f"<Slot at {id(self):#x}>"

    def _open(self) -> None:
        self._backend = TimedBackend(self._resolver, self._network)
        self._client = httpx.AsyncClient(
            transport=_KeyedTransport(self._context, self._key, self._key_place, self.redactor, self._backend),
            headers=self._headers,
            timeout=self._timeout,
            trust_env=False,
            follow_redirects=False,
        )

    def _replace(self) -> None:
        """A fresh client; the old one closes on its own, so that a second cancel cannot leak it."""
        task = asyncio.ensure_future(self._client.aclose())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
        self._open()

    async def get(self, target: ApiRequest, sink: Sink, *, on_response: OnResponse | None = None) -> Exchange:
        """GET `target`; the body's raw bytes (still compressed) go to `sink` as they come.

        `on_response(status, headers)` is called before the first of them. Of a response that is not 200 at most
        `MAX_ERROR_BYTES` are read. Raises `AttemptError`; what `sink` raises passes through.
        """
        recorder = self._backend.recorder = PhaseRecorder(self._clock)
        seen: dict[str, Any] = {"status": None, "wire": 0}
        try:
            async with asyncio.timeout(self._attempt_timeout) as limit:
                exchange = await self._exchange(target, sink, on_response, recorder, seen)
        except TimeoutError as error:
            kind = ErrorKind.TIMEOUT_ATTEMPT if limit.expired() else error_kind(error)
            cause = f"no complete response in {self._attempt_timeout:g} s" if limit.expired() else str(error)
        except _TooLargeError:
            kind, cause = ErrorKind.TOO_LARGE, f"more than {self._max_wire_bytes} bytes in the response"
        except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
            kind, cause = error_kind(error), str(error) or type(error).__name__
        except (httpcore.UnsupportedProtocol, httpx.HTTPError, httpx.InvalidURL) as error:
            kind, cause = ErrorKind.PROTOCOL, str(error) or type(error).__name__
        except BaseException:
            self._replace()
            raise
        else:
            return exchange
        # Raised outside the handlers: the library's exception, which knows the request, is not chained to ours.
        phases = recorder.phases()
        self._replace()
        raise AttemptError(kind, phases, seen["wire"], seen["status"], self.redactor.text(cause))

    async def _exchange(
        self,
        target: ApiRequest,
        sink: Sink,
        on_response: OnResponse | None,
        recorder: PhaseRecorder,
        seen: dict[str, Any],
    ) -> Exchange:
        async def trace(event: str, info: Mapping[str, Any]) -> None:
            phase = _TRACE.get(event)
            if phase is not None:
                recorder.begin(phase)

        async with self._client.stream("GET", target.url, extensions={"trace": trace}) as response:
            recorder.begin("read")
            headers = {name.lower(): value for name, value in response.headers.items()}
            seen["status"] = response.status_code
            if on_response is not None:
                on_response(response.status_code, headers)
            async for chunk in response.aiter_raw():
                seen["wire"] += len(chunk)
                if seen["wire"] > self._max_wire_bytes:
                    raise _TooLargeError
                await sink(chunk)
                if response.status_code != 200 and seen["wire"] >= MAX_ERROR_BYTES:
                    break
            recorder.end()
        return Exchange(
            status=response.status_code,
            headers=headers,
            phases=recorder.phases(),
            wire_bytes=seen["wire"],
            content_encoding=headers.get("content-encoding", "identity"),
            http_version=response.http_version,
        )

    async def aclose(self) -> None:
        await self._client.aclose()
        await asyncio.gather(*self._closing, return_exceptions=True)
