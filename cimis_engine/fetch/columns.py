"""Records to columns: what both decoders hand their records to.

Records come in batches of plain lists and are kept as narrow arrays, about 46 bytes an hourly record; the Python
objects of a batch are gone before the next one is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cimis_engine.fetch.decimals import is_number, parse_decimals
from cimis_engine.fetch.decode_error import DecodeError
from cimis_engine.fetch.exchange import excerpt
from cimis_engine.model import qc as qc_flags
from cimis_engine.model.batch import RecordBatch, column
from cimis_engine.model.items import DataItem, Interval, UnitSystem
from cimis_engine.model.period import HOURS, Span

ABSENT = "absent"
"""Stands for the flag of an item that a record does not carry."""
_HOURS = {f"{h:02d}00": h for h in range(1, HOURS + 1)}
_FLAGS: dict[str | None, int] = {
    c: code for c in [None, "", *map(chr, range(32, 127))] if (code := qc_flags.flag_code(c)) is not None
}
_FLAGS[ABSENT] = qc_flags.NOT_REPORTED
_YEAR = 10_000
_ITEM_NAME = re.compile(r"(?:Day|Hly)[A-Z]\w*")


@dataclass(frozen=True, slots=True)
class DecodedPage:
    """`batches`: one a year that has records, years ascending, `covered` left empty.

    `records` counts those in the batches, `unexpected` those left out for lying outside the span, `nulls` the missing
    values. `unexpected_fields`: names in the first record that look like data items but were not asked for.
    """

    batches: tuple[RecordBatch, ...]
    records: int
    unexpected: int
    nulls: int
    unexpected_fields: tuple[str, ...]


@dataclass(slots=True)
class RawBatch:
    """Records as lists of equal length. `values` and `flags` have one list an item, in item order."""

    dates: list[str]
    hours: list[str | None]
    stations: list[str]
    standards: list[str]
    values: list[list[str | None]]
    flags: list[list[str | None]]


class BadFieldError(Exception):
    """A field of a batch is wrong; the decoder, which knows where the batch lies, makes a `DecodeError` of it."""

    def __init__(self, index: int, field: str, message: str, found: object) -> None:
        super().__init__(message)
        self.index, self.field, self.message, self.found = index, field, message, excerpt(repr(found))


@dataclass(slots=True)
class _Kept:
    """One batch, narrow: keys (year × 10,000 + slot), items × records."""

    keys: NDArray[np.int32]
    exponents: NDArray[np.uint8]
    scaled: NDArray[np.signedinteger[Any]]
    present: NDArray[np.uint8]
    flags: NDArray[np.uint8]

    @property
    def nbytes(self) -> int:
        return self.keys.nbytes + self.exponents.nbytes + self.scaled.nbytes + self.present.nbytes + self.flags.nbytes


class PageColumns:
    """Collects the records of one page. `add` raises `BadFieldError`, `finish` `DecodeError`."""

    def __init__(
        self, interval: Interval, units: UnitSystem, items: Sequence[DataItem], span: Span, station: int
    ) -> None:
        self.interval, self.units, self.station = interval, units, station
        self.items = tuple(items)
        self._low, self._high = _date_key(span.start), _date_key(span.end)
        self._dates: dict[str, int] = {}
        self._kept: list[_Kept] = []
        self._unexpected = 0
        self.unexpected_fields: tuple[str, ...] = ()
        self.nbytes = 0

    def add(self, raw: RawBatch) -> None:
        """Check and keep a batch of at least one record."""
        self._check_constant(
            "Station", raw.stations, str(self.station), f"a record of another station than {self.station}"
        )
        self._check_constant("Standard", raw.standards, self.units.standard, f"not in {self.units.standard} units")
        days = self._day_keys(raw.dates)
        keys = self._keys(days, raw.hours)
        flags = self._flags(raw.flags)
        flat = [v for run in raw.values for v in run]
        parsed = parse_decimals(flat, len(self.items)) if flat else _nothing(len(keys))
        if parsed is None:
            raise self._bad_value(raw.values)
        scaled, exponents, present = parsed
        inside = (days >= self._low) & (days <= self._high)
        if not inside.all():
            self._unexpected += int(np.count_nonzero(~inside))
            keys, scaled, present, flags = keys[inside], scaled[:, inside], present[:, inside], flags[:, inside]
        if len(keys):
            kept = _Kept(keys, exponents, _narrow(scaled), np.packbits(present, axis=1), flags)
            self._kept.append(kept)
            self.nbytes += kept.nbytes

    def note_fields(self, names: Iterable[str]) -> None:
        """The field names of the page's first record: those that look like items but were not asked for are kept."""
        known = {i.field for i in self.items}
        self.unexpected_fields = tuple(n for n in names if n not in known and _ITEM_NAME.fullmatch(n))

    def finish(self) -> DecodedPage:
        """The page's batches. Raises `DecodeError` if two records share a slot."""
        if not self._kept:
            return DecodedPage((), 0, self._unexpected, 0, self.unexpected_fields)
        keys = np.concatenate([k.keys for k in self._kept])
        order = np.argsort(keys, kind="stable")
        keys = keys[order]
        if (twice := np.flatnonzero(keys[1:] == keys[:-1])).size:
            year, slot = divmod(int(keys[twice[0]]), _YEAR)
            raise DecodeError("schema", f"two records for slot {slot} of {year}", path="Data.Providers[].Records")
        years = keys // _YEAR
        found = np.unique(years)
        columns = [self._column_parts(row, order) for row in range(len(self.items))]
        batches = tuple(self._batch(int(year), years == year, keys, columns) for year in found)
        nulls = sum(b.nulls for b in batches)
        return DecodedPage(batches, len(keys), self._unexpected, nulls, self.unexpected_fields)

    def _column_parts(self, row: int, order: NDArray[np.intp]) -> tuple[int, Any, Any, Any]:
        exponent = max(int(k.exponents[row]) for k in self._kept)
        scaled = np.concatenate(
            [k.scaled[row].astype(np.int64) * 10 ** (exponent - int(k.exponents[row])) for k in self._kept]
        )
        present = np.concatenate([np.unpackbits(k.present[row], count=len(k.keys)) for k in self._kept])
        flags = np.concatenate([k.flags[row] for k in self._kept])
        return exponent, scaled[order], present[order].astype(np.bool_), flags[order]

    def _batch(
        self, year: int, here: NDArray[np.bool_], keys: NDArray[np.int32], parts: list[tuple[int, Any, Any, Any]]
    ) -> RecordBatch:
        columns = [
            column(item, exponent, scaled[here], present[here], flags[here])
            for item, (exponent, scaled, present, flags) in zip(self.items, parts, strict=True)
            if np.any(flags[here] != qc_flags.NOT_REPORTED)
        ]
        columns.sort(key=lambda c: c.item.code)
        slots = (keys[here] % _YEAR).astype(np.uint16)
        return RecordBatch(self.station, self.interval, year, self.units, slots, tuple(columns))

    def _check_constant(self, field: str, found: list[str], expected: str, message: str) -> None:
        if found.count(expected) != len(found):
            index = next(i for i, f in enumerate(found) if f != expected)
            raise BadFieldError(index, field, message, found[index])

    def _day_keys(self, dates: list[str]) -> NDArray[np.int32]:
        """Year × 1000 + day of year. A page has few dates, so each is parsed once."""
        known = self._dates
        for index, text in enumerate(dates):
            if text not in known:
                try:
                    if len(text) != 10 or text[4] != "-" or text[7] != "-":
                        raise ValueError
                    known[text] = _date_key(date.fromisoformat(text))
                except ValueError:
                    raise BadFieldError(index, "Date", "not a date", text) from None
        return np.fromiter(map(known.__getitem__, dates), np.int32, len(dates))

    def _keys(self, days: NDArray[np.int32], hours: list[str | None]) -> NDArray[np.int32]:
        years, ordinals = days // 1000, days % 1000
        if self.interval is Interval.DAILY:
            if hours.count(None) != len(hours):
                index = next(i for i, h in enumerate(hours) if h is not None)
                raise BadFieldError(index, "Hour", "an hour in a daily record", hours[index])
            return (years * _YEAR + ordinals).astype(np.int32)
        try:
            numbers = np.fromiter((_HOURS[h or ""] for h in hours), np.int32, len(hours))
        except KeyError:
            index = next(i for i, h in enumerate(hours) if h not in _HOURS)
            raise BadFieldError(index, "Hour", "not an hour from 0100 to 2400", hours[index]) from None
        return (years * _YEAR + (ordinals - 1) * HOURS + numbers).astype(np.int32)

    def _flags(self, runs: list[list[str | None]]) -> NDArray[np.uint8]:
        try:
            codes = b"".join([bytes(map(_FLAGS.__getitem__, run)) for run in runs])
        except KeyError:
            for item, run in zip(self.items, runs, strict=True):
                for index, flag in enumerate(run):
                    if flag not in _FLAGS:
                        raise BadFieldError(index, f"{item.field}.Qc", "not a one-letter QC flag", flag) from None
            raise
        return np.frombuffer(codes, np.uint8).reshape(len(runs), -1)

    def _bad_value(self, runs: list[list[str | None]]) -> BadFieldError:
        index, item, value = min(
            (index, item.code, value)
            for item, run in zip(self.items, runs, strict=True)
            for index, value in enumerate(run)
            if not is_number(value)
        )
        field = next(i.field for i in self.items if i.code == item)
        return BadFieldError(index, f"{field}.Value", "not a finite decimal number", value)


def _date_key(day: date) -> int:
    return day.year * 1000 + day.timetuple().tm_yday


def _narrow(scaled: NDArray[np.int64]) -> NDArray[np.signedinteger[Any]]:
    low, high = int(scaled.min()), int(scaled.max())
    narrow = next(t for t in (np.int16, np.int32, np.int64) if np.iinfo(t).min <= low and high <= np.iinfo(t).max)
    return scaled.astype(narrow)


def _nothing(records: int) -> tuple[NDArray[np.int64], NDArray[np.uint8], NDArray[np.bool_]]:
    return np.zeros((0, records), np.int64), np.zeros(0, np.uint8), np.zeros((0, records), np.bool_)
