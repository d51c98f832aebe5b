"""A network that is not there: time is a number, and what passes at each door is said beforehand."""

from __future__ import annotations

import asyncio
import selectors
import ssl
from collections.abc import Iterable, Mapping
from typing import Any

import httpcore

DOORS = ("dns", "tcp", "tls", "send", "ttfb", "read")
HOST = "api.test"


class FakeClock:
    """Time that passes only where a door lets it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return 1_700_000_000.0 + self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


class Doors:
    """What passing through each door costs, in seconds, and where a connection breaks.

    `breaks` names the door at which the next passage fails, once; its time passes before.
    """

    def __init__(self, clock: FakeClock, **seconds: float) -> None:
        self.clock, self.seconds, self.breaks = clock, seconds, ""

    def through(self, door: str, error: Exception | None = None) -> None:
        self.clock.now += self.seconds.get(door, 0.0)
        if self.breaks == door:
            self.breaks = ""
            raise error or OSError(f"broken at {door}")

    async def resolve(self, host: str, port: int) -> list[str]:
        self.through("dns", OSError("Name or service not known"))
        return ["192.0.2.1"]


class FakeNetwork(httpcore.AsyncNetworkBackend):
    """Connections that answer every request with `head` and, in reads of their own, the pieces of `body`."""

    def __init__(self, doors: Doors, head: bytes, body: Iterable[bytes]) -> None:
        self.doors, self.head, self.body = doors, head, list(body)
        self.connections = 0

    async def connect_tcp(self, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        self.doors.through("tcp", httpcore.ConnectError("refused"))
        self.connections += 1
        return _FakeStream(self)

    async def sleep(self, seconds: float) -> None:
        self.doors.clock.now += seconds


class _FakeStream(httpcore.AsyncNetworkStream):
    def __init__(self, network: FakeNetwork) -> None:
        self._network, self._doors = network, network.doors
        self._answers: list[tuple[str, bytes]] = []

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
    ) -> httpcore.AsyncNetworkStream:
        self._doors.through("tls", httpcore.ConnectError("handshake"))
        return self

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        if not buffer:
            return  # the end of a request without a body
        self._doors.through("send", httpcore.WriteError("broken pipe"))
        self._answers = [("ttfb", self._network.head), *(("read", piece) for piece in self._network.body)]

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        if not self._answers:
            return b""
        door, data = self._answers.pop(0)
        self._doors.through(door, httpcore.ReadError("reset"))
        assert len(data) <= max_bytes
        return data

    async def aclose(self) -> None:
        pass

    def get_extra_info(self, info: str) -> Any:
        return None


def head_of(body: bytes, **headers: str) -> bytes:
    """The head of a response with this body."""
    lines = ["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", *(f"{k}: {v}" for k, v in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop whose clock jumps to the next timer when nothing else is left to do: real timers, no waiting."""

    def __init__(self) -> None:
        super().__init__(_Jumping(self))
        self.now = 0.0

    def time(self) -> float:
        return self.now


class _Jumping(selectors.SelectSelector):
    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        assert timeout is not None, "everything waits, and no timer is set"
        self._loop.now += max(0.0, timeout)
        return super().select(0)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        found = super().get_map()
        assert found is not None
        return found
