"""The gate: who may pass to the page, its files and its socket. Pure.

A web page of another site can make the browser of the person who runs `cimis serve` ask anything of this machine, and
read what comes back once its own name resolves to 127.0.0.1 (DNS rebinding). So besides the token, which only that
person has, the name that was asked for (`Host`) and the page that asks (`Origin`) must be our own.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
import secrets
from dataclasses import dataclass, field

from cimis_engine.errors import UsageError

_HOST = re.compile(r"(\[[0-9a-f:]+\]|[a-z0-9.-]+)(?::[0-9]{1,5})?", re.IGNORECASE)
_LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})
_SHORTEST = 20
_TOKEN = re.compile(rf"[A-Za-z0-9_-]{{{_SHORTEST},}}")


def new_token() -> str:
    """256 random bits, as letters that need no escaping in an address or a cookie."""
    return secrets.token_urlsafe(32)


def checked_token(text: str, source: str) -> str:
    """A token somebody chose. Raises `UsageError` for one that could be guessed, or that an address cannot carry."""
    token = text.strip()
    if not _TOKEN.fullmatch(token):
        raise UsageError(
            f"the token in {source} is not at least {_SHORTEST} letters, digits, - or _",
            hint="make one with `openssl rand -hex 32`",
        )
    return token


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens there."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Gate:
    """`host` is the address listened at."""

    token: str = field(repr=False)
    host: str

    @property
    def cookie(self) -> str:
        """The name a browser keeps the token under. Cookies know no ports, so each token has a name of its own."""
        return f"cimis-{hashlib.sha256(self.token.encode()).hexdigest()[:8]}"

    def refusal(self, *, host: str | None, origin: str | None, token: str | None, socket: bool = False) -> str | None:
        """Why a request is refused, in words for our own log; None if it may pass.

        `host` and `origin` are the headers, `token` what was shown. A socket must name its origin: browsers always do.
        """
        if host is None or not self._ours(host):
            return "the name asked for is not ours"
        if origin is None:
            if socket:
                return "a socket without an origin"
        elif origin.lower() != f"http://{host.lower()}":
            return "asked by a page of another site"
        if token is None or not self._same(token):
            return "no token" if token is None else "a wrong token"
        return None

    def _ours(self, host: str) -> bool:
        """Any port will do: behind `ssh -L 9000:127.0.0.1:8000` the browser names another one than we listen at."""
        found = _HOST.fullmatch(host)
        if found is None:
            return False
        name = found[1].lower().strip("[]")
        return name == self.host.lower() or (is_loopback(self.host) and name in _LOOPBACK_NAMES)

    def _same(self, token: str) -> bool:
        return hmac.compare_digest(token.encode("utf-8", "surrogatepass"), self.token.encode())
