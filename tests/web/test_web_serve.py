"""Every door of a real server on loopback, with and without what opens it."""

from __future__ import annotations

import asyncio
import os
import re
import select
import signal
import subprocess
import sys
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest
from served import Served, start

DOORS = ("/", "/static/js/textual.js", "/page/page.js", "/ws", "/nothing-here", "/static/")
RUN = b"1121-1904-7f3a"
STRANGER = b"403 Forbidden\n"


def cookie(served: Served, token: str | None = None) -> dict[str, str]:
    """The header a browser sends after the first page; with `token`, one that was made up."""
    name = next(iter(SimpleCookie(httpx.get(served.url).headers["set-cookie"])))
    return {"Cookie": f"{name}={token or served.token}"}


@pytest.mark.parametrize("path", DOORS)
@pytest.mark.parametrize("token", [None, "wrong-token-wrong-token"])
def test_without_the_token_every_door_is_the_same_wall(served: Served, path: str, token: str | None) -> None:
    headers = {} if token is None else cookie(served, token)
    query = "" if token is None else f"?token={token}"
    answer = httpx.get(f"{served.base}{path}{query}", headers=headers | {"Origin": served.base})
    assert (answer.status_code, answer.content) == (403, STRANGER)
    assert "set-cookie" not in answer.headers and "server" not in answer.headers


@pytest.mark.parametrize("path", DOORS)
@pytest.mark.parametrize(
    "wrong", [{"Host": "evil.example"}, {"Host": "127.0.0.1.evil.example:80"}, {"Origin": "http://evil.example"}]
)
def test_the_token_alone_is_not_enough(served: Served, path: str, wrong: dict[str, str]) -> None:
    headers = cookie(served) | {"Origin": served.base} | wrong
    answer = httpx.get(f"{served.base}{path}?token={served.token}", headers=headers)
    assert (answer.status_code, answer.content) == (403, STRANGER)


def test_the_page_and_its_files(served: Served) -> None:
    page = httpx.get(served.url)
    assert page.status_code == 200
    set_cookie = page.headers["set-cookie"]
    assert "HttpOnly" in set_cookie and "SameSite=Strict" in set_cookie and "Path=/" in set_cookie
    assert page.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'; ")
    assert page.headers["referrer-policy"] == "no-referrer" and page.headers["cache-control"] == "no-store"
    assert served.token not in page.text
    again = httpx.get(served.base + "/", headers=cookie(served))
    assert again.text == page.text
    linked = re.findall(r'(?:href|src)="(/[^"]+)"', page.text)
    assert len(linked) == 5
    css = httpx.get(served.base + "/page/page.css", headers=cookie(served)).text
    for path in {*linked, *re.findall(r'url\("([^"]+)"\)', css)}:
        assert httpx.get(served.base + path, headers=cookie(served)).status_code == 200, path
    outside = re.findall(r"(?:https?:)?//[^\s\"']+", page.text + css)
    assert outside == [f"//{served.netloc}/ws"], "nothing is asked of anybody else"


def test_the_token_in_the_address_opens_the_page_only(served: Served) -> None:
    for path in ("/static/js/textual.js", "/page/page.js"):
        assert httpx.get(f"{served.base}{path}?token={served.token}").status_code == 403


@pytest.mark.parametrize("path", ["/nothing-here", "/static/", "/static/../server.py", "/page/%2e%2e/gate.py"])
def test_nothing_else_is_served(served: Served, path: str) -> None:
    assert httpx.get(served.base + path, headers=cookie(served)).status_code in (403, 404)


def test_only_reading(served: Served) -> None:
    assert httpx.post(served.base + "/", headers=cookie(served), content=b"x").status_code == 405


async def connect(served: Served, **headers: str) -> int | bytes:
    """The status a socket was refused with, or what is drawn on it until the run is named."""
    async with aiohttp.ClientSession() as session:
        try:
            async with session.ws_connect(f"{served.base}/ws?width=120&height=40", headers=headers) as socket:
                drawn = b""
                while RUN not in drawn:
                    message = await socket.receive(timeout=20)
                    assert message.type is aiohttp.WSMsgType.BINARY
                    drawn += message.data
                return drawn
        except aiohttp.WSServerHandshakeError as refused:
            return refused.status


@pytest.mark.parametrize(
    "wrong",
    [
        {"Cookie": ""},
        {"Cookie": "cimis=wrong"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Host": "evil.example"},
    ],
)
def test_the_socket_refuses(served: Served, wrong: dict[str, str]) -> None:
    headers = cookie(served) | {"Origin": served.base} | wrong
    assert asyncio.run(connect(served, **headers)) == 403


def test_the_socket_without_an_origin_is_refused(served: Served) -> None:
    assert asyncio.run(connect(served, **cookie(served))) == 403


def test_the_socket_draws_the_run(served: Served) -> None:
    drawn = asyncio.run(connect(served, **cookie(served), Origin=served.base))
    assert isinstance(drawn, bytes) and RUN in drawn


async def left(served: Served) -> Any:
    """Press `q` in a tab of a run that has ended; how its socket closes."""
    async with aiohttp.ClientSession() as session:
        headers = cookie(served) | {"Origin": served.base}
        async with session.ws_connect(f"{served.base}/ws", headers=headers) as socket:
            await socket.send_str('["stdin", "q"]')
            while (message := await socket.receive(timeout=20)).type is aiohttp.WSMsgType.BINARY:
                pass
            return message.type


def test_leaving_the_dashboard_closes_the_tab(served: Served) -> None:
    assert asyncio.run(left(served)) is aiohttp.WSMsgType.CLOSE


def children(pid: int) -> list[int]:
    return [int(n) for n in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


async def held_open(served: Served, number: int) -> tuple[int, int, int]:
    """Exit code of a server that is told to end while a tab is open, how that tab closed, and its dashboard's pid."""
    async with aiohttp.ClientSession() as session:
        headers = cookie(served) | {"Origin": served.base}
        async with session.ws_connect(f"{served.base}/ws", headers=headers) as socket:
            await socket.receive(timeout=20)
            (child,) = children(served.process.pid)
            served.process.send_signal(number)
            while (message := await socket.receive(timeout=20)).type is aiohttp.WSMsgType.BINARY:
                pass
    return await asyncio.to_thread(served.process.wait, 20), message.data, child


def gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists() or " Z " in Path(f"/proc/{pid}/stat").read_text()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_cleanly_with_its_tabs(data_dir: Path, number: int) -> None:
    served = start(data_dir)
    code, closed, child = asyncio.run(held_open(served, number))
    out, err = served.process.communicate()
    assert (code, closed, out) == (0, aiohttp.WSCloseCode.GOING_AWAY, "")
    assert "Traceback" not in err
    assert gone(child)


def test_a_server_that_is_killed_leaves_no_dashboard_behind(data_dir: Path) -> None:
    served = start(data_dir)
    child = os.pidfd_open(asyncio.run(tab_of(served)))
    ended, _, _ = select.select([child], [], [], 20)
    assert ended
    served.process.communicate()
    assert not list(data_dir.glob("runs/*/dashboard-crash-*"))


async def tab_of(served: Served) -> int:
    """Open a tab, kill the server, and tell the pid of the tab's dashboard."""
    async with aiohttp.ClientSession() as session:
        headers = cookie(served) | {"Origin": served.base}
        async with session.ws_connect(f"{served.base}/ws", headers=headers) as socket:
            await socket.receive(timeout=20)
            (child,) = children(served.process.pid)
            served.process.kill()
    return child


def test_a_token_of_ones_own_is_not_printed(data_dir: Path, tmp_path: Path) -> None:
    token = "0123456789abcdef0123456789abcdef"
    (tmp_path / "token").write_text(f"{token}\n")
    served = start(data_dir, "--token-file", str(tmp_path / "token"))
    try:
        assert "token" not in served.url
        assert httpx.get(f"{served.base}/?token={token}").status_code == 200
        assert httpx.get(f"{served.base}/").status_code == 403
    finally:
        code, _, err = served.end()
    assert code == 0 and token not in err


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--token-file", "nowhere"], "cannot read the token file nowhere"),
        (["--token-file", "weak"], "is not at least 20 letters"),
        (["--host", "0.0.0.0"], "is not one address"),
        (["--host", "192.0.2.1", "--port", "0"], "cannot listen at 192.0.2.1"),
        (["--port", "65536"], "cannot listen at 127.0.0.1, port 65536"),
        (["--theme", "cimis-dusk"], "no theme 'cimis-dusk'"),
        (["no-such-run"], "no run 'no-such-run'"),
    ],
)
def test_what_cannot_be_is_said(data_dir: Path, tmp_path: Path, args: list[str], said: str) -> None:
    (tmp_path / "weak").write_text("secret")
    done = subprocess.run(
        [sys.executable, "-m", "cimis_tui", "serve", "--data-dir", str(data_dir), *args],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 2 and said in done.stderr and "Traceback" not in done.stderr
    assert "secret" not in done.stderr
