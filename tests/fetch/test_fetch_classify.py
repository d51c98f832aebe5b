"""The classifier: one row a case, every error code of the API, every bad input, and no secret in any reason."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest

from cimis_engine.fetch.classify import TRANSIENT, Verdict, VerdictKind, classify, retry_after
from cimis_engine.fetch.decode import PageDecoder
from cimis_engine.fetch.decode_error import DecodeError
from cimis_engine.fetch.exchange import AttemptError, ErrorKind
from cimis_engine.fetch.inflate import Inflater
from cimis_engine.fetch.phases import Phases
from cimis_engine.model.items import DAILY_ITEMS, Interval, UnitSystem
from cimis_engine.model.period import Span

KEY = "0123abcd-canary-4567-89ef-0123456789ab"
RECORDS = b'{"Data":{"Providers":[{"Name":"cimis","Records":[{"Date"'
WAF = b"<html><head><title>Request Rejected</title></head><body>Your support ID is: 123</body></html>"
OK, EMPTY, RETRY, SPLIT = VerdictKind.OK, VerdictKind.EMPTY, VerdictKind.RETRY, VerdictKind.SPLIT
BLOCKED, FAIL, STOP = VerdictKind.BLOCKED, VerdictKind.FAIL_JOB, VerdictKind.STOP_RUN


@dataclass(frozen=True)
class Row:
    """One case: what came (`headers` lower-case), and what it must mean. `wait`: seconds; `says`: within the reason."""

    status: int | None
    head: bytes
    kind: VerdictKind
    error_class: str = ""
    wait: float | None = None
    says: str = ""
    hint: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    error: AttemptError | DecodeError | None = None


def api(status: int, code: str, kind: VerdictKind, error_class: str, hint: str = "") -> Row:
    """An error of the agency's own: a JSON string."""
    return Row(status, b'"[%s-SOME FAULT] some text [x]."' % code.encode(), kind, error_class, says=code, hint=hint)


def gateway(status: int, message: str) -> bytes:
    return json.dumps({"statusCode": status, "message": message}).encode()


def broken(kind: ErrorKind, status: int | None = None) -> AttemptError:
    return AttemptError(kind, Phases(), 10, status, "why")


AGENCY = [
    api(403, "ERR1006", STOP, "auth", "key"),
    api(401, "ERR1006", STOP, "auth", "key"),
    api(200, "ERR1006", STOP, "auth", "key"),
    api(400, "ERR1010", FAIL, "bad_request", "California"),
    api(400, "ERR1011", FAIL, "bad_request", "1982"),
    api(400, "ERR1012", FAIL, "bad_request", "after"),
    api(404, "ERR1019", FAIL, "not_found", "station"),
    api(400, "ERR1025", FAIL, "bad_request", "LAT,LON"),
    api(404, "ERR1031", FAIL, "not_found", "zip"),
    api(400, "ERR1032", FAIL, "bad_request", "M or E"),
    api(404, "ERR1034", FAIL, "not_found", "California"),
    api(404, "ERR1035", FAIL, "not_found", "cimis items"),
    api(400, "ERR1035", FAIL, "not_found", "cimis items"),
    api(400, "ERR2006", FAIL, "bad_request", "mixture"),
    api(400, "ERR2007", FAIL, "bad_request", "daily"),
    api(400, "ERR2112", SPLIT, "volume"),
    api(200, "ERR2112", SPLIT, "volume"),
    api(500, "ERR2112", SPLIT, "volume"),
    api(400, "ERR2114", FAIL, "bad_request", "day-asce-eto"),
    api(400, "ERR2115", FAIL, "bad_request", "day-asce-eto"),
    api(500, "ERR1012", FAIL, "bad_request", "after"),  # a known code says more than its status
    api(400, "ERR9999", FAIL, "bad_request"),
    api(404, "ERR9999", FAIL, "not_found"),
    api(403, "ERR9999", STOP, "auth", "key"),
    api(500, "ERR9999", RETRY, "http_500"),
    Row(400, b'"ERR1012-DATE ORDER FAULT"', FAIL, "bad_request", says="DATE ORDER FAULT", hint="after"),
    Row(404, b'{"Message":"[ERR1019-STATION NOT FOUND] no"}', FAIL, "not_found", says="ERR1019", hint="station"),
    Row(400, b'"ERR12-NO CODE"', FAIL, "bad_request", says="ERR12"),
]
GATEWAY = [
    Row(401, gateway(401, "Access denied due to invalid subscription key."), STOP, "auth", hint="CIMIS_APP_KEY"),
    Row(401, b"", STOP, "auth", hint="CIMIS_APP_KEY"),
    Row(401, b"<html>log in", STOP, "auth", hint="CIMIS_APP_KEY"),
    Row(403, gateway(403, "no"), STOP, "auth", hint="CIMIS_APP_KEY"),
    Row(403, b"", STOP, "auth", hint="CIMIS_APP_KEY"),
    Row(403, gateway(403, "Out of call volume quota. Quota will be replenished in 00:12:34."), STOP, "quota",
        says="Out of call volume quota", hint="renewed"),
    Row(403, gateway(403, "Out of call volume quota."), STOP, "quota", 60, hint="renewed",
        headers={"retry-after": "60"}),
    Row(404, gateway(404, "Resource not found"), FAIL, "not_found", says="HTTP 404: Resource not found"),
    Row(429, gateway(429, "Rate limit is exceeded. Try again in 12 seconds."), RETRY, "http_429", 12,
        says="Rate limit is exceeded", hint="--concurrency"),
    Row(429, gateway(429, "Rate limit is exceeded. Try again in 12 seconds."), RETRY, "http_429", 3,
        hint="--concurrency", headers={"retry-after": "3"}),
    Row(429, b"<html>Request Rejected", RETRY, "http_429", hint="--concurrency"),
    Row(429, b"", RETRY, "http_429", hint="--concurrency"),
]  # fmt: skip
STATUSES = [
    Row(404, b'{"Message":"no such"}', FAIL, "not_found", says="HTTP 404: no such"),
    Row(500, b'{"Message":"An error has occurred."}', RETRY, "http_500", says="An error has occurred."),
    Row(204, b"", RETRY, "cold_start", says="204"),
    *(Row(status, b"", FAIL, "redirect", hint="--base-url") for status in (301, 302, 303, 307, 308)),
    *(Row(status, b"", FAIL, "bad_request") for status in (400, 405, 406, 413, 414, 431, 451)),
    Row(404, b"<html>gone", FAIL, "not_found", says="gone"),
    Row(410, b"", FAIL, "not_found"),
    Row(408, b"", RETRY, "timeout"),
    Row(425, b"", RETRY, "too_early"),
    Row(500, b"", RETRY, "http_500"),
    Row(502, b"<html>bad gateway", RETRY, "http_502", says="bad gateway"),
    Row(502, b"", RETRY, "http_502", 9, headers={"retry-after": "9"}),
    Row(503, b"<html>busy", RETRY, "http_503", says="busy", hint="--concurrency"),
    Row(503, b"", RETRY, "http_503", 7, hint="--concurrency", headers={"retry-after": "7"}),
    Row(504, b"", RETRY, "http_504"),
    Row(520, b"", RETRY, "http_5xx"),
]
FIREWALL = [
    Row(200, WAF, BLOCKED, "blocked", says="Your support ID", hint="--concurrency"),
    Row(403, WAF, BLOCKED, "blocked", hint="--concurrency"),
    Row(500, WAF, BLOCKED, "blocked", hint="--concurrency"),
    Row(200, b"\xef\xbb\xbf \n<!DOCTYPE html><p>Maintenance", BLOCKED, "blocked", says="Maintenance", hint="wait"),
    Row(200, b"<?xml version='1.0'?><records/>", BLOCKED, "blocked", hint="wait"),
    Row(403, b"<html>no", BLOCKED, "blocked", 30, hint="wait", headers={"retry-after": "30"}),
    Row(200, WAF, BLOCKED, "blocked", hint="wait", error=DecodeError("schema", "no")),
]
ANSWERS = [
    Row(200, RECORDS, OK),
    Row(200, b'{"Data":{"Providers":[]}}', EMPTY),
    Row(200, b'{"Data":{"Providers":[{"Records": [ ]}]}}', EMPTY),
    Row(200, b"", RETRY, "cold_start", says="empty"),
    Row(200, b" \r\n", RETRY, "cold_start"),
]
BELOW_HTTP = [
    Row(None, b"", RETRY, "dns", error=broken(ErrorKind.DNS)),
    Row(None, b"", RETRY, "refused", error=broken(ErrorKind.REFUSED)),
    Row(None, b"", RETRY, "connect", error=broken(ErrorKind.CONNECT)),
    Row(None, b"", RETRY, "timeout_connect", error=broken(ErrorKind.TIMEOUT_CONNECT)),
    Row(None, b"", RETRY, "tls", error=broken(ErrorKind.TLS)),
    Row(None, b"", STOP, "certificate", hint="--ca-file", error=broken(ErrorKind.CERTIFICATE)),
    Row(None, b"", RETRY, "reset", says="why", error=broken(ErrorKind.RESET)),
    Row(None, b"", RETRY, "eof", error=broken(ErrorKind.EOF)),
    Row(None, b"", RETRY, "protocol", error=broken(ErrorKind.PROTOCOL)),
    Row(None, b"", RETRY, "timeout_read", error=broken(ErrorKind.TIMEOUT_READ)),
    Row(None, b"", RETRY, "timeout_attempt", error=broken(ErrorKind.TIMEOUT_ATTEMPT)),
    Row(200, b"", RETRY, "stall", says="10 bytes", error=broken(ErrorKind.TIMEOUT_READ, 200)),
    Row(200, RECORDS, RETRY, "truncated", says="10 bytes", error=broken(ErrorKind.EOF, 200)),
    Row(200, RECORDS, RETRY, "reset", error=broken(ErrorKind.RESET, 200)),
    Row(200, RECORDS, RETRY, "timeout_attempt", error=broken(ErrorKind.TIMEOUT_ATTEMPT, 200)),
    Row(200, RECORDS, FAIL, "too_large", hint="format", error=broken(ErrorKind.TOO_LARGE, 200)),
    # The body of a refusal may break off: the status has said it all.
    Row(429, b"", RETRY, "http_429", 8, hint="wait", headers={"retry-after": "8"}, error=broken(ErrorKind.RESET, 429)),
    Row(401, b"", STOP, "auth", hint="key", error=broken(ErrorKind.EOF, 401)),
    Row(503, b"", RETRY, "http_503", hint="wait", error=broken(ErrorKind.TIMEOUT_READ, 503)),
]
TABLE = [*AGENCY, *GATEWAY, *STATUSES, *FIREWALL, *ANSWERS, *BELOW_HTTP]
CODES = "1006 1010 1011 1012 1019 1025 1031 1032 1034 1035 2006 2007 2112 2114 2115".split()


def verdict_of(row: Row) -> Verdict:
    return classify(row.status, row.headers, row.head, row.error, now=0.0)


@pytest.mark.parametrize("row", TABLE, ids=lambda r: f"{r.status} {r.error or r.head[:24]!r}")
def test_the_table(row: Row) -> None:
    verdict = verdict_of(row)
    assert (verdict.kind, verdict.error_class, verdict.retry_after) == (row.kind, row.error_class, row.wait)
    assert row.says in verdict.reason
    assert row.hint in verdict.hint
    assert bool(verdict.reason) == (row.kind not in (OK, EMPTY))
    if row.kind in (STOP, BLOCKED):
        assert verdict.hint, "a run that stops says what to do"


def test_the_table_has_every_code_of_the_api() -> None:
    assert {f"ERR{c}" for c in CODES} <= {verdict_of(row).reason.split()[2] for row in AGENCY[:-1]}


@pytest.mark.parametrize("row", TABLE, ids=lambda r: f"{r.status} {r.error or r.head[:24]!r}")
def test_transient_classes_are_those_tried_again(row: Row) -> None:
    verdict = verdict_of(row)
    again = verdict.kind in (RETRY, BLOCKED) or verdict.error_class == "quota"
    assert (verdict.error_class in TRANSIENT) == again


UNSERVED = {"http_429", "http_503", "refused", "dns", "connect", "timeout_connect"}
SLOW = {"stall", "timeout", "timeout_read", "timeout_attempt"}


@pytest.mark.parametrize("row", TABLE, ids=lambda r: f"{r.status} {r.error or r.head[:24]!r}")
def test_what_is_said_to_the_whole_run(row: Row) -> None:
    verdict = verdict_of(row)
    assert verdict.unserved == (row.kind is RETRY and (row.error_class in UNSERVED or row.wait is not None))
    assert verdict.overload == (verdict.unserved or row.kind is BLOCKED or row.error_class in SLOW)


def record(**more: Any) -> str:
    return json.dumps({"Date": "2024-01-01", "Station": "2", "Standard": "metric", **more})


def body(*records: str, after: str = "") -> bytes:
    return ('{"Data":{"Providers":[{"Records":[' + ",".join(records) + "]" + after + "}]}}").encode()


ETO = {"Value": "1.2", "Qc": " "}
BAD_BODIES = {
    "cut in a record": (body(record(DayEto=ETO), record(DayEto=ETO))[:-30], RETRY, "truncated", "byte"),
    "cut after a record": (body(record(DayEto=ETO))[:-4], RETRY, "truncated", "byte"),
    "not JSON": (body('{"Date": what}'), RETRY, "malformed", "byte"),
    "bytes that are no text": (body(record(DayEto=ETO).replace("metric", "\x00")), RETRY, "malformed", ""),
    "another document": (b'{"Result":{"Rows":[]}}', FAIL, "schema", "Data"),
    "a list": (b"[1, 2]", FAIL, "schema", "$"),
    "a value that is no number": (body(record(DayEto={"Value": "NaN", "Qc": " "})), FAIL, "schema", "DayEto"),
    "an infinite value": (body(record(DayEto={"Value": "inf", "Qc": " "})), FAIL, "schema", "DayEto"),
    "null as a word": (body(record(DayEto={"Value": "null", "Qc": " "})), FAIL, "schema", "DayEto"),
    "a nesting bomb": (b'{"Data":' + b"[" * 80_000, FAIL, "schema", "records"),
    "a nesting bomb in a record": (body('{"Date":' + "[" * 80_000), FAIL, "schema", "Date"),
    "an integer of 5000 digits": (body(record(DayEto={"Value": "9" * 5000, "Qc": " "})), FAIL, "schema", "DayEto"),
    "records twice": (body(record(DayEto=ETO), after=',"Records":[]'), FAIL, "schema", "Records"),
    "a slot twice": (body(record(DayEto=ETO), record(DayEto=ETO)), FAIL, "schema", "slot"),
    "a gzip bomb": (gzip.compress(bytes(5 << 20)), FAIL, "too_large", "inflates"),
    "broken gzip": (gzip.compress(body(record(DayEto=ETO)))[:10] + b"\xff" * 99, RETRY, "encoding", ""),
}


@pytest.mark.parametrize("name", BAD_BODIES)
def test_bad_bodies_by_the_real_decoder(name: str) -> None:
    wire, kind, error_class, says = BAD_BODIES[name]
    span = Span(date(2024, 1, 1), date(2024, 12, 31))
    decoder = PageDecoder(interval=Interval.DAILY, units=UnitSystem.METRIC, items=DAILY_ITEMS, span=span, station=2)
    inflater, head = Inflater("gzip" if wire[:2] == b"\x1f\x8b" else "identity", max_bytes=4 << 20), b""
    with pytest.raises(DecodeError) as refused:
        for piece in inflater.pieces(wire):
            head += piece
            if head.strip(b"\0"):
                decoder.feed(piece)
        inflater.finish()
        decoder.finish()
    verdict = classify(200, {"retry-after": "9"}, head[:2048] or b"?", refused.value, now=0.0)
    assert (verdict.kind, verdict.error_class) == (kind, error_class)
    assert says in verdict.reason
    assert not verdict.unserved, "a Retry-After beside data means nothing"
    assert bool(verdict.hint) == (kind is FAIL)


@pytest.mark.parametrize("status", [200, 204, 302, 400, 401, 403, 404, 408, 429, 500, 503])
@pytest.mark.parametrize(
    "echo",
    [
        '"[ERR1006-INVALID APP KEY] Invalid application key [%s]."',
        '{"statusCode":401,"message":"%s"}',
        '{"Message":"the key %s is not known"}',
        '"[ERR1035-DATA ITEM NOT FOUND] a [%s"',
        "<html>Request Rejected %s</html>",
        "%s",
    ],
)
def test_no_verdict_repeats_the_key(status: int, echo: str) -> None:
    assert "canary" not in repr(classify(status, {}, (echo % KEY).encode(), None, now=0.0))


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("The request asks for 4,344 records; the maximum data limit is 1,750 records.", 1750),
        ("Your request exceeds the maximum of 5020 records.", 5020),
        ("The data volume [5,490] is over the limit [5,020].", 5020),
        ("The request asks for 4,344 records.", None),
        ("too much", None),
    ],
)
def test_the_limit_that_a_refusal_names(text: str, limit: int | None) -> None:
    body = f'"[ERR2112-DATA VOLUME VIOLATION] {text}"'.encode()
    assert classify(400, {}, body, None, now=0.0).limit == limit


@pytest.mark.parametrize(
    ("text", "now", "seconds"),
    [
        ("7", 0.0, 7.0),
        (" 7 ", 0.0, 7.0),
        ("99999", 0.0, 300.0),
        ("9" * 400, 0.0, 300.0),
        ("Thu, 01 Jan 1970 00:01:40 GMT", 40.0, 60.0),
        ("Thu, 01 Jan 1970 00:01:40 GMT", 100.0, None),
        ("Thu, 01 Jan 1970 00:01:40 GMT", 5000.0, None),
        ("Fri, 01 Jan 2100 00:00:00 GMT", 0.0, 300.0),
        ("0", 0.0, None),
        ("-5", 0.0, None),
        ("1.5", 0.0, None),
        ("soon", 0.0, None),
        ("", 0.0, None),
    ],
)
def test_retry_after(text: str, now: float, seconds: float | None) -> None:
    assert retry_after({"retry-after": text}, now) == seconds
