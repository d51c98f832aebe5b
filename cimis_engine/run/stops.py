"""Why a run stops itself before its jobs are done: typed, each with its exit code."""

from __future__ import annotations

from cimis_engine.errors import CimisError
from cimis_engine.fetch.classify import Verdict


class RunStoppedError(CimisError):
    """The API said something that makes every further request pointless: a rejected key, a blocked client."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.reason, hint=verdict.hint)
        self.error_class = verdict.error_class
        self.exit_code = 4 if verdict.error_class == "blocked" else 5


class MassFailureError(CimisError):
    """Too many jobs in a row failed: going on would only hammer the API."""

    exit_code = 5

    def __init__(self, failures: int, error_class: str, message: str) -> None:
        super().__init__(
            f"{failures} jobs failed in a row, the last with {error_class}: {message}",
            hint="look at the failures in the report, then run the same command again",
        )
        self.failures, self.error_class = failures, error_class


class InternalError(CimisError):
    """A bug of ours. The traceback is in the engine's log."""

    def __init__(self, cause: BaseException) -> None:
        super().__init__(f"internal error: {type(cause).__name__}: {cause}", hint="please report it with engine.log")
        self.error_class = "internal"
        self.__cause__ = cause
