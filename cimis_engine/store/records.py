"""Records: columns over stations and years, cut, filtered, marked and converted. Pure: arrays in, arrays out.

A chunk's batch is of one station and year; what people ask for is not. So the parts of many chunks become one column
an item, at one number of decimals, and every step here takes such columns and returns new ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cimis_engine.model import qc
from cimis_engine.model.batch import Column, RecordBatch
from cimis_engine.model.conversion import at_exponent, converted, line_of
from cimis_engine.model.items import DataItem, Interval, UnitSystem, items_of
from cimis_engine.model.period import HOURS
from cimis_engine.model.plausible import MARK_WORDS, Rules, marks

_SEVERE = np.array(sorted(qc.SEVERE), np.uint8)
_FLAG_TEXTS = np.array([qc.flag_text(code) for code in range(256)], object)
_EXACT = 1 << 52
"""Below it, a quotient by a power of ten is near enough to print as the very digits."""
_OBJECT_SIZE = 300


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One item of some records; arrays have one element a record.

    A value is `scaled / 10**exponent`, exactly, in `unit`; `scaled` is 0 where none is present. `qc` holds flag bytes
    (`model.qc`), `marks` those of `model.plausible`, or is None where nobody asked for them.
    """

    item: DataItem
    unit: str
    exponent: int
    scaled: NDArray[np.int64]
    present: NDArray[np.bool_]
    qc: NDArray[np.uint8]
    marks: NDArray[np.uint8] | None = None

    def __len__(self) -> int:
        return len(self.scaled)

    @property
    def values(self) -> NDArray[np.float64]:
        """Floating point, NaN where missing. The nearest to the exact value: its shortest text is the agency's."""
        return np.where(self.present, self.scaled / 10.0**self.exponent, np.nan)

    @property
    def flags(self) -> NDArray[Any]:
        """QC flags as the responses gave them, objects: a letter, `" "` (good), `""`, or None."""
        return _FLAG_TEXTS[self.qc]

    @property
    def mark_words(self) -> NDArray[Any]:
        """None, `"range"`, `"jump"` or `"range+jump"`. Raises ValueError where nobody asked for marks."""
        if self.marks is None:
            raise ValueError("no marks: query with plausible=True")
        return np.array(MARK_WORDS, object)[self.marks]

    def value(self, index: int) -> Decimal | None:
        """The exact value of one record, None where it is missing."""
        return Decimal(int(self.scaled[index])).scaleb(-self.exponent) if self.present[index] else None

    def texts(self, missing: str = "") -> list[str]:
        """Every value with `exponent` decimals, exactly."""
        if np.all((self.scaled < _EXACT) & (self.scaled > -_EXACT)):
            shape = f"%.{self.exponent}f"
            numbers = (self.scaled / 10.0**self.exponent).tolist()
            return [shape % n if here else missing for n, here in zip(numbers, self.present.tolist(), strict=True)]
        exact = (self.value(index) for index in range(len(self)))
        return [missing if value is None else format(value, "f") for value in exact]

    def take(self, where: NDArray[Any]) -> Series:
        marked = None if self.marks is None else self.marks[where]
        return replace(self, scaled=self.scaled[where], present=self.present[where], qc=self.qc[where], marks=marked)


@dataclass(frozen=True, slots=True, eq=False)
class Records:
    """Records by station and time. Times are Pacific Standard Time, all year.

    `stations` (int16), `dates` (datetime64[D], the agency's own date), `hours` (int8, 1..24, hour-ending; None for
    daily records), `converted` (bool: the record was stored in the other unit system) and one `Series` an item, in
    item-code order. `units` is None only where there are no records and nobody asked for any.
    """

    interval: Interval
    units: UnitSystem | None
    stations: NDArray[np.int16]
    dates: NDArray[np.datetime64]
    hours: NDArray[np.int8] | None
    converted: NDArray[np.bool_]
    columns: tuple[Series, ...]

    def __len__(self) -> int:
        return len(self.stations)

    def __getitem__(self, slug: str) -> Series:
        """One item by its slug, e.g. `day-eto`. Raises KeyError."""
        for column in self.columns:
            if column.item.slug == slug:
                return column
        raise KeyError(slug)

    @property
    def times(self) -> NDArray[np.datetime64]:
        """The end of each hour (hour 24 is midnight of the next date), or the date's midnight of daily records."""
        midnight = self.dates.astype("datetime64[s]")
        return midnight if self.hours is None else midnight + self.hours.astype("timedelta64[h]")

    @property
    def slots(self) -> NDArray[np.int64]:
        """Slots numbered on through the years: days, or hours, since 1970."""
        days = self.dates.astype(np.int64)
        return days if self.hours is None else days * HOURS + self.hours

    def records(self) -> Iterator[tuple[int, date, int | None, dict[str, tuple[Decimal | None, str | None]]]]:
        """Station, date, hour (1..24; None for daily) and slug → (exact value, flag) of every record, in order."""
        hours = [None] * len(self) if self.hours is None else self.hours.tolist()
        whens = zip(self.stations.tolist(), self.dates.tolist(), hours, strict=True)
        columns = [(c.item.slug, c, c.flags) for c in self.columns]
        for index, (station, day, hour) in enumerate(whens):
            yield station, day, hour, {slug: (c.value(index), flags[index]) for slug, c, flags in columns}

    def take(self, where: NDArray[Any]) -> Records:
        """Some records: a boolean an element, or their indices."""
        return replace(
            self,
            stations=self.stations[where],
            dates=self.dates[where],
            hours=None if self.hours is None else self.hours[where],
            converted=self.converted[where],
            columns=tuple(column.take(where) for column in self.columns),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Records of one station, year and unit system, as a chunk's block has them; `present` unpacked."""

    station: int
    year: int
    units: UnitSystem
    slots: NDArray[np.uint16]
    columns: tuple[Column, ...]
    present: tuple[NDArray[np.bool_], ...]

    @property
    def nbytes(self) -> int:
        """Bytes retained: the arrays, and what Python takes for each column."""
        arrays = self.slots.nbytes + sum(c.nbytes for c in self.columns) + sum(p.nbytes for p in self.present)
        return arrays + _OBJECT_SIZE * len(self.columns)

    @classmethod
    def of(cls, batch: RecordBatch) -> Piece:
        present = tuple(c.present for c in batch.columns)
        return cls(batch.station, batch.year, batch.units, batch.slots, batch.columns, present)

    def within(self, slots: range) -> slice:
        """Where the records of a range of slots stand."""
        first, stop = np.searchsorted(self.slots, [slots.start, slots.stop])
        return slice(int(first), int(stop))


def assembled(
    interval: Interval, parts: Sequence[tuple[Piece, slice]], items: Sequence[DataItem], units: UnitSystem | None
) -> Records:
    """Parts of pieces of one unit system, one after the other. An item a piece has not is missing there.

    Raises `OutOfRangeError`.
    """
    counts = [cut.stop - cut.start for _, cut in parts]
    days, hours = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for piece, cut in parts:
        slots = piece.slots[cut].astype(np.int64) - 1
        day, hour = np.divmod(slots, HOURS) if interval is Interval.HOURLY else (slots, slots)
        days.append(day + (date(piece.year, 1, 1) - date(1970, 1, 1)).days)
        hours.append(hour + 1)
    return Records(
        interval=interval,
        units=units,
        stations=np.repeat(np.array([p.station for p, _ in parts], np.int16), counts),
        dates=np.concatenate(days).astype("datetime64[D]"),
        hours=np.concatenate(hours).astype(np.int8) if interval is Interval.HOURLY else None,
        converted=np.zeros(sum(counts), np.bool_),
        columns=tuple(_series(item, parts, counts, units) for item in items),
    )


def _series(
    item: DataItem, parts: Sequence[tuple[Piece, slice]], counts: Sequence[int], units: UnitSystem | None
) -> Series:
    found = [
        next(((c, p) for c, p in zip(piece.columns, piece.present, strict=True) if c.item.code == item.code), None)
        for piece, _ in parts
    ]
    exponent = max((held[0].exponent for held in found if held), default=0)
    total = sum(counts)
    scaled, present = np.zeros(total, np.int64), np.zeros(total, np.bool_)
    flags = np.full(total, qc.NOT_REPORTED, np.uint8)
    at = 0
    for held, (_, cut), count in zip(found, parts, counts, strict=True):
        if held is not None:
            column, here = held
            scaled[at : at + count] = at_exponent(item, column.scaled[cut], column.exponent, exponent)
            present[at : at + count] = here[cut]
            flags[at : at + count] = column.qc[cut]
        at += count
    return Series(item, item.unit(units) if units else "", exponent, scaled, present, flags)


def stored_items(interval: Interval, pieces: Sequence[Piece]) -> tuple[DataItem, ...]:
    """The items that any piece has, in code order."""
    codes = {column.item.code for piece in pieces for column in piece.columns}
    return tuple(item for item in items_of(interval) if item.code in codes)


def without_severe(records: Records) -> tuple[Records, NDArray[np.int64]]:
    """Values whose flag is severe become missing, their flags stay; and how many values that were of each record."""
    columns, dropped = [], np.zeros(len(records), np.int64)
    for column in records.columns:
        severe = column.present & np.isin(column.qc, _SEVERE)
        dropped += severe
        scaled = np.where(severe, 0, column.scaled)
        columns.append(replace(column, scaled=scaled, present=column.present & ~severe))
    return replace(records, columns=tuple(columns)), dropped


def marked(records: Records, rules: Rules) -> Records:
    """With a plausibility mark on every value; see `model.plausible`. To be done before units are converted."""
    units = records.units or UnitSystem.METRIC  # without a system there are no records
    times = records.slots + (records.stations.astype(np.int64) << 32)  # so that no station is near another
    none = np.zeros(len(records), np.uint8)
    return replace(
        records,
        columns=tuple(
            replace(
                c,
                marks=marks(c.item, units, limits, c.exponent, c.scaled, c.present, times)
                if (limits := rules.get(c.item.slug))
                else none,
            )
            for c in records.columns
        ),
    )


def in_units(records: Records, units: UnitSystem) -> Records:
    """The same records in another unit system, and marked as converted. Raises `OutOfRangeError`."""
    if records.units is None or records.units is units:
        return records
    columns = []
    for column in records.columns:
        line = line_of(column.item, records.units, units)
        scaled, exponent = converted(column.item, column.scaled, column.exponent, line)
        scaled = np.where(column.present, scaled, 0)  # 0 °C is no 32 °F where there is no value
        columns.append(replace(column, unit=column.item.unit(units), scaled=scaled, exponent=exponent))
    return replace(records, units=units, converted=np.ones(len(records), np.bool_), columns=tuple(columns))


def joined(parts: Sequence[Records], order: NDArray[np.intp]) -> Records:
    """Records of the same items and units as one, the record `order[n]` of all of them at place n.

    Raises `OutOfRangeError`.
    """
    head = parts[0]
    columns = []
    for same in zip(*(part.columns for part in parts), strict=True):
        item, exponent = same[0].item, max(c.exponent for c in same)
        columns.append(
            Series(
                item,
                same[0].unit,
                exponent,
                np.concatenate([at_exponent(item, c.scaled, c.exponent, exponent) for c in same]),
                np.concatenate([c.present for c in same]),
                np.concatenate([c.qc for c in same]),
                None if same[0].marks is None else np.concatenate([c.marks for c in same if c.marks is not None]),
            )
        )
    hours = [p.hours for p in parts if p.hours is not None]
    whole = Records(
        head.interval,
        head.units,
        np.concatenate([p.stations for p in parts]),
        np.concatenate([p.dates for p in parts]),
        np.concatenate(hours) if hours else None,
        np.concatenate([p.converted for p in parts]),
        tuple(columns),
    )
    return whole.take(order)
