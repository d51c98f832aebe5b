"""The web server of `cimis serve`: page, static files and socket, each behind the gate."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Final

import textual_serve
from aiohttp import WSCloseCode, hdrs, web

from cimis_tui.web.gate import Gate
from cimis_tui.web.tab import Tab, cells

Tell = Callable[[str], None]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
MOST_TABS = 8
"""Each is a process of some 60 MB."""
_PAGE = files("cimis_tui.web") / "page"
_TERMINAL = Path(str(textual_serve.__file__)).parent / "static"
_SOCKET: Final = "/ws"
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    hdrs.CACHE_CONTROL: "no-store",
}


def policy(host: str) -> str:
    """The content security policy: the page reaches nobody but us. `host` is the checked Host header.

    The terminal of the page writes style elements of its own, so inline styles are allowed, inline scripts are not.
    """
    return (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self'; "
        f"img-src 'self' data:; connect-src 'self' ws://{host}; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )


class ConsoleServer:
    """`command` opens a dashboard; `tell` hears of every request, its query left out, for that holds the token."""

    def __init__(self, gate: Gate, command: Sequence[str], environ: Mapping[str, str], tell: Tell) -> None:
        self._gate, self._command, self._environ, self._tell = gate, command, environ, tell
        self._sockets: set[web.WebSocketResponse] = set()

    def application(self) -> web.Application:
        app = web.Application(middlewares=[self._guard], client_max_size=0)
        app.add_routes(
            [
                web.get("/", self._page),
                web.get(_SOCKET, self._socket),
                web.static("/page", str(_PAGE), follow_symlinks=False),
                web.static("/static", _TERMINAL, follow_symlinks=False),
            ]
        )
        app.on_response_prepare.append(_dress)
        app.on_shutdown.append(self._close_all)
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Before every handler, and before it is known whether there is one: a stranger learns nothing but 403."""
        hosts, origins = request.headers.getall(hdrs.HOST, []), request.headers.getall(hdrs.ORIGIN, [])
        shown = request.cookies.get(self._gate.cookie)
        if request.path == "/" and "token" in request.query:
            shown = request.query["token"]
        refusal = self._gate.refusal(
            host=hosts[0] if len(hosts) == 1 else None,
            origin=",".join(origins) or None,
            token=shown,
            socket=request.path == _SOCKET,
        )
        if refusal is not None:
            self._tell(f"403 {request.method} {request.rel_url.raw_path}: {refusal}")
            return web.Response(status=403, text="403 Forbidden\n")
        try:
            response = await handler(request)
        except web.HTTPException as error:
            self._tell(f"{error.status} {request.method} {request.rel_url.raw_path}")
            raise
        self._tell(f"{response.status} {request.method} {request.rel_url.raw_path}")
        return response

    async def _page(self, request: web.Request) -> web.Response:
        """The page itself, also at the address with the token: a redirect would lose a cookie that is strict."""
        text = Template((_PAGE / "page.html").read_text(encoding="utf-8"))
        response = web.Response(text=text.substitute(socket=f"ws://{request.host}{_SOCKET}"), content_type="text/html")
        response.headers["Content-Security-Policy"] = policy(request.host)
        response.set_cookie(self._gate.cookie, self._gate.token, path="/", httponly=True, samesite="Strict")
        return response

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        if len(self._sockets) >= MOST_TABS:
            return web.Response(status=503, text=f"{MOST_TABS} tabs are open already\n")
        socket = web.WebSocketResponse(heartbeat=15, max_msg_size=1 << 16)
        await socket.prepare(request)
        self._sockets.add(socket)
        try:
            width, height = cells(request.query.get("width"), 80), cells(request.query.get("height"), 24)
            tab = await Tab.open(self._command, self._environ, socket, width, height)
            await tab.run()
        finally:
            self._sockets.discard(socket)
        return socket

    async def _close_all(self, _: web.Application) -> None:
        await asyncio.gather(*(socket.close(code=WSCloseCode.GOING_AWAY) for socket in list(self._sockets)))


async def _dress(_: web.Request, response: web.StreamResponse) -> None:
    """What every answer carries; and not what we are made of."""
    response.headers.update(_HEADERS)
    response.headers.popall(hdrs.SERVER, None)


async def serve(server: ConsoleServer, host: str, port: int, ready: Callable[[int], None]) -> None:
    """Listen until SIGINT, SIGTERM or SIGHUP; `ready` hears the port. Raises OSError where it cannot listen."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, ended.set)
    runner = web.AppRunner(server.application(), access_log=None, shutdown_timeout=10.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        ready(int(runner.addresses[0][1]))
        await ended.wait()
    finally:
        await runner.cleanup()
