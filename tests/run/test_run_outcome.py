"""How a run ends: one word, one exit code."""

from __future__ import annotations

import pytest

from cimis_engine.fetch.classify import Verdict, VerdictKind
from cimis_engine.run.events import StationRef
from cimis_engine.run.outcome import decide_outcome
from cimis_engine.run.state import RunState, StationState
from cimis_engine.run.stops import RunStoppedError


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


@pytest.mark.parametrize(("word", "alone", "code"), [("auth", 0, 5), ("blocked", 0, 4), ("auth", 2, 3)])
def test_a_run_that_stopped_itself(word: str, alone: int, code: int) -> None:
    fatal = RunStoppedError(Verdict(VerdictKind.STOP_RUN, word, "no", hint="do this"))
    end = decide_outcome(state(alone, 1, 5, word), stopped_by=None, fatal=fatal)
    assert (end.outcome, end.exit_code, end.message) == ("failed", code, "no")
