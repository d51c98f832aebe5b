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
NOT_AVAILABLE, NOT_COLLECTED = 2, 3
"""`N/A` and `N/C`, the only flags of more than a letter: the archive before 1995 had them (the agency's "former QC
flags" page)."""
PENDING = ord("P")
"""The agency has not finished its tests: the value may still change."""
NOT_REPORTED = 255
"""The record did not carry the item at all; the value is missing."""

SEVERE = frozenset(b"IMS") | {NOT_AVAILABLE}
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
    "N/A": "not available (before 1995)",
    "N/C": "not collected (before 1995)",
    "N": "not collected by this station",
    "P": "quality test pending",
    "Q": "could not be fully tested",
    "R": "far out of historical limits",
    "S": "sensor out of service or out of threshold",
    "T": "historical average of a sensor used to compute it",
    "Y": "moderately out of historical limits",
}


_WORDS = {"": EMPTY_FLAG, "N/A": NOT_AVAILABLE, "N/C": NOT_COLLECTED}
_WORD_OF = {code: text for text, code in _WORDS.items()}


def flag_code(text: str | None) -> int | None:
    """The stored byte of a response's `Qc`, or None where it cannot be a flag: neither a printable letter nor a word
    of the agency's."""
    if text is None:
        return NO_FLAG
    if text in _WORDS:
        return _WORDS[text]
    code = ord(text[0])
    return code if len(text) == 1 and 32 <= code < 127 else None


def flag_text(code: int) -> str | None:
    """The response's `Qc` of a stored byte: a letter, blank, a word, the empty string, or None (null, not reported)."""
    if code in (NO_FLAG, NOT_REPORTED):
        return None
    return _WORD_OF[code] if code in _WORD_OF else chr(code)
