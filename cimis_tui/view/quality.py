"""QC flags as a person weighs them: four grades, each with a glyph and a word. Pure.

Which letter means what is the engine's table (`model.qc`); how grave it is for somebody who looks at a plot is ours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cimis_engine.model import qc


@dataclass(frozen=True, slots=True)
class Grade:
    word: str
    glyph: str
    role: str
    help: str


GRADES = (
    Grade("good", "✓", "ok", "no flag: passed all tests"),
    Grade("pending", "○", "dim", "P: tests not finished"),
    Grade("estimated", "◇", "head", "A E T: an average"),
    Grade("doubtful", "▲", "warn", "R Y Q H…: odd, unsure"),
    Grade("severe", "✗", "bad", "I M S: not to be used"),
)
"""By gravity; a grade is its place here."""
GOOD, PENDING, ESTIMATED, DOUBTFUL, SEVERE = range(len(GRADES))

_GRADE_OF = np.full(256, DOUBTFUL, np.int64)
_GRADE_OF[[qc.GOOD, qc.NO_FLAG, qc.EMPTY_FLAG, qc.NOT_REPORTED]] = GOOD
_GRADE_OF[qc.PENDING] = PENDING
_GRADE_OF[list(b"AET")] = ESTIMATED
_GRADE_OF[sorted(qc.SEVERE)] = SEVERE


def grades(flags: NDArray[np.uint8]) -> NDArray[np.int64]:
    """The grade of each stored flag byte."""
    return _GRADE_OF[flags]


def flag_words(code: int) -> str:
    """A stored flag byte in words: `Y moderately out of historical limits`."""
    text = qc.flag_text(code)
    if text is None or not text.strip():
        return "passed all tests" if text == " " else "no flag"
    return f"{text} {qc.MEANINGS.get(text, 'a flag without a known meaning')}"
