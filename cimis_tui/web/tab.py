"""One browser tab: a dashboard process of its own, and the socket of the page that shows it.

The process draws with Textual's web driver: packets of a letter (D drawn, M about itself, P not used here), four bytes
of length, and the payload, after a first line. The page, which is textual-serve's terminal, sends JSON.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping, Sequence
from typing import Literal

from aiohttp import WSMsgType, web

from cimis_tui.looks import BROWSER

_PRELUDE = b"__GANGLION__\n"
_LARGEST = 1000
"""Columns or rows: no screen has more, and what a page claims is not trusted with our memory."""
_LEAVING_SECONDS = 5.0
_SESSION_SECRETS = ("CIMIS_APP_KEY", "CIMIS_APP_KEY_FILE", "CREDENTIALS_DIRECTORY")


def tab_environment(environ: Mapping[str, str], width: int, height: int) -> dict[str, str]:
    """The environment of a tab's process: that of the page's terminal, and nothing of the app key."""
    kept = {name: value for name, value in environ.items() if name not in _SESSION_SECRETS}
    driver = {"TEXTUAL_DRIVER": "textual.drivers.web_driver:WebDriver", "COLUMNS": str(width), "ROWS": str(height)}
    return kept | BROWSER | driver


def packet(kind: Literal[b"D", b"M"], payload: bytes) -> bytes:
    return b"%s%s%s" % (kind, len(payload).to_bytes(4, "big"), payload)


def cells(text: object, default: int) -> int:
    """A number of columns or rows as a page tells it, within reason; the default for what is none."""
    try:
        return max(1, min(_LARGEST, int(str(text))))
    except ValueError:
        return default


def packet_of(message: str) -> bytes | None:
    """What a page's message tells the process; None where that is nothing (a ping, or what no page of ours sends)."""
    try:
        kind, *rest = json.loads(message)
    except (ValueError, TypeError):
        return None
    match kind, *rest:
        case "stdin", str(typed):
            return packet(b"D", typed.encode("utf-8", "replace"))
        case "resize", {"width": width, "height": height}:
            size = {"type": "resize", "width": cells(width, 80), "height": cells(height, 24)}
            return packet(b"M", json.dumps(size).encode())
        case "focus" | "blur", *_:
            return packet(b"M", json.dumps({"type": kind}).encode())
    return None


class Tab:
    def __init__(self, process: asyncio.subprocess.Process, socket: web.WebSocketResponse) -> None:
        self._process, self._socket = process, socket

    @classmethod
    async def open(
        cls, command: Sequence[str], environ: Mapping[str, str], socket: web.WebSocketResponse, width: int, height: int
    ) -> Tab:
        """Start the process. In a session of its own: a ctrl+c at our terminal is ours to answer."""
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=tab_environment(environ, width, height),
            start_new_session=True,
        )
        return cls(process, socket)

    async def run(self) -> None:
        """Until the page goes or the dashboard is left; the process has ended when this returns."""
        drawing = asyncio.create_task(self._draw())
        try:
            async for message in self._socket:
                if message.type is WSMsgType.TEXT and (told := packet_of(message.data)) is not None:
                    await self._tell(told)
        finally:
            await self._end()
            await drawing

    async def _draw(self) -> None:
        """What the process draws, to the page, as fast as that takes it; then close the page's end."""
        out = self._process.stdout
        assert out is not None
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while (line := await out.readline()) not in (_PRELUDE, b""):
                pass
            while line:
                kind, length = await out.readexactly(1), int.from_bytes(await out.readexactly(4), "big")
                payload = await out.readexactly(length)
                if kind == b"D":
                    await self._socket.send_bytes(payload)
                elif kind == b"M" and json.loads(payload).get("type") == "exit":
                    break
        await self._socket.close()
        while await out.read(65536):  # nothing may block on a pipe that nobody reads
            pass

    async def _tell(self, told: bytes) -> None:
        pipe = self._process.stdin
        assert pipe is not None
        with contextlib.suppress(ConnectionError, RuntimeError):
            pipe.write(told)
            await pipe.drain()

    async def _end(self) -> None:
        """Ask the process to leave; kill one that does not."""
        if self._process.returncode is None:
            await self._tell(packet(b"M", json.dumps({"type": "quit"}).encode()))
        try:
            await asyncio.wait_for(self._process.wait(), _LEAVING_SECONDS)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
