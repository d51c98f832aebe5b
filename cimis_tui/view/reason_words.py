"""Why something went wrong, in words for a person: one table for logs, attempts and stations. Pure."""

from __future__ import annotations

import re

_WORDS = {
    "http_429": "429 Too Many Requests",
    "http_500": "500 Internal Server Error",
    "http_502": "502 Bad Gateway",
    "http_503": "503 Service Unavailable",
    "http_504": "504 Gateway Timeout",
    "http_5xx": "server error",
    "dns": "name not resolved",
    "connect": "no connection",
    "refused": "connection refused",
    "reset": "connection reset",
    "eof": "connection closed early",
    "tls": "TLS failed",
    "certificate": "certificate not valid",
    "protocol": "not proper HTTP",
    "timeout": "timed out",
    "timeout_connect": "no connection in time",
    "timeout_read": "no answer in time",
    "timeout_attempt": "attempt took too long",
    "stall": "answer stalled",
    "too_early": "425 Too Early",
    "cold_start": "no data in the answer",
    "truncated": "answer cut short",
    "malformed": "answer is not JSON",
    "encoding": "answer not decodable",
    "schema": "answer of unknown form",
    "too_large": "answer too large",
    "volume": "too much asked for",
    "blocked": "blocked by the firewall",
    "quota": "quota used up",
    "auth": "key not accepted",
    "bad_request": "request not accepted",
    "not_found": "not found",
    "redirect": "redirected",
    "integrity": "read back otherwise than written",
    "store": "could not be stored",
}
_NAMED = re.compile(r"(?<=: )([a-z0-9_]+)(?=[:;,]| \(|$)")
"""Where a sentence of the log names a class: after what happened, before what is said about it."""


def reason_words(error_class: str) -> str:
    """An error class in words; one that the table has not, as it is.

    >>> reason_words("http_429"), reason_words("read_timeout")
    ('429 Too Many Requests', 'read timeout')
    """
    return _WORDS.get(error_class) or error_class.replace("_", " ")


def whole_words(text: str, width: int) -> str:
    """As many words of a text as `width` columns hold, an ellipsis after the last one where that is not all.

    >>> whole_words("503 Service Unavailable", 14), whole_words("503 Service Unavailable", 3)
    ('503 Service…', '')
    """
    if len(text) <= width:
        return text
    words = text.split(" ")
    told = (f"{' '.join(words[:count])}…" for count in range(len(words) - 1, 0, -1))
    return next((part for part in told if len(part) <= width), "")


def in_reason_words(text: str) -> str:
    """A line of the log with the error class that it names in words.

    >>> in_reason_words("retryable: reset; attempt 2/3 in 0.6 s")
    'retryable: connection reset; attempt 2/3 in 0.6 s'
    >>> in_reason_words("failed: eof: eof: the server closed it (attempts 3)")
    'failed: connection closed early: the server closed it (attempts 3)'
    """
    named = _NAMED.search(text)
    if named is None or (words := reason_words(named[1])) == named[1]:
        return text
    rest = text[named.end() :]
    if rest.startswith(again := f": {named[1]}: "):  # a message may begin with its class
        rest = f": {rest.removeprefix(again)}"
    return text[: named.start()] + words + rest
