"""Events into words: the kinds that are skipped unasked really have nothing to say."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from cimis_engine.fetch.classify import TRANSIENT
from cimis_engine.fetch.exchange import ErrorKind
from cimis_engine.run import events as ev
from cimis_engine.run.reason_words import reason_words
from cimis_engine.run.tallies import StationState
from cimis_engine.run.wording import SILENT, describe

_BLANK: dict[str, Any] = {"Timings": ev.Timings(), "dict": {}, "list": []}


def blank(kind: type[ev.Event]) -> ev.Event:
    """An event of a kind with nothing in its fields; it is of the run, not of a station."""
    fields = {f.name: _BLANK.get(getattr(f.type, "__name__", ""), 0) for f in msgspec.structs.fields(kind)}
    return kind(**(fields | {"station": None} if "station" in fields else fields))


@pytest.mark.parametrize("kind", sorted(SILENT, key=lambda k: k.__name__))
def test_silent_kinds_say_nothing(kind: type[ev.Event]) -> None:
    assert list(describe(blank(kind), {})) == []


def test_other_kinds_do_speak() -> None:
    assert list(describe(ev.RunResumed(), {})) == [("INFO", "resumed")]
    assert list(describe(ev.RunPaused(reason="drain"), {})) == [("INFO", "draining: no new pages")]


def test_every_reason_has_words() -> None:
    for error_class in (*TRANSIENT, *ErrorKind, "schema", "auth", "bad_request", "not_found", "integrity", "store"):
        assert " " in reason_words(error_class) or error_class == "redirect", error_class
    assert reason_words("of_tomorrow") == "of tomorrow"


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (
            ev.RetryScheduled(
                job="j", station=2, page=1, attempt=2, max_attempts=3, delay_ms=8000.0, at=0.0, cause="http_429"
            ),
            "retryable: 429 Too Many Requests; attempt 2/3 in 8.0 s",
        ),
        (
            ev.JobFailed(job="j", station=2, error_class="eof", message="eof: it was closed", hint="", attempts=3),
            "failed: connection closed early: it was closed (attempts 3)",
        ),
        (
            ev.ChunkFailed(job="j", station=2, year=2016, error_class="integrity", message="", hint=""),
            "2016 not stored: read back otherwise than written",
        ),
        (
            ev.ThrottleChanged(old=8, new=4, cause="timeout_read", gate_until=9.0),
            "in flight 8 → 4: no answer in time, all wait",
        ),
        (ev.ThrottleChanged(old=1, new=2, cause="slow start"), "in flight 1 → 2: slow start"),
        (
            ev.RunFailed(error_class="auth", message="the key is not known", hint="get one"),
            "run stopped: key not accepted: the key is not known: get one",
        ),
        (ev.Warned(code="no-gzip", message="gzip was asked for"), "no-gzip: gzip was asked for"),
    ],
)
def test_reasons_are_said_in_words(event: ev.Event, told: str) -> None:
    stations = {2: StationState(ev.StationRef(number=2, name="Five", county="", latitude=None, longitude=None))}
    ((_, text),) = describe(event, stations)
    assert text.removeprefix("2 Five  ") == told
