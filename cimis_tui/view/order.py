"""Which rows are shown and in which order: the filter's little language, and sorting. Pure."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from cimis_tui.view.columns import INDEX
from cimis_tui.view.present import GLYPHS, Row

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "=": operator.eq,
}
_TERM = re.compile(r"^(!?)(?:(\w+)(>=|<=|>|<|=)(-?\d+(?:\.\d+)?)|state:(\S+)|(.+))$")
_NUMBERS = frozenset(INDEX) - {"state_glyph", "state", "name"}


class FilterError(ValueError):
    """A term that means nothing: says which and what would."""


Test = Callable[[Row], bool]


@dataclass(frozen=True, slots=True)
class Filter:
    """Terms joined by and. `text` is what the person wrote."""

    text: str
    tests: tuple[Test, ...] = ()

    def matches(self, row: Row) -> bool:
        return all(test(row) for test in self.tests)


def parse_filter(text: str) -> Filter:
    """`davis !done state:retry ttfb>1000` → all of it must hold. Raises `FilterError`."""
    return Filter(text.strip(), tuple(_term(word) for word in text.split()))


def _term(word: str) -> Test:
    match = _TERM.match(word)
    assert match is not None  # the last alternative takes anything but an empty word
    negated, column, sign, number, state, plain = match.groups()
    if column:
        test = _number(column.casefold(), sign, float(number))
    elif state:
        test = _state(state.casefold())
    else:
        test = _text(plain.casefold())
    return (lambda row: not test(row)) if negated else test


def _number(column: str, sign: str, number: float) -> Test:
    if column not in _NUMBERS:
        raise FilterError(f"no column '{column}' to compare; try ttfb, total, p95, records, progress")
    at, compare = INDEX[column], _COMPARE[sign]

    def test(row: Row) -> bool:
        value = row.values[at]
        return isinstance(value, int | float) and compare(value, number)

    return test


def _state(state: str) -> Test:
    known = {name for name, (_, word, _) in GLYPHS.items() if name.startswith(state) or word.startswith(state)}
    if not known:
        raise FilterError(f"no state '{state}'; try {', '.join(word for _, word, _ in GLYPHS.values())}")
    return lambda row: row.status in known


def _text(text: str) -> Test:
    return lambda row: text in row.search


def order_rows(rows: Iterable[Row], *, by: str, reverse: bool, keep: Filter) -> list[int]:
    """Keys of the rows that `keep` lets through, sorted by column `by`; unknown values last, ties by station."""
    at = INDEX[by]
    kept = [row for row in rows if keep.matches(row)]
    known = sorted((r for r in kept if r.values[at] is not None), key=lambda r: r.key)
    known.sort(key=lambda r: r.values[at], reverse=reverse)  # type: ignore[arg-type, return-value]
    unknown = sorted((r for r in kept if r.values[at] is None), key=lambda r: r.key)
    return [row.key for row in (*known, *unknown)]
