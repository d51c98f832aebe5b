"""HTTP/1.1 as far as one API needs it: a request read from a stream, a response head written, a connection cut."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import urlsplit

_LINGER_ZERO = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """`headers` by lower-case name. A body, if any, is not read."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]

    @property
    def accepts_gzip(self) -> bool:
        return "gzip" in self.headers.get("accept-encoding", "").lower()

    @property
    def keep_alive(self) -> bool:
        return self.headers.get("connection", "").lower() != "close" and "content-length" not in self.headers


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """`body` as it goes over the wire; `gzipped` says whether it is compressed."""

    status: int
    body: bytes
    content_type: str = "application/json; charset=utf-8"
    gzipped: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)

    def head(self, keep_alive: bool) -> bytes:
        lines = [
            f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}",
            f"Content-Type: {self.content_type}",
            f"Content-Length: {len(self.body)}",
            "Vary: Accept-Encoding",
            *(f"{name}: {value}" for name, value in self.headers.items()),
        ]
        if self.gzipped:
            lines.append("Content-Encoding: gzip")
        if not keep_alive:
            lines.append("Connection: close")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


async def read_request(reader: asyncio.StreamReader) -> HttpRequest | None:
    """The next request of a connection; None where it ended or sent what is not HTTP."""
    try:
        block = await reader.readuntil(b"\r\n\r\n")
        first, *lines = block.decode("latin-1").strip().split("\r\n")
        method, target, _ = first.split(" ")
        url = urlsplit(target)
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError, OSError):
        return None
    pairs = (line.partition(":") for line in lines)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    return HttpRequest(method, url.path, url.query, headers)


def cut(writer: asyncio.StreamWriter) -> None:
    """End the connection by RST: the peer sees a reset, not an end."""
    raw = writer.get_extra_info("socket")
    with contextlib.suppress(OSError, AttributeError):
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
    writer.transport.abort()
