"""Which rows are shown and in which order: the filter's little language, and sorting. Pure."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from cimis_tui.view.columns import INDEX
from cimis_tui.view.present import GLYPHS, Row, Value

R = TypeVar("R")
_KEY = operator.attrgetter("key")
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "=": operator.eq,
}
_TERM = re.compile(r"^(!?)(?:(\w+)(>=|<=|>|<|=)(-?\d+(?:\.\d+)?)|state:(\S+)|(.+))$")


class FilterError(ValueError):
    """A term that means nothing: says which and what would."""


@dataclass(frozen=True, slots=True)
class Language(Generic[R]):
    """What a filter can speak of: the rows' numbers by name (`try_these` says some), states (key and word), text."""

    numbers: Mapping[str, Callable[[R], Value]]
    try_these: str
    states: Mapping[str, str]
    state: Callable[[R], str]
    text: Callable[[R], str]


def _number_of(key: str) -> Callable[[Row], Value]:
    at = INDEX[key]
    return lambda row: row.values[at]


STATIONS: Language[Row] = Language(
    numbers={key: _number_of(key) for key in frozenset(INDEX) - {"state_glyph", "state", "name"}},
    try_these="ttfb, total, p95, records, progress",
    states={name: word for name, (_, word, _) in GLYPHS.items()},
    state=lambda row: row.status,
    text=lambda row: row.search,
)
"""Of the station table."""


@dataclass(frozen=True, slots=True)
class Filter(Generic[R]):
    """Terms joined by and. `text` is what the person wrote."""

    text: str
    tests: tuple[Callable[[R], bool], ...] = ()

    def matches(self, row: R) -> bool:
        return all(test(row) for test in self.tests)


def parse_filter(text: str, language: Language[R]) -> Filter[R]:
    """`davis !done state:retry ttfb>1000` → all of it must hold. Raises `FilterError`."""
    return Filter(text.strip(), tuple(_term(word, language) for word in text.split()))


def _term(word: str, language: Language[R]) -> Callable[[R], bool]:
    match = _TERM.match(word)
    assert match is not None  # the last alternative takes anything but an empty word
    negated, column, sign, number, state, plain = match.groups()
    if column:
        test = _number(column.casefold(), sign, float(number), language)
    elif state:
        test = _state(state.casefold(), language)
    else:
        test = _text(plain.casefold(), language)
    return (lambda row: not test(row)) if negated else test


def _number(column: str, sign: str, number: float, language: Language[R]) -> Callable[[R], bool]:
    if column not in language.numbers:
        raise FilterError(f"no column '{column}' to compare; try {language.try_these}")
    value_of, compare = language.numbers[column], _COMPARE[sign]

    def test(row: R) -> bool:
        value = value_of(row)
        return isinstance(value, int | float) and compare(value, number)

    return test


def _state(state: str, language: Language[R]) -> Callable[[R], bool]:
    known = {name for name, word in language.states.items() if name.startswith(state) or word.startswith(state)}
    if not known:
        raise FilterError(f"no state '{state}'; try {', '.join(language.states.values())}")
    return lambda row: language.state(row) in known


def _text(text: str, language: Language[R]) -> Callable[[R], bool]:
    return lambda row: text in language.text(row)


def in_order(rows: Iterable[R], value: Callable[[R], Value], *, reverse: bool) -> list[R]:
    """Rows by a value, unknown ones last; those with the same value stay in their order."""
    every = list(rows)
    values: list[Any] = [value(row) for row in every]
    known = [n for n, each in enumerate(values) if each is not None]
    known.sort(key=values.__getitem__, reverse=reverse)
    return [every[n] for n in known] + [row for row, each in zip(every, values, strict=True) if each is None]


def order_rows(rows: Iterable[Row], *, by: str, reverse: bool, keep: Filter[Row]) -> list[int]:
    """Keys of the rows that `keep` lets through, sorted by column `by`; unknown values last, ties by station."""
    kept = sorted(filter(keep.matches, rows) if keep.tests else rows, key=_KEY)
    return [row.key for row in in_order(kept, _number_of(by), reverse=reverse)]
