"""Verdicts, waits and pace: tables of exact expectations."""

from __future__ import annotations

import random

import pytest

from cimis_engine.fetch.classify import Verdict, VerdictKind, classify, retry_after
from cimis_engine.fetch.decode_error import DecodeError, TruncatedError
from cimis_engine.fetch.exchange import AttemptError, ErrorKind
from cimis_engine.fetch.phases import Phases
from cimis_engine.fetch.retry import RetryPolicy
from cimis_engine.fetch.throttle import LimitChange, Throttle

KEY = "0123abcd-canary-4567-89ef-0123456789ab"
RECORDS = b'{"Data":{"Providers":[{"Name":"cimis","Records":[{"Date"'
TABLE = [
    (200, RECORDS, "ok", ""),
    (200, b'{"Data":{"Providers":[]}}', "empty", ""),
    (200, b'{"Data":{"Providers":[{"Records": [ ]}]}}', "empty", ""),
    (200, b"", "retry", "cold_start"),
    (200, b"<html><title>Request Rejected</title>", "blocked", "blocked"),
    (200, b" \n<!DOCTYPE html><p>maintenance", "blocked", "blocked"),
    (403, b"<html>Request Rejected", "blocked", "blocked"),
    (403, b'{"statusCode":403,"message":"no"}', "stop_run", "auth"),
    (401, b"", "stop_run", "auth"),
    (400, b'"[ERR2112-DATA VOLUME VIOLATION] too much"', "split", "volume"),
    (200, b'"[ERR2112-DATA VOLUME VIOLATION] too much"', "split", "volume"),
    (403, b'"[ERR1006-INVALID APP KEY] x"', "stop_run", "auth"),
    (404, b'"[ERR1019-STATION NOT FOUND] x"', "fail_job", "not_found"),
    (404, b'"[ERR1031-UNSUPPORTED ZIP CODE]"', "fail_job", "not_found"),
    (404, b'"[ERR1034-COORD NOT IN CA]"', "fail_job", "not_found"),
    (400, b'"[ERR1035-DATA ITEM NOT FOUND]"', "fail_job", "not_found"),
    *(
        (400, b'"[%s-SOME FAULT] text"' % code.encode(), "fail_job", "bad_request")
        for code in "ERR1010 ERR1011 ERR1012 ERR1025 ERR1032 ERR2006 ERR2007 ERR2114 ERR2115 ERR9999".split()
    ),
    (500, b'"[ERR9999-SOME FAULT]"', "retry", "http_500"),
    (404, b'{"Message":"no such"}', "fail_job", "not_found"),
    (400, b"", "fail_job", "bad_request"),
    (302, b"", "fail_job", "redirect"),
    (429, b"<html>", "retry", "http_429"),
    (503, b"<html>busy", "retry", "http_503"),
    (502, b"", "retry", "http_502"),
    (520, b"", "retry", "http_5xx"),
]


@pytest.mark.parametrize(("status", "head", "kind", "error_class"), TABLE)
def test_responses(status: int, head: bytes, kind: str, error_class: str) -> None:
    verdict = classify(status, {}, head, None, now=0.0)
    assert (verdict.kind.value, verdict.error_class) == (kind, error_class)
    if kind == "stop_run" or kind == "blocked":
        assert verdict.hint


@pytest.mark.parametrize(
    ("kind", "status", "verdict", "error_class"),
    [(k, None, "retry", k.value) for k in ErrorKind if k not in (ErrorKind.TOO_LARGE, ErrorKind.CERTIFICATE)]
    + [
        (ErrorKind.TIMEOUT_READ, 200, "retry", "stall"),
        (ErrorKind.EOF, 200, "retry", "truncated"),
        (ErrorKind.TOO_LARGE, 200, "fail_job", "too_large"),
        (ErrorKind.CERTIFICATE, None, "stop_run", "certificate"),
    ],
)
def test_broken_attempts(kind: ErrorKind, status: int | None, verdict: str, error_class: str) -> None:
    found = classify(status, {}, b"", AttemptError(kind, Phases(), 10, status, "x"), now=0.0)
    assert (found.kind.value, found.error_class) == (verdict, error_class)


def test_refused_bodies() -> None:
    assert classify(200, {}, RECORDS, TruncatedError("t", 9), now=0).kind is VerdictKind.RETRY
    schema = classify(200, {}, RECORDS, DecodeError("schema", "no", path="Data"), now=0)
    assert (schema.kind, schema.error_class) == (VerdictKind.FAIL_JOB, "schema") and "Data" in schema.reason
    assert classify(200, {}, b"<html>", DecodeError("schema", "no"), now=0).kind is VerdictKind.BLOCKED


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 500])
@pytest.mark.parametrize(
    "body", ['"[ERR1006-INVALID APP KEY] key [%s]."', '{"message":"%s"}', '"[ERR1035-X] a [%s"', "%s"]
)
def test_no_verdict_repeats_the_key(status: int, body: str) -> None:
    verdict = classify(status, {}, (body % KEY).encode(), None, now=0.0)
    assert "canary" not in repr(verdict)


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


def test_retry_after() -> None:
    assert retry_after({"retry-after": "7"}, 0) == 7
    assert retry_after({"retry-after": "Thu, 01 Jan 1970 00:01:40 GMT"}, 40.0) == 60
    assert retry_after({"retry-after": "99999"}, 0) == 300
    assert retry_after({"retry-after": "soon"}, 0) is None
    assert classify(429, {"retry-after": "3"}, b"", None, now=0).retry_after == 3


class Full(random.Random):
    def random(self) -> float:
        return 1.0


def test_delays() -> None:
    policy, rng = RetryPolicy(max_attempts=9, cap=30.0, budget=1e9), Full()
    retry = Verdict(VerdictKind.RETRY, "reset")
    assert [policy.delay(n, retry, rng) for n in range(1, 10)] == [1, 2, 4, 8, 16, 30, 30, 30, None]
    blocked = Verdict(VerdictKind.BLOCKED, "blocked")
    assert [RetryPolicy(4).delay(n, blocked, rng) for n in (1, 2, 3, 4)] == [5, 15, 45, None]
    assert policy.delay(1, Verdict(VerdictKind.RETRY, "http_429", retry_after=70.0), rng) == 70
    assert policy.delay(1, Verdict(VerdictKind.FAIL_JOB), rng) is None
    assert RetryPolicy(budget=10).delay(1, retry, rng, elapsed=9.5) is None


def test_throttle_doubles_then_adds_one_a_round() -> None:
    throttle = Throttle(16)
    changes = [c for n in range(12) if (c := throttle.on_success(float(n)))]
    assert changes == [LimitChange(4, 8, "slow start"), LimitChange(8, 16, "slow start")]
    assert throttle.on_overload(20.0, "http_429", 5.0) == LimitChange(16, 8, "http_429")
    assert throttle.gate_until == 25.0
    assert throttle.on_overload(20.5, "http_429", None) is None
    assert throttle.on_success(24.0) is None
    assert [throttle.on_success(30.0) for _ in range(8)][-1] == LimitChange(8, 9, "recovered")
    for n in range(10):
        throttle.on_overload(40.0 + n, "timeout_read", None)
    assert throttle.limit == 1
    assert Throttle(2).limit == 2
