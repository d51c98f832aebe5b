"""Records to columns: what both decoders hand their records to.

Records come in batches of arrays and are kept as narrow ones, about 46 bytes an hourly record; the Python objects of a
batch are gone before the next one is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cimis_engine.fetch.decimals import parse_decimal
from cimis_engine.fetch.decode_error import DecodeError
from cimis_engine.fetch.exchange import excerpt
from cimis_engine.model import qc as qc_flags
from cimis_engine.model.batch import MAX_EXPONENT, RecordBatch, Sheet, columns_of
from cimis_engine.model.items import DataItem, Interval, UnitSystem
from cimis_engine.model.period import HOURS, Span

ABSENT = "absent"
"""Stands for the flag of an item that a record does not carry."""
_HOURS = {f"{h:02d}00": h for h in range(1, HOURS + 1)}
_POWERS = 10 ** np.arange(MAX_EXPONENT + 1, dtype=np.int64)
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


@dataclass(frozen=True, slots=True)
class Cells:
    """Cells as arrays of shape (items, records). `exponents` is a cell's own: value = scaled / 10**exponent.

    `scaled` and `exponents` are 0 where no value is present; `flags` are stored QC bytes (see `model.qc`).
    """

    scaled: NDArray[np.int64]
    exponents: NDArray[np.uint8]
    present: NDArray[np.bool_]
    flags: NDArray[np.uint8]

    def of_records(self, keep: NDArray[np.bool_]) -> Cells:
        return Cells(self.scaled[:, keep], self.exponents[:, keep], self.present[:, keep], self.flags[:, keep])


@dataclass(slots=True)
class RawBatch:
    """Records whose heads are still texts: an element a record in every list; `cells` has the items in their order."""

    dates: list[str]
    hours: list[str | None]
    stations: list[str]
    standards: list[str]
    cells: Cells


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

    def aligned(self, exponents: NDArray[np.uint8]) -> NDArray[np.signedinteger[Any]]:
        """`scaled` at these exponents, none of them smaller than its own."""
        if np.array_equal(exponents, self.exponents):
            return self.scaled
        return _narrow(self.scaled * _POWERS[exponents - self.exponents][:, None])

    @property
    def nbytes(self) -> int:
        return self.keys.nbytes + self.exponents.nbytes + self.scaled.nbytes + self.present.nbytes + self.flags.nbytes


class PageColumns:
    """Collects the records of one page. `add_raw` raises `BadFieldError`, `finish` `DecodeError`."""

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

    def add_raw(self, raw: RawBatch) -> None:
        """Check a batch of at least one record and keep those within the page's span."""
        self._check_constant(
            "Station", raw.stations, str(self.station), f"a record of another station than {self.station}"
        )
        self._check_constant("Standard", raw.standards, self.units.standard, f"not in {self.units.standard} units")
        days = self._day_keys(raw.dates)
        keys, cells = self._keys(days, raw.hours), raw.cells
        inside = (days >= self._low) & (days <= self._high)
        if not inside.all():
            self._unexpected += int(np.count_nonzero(~inside))
            keys = keys[inside]
            cells = cells.of_records(inside)
        self.add(keys, cells)

    def add(self, keys: NDArray[np.int32], cells: Cells) -> None:
        """Keep records of the page's station, units and span. `cells.scaled` may be changed."""
        if not len(keys):
            return
        exponents, scaled = cells.exponents.max(axis=1), cells.scaled
        if (uneven := np.flatnonzero((cells.exponents != exponents[:, None]).any(axis=1))).size:
            scaled[uneven] *= _POWERS[exponents[uneven, None] - cells.exponents[uneven]]
        kept = _Kept(keys, exponents, _narrow(scaled), np.packbits(cells.present, axis=1), cells.flags)
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
        order = None if np.all(keys[1:] > keys[:-1]) else np.argsort(keys, kind="stable")
        keys = keys if order is None else keys[order]
        if (twice := np.flatnonzero(keys[1:] == keys[:-1])).size:
            year, slot = divmod(int(keys[twice[0]]), _YEAR)
            raise DecodeError("schema", f"two records for slot {slot} of {year}", path="Data.Providers[].Records")
        years = keys // _YEAR
        exponents = np.stack([k.exponents for k in self._kept]).max(axis=0)
        scaled = np.concatenate([k.aligned(exponents) for k in self._kept], axis=1)
        present = np.concatenate([np.unpackbits(k.present, axis=1, count=len(k.keys)) for k in self._kept], axis=1)
        flags = np.concatenate([k.flags for k in self._kept], axis=1)
        self._kept.clear()
        batches = []
        # Not np.unique, which takes 30 ms and 3 MB once in a process: it imports numpy's masked arrays.
        starts = np.flatnonzero(np.diff(years, prepend=-1)).tolist()
        for first, last in pairwise([*starts, len(years)]):
            year = int(years[first])
            here = slice(first, last) if order is None else order[first:last]
            slots = (keys[first:last] % _YEAR).astype(np.uint16)
            sheet = Sheet(scaled[:, here], present[:, here].view(np.bool_), flags[:, here])
            batches.append(self._batch(year, slots, exponents, sheet))
        nulls = sum(b.nulls for b in batches)
        return DecodedPage(tuple(batches), len(keys), self._unexpected, nulls, self.unexpected_fields)

    def _batch(self, year: int, slots: NDArray[np.uint16], exponents: NDArray[np.uint8], sheet: Sheet) -> RecordBatch:
        """One year's records: the items that at least one of them carried, by code."""
        told = (sheet.qc != qc_flags.NOT_REPORTED).any(axis=1)
        rows = sorted(np.flatnonzero(told).tolist(), key=lambda row: self.items[row].code)
        items = [self.items[row] for row in rows]
        columns = columns_of(items, exponents[rows].tolist(), sheet.scaled[rows], sheet.present[rows], sheet.qc[rows])
        return RecordBatch(self.station, self.interval, year, self.units, slots, columns)

    def _check_constant(self, field: str, found: list[str], expected: str, message: str) -> None:
        if found.count(expected) != len(found):
            index = next(i for i, f in enumerate(found) if f != expected)
            raise BadFieldError(index, field, message, found[index])

    def _day_keys(self, dates: list[str]) -> NDArray[np.int64]:
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
        return np.fromiter(map(known.__getitem__, dates), np.int64, len(dates))

    def _keys(self, days: NDArray[np.int64], hours: list[str | None]) -> NDArray[np.int32]:
        years, ordinals = days // 1000, days % 1000
        if self.interval is Interval.DAILY:
            if hours.count(None) != len(hours):
                index = next(i for i, h in enumerate(hours) if h is not None)
                raise BadFieldError(index, "Hour", "an hour in a daily record", hours[index])
            return record_key(years, ordinals, None)
        try:
            numbers = np.fromiter((_HOURS[h or ""] for h in hours), np.int64, len(hours))
        except KeyError:
            index = next(i for i, h in enumerate(hours) if h not in _HOURS)
            raise BadFieldError(index, "Hour", "not an hour from 0100 to 2400", hours[index]) from None
        return record_key(years, ordinals, numbers)


def record_key(year: NDArray[np.int_], day: NDArray[np.int_], hour: NDArray[np.int_] | int | None) -> NDArray[np.int32]:
    """Year × 10,000 + slot: what records are sorted by. `day` of the year from 1, `hour` 1..24 or None for daily."""
    slots = day if hour is None else (day - 1) * HOURS + hour
    return (year * _YEAR + slots).astype(np.int32)


def cell_arrays(
    items: Sequence[DataItem], values: Sequence[Sequence[str | None]], flags: Sequence[Sequence[str | None]]
) -> Cells:
    """The arrays of cells given as texts: of each item, its records' values and flags (`ABSENT`: no such item there).

    Raises `BadFieldError` for the first record that has a cell no column can hold.
    """
    shape = (len(items), len(values[0]) if values else 0)
    arrays = Cells(
        np.zeros(shape, np.int64), np.zeros(shape, np.uint8), np.zeros(shape, np.bool_), np.zeros(shape, np.uint8)
    )
    for index in range(shape[1]):
        for row, item in enumerate(items):
            value, flag = values[row][index], flags[row][index]
            code = qc_flags.NOT_REPORTED if flag is ABSENT else qc_flags.flag_code(flag)
            if code is None:
                raise BadFieldError(index, f"{item.field}.Qc", "not a QC flag", flag)
            arrays.flags[row, index] = code
            if value is None:
                continue
            number = parse_decimal(value)
            if number is None:
                raise BadFieldError(index, f"{item.field}.Value", "not a finite decimal number", value)
            arrays.scaled[row, index], arrays.exponents[row, index] = number
            arrays.present[row, index] = True
    return arrays


def _date_key(day: date) -> int:
    return day.year * 1000 + day.timetuple().tm_yday


def _narrow(scaled: NDArray[np.int64]) -> NDArray[np.signedinteger[Any]]:
    low, high = int(scaled.min()), int(scaled.max())
    narrow = next(t for t in (np.int16, np.int32, np.int64) if np.iinfo(t).min <= low and high <= np.iinfo(t).max)
    return scaled.astype(narrow)
