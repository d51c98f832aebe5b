"""The app key: where a request carries it, and how it is kept out of every text.

The transport alone puts it on the wire. Servers echo what they were sent (a redirect's `Location`, an error page),
so whatever comes back is looked through before anything above the transport may quote it.
"""

from __future__ import annotations

import html
import logging
import re
from dataclasses import dataclass
from urllib.parse import quote

from cimis_engine.errors import UsageError

MASK = "***"
_LIBRARY_LOGGERS = ("httpx", "httpcore.connection", "httpcore.http11")
Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class KeyPlace:
    """Where a dialect's requests carry the key: the header `name`, or the query parameter `name`."""

    name: str
    in_query: bool = False

    def put(self, key: str, target: bytes, headers: Headers) -> tuple[bytes, Headers]:
        """Request target and headers with the key in its place, percent-encoded in a query; as they are without one."""
        if not key:
            return target, headers
        if self.in_query:
            mark = b"&" if b"?" in target else b"?"
            return target + mark + f"{self.name}={quote(key, safe='')}".encode(), headers
        return target, [*headers, (self.name.encode(), key.encode())]


SUBSCRIPTION_HEADER = KeyPlace("Ocp-Apim-Subscription-Key")
APP_KEY_PARAMETER = KeyPlace("appKey", in_query=True)


def check_key(key: str) -> None:
    """Raises `UsageError` for what no key has: blanks, control characters, backslashes. It is not shown."""
    if not all(33 <= ord(c) <= 126 and c != "\\" for c in key):
        raise UsageError("the API key has characters that a key cannot have", hint="look for a stray newline")


class Redactor:
    """Replaces a key by `***`: raw, or any of its letters escaped as URLs, JSON and HTML do it."""

    def __init__(self, key: str) -> None:
        self._pattern = re.compile("".join(map(_letter, key))) if key else None

    def __repr__(self) -> str:
        return "<Redactor>"

    def text(self, text: str) -> str:
        return self._pattern.sub(MASK, text) if self._pattern else text

    def data(self, data: bytes) -> bytes:
        return self.text(data.decode("latin-1")).encode("latin-1")


def _letter(char: str) -> str:
    """The ways in which one letter may be written; a URL may have been escaped more than once."""
    code = ord(char)
    escaped = rf"%(?:25)*{code:02x}|\\u{code:04x}|&#0*{code};|&#x0*{code:x};"
    return rf"(?:(?i:{escaped})|{re.escape(html.escape(char))}|\\*{re.escape(char)})"


class _KeyFilter(logging.Filter):
    def __init__(self, key: str) -> None:
        super().__init__()
        self._key, self._redactor = key, Redactor(key)

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = self._redactor.text(record.getMessage()), None
        return True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _KeyFilter) and other._key == self._key

    __hash__ = logging.Filter.__hash__


def keep_out_of_logs(key: str) -> None:
    """Take the key out of what the HTTP libraries log: at DEBUG, httpcore logs a response's headers as they came."""
    for name in _LIBRARY_LOGGERS if key else ():
        logging.getLogger(name).addFilter(_KeyFilter(key))  # once a key: logging compares filters
