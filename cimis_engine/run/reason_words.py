"""Why something went wrong, in words for a person: one table for the log, for attempts, stations and runs. Pure."""

from __future__ import annotations

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


def reason_words(error_class: str) -> str:
    """An error class in words; one that the table has not, as it is.

    >>> reason_words("http_429"), reason_words("read_timeout")
    ('429 Too Many Requests', 'read timeout')
    """
    return _WORDS.get(error_class) or error_class.replace("_", " ")
