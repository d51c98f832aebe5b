"""QC flags: CIMIS's one-letter quality mark on every value.

A flag is kept as one byte: its ASCII code, blank (`" "`, good) included. Letters not in the table are data and are
kept as they are. Meanings: the agency's "current QC flags" page, as kept in mkoohafkan/cimir (`dataflags.xlsx`).
"""

from __future__ import annotations

GOOD = ord(" ")
NO_FLAG = 0
"""The response carried `null`, or no `Qc` at all, for a value it did carry."""
EMPTY_FLAG = 1
"""The response carried the empty string."""
PENDING = ord("P")
"""The agency has not finished its tests: the value may still change."""
NOT_REPORTED = 255
"""The record did not carry the item at all; the value is missing."""

SEVERE = frozenset(b"IMS")
"""Flags whose value must not be used: ignore, missing, out of range."""

MEANINGS = {
    " ": "passed all tests",
    "A": "historical average",
    "E": "historical average of a sensor used to compute it",
    "H": "hourly values flagged M, Q or S",
    "I": "ignore",
    "J": "some days missing",
    "K": "daily values flagged",
    "L": "some days missing and daily values flagged",
    "M": "missing",
    "N": "not collected by this station",
    "P": "quality test pending",
    "Q": "could not be fully tested",
    "R": "far out of historical limits",
    "S": "sensor out of service or out of threshold",
    "T": "historical average of a sensor used to compute it",
    "Y": "moderately out of historical limits",
}


def flag_code(text: str | None) -> int | None:
    """The stored byte of a response's `Qc`, or None where it cannot be one flag (longer than a letter, not ASCII)."""
    if text is None:
        return NO_FLAG
    if text == "":
        return EMPTY_FLAG
    code = ord(text[0])
    return code if len(text) == 1 and 32 <= code < 127 else None


def flag_text(code: int) -> str | None:
    """The response's `Qc` of a stored byte: a letter, blank, the empty string, or None (null or not reported)."""
    if code in (NO_FLAG, NOT_REPORTED):
        return None
    return "" if code == EMPTY_FLAG else chr(code)
