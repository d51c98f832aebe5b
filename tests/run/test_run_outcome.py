"""How a run ends: one word, one exit code."""

from __future__ import annotations

import pytest

from cimis_engine.fetch.classify import Verdict, VerdictKind
from cimis_engine.run.events import StationRef
from cimis_engine.run.outcome import decide_outcome
from cimis_engine.run.state import RunState
from cimis_engine.run.stops import Allowance, MassFailureError, RunStoppedError
from cimis_engine.run.tallies import StationState


def state(done: int, failed: int, total: int, error_class: str = "") -> RunState:
    made = RunState()
    made.jobs_done, made.jobs_failed, made.jobs_total = done, failed, total
    ref = StationRef(number=2, name="FivePoints", county="Fresno", latitude=None, longitude=None)
    made.stations[2] = StationState(ref=ref, error_class=error_class)
    return made


@pytest.mark.parametrize(
    ("done", "failed", "total", "error_class", "outcome", "code"),
    [
        (5, 0, 5, "", "done", 0),
        (0, 0, 0, "", "done", 0),
        (3, 2, 5, "http_503", "partial", 3),
        (0, 5, 5, "http_503", "failed", 4),
        (0, 5, 5, "refused", "failed", 4),
        (0, 5, 5, "schema", "failed", 5),
    ],
)
def test_endings_of_their_own(done: int, failed: int, total: int, error_class: str, outcome: str, code: int) -> None:
    end = decide_outcome(state(done, failed, total, error_class), stopped_by=None, fatal=None)
    assert (end.outcome, end.exit_code) == (outcome, code)


@pytest.mark.parametrize(("by", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("operator", 3)])
def test_a_drained_run_is_interrupted_and_resumable(by: str, code: int) -> None:
    end = decide_outcome(state(2, 0, 5), stopped_by=by, fatal=None)
    assert (end.outcome, end.exit_code, end.resumable) == ("interrupted", code, True)


@pytest.mark.parametrize("done", [0, 2])
def test_a_run_that_asked_all_it_may_is_interrupted_and_says_how_to_go_on(done: int) -> None:
    limit = Allowance(requests=100).used_up(100, 1.0)
    end = decide_outcome(state(done, 0, 5), stopped_by=limit, fatal=None)
    assert (end.outcome, end.exit_code, end.resumable) == ("interrupted", 3, True)
    assert "--max-requests 100" in end.message and "the same command goes on" in end.message


def test_a_limit_that_the_last_job_reached_too_is_no_interruption() -> None:
    end = decide_outcome(state(5, 0, 5), stopped_by="--max-requests 5", fatal=None)
    assert (end.outcome, end.exit_code, end.resumable) == ("done", 0, False)


def test_what_a_run_may_ask() -> None:
    both = Allowance(requests=3, seconds=90.0)
    assert [both.used_up(n, 89.9) for n in (0, 2, 3)] == ["", "", "--max-requests 3"]
    assert both.used_up(2, 90.0) == "--max-duration 90s"
    assert (both.remaining(30.0), both.remaining(99.0)) == (60.0, 0.0)
    assert Allowance().used_up(10**9, 1e9) == "" and Allowance().remaining(1e9) == float("inf")


@pytest.mark.parametrize(("word", "code"), [("refused", 4), ("http_502", 4), ("schema", 5), ("store", 5)])
def test_failures_in_a_row_are_as_lasting_as_their_cause(word: str, code: int) -> None:
    assert MassFailureError(20, word, "why").exit_code == code


@pytest.mark.parametrize(
    ("word", "alone", "code"),
    [("auth", 0, 5), ("blocked", 0, 4), ("http_429", 0, 4), ("refused", 0, 4), ("quota", 0, 4), ("auth", 2, 3)],
)
def test_a_run_that_stopped_itself(word: str, alone: int, code: int) -> None:
    fatal = RunStoppedError(Verdict(VerdictKind.STOP_RUN, word, "no", hint="do this"))
    end = decide_outcome(state(alone, 1, 5, word), stopped_by=None, fatal=fatal)
    assert (end.outcome, end.exit_code, end.message) == ("failed", code, "no")
