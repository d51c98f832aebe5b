"""What an attempt's outcome means: one pure function from evidence to verdict.

Error codes and their texts: the CIMIS web API's error table, as kept by its public clients.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import StrEnum

from cimis_engine.fetch.decode_error import DecodeError
from cimis_engine.fetch.exchange import AttemptError, ErrorKind, excerpt

MAX_RETRY_AFTER = 300.0
_OVERLOAD = frozenset({"http_429", "http_503", "blocked", "stall", "timeout"})
_ERR = re.compile(rb"\[?(ERR\d{4})-([A-Z ]+)\]?\s*([^\"]*)")
_LIMIT = re.compile(rb"(?:maximum|limit)\D*([0-9][0-9,]{0,12})", re.IGNORECASE)
_EMPTY = re.compile(rb'"(?:Records|Providers)"\s*:\s*\[\s*\]')
_KEY_HINT = "check the key (CIMIS_APP_KEY, or CIMIS_APP_KEY_FILE); a key is free at cimis.water.ca.gov"
_BLOCKED_HINT = "the agency's firewall turned the request away: wait, lower --concurrency, then run again"
_SPATIAL_HINT = "spatial records hold day-asce-eto and day-sol-rad-avg only"
_ERR_HINTS = {
    "ERR1010": "the API takes dates up to today in California",
    "ERR1011": "the record begins on 1982-06-07",
    "ERR1012": "the start date must not be after the end date",
    "ERR1019": "`cimis stations` lists the stations",
    "ERR1025": "write LAT,LON in decimal degrees, the longitude negative: 38.54,-121.78",
    "ERR1031": "no station serves this zip code; try --prefer SCS, or --coordinates",
    "ERR1034": "spatial records cover California only",
    "ERR1035": "`cimis items` lists the data items",
    "ERR2007": "spatial records are daily: drop --hourly",
    "ERR2114": _SPATIAL_HINT,
    "ERR2115": _SPATIAL_HINT,
}
_NOT_FOUND = frozenset({"ERR1019", "ERR1031", "ERR1034", "ERR1035"})


class VerdictKind(StrEnum):
    """`empty` is success without records; `blocked` is a retry after a long wait."""

    OK = "ok"
    EMPTY = "empty"
    RETRY = "retry"
    SPLIT = "split"
    BLOCKED = "blocked"
    FAIL_JOB = "fail_job"
    STOP_RUN = "stop_run"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`error_class` is one short stable word (empty on success), `retry_after` the seconds the server asked for.

    `limit`: the most records a request may ask for, where a refusal names it.
    """

    kind: VerdictKind
    error_class: str = ""
    reason: str = ""
    retry_after: float | None = None
    hint: str = ""
    limit: int | None = None

    @property
    def overload(self) -> bool:
        """Whether it asks us to slow down: too many requests, blocked, unavailable, or too slow to answer."""
        return self.error_class in _OVERLOAD or self.error_class.startswith("timeout_")


def classify(
    status: int | None,
    headers: Mapping[str, str],
    head: bytes,
    error: AttemptError | DecodeError | None,
    *,
    now: float | None = None,
) -> Verdict:
    """The verdict on an attempt.

    `headers` with lower-case names; `head` the first inflated bytes of the body; `now` Unix time, for a `Retry-After`
    that is a date. The reason never repeats what a body says about a key.
    """
    wait = retry_after(headers, time.time() if now is None else now)
    if isinstance(error, AttemptError):
        return _broken(error)
    status = status or 0
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    markup = text.startswith(b"<")
    if status == 429:
        return Verdict(VerdictKind.RETRY, "http_429", "HTTP 429: too many requests", wait)
    if b"Request Rejected" in head or (markup and status in (200, 403)):
        reason = f"HTTP {status} with a web page in place of data: {excerpt(_words(head))}"
        return Verdict(VerdictKind.BLOCKED, "blocked", reason, wait, _BLOCKED_HINT)
    found = _ERR.search(head) if status != 200 or text[:1] in (b'"', b"[") else None
    if found is not None:
        return _api_error(status, found, wait)
    if status != 200:
        return _by_status(status, head, wait)
    if not text:
        return Verdict(VerdictKind.RETRY, "cold_start", "HTTP 200 with an empty body", wait)
    if error is not None:
        transient = error.error_class in ("truncated", "malformed", "encoding")
        kind = VerdictKind.RETRY if transient else VerdictKind.FAIL_JOB
        hint = error.hint or ("" if transient else "the agency may have changed the format of its data")
        return Verdict(kind, error.error_class, str(error), wait if transient else None, hint)
    return Verdict(VerdictKind.EMPTY if _EMPTY.search(head) else VerdictKind.OK)


def _broken(error: AttemptError) -> Verdict:
    reason, answered = str(error), error.status is not None
    match error.kind:
        case ErrorKind.CERTIFICATE:
            hint = "if the server's certificate is signed by your own authority, name it with --ca-file"
            return Verdict(VerdictKind.STOP_RUN, "certificate", reason, hint=hint)
        case ErrorKind.TOO_LARGE:
            return Verdict(VerdictKind.FAIL_JOB, "too_large", reason)
        case ErrorKind.TIMEOUT_READ if answered:
            return Verdict(VerdictKind.RETRY, "stall", f"the body stalled after {error.wire_bytes} bytes")
        case ErrorKind.EOF if answered:
            return Verdict(VerdictKind.RETRY, "truncated", f"the body ended early, after {error.wire_bytes} bytes")
        case _:
            return Verdict(VerdictKind.RETRY, error.kind.value, reason)


def _api_error(status: int, found: re.Match[bytes], wait: float | None) -> Verdict:
    code, name = found[1].decode(), found[2].decode().strip()
    if code == "ERR1006" or status in (401, 403):
        return Verdict(VerdictKind.STOP_RUN, "auth", f"HTTP {status} {code} {name}", hint=_KEY_HINT)
    # What stands in brackets quotes the request.
    detail = excerpt(re.sub(rb"\[[^\]]*\]?", b"[...]", found[3]))
    reason = f"HTTP {status} {code} {name}" + (f": {detail}" if detail else "")
    if code == "ERR2112":
        named = _LIMIT.search(found[3])
        limit = int(named[1].replace(b",", b"")) if named else None
        return Verdict(VerdictKind.SPLIT, "volume", reason, limit=limit)
    if status >= 500:
        return Verdict(VerdictKind.RETRY, _server_class(status), reason, wait)
    error_class = "not_found" if code in _NOT_FOUND else "bad_request"
    return Verdict(VerdictKind.FAIL_JOB, error_class, reason, hint=_ERR_HINTS.get(code, ""))


def _by_status(status: int, head: bytes, wait: float | None) -> Verdict:
    said = excerpt(_words(head))
    reason = f"HTTP {status}" + (f": {said}" if said else "")
    if status in (401, 403):
        return Verdict(VerdictKind.STOP_RUN, "auth", f"HTTP {status}: the key was not accepted", hint=_KEY_HINT)
    if status >= 500:
        return Verdict(VerdictKind.RETRY, _server_class(status), reason, wait)
    if status == 408:
        return Verdict(VerdictKind.RETRY, "timeout", reason, wait)
    if status in (404, 410):
        return Verdict(VerdictKind.FAIL_JOB, "not_found", reason)
    if 300 <= status < 400:
        return Verdict(VerdictKind.FAIL_JOB, "redirect", reason, hint="redirects are not followed: check --base-url")
    return Verdict(VerdictKind.FAIL_JOB, "bad_request", reason)


def _server_class(status: int) -> str:
    return f"http_{status}" if status in (500, 502, 503, 504) else "http_5xx"


def _words(head: bytes) -> bytes:
    return re.sub(rb"<[^>]*>", b" ", head)


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds of a `Retry-After` (seconds or HTTP date, RFC 9110), within 0..300; None if absent or unreadable."""
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    if text.isascii() and text.isdigit():
        seconds = float(text[:9])
    else:
        try:
            seconds = parsedate_to_datetime(text).timestamp() - now
        except (ValueError, OverflowError):
            return None
    return min(max(seconds, 0.0), MAX_RETRY_AFTER)
