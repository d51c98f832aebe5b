"""The network below httpcore: name look-up timed on its own, then addresses raced as RFC 8305 asks."""

from __future__ import annotations

import asyncio
import itertools
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

import httpcore

from cimis_engine.fetch.exchange import ErrorKind
from cimis_engine.fetch.phases import PhaseRecorder

STAGGER = 0.25
"""Seconds an address is given before the next one joins the race (RFC 8305, section 5)."""
T = TypeVar("T")
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


async def resolve(host: str, port: int) -> list[str]:
    """Addresses of a name, families interleaved, without repeats. Raises `socket.gaierror`."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return interleave([(family, str(address[0])) for family, _, _, _, address in found])


def interleave(found: Sequence[tuple[int, str]]) -> list[str]:
    """Alternate between address families, the resolver's first family first (RFC 8305, section 4)."""
    families: dict[int, list[str]] = {}
    for family, address in found:
        families.setdefault(family, []).append(address)
    rounds = itertools.zip_longest(*families.values())
    return list(dict.fromkeys(a for one in rounds for a in one if a is not None))


async def race(
    addresses: Sequence[str],
    connect: Callable[[str], Awaitable[T]],
    discard: Callable[[T], Awaitable[None]],
    stagger: float = STAGGER,
) -> T:
    """The first connection to come up; a failure starts the next address at once. Raises the first of all failures."""
    waiting = list(addresses)
    running: set[asyncio.Future[T]] = set()
    failures: list[BaseException] = []
    try:
        while waiting or running:
            if waiting:
                running.add(asyncio.ensure_future(connect(waiting.pop(0))))
            done, running = await asyncio.wait(
                running, timeout=stagger if waiting else None, return_when=asyncio.FIRST_COMPLETED
            )
            won = [d for d in done if d.exception() is None]
            failures += [e for d in done if (e := d.exception()) is not None]
            if won:
                running |= set(won[1:])
                return won[0].result()
        raise failures[0]
    finally:
        for late in running:
            late.cancel()
        for outcome in await asyncio.gather(*running, return_exceptions=True):
            if not isinstance(outcome, BaseException):
                await discard(outcome)


class TimedBackend(httpcore.AsyncNetworkBackend):
    """Marks `dns` and `tcp` on the recorder of the attempt in progress. One attempt at a time.

    `network` makes the connections to single addresses.
    """

    def __init__(self, resolver: Resolve = resolve, network: httpcore.AsyncNetworkBackend | None = None) -> None:
        self._resolve = resolver
        self._inner = network or httpcore.AnyIOBackend()
        self.recorder: PhaseRecorder | None = None

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        async def connect(address: str) -> httpcore.AsyncNetworkStream:
            return await self._inner.connect_tcp(address, port, None, local_address, socket_options)

        async def discard(stream: httpcore.AsyncNetworkStream) -> None:
            await stream.aclose()

        self._mark("dns")
        try:
            async with asyncio.timeout(timeout):
                addresses = await self._resolve(host, port)
                self._mark("tcp")
                return await race(addresses, connect, discard)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(f"no connection in {timeout} s") from error
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def _mark(self, phase: str) -> None:
        if self.recorder is not None:
            self.recorder.begin(phase)


_BY_TYPE: tuple[tuple[type[BaseException], ErrorKind], ...] = (
    (socket.gaierror, ErrorKind.DNS),
    (ConnectionRefusedError, ErrorKind.REFUSED),
    (ConnectionResetError, ErrorKind.RESET),
    (BrokenPipeError, ErrorKind.RESET),
    (ssl.SSLCertVerificationError, ErrorKind.CERTIFICATE),
    (ssl.SSLError, ErrorKind.TLS),
    (httpcore.ConnectTimeout, ErrorKind.TIMEOUT_CONNECT),
    (httpcore.PoolTimeout, ErrorKind.TIMEOUT_CONNECT),
    (httpcore.TimeoutException, ErrorKind.TIMEOUT_READ),
    (httpcore.ReadError, ErrorKind.RESET),
    (httpcore.WriteError, ErrorKind.RESET),
    (httpcore.ConnectError, ErrorKind.CONNECT),
)


def error_kind(error: BaseException) -> ErrorKind:
    """The kind of a network or protocol error, from the most telling exception in its chain of causes."""
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in chain:
        chain.append(link)
        link = link.__cause__ or link.__context__
    for kind_type, kind in _BY_TYPE:
        if any(isinstance(e, kind_type) for e in chain):
            return kind
    text = str(error).lower()
    if isinstance(error, httpcore.RemoteProtocolError) and ("disconnected" in text or "closed connection" in text):
        return ErrorKind.EOF
    return ErrorKind.PROTOCOL
