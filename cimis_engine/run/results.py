"""What the fold keeps of every station and year: a table of columns, a row a result.

A run of 300 stations and forty years has 12,000 results. Objects would grow by half a kilobyte each while their numbers
come in; columns of numbers have their size from the plan on, and a checkpoint packs them as they lie.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableSequence, Sequence
from typing import Any, Generic, Self, TypeVar, overload

from cimis_engine.fetch.phases import PHASES

T = TypeVar("T")
Key = tuple[int, int]
"""Station and year."""

_PLACE = {phase: n for n, phase in enumerate(PHASES)}
_UNSPENT = array("d", (math.nan,) * len(PHASES))


class _Column(Generic[T]):
    """A field of `ResultState`: the row's value in the table's column of that name."""

    def __init__(self, make: Callable[[], MutableSequence[T]], start: T) -> None:
        self.make, self.start = make, start

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, result: None, owner: type) -> Self: ...
    @overload
    def __get__(self, result: ResultState, owner: type) -> T: ...
    def __get__(self, result: ResultState | None, owner: type) -> Self | T:
        if result is None:
            return self
        value: T = result.columns[self._name][result.row]
        return value

    def __set__(self, result: ResultState, value: T) -> None:
        result.columns[self._name][result.row] = value


def _number() -> _Column[int]:
    return _Column(lambda: array("q"), 0)


def _sum() -> _Column[float]:
    return _Column(lambda: array("d"), 0.0)


def _text() -> _Column[str]:
    return _Column(list, "")


class ResultState:
    """One station and year: what the report says of it. Timings (ms) are sums over attempts, shared by records.

    It is a row of its `Results`, at `row` of its `columns`: what is set here is set there. `success` is None while not
    decided. `expected` is estimated from the job's until the chunk is finished or the job is done. `unexpected` records
    are for slots outside the station's life, `out_of_span` ones (its share of its pages') outside the dates asked for.
    """

    __slots__ = ("columns", "row", "spent", "station", "year")

    job = _text()
    success: _Column[bool | None] = _Column(list, None)
    records, expected, missing = _number(), _number(), _number()
    missing_slots: _Column[Sequence[tuple[int, int]]] = _Column(list, ())
    unexpected, out_of_span = _number(), _number()
    provisional, revised, nulls = _number(), _number(), _number()
    attempts = _number()
    retry_causes: _Column[Mapping[str, int]] = _Column(list, {})
    total_ms, wire_bytes, decoded_bytes = _sum(), _sum(), _sum()
    content_encoding = _text()
    raw_bytes, stored_bytes, chunk_records, batch_bytes = _number(), _number(), _number(), _number()
    digest, path = _text(), _text()
    changed: _Column[bool] = _Column(list, False)
    error_class, message, hint = _text(), _text(), _text()

    def __init__(self, key: Key, row: int, columns: Mapping[str, MutableSequence[Any]], spent: array[float]) -> None:
        self.station, self.year = key
        self.row, self.columns, self.spent = row, columns, spent

    def spend(self, phases: Iterable[tuple[str, float]]) -> None:
        """Add ms to these phases."""
        spent, first = self.spent, self.row * len(PHASES)
        for phase, ms in phases:
            at = first + _PLACE[phase]
            before = spent[at]
            spent[at] = before + ms if before == before else ms  # only NaN is not itself

    def add(self, **amounts: float) -> None:
        """Add to these fields."""
        columns, row = self.columns, self.row
        for name, amount in amounts.items():
            columns[name][row] += amount

    def take(self, source: object, names: Iterable[str]) -> None:
        """Set these fields to what the source's of the same names are."""
        for name in names:
            self.columns[name][self.row] = getattr(source, name)

    @property
    def timings(self) -> dict[str, float | None]:
        """The twelve phases in their order; None for one that did not happen."""
        at = self.row * len(PHASES)
        own = self.spent[at : at + len(PHASES)]
        return {phase: None if math.isnan(ms) else ms for phase, ms in zip(PHASES, own, strict=True)}

    def fail(self, error_class: str, message: str, hint: str) -> None:
        """Nothing of it was stored; what the agency has of it, nobody knows."""
        self.success, self.records, self.missing, self.missing_slots = False, 0, 0, ()
        self.error_class, self.message, self.hint = error_class, message, hint


_COLUMNS: dict[str, _Column[Any]] = {name: it for name, it in vars(ResultState).items() if isinstance(it, _Column)}


class Results(Mapping[Key, ResultState]):
    """The results of a run by station and year, in the order of the plan."""

    def __init__(self) -> None:
        self._rows: dict[Key, int] = {}
        self._columns: dict[str, MutableSequence[Any]] = {name: column.make() for name, column in _COLUMNS.items()}
        self._spent = array("d")

    def plan(self, station: int, years: Sequence[int], job: str, expected: Sequence[int]) -> None:
        """Add a job's years, of each so many records expected. A year that another job has, too, becomes this one's."""
        new = [year for year in years if (station, year) not in self._rows]
        self._rows.update(((station, year), row) for row, year in enumerate(new, len(self._rows)))
        for name, column in _COLUMNS.items():
            self._columns[name].extend([column.start] * len(new))
        self._spent.extend(_UNSPENT * len(new))
        for year, records in zip(years, expected, strict=True):
            result = self[station, year]
            result.job, result.expected = job, records

    def __getitem__(self, key: Key) -> ResultState:
        return ResultState(key, self._rows[key], self._columns, self._spent)

    def __iter__(self) -> Iterator[Key]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def rows(self, *names: str) -> Iterator[tuple[Any, ...]]:
        """Of each result its key and these of its fields: for all of them much quicker than the results themselves."""
        return zip(self._rows, *(self._columns[name] for name in names), strict=True)
