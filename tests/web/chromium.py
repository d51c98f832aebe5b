"""A real headless Chromium, spoken to in its own protocol over a socket on loopback: no driver, no download."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import shutil
import signal
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage --remote-debugging-port=0 --window-size=1300,860"
).split()


class Chromium:
    """One page. `requested`: every address it asked for. `drawn`: what came over its sockets.

    `complaints`: the errors it logged, such as what the content security policy forbade.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.requested: list[str] = []
        self.complaints: list[str] = []
        self.drawn = b""
        self._number = 0
        self._page: str | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._http: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        try:
            await self._open()
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, e: BaseException | None, t: TracebackType | None
    ) -> None:
        await self._close()

    async def _open(self) -> None:
        assert BROWSER is not None
        self._process = await asyncio.create_subprocess_exec(
            BROWSER,
            *_FLAGS,
            f"--user-data-dir={self._folder / 'profile'}",
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        assert self._process.stderr is not None
        line = b""
        async with asyncio.timeout(60):
            while b"DevTools listening on" not in line:
                line = await self._process.stderr.readline()
                assert line, "the browser ended before it listened"
        self._rest = asyncio.create_task(self._process.stderr.read())
        self._http = aiohttp.ClientSession()
        self._socket = await self._http.ws_connect(line.split()[-1].decode(), max_msg_size=0)
        target = await self("Target.createTarget", url="about:blank")
        attached = await self("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._page = attached["sessionId"]
        for domain in ("Page", "Network", "Log"):
            await self(f"{domain}.enable")
        await self("Emulation.setFocusEmulationEnabled", enabled=True)  # as a window in front has it

    async def _close(self) -> None:
        """With its helpers, which are processes of its session."""
        if self._http is not None:
            await self._http.close()
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            await self._process.wait()

    async def __call__(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command; its result."""
        self._number += 1
        command: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if self._page is not None:
            command["sessionId"] = self._page
        await self._socket.send_json(command)
        while (message := await self._next()).get("id") != self._number:
            pass
        assert "error" not in message, message
        return dict(message["result"])

    async def until_drawn(self, text: bytes, seconds: float = 40.0) -> None:
        async with asyncio.timeout(seconds):
            while text not in self.drawn:
                await self._next()

    async def press(self, text: str) -> None:
        """A key that types a character."""
        for kind in ("keyDown", "keyUp"):
            await self("Input.dispatchKeyEvent", type=kind, key=text, text=text, unmodifiedText=text)

    async def picture(self, target: Path) -> bytes:
        png = base64.b64decode((await self("Page.captureScreenshot", format="png"))["data"])
        target.write_bytes(png)
        return png

    async def text_of(self, expression: str) -> str:
        return str((await self("Runtime.evaluate", expression=expression, awaitPromise=True))["result"].get("value"))

    async def _next(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads((await self._socket.receive()).data)
        match message.get("method"):
            case "Network.requestWillBeSent":
                self.requested.append(message["params"]["request"]["url"])
            case "Network.webSocketCreated":
                self.requested.append(message["params"]["url"])
            case "Network.webSocketFrameReceived":
                frame = message["params"]["response"]
                self.drawn += base64.b64decode(frame["payloadData"]) if frame["opcode"] == 2 else b""
            case "Log.entryAdded" if message["params"]["entry"]["level"] == "error":
                self.complaints.append(message["params"]["entry"]["text"])
        return message
