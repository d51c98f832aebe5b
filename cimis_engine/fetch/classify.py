"""What an attempt's outcome means: one pure function from evidence to verdict.

Error codes and their texts: the CIMIS web API's error table, as kept by its public clients. The gateway before it is
Azure API Management; what it says at its limits is in Microsoft's pages on its `rate-limit` and `quota` policies.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import StrEnum

from cimis_engine.fetch.decode_error import DecodeError
from cimis_engine.fetch.exchange import AttemptError, ErrorKind, excerpt

MAX_RETRY_AFTER = 300.0
_UNSERVED = frozenset({"http_429", "http_503", "refused", "dns", "connect", "timeout_connect"})
_SLOW = frozenset({"stall", "timeout", "timeout_read", "timeout_attempt"})
TRANSIENT = (
    _UNSERVED
    | _SLOW
    | {"http_500", "http_502", "http_504", "http_5xx", "reset", "eof", "tls", "protocol"}
    | {"truncated", "malformed", "encoding", "blocked", "cold_start", "too_early", "quota"}
)
"""The error classes after which trying later may help."""

_ERR = re.compile(rb"\[?(ERR\d{4})-([A-Z ]+)\]?\s*([^\"]*)")
_LIMIT = re.compile(rb"(?:maximum|limit)\D*([0-9][0-9,]{0,12})", re.IGNORECASE)
_EMPTY = re.compile(rb'"(?:Records|Providers)"\s*:\s*\[\s*\]')
_MESSAGE = re.compile(rb'"[Mm]essage"\s*:\s*"((?:[^"\\]|\\.)*)')
_TRY_AGAIN = re.compile(rb"[Tt]ry again in (\d{1,9}) second")

_KEY_HINT = "check the key (CIMIS_APP_KEY, or CIMIS_APP_KEY_FILE); a key is free at cimis.water.ca.gov"
_BLOCKED_HINT = "the agency's firewall turned the request away: wait, lower --concurrency, then run again"
_REFUSED_HINT = "the API takes no more requests for now: wait, lower --concurrency, then run again"
_QUOTA_HINT = "the key's quota is used up: run the same command again when it has been renewed"
_REDIRECT_HINT = "redirects are not followed: check --base-url"
_SCHEMA_HINT = "the agency may have changed the format of its data"
_SPATIAL_HINT = "places and zip codes have day-asce-eto and day-sol-rad-avg only"
_API_ERRORS = {
    "ERR1006": ("auth", _KEY_HINT),
    "ERR1010": ("bad_request", "the API takes dates up to today in California"),
    "ERR1011": ("bad_request", "the record begins on 1982-06-07"),
    "ERR1012": ("bad_request", "the start date must not be after the end date"),
    "ERR1019": ("not_found", "`cimis stations` lists the stations"),
    "ERR1025": ("bad_request", "write LAT,LON in decimal degrees, the longitude negative: 38.54,-121.78"),
    "ERR1031": ("not_found", "no station serves this zip code; try --prefer SCS, or --coordinates"),
    "ERR1032": ("bad_request", "units are M or E"),
    "ERR1034": ("not_found", "spatial records cover California only"),
    "ERR1035": ("not_found", "`cimis items` lists the data items"),
    "ERR2006": ("bad_request", "one request takes stations, zip codes, coordinates or addresses, not a mixture"),
    "ERR2007": ("bad_request", "spatial records are daily: drop --hourly"),
    "ERR2112": ("volume", ""),
    "ERR2114": ("bad_request", _SPATIAL_HINT),
    "ERR2115": ("bad_request", _SPATIAL_HINT),
}


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
    def unserved(self) -> bool:
        """Whether nobody is served for now: the server refused to look at the request, or could not be reached.

        It is not this page that failed, and any other would have.
        """
        asked_to_wait = self.error_class in _UNSERVED or self.retry_after is not None
        return self.kind is VerdictKind.RETRY and asked_to_wait

    @property
    def overload(self) -> bool:
        """Whether it tells us to ask less: unserved, blocked, or too slow to answer."""
        slow = self.kind is VerdictKind.RETRY and self.error_class in _SLOW
        return self.unserved or slow or self.kind is VerdictKind.BLOCKED


def classify(
    status: int | None,
    headers: Mapping[str, str],
    head: bytes,
    error: AttemptError | DecodeError | None,
    *,
    now: float,
) -> Verdict:
    """The verdict on an attempt.

    `headers` with lower-case names; `head` the first inflated bytes of the body; `now` Unix time, for a `Retry-After`
    that is a date. The reason never repeats what a body says about a key.
    """
    if isinstance(error, AttemptError) and error.status in (None, 200):
        return _broken(error)
    status = status or 0
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    wait = retry_after(headers, now)
    if status == 429:
        return Verdict(VerdictKind.RETRY, "http_429", _told("HTTP 429", head), wait or _asked_for(head), _REFUSED_HINT)
    if b"Request Rejected" in head or (text.startswith(b"<") and status in (200, 403)):
        reason = f"HTTP {status} with a web page in place of data: {excerpt(_words(head))}"
        return Verdict(VerdictKind.BLOCKED, "blocked", reason, wait, _BLOCKED_HINT)
    found = _ERR.search(head) if status != 200 or error is not None or text[:1] in (b'"', b"[") else None
    if found is not None:
        return _api_error(status, found, wait)
    if status != 200:
        return _by_status(status, head, wait)
    if not text:
        return Verdict(VerdictKind.RETRY, "cold_start", "HTTP 200 with an empty body")
    if isinstance(error, DecodeError):
        transient = error.error_class in TRANSIENT
        kind = VerdictKind.RETRY if transient else VerdictKind.FAIL_JOB
        return Verdict(kind, error.error_class, str(error), hint=error.hint or ("" if transient else _SCHEMA_HINT))
    return Verdict(VerdictKind.EMPTY if _EMPTY.search(head) else VerdictKind.OK)


def _broken(error: AttemptError) -> Verdict:
    """An attempt that ended below HTTP, before or within a body that would have been data."""
    reason, answered = str(error), error.status is not None
    match error.kind:
        case ErrorKind.CERTIFICATE:
            hint = "if the server's certificate is signed by your own authority, name it with --ca-file"
            return Verdict(VerdictKind.STOP_RUN, "certificate", reason, hint=hint)
        case ErrorKind.TOO_LARGE:
            return Verdict(VerdictKind.FAIL_JOB, "too_large", reason, hint=_SCHEMA_HINT)
        case ErrorKind.TIMEOUT_READ if answered:
            return Verdict(VerdictKind.RETRY, "stall", f"the body stalled after {error.wire_bytes} bytes")
        case ErrorKind.EOF if answered:
            return Verdict(VerdictKind.RETRY, "truncated", f"the body ended early, after {error.wire_bytes} bytes")
        case _:
            return Verdict(VerdictKind.RETRY, error.kind.value, reason)


def _api_error(status: int, found: re.Match[bytes], wait: float | None) -> Verdict:
    """One of the agency's own errors. A code that is known says more than the status it came with."""
    code, name = found[1].decode(), found[2].decode().strip()
    known, hint = _API_ERRORS.get(code, ("", ""))
    if known == "auth" or (not known and status in (401, 403)):
        return Verdict(VerdictKind.STOP_RUN, "auth", f"HTTP {status} {code} {name}", hint=_KEY_HINT)
    # What stands in brackets quotes the request.
    detail = excerpt(re.sub(rb"\[[^\]]*\]?", b"[...]", found[3]))
    reason = f"HTTP {status} {code} {name}" + (f": {detail}" if detail else "")
    if known == "volume":
        named = _LIMIT.search(found[3])
        limit = int(named[1].replace(b",", b"")) if named else None
        return Verdict(VerdictKind.SPLIT, known, reason, limit=limit)
    if not known and status >= 500:
        return Verdict(VerdictKind.RETRY, _server_class(status), reason, wait)
    return Verdict(VerdictKind.FAIL_JOB, known or _client_class(status), reason, hint=hint)


def _by_status(status: int, head: bytes, wait: float | None) -> Verdict:
    reason = _told(f"HTTP {status}", head)
    if status == 403 and b"quota" in head.lower():
        return Verdict(VerdictKind.STOP_RUN, "quota", reason, wait, _QUOTA_HINT)
    if status in (401, 403):
        return Verdict(VerdictKind.STOP_RUN, "auth", f"HTTP {status}: the key was not accepted", hint=_KEY_HINT)
    if status >= 500:
        hint = _REFUSED_HINT if status == 503 else ""
        return Verdict(VerdictKind.RETRY, _server_class(status), reason, wait, hint)
    if status in (408, 425):
        return Verdict(VerdictKind.RETRY, "timeout" if status == 408 else "too_early", reason, wait)
    if status < 300:
        return Verdict(VerdictKind.RETRY, "cold_start", f"HTTP {status} in place of data")
    if status < 400:
        return Verdict(VerdictKind.FAIL_JOB, "redirect", reason, hint=_REDIRECT_HINT)
    return Verdict(VerdictKind.FAIL_JOB, _client_class(status), reason)


def _server_class(status: int) -> str:
    return f"http_{status}" if status in (500, 502, 503, 504) else "http_5xx"


def _client_class(status: int) -> str:
    return "not_found" if status in (404, 410) else "bad_request"


def _told(what: str, head: bytes) -> str:
    """What came, and the server's own words: a JSON error's message, or a page without its markup."""
    message = _MESSAGE.search(head)
    said = excerpt(message[1] if message else _words(head))
    return f"{what}: {said}" if said else what


def _words(head: bytes) -> bytes:
    return re.sub(rb"<[^>]*>", b" ", head)


def _asked_for(head: bytes) -> float | None:
    """The wait that the gateway's message names, where no header does."""
    found = _TRY_AGAIN.search(head)
    return _capped(float(found[1])) if found else None


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds of a `Retry-After` (seconds or HTTP date, RFC 9110), at most 300; None if absent or unreadable.

    None, too, for no time at all or a date that has passed: a server that refuses is owed a wait, so ours has to do.
    """
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return _capped(float(text[:9]))
    try:
        return _capped(parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, OverflowError):
        return None


def _capped(seconds: float) -> float | None:
    return min(seconds, MAX_RETRY_AFTER) if seconds > 0 else None
