"""The control door of a running engine: `control.sock` in its run directory, one JSON object a line each way.

Commands, `stations` a list of numbers, or null for the whole run (`cancel` needs a list):

    {"cmd": "pause"|"resume"|"retry"|"cancel", "stations": [2, 5]}    {"cmd": "drain"|"stop"|"status"}
    {"cmd": "concurrency", "limit": N}                                at most so many requests in flight from now on
    {"cmd": "ack", "rule": R, "subject": S}                           the alert was seen; without both: all that fire
    {"cmd": "mute"|"unmute", "rule": R, "subject": S}                 tell nobody of it for `seconds` (600)

Answers: `{"ok": true, ...}` or `{"ok": false, "error": "..."}`. The socket is mode 0600 and carries no events.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from cimis_engine.errors import CimisError

SOCKET_NAME = "control.sock"
_MAX_LINE = 64 * 1024
Handler = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


class ControlError(CimisError):
    """The engine could not be reached, or refused the command."""


@contextlib.contextmanager
def _address(run_dir: Path) -> Iterator[str]:
    """A name for the socket that fits into the ~100 bytes a Unix socket address has, however deep the directory."""
    path = run_dir.absolute() / SOCKET_NAME
    if len(os.fsencode(path)) < 100 or not Path("/proc/self/fd").is_dir():
        yield str(path)
        return
    fd = os.open(run_dir, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{fd}/{SOCKET_NAME}"
    finally:
        os.close(fd)


class ControlServer:
    """Serves commands while the engine runs. `handler` answers one command; its CimisErrors become refusals."""

    def __init__(self, run_dir: Path, handler: Handler) -> None:
        self._run_dir, self._handler = run_dir, handler
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> ControlServer:
        (self._run_dir / SOCKET_NAME).unlink(missing_ok=True)
        with _address(self._run_dir) as address:
            mask = os.umask(0o177)
            try:
                self._server = await asyncio.start_unix_server(self._serve, address, limit=_MAX_LINE)
            finally:
                os.umask(mask)
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._server:
            self._server.close()
        (self._run_dir / SOCKET_NAME).unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                writer.write(msgspec.json.encode(await self._answer(line)) + b"\n")
                await writer.drain()
        except (ValueError, OSError):
            pass  # an overlong line, or the client left: neither concerns the run
        finally:
            writer.close()

    async def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            command = msgspec.json.decode(line, type=dict[str, Any])
            return {"ok": True, **await self._handler(command)}
        except (CimisError, msgspec.DecodeError) as error:
            return {"ok": False, "error": str(error)}


class ControlClient:
    """Sends commands to the engine of a run directory. Blocking; call it off an event loop."""

    def __init__(self, run_dir: Path, timeout: float = 5.0) -> None:
        self._run_dir, self._timeout = run_dir, timeout

    def send(self, command: dict[str, Any]) -> dict[str, Any]:
        """The engine's answer. Raises `ControlError` when it cannot be reached or refuses."""
        try:
            with _address(self._run_dir) as address, socket.socket(socket.AF_UNIX) as channel:
                channel.settimeout(self._timeout)
                channel.connect(address)
                channel.sendall(msgspec.json.encode(command) + b"\n")
                answer = channel.makefile("rb").readline(_MAX_LINE)
        except OSError as error:
            raise ControlError(
                f"the engine of run {self._run_dir.name} does not answer ({error.strerror or error})",
                hint="it may have ended: `cimis runs` shows its state",
            ) from None
        try:
            reply = msgspec.json.decode(answer, type=dict[str, Any])
        except msgspec.DecodeError:
            raise ControlError(f"the engine of run {self._run_dir.name} ended while answering") from None
        if not reply.get("ok"):
            raise ControlError(str(reply.get("error", "refused")))
        return reply
