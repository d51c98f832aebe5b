"""The root of every error a user may meet.

An error is a type whose attributes are the facts. `str(error)` says what and where in one line, `error.hint`
what to do about it. `exit_code` is the code the command line ends with when the error ends it (see
`docs/operations.md` for the table).
"""

from __future__ import annotations


class CimisError(Exception):
    """Base of all typed errors. `hint` is one sentence for the person, or empty."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(CimisError):
    """The caller asked for something that cannot be: a bad date, an unknown item, a span that ends before it starts."""

    exit_code = 2


class IntegrityError(CimisError):
    """Stored bytes are not what they claim to be."""

    exit_code = 6
