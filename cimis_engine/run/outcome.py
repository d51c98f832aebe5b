"""How a run ended, in one word and one exit code. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from cimis_engine.errors import CimisError
from cimis_engine.fetch.classify import TRANSIENT
from cimis_engine.run.state import RunState

SIGNAL_CODES = {"SIGINT": 130, "SIGTERM": 143}


@dataclass(frozen=True, slots=True)
class Outcome:
    """`outcome`: done, partial, failed or interrupted; `exit_code` as documented for the command line."""

    outcome: str
    exit_code: int
    resumable: bool
    message: str


def decide_outcome(state: RunState, *, stopped_by: str | None, fatal: CimisError | None) -> Outcome:
    """The ending of a run, from its folded state.

    `stopped_by`: None, a signal's name, or `operator`. `fatal`: what made the run stop itself.
    """
    left = state.jobs_total - state.jobs_done - state.jobs_failed
    stored_any = state.jobs_done > 0
    if fatal is not None:
        return Outcome("failed", 3 if stored_any else fatal.exit_code, True, str(fatal))
    if stopped_by is not None and left:
        message = f"stopped by {stopped_by} with {left} jobs left; the same command goes on from here"
        return Outcome("interrupted", SIGNAL_CODES.get(stopped_by, 3), True, message)
    if state.jobs_failed == 0:
        return Outcome("done", SIGNAL_CODES.get(stopped_by or "", 0), False, "")
    message = f"{state.jobs_failed} of {state.jobs_total} jobs failed"
    if stored_any:
        return Outcome("partial", 3, True, message)
    transient = any(s.error_class in TRANSIENT for s in state.stations.values())
    return Outcome("failed", 4 if transient else 5, True, message)
