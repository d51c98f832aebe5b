"""The gate's rules, and what a page's messages become."""

from __future__ import annotations

import pytest

from cimis_engine.errors import UsageError
from cimis_tui.web.gate import Gate, checked_token, new_token
from cimis_tui.web.tab import cells, packet_of, tab_environment

TOKEN = "0123456789abcdefghijk"
GATE = Gate(TOKEN, "127.0.0.1")


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:8000", "LOCALHOST", "[::1]:8000", "127.0.0.1:9000"])
def test_our_own_names_pass(host: str) -> None:
    assert GATE.refusal(host=host, origin=None, token=TOKEN) is None
    assert GATE.refusal(host=host, origin=f"http://{host.lower()}", token=TOKEN, socket=True) is None


@pytest.mark.parametrize(
    "host",
    [None, "", "evil.example:8000", "127.0.0.1.evil.example", "127.0.0.1@evil.example", "127.0.0.2", "localhost.",
     "127.0.0.1:8000, evil.example", "127.0.0.1:port", "[::1", "0.0.0.0:8000"],
)  # fmt: skip
def test_other_names_do_not(host: str | None) -> None:
    assert GATE.refusal(host=host, origin=None, token=TOKEN) == "the name asked for is not ours"


@pytest.mark.parametrize(
    "origin",
    ["null", "http://evil.example", "http://127.0.0.1:8001", "https://127.0.0.1:8000", "http://localhost:8000"],
)
def test_a_page_of_another_site_does_not_pass(origin: str) -> None:
    for socket in (False, True):
        refusal = GATE.refusal(host="127.0.0.1:8000", origin=origin, token=TOKEN, socket=socket)
        assert refusal == "asked by a page of another site"


def test_a_socket_must_name_its_origin() -> None:
    assert GATE.refusal(host="127.0.0.1", origin=None, token=TOKEN, socket=True) == "a socket without an origin"


@pytest.mark.parametrize("token", [None, "", TOKEN[:-1], TOKEN + "l", TOKEN.upper(), "ü" * 21, "\ud800"])
def test_only_the_token_itself_passes(token: str | None) -> None:
    refusal = GATE.refusal(host="127.0.0.1:8000", origin=None, token=token)
    assert refusal == ("no token" if token is None else "a wrong token")


def test_at_another_address_loopback_names_are_not_ours() -> None:
    gate = Gate(TOKEN, "192.0.2.7")
    assert gate.refusal(host="192.0.2.7:8000", origin=None, token=TOKEN) is None
    assert gate.refusal(host="localhost:8000", origin=None, token=TOKEN) is not None


def test_tokens_are_long_differ_and_stay_out_of_sight() -> None:
    first, second = new_token(), new_token()
    assert first != second and checked_token(first, "x") == first and len(first) >= 43
    assert first not in repr(Gate(first, "h"))
    assert Gate(first, "h").cookie != Gate(second, "h").cookie and first[:8] not in Gate(first, "h").cookie
    for weak in ("", "short", "a" * 19, "with a blank in it, so long", "semicolon;semicolon;semicolon"):
        with pytest.raises(UsageError, match="at least 20"):
            checked_token(weak, "token.txt")


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ('["stdin", "?"]', b"D\0\0\0\x01?"),
        ('["resize", {"width": 100, "height": 30}]', b'M\0\0\0,{"type": "resize", "width": 100, "height": 30}'),
        ('["resize", {"width": 1e9, "height": "x"}]', b'M\0\0\0,{"type": "resize", "width": 80, "height": 24}'),
        ('["focus"]', b'M\0\0\0\x11{"type": "focus"}'),
        ('["ping", "1"]', None),
        ('["quit"]', None),
        ('["stdin", 3]', None),
        ('["resize", {}]', None),
        ("[]", None),
        ("3", None),
        ("{", None),
    ],
)
def test_messages_of_a_page(message: str, told: bytes | None) -> None:
    got = packet_of(message)
    assert (got and (got[:1], got[5:])) == (told and (told[:1], told[5:]))
    if got:
        assert int.from_bytes(got[1:5], "big") == len(got) - 5


def test_sizes_within_reason() -> None:
    assert [cells(text, 80) for text in ("120", None, "0", "-5", "99999", "x")] == [120, 80, 1, 1, 1000, 80]


def test_a_tab_does_not_get_the_app_key() -> None:
    env = tab_environment({"CIMIS_APP_KEY": "k", "CIMIS_APP_KEY_FILE": "f", "HOME": "/h", "TERM": "linux"}, 120, 40)
    assert env["HOME"] == "/h" and env["COLUMNS"] == "120" and env["TERM"] == "xterm-256color"
    assert not [name for name in env if "KEY" in name]
