"""Why a run ends before its jobs are done: it has asked all that it may, or it stops itself, with an exit code."""

from __future__ import annotations

import math
from dataclasses import dataclass

from cimis_engine.errors import CimisError
from cimis_engine.fetch.classify import TRANSIENT, Verdict


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a run may ask of the API: so many requests for data, for so many seconds from its start. None: any."""

    requests: int | None = None
    seconds: float | None = None

    def used_up(self, requests: int, elapsed: float) -> str:
        """Which of the two is, in the words of the command line; empty if neither."""
        if self.requests is not None and requests >= self.requests:
            return f"--max-requests {self.requests}"
        if self.seconds is not None and elapsed >= self.seconds:
            return f"--max-duration {self.seconds:g}s"
        return ""

    def remaining(self, elapsed: float) -> float:
        """Seconds left."""
        return math.inf if self.seconds is None else max(0.0, self.seconds - elapsed)


class RunStoppedError(CimisError):
    """The API said something that makes every further request pointless: a rejected key, a blocked client."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.reason, hint=verdict.hint)
        self.error_class = verdict.error_class
        self.exit_code = _exit_code(verdict.error_class)


class MassFailureError(CimisError):
    """Too many jobs in a row failed: going on would only hammer the API."""

    def __init__(self, failures: int, error_class: str, message: str) -> None:
        super().__init__(
            f"{failures} jobs failed in a row, the last with {error_class}: {message}",
            hint="look at the failures in the report, then run the same command again",
        )
        self.failures, self.error_class = failures, error_class
        self.exit_code = _exit_code(error_class)


class InternalError(CimisError):
    """A bug of ours. The traceback is in the engine's log."""

    def __init__(self, cause: BaseException) -> None:
        super().__init__(f"internal error: {type(cause).__name__}: {cause}", hint="please report it with engine.log")
        self.error_class = "internal"
        self.__cause__ = cause


def _exit_code(error_class: str) -> int:
    return 4 if error_class in TRANSIENT else 5
