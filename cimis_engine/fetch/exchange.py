"""What goes into an attempt and what comes out of it: request, exchange, typed failure. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlencode

from cimis_engine import __version__
from cimis_engine.errors import CimisError
from cimis_engine.fetch.phases import Phases

USER_AGENT = f"cimis-backfill-console/{__version__} (CIMIS data archive; httpx)"
_LONG_TOKEN = re.compile(r"[A-Za-z0-9+/=_-]{20,}")


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """A GET of the API. The key is no part of it: the transport adds it."""

    base_url: str
    path: str
    params: tuple[tuple[str, str], ...] = ()

    @property
    def url(self) -> str:
        query = urlencode(self.params, safe=",")
        return f"{self.base_url.rstrip('/')}{self.path}" + (f"?{query}" if query else "")


@dataclass(frozen=True, slots=True)
class Exchange:
    """A response that ended properly. `headers` has lower-case names; `wire_bytes` counts body bytes as received."""

    status: int
    headers: Mapping[str, str]
    phases: Phases
    wire_bytes: int
    content_encoding: str
    http_version: str


class ErrorKind(StrEnum):
    """How an attempt failed below HTTP."""

    DNS = "dns"
    REFUSED = "refused"
    RESET = "reset"
    EOF = "eof"
    TLS = "tls"
    CERTIFICATE = "certificate"
    CONNECT = "connect"
    TIMEOUT_CONNECT = "timeout_connect"
    TIMEOUT_READ = "timeout_read"
    TIMEOUT_ATTEMPT = "timeout_attempt"
    PROTOCOL = "protocol"
    TOO_LARGE = "too_large"


class AttemptError(CimisError):
    """An attempt that got no complete response. `status` is there if the headers had come; `cause` is redacted."""

    exit_code = 4

    def __init__(self, kind: ErrorKind, phases: Phases, wire_bytes: int, status: int | None, cause: str) -> None:
        super().__init__(f"{kind.value}: {cause}")
        self.kind, self.phases, self.wire_bytes, self.status, self.cause = kind, phases, wire_bytes, status, cause


def excerpt(text: str | bytes, limit: int = 80) -> str:
    """One printable line of at most `limit` characters. Long tokens are masked: an error page may echo the key."""
    if isinstance(text, bytes):
        text = text[: 4 * limit].decode("utf-8", "replace")
    line = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * limit]).split())
    line = _LONG_TOKEN.sub("…", line)
    return line if len(line) <= limit else line[: limit - 1] + "…"
