"""A curve: one item of one station, as it was read of the store; and what its numbers come to. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from cimis_engine.model.items import DataItem, Interval, UnitSystem, items_of
from cimis_engine.model.period import HOURS, Span
from cimis_engine.model.qc import flag_text
from cimis_engine.store.records import Series
from cimis_tui.view.quality import GRADES, grades
from cimis_tui.view.ticks import Scale, scale_of

EPOCH = date(1970, 1, 1)
_UNITS = {"(C)": "°C", "(F)": "°F", "(W./sq.m)": "W/m²", "(mBars)": "mbar"}
_KINDS = ("-avg", "-max", "-min", "")
_WATER = "(mm)"
_ANGLE = "(°)"
_STEPS = 10
"""At most so many steps of the spread."""


def unit_words(item: DataItem, units: UnitSystem) -> str:
    """The unit as a person writes it. The agency's English wind run says MPH of what are miles."""
    if item.slug == "day-wind-run" and units is UnitSystem.ENGLISH:
        return "mi"
    text = item.unit(units)
    return _UNITS.get(text, text.strip("()"))


def counterpart(item: DataItem, interval: Interval) -> DataItem | None:
    """An interval's item that measures the same, as `hly-air-tmp` does `day-air-tmp-avg`; None if there is none."""
    if item.interval is interval:
        return item
    base = item.slug[4:]
    for kind in _KINDS:
        base = base.removesuffix(kind)
    known = {other.slug[4:]: other for other in items_of(interval)}
    return next((known[base + kind] for kind in _KINDS if base + kind in known), None)


def slot_number(interval: Interval, day: date, hour: int = 1) -> int:
    """The slot of a date (and of the record ending at an hour, 1..24) as `Records.slots` numbers them on."""
    days = (day - EPOCH).days
    return days if interval is Interval.DAILY else days * HOURS + hour


def slot_words(interval: Interval, slot: int) -> str:
    """`2024-06-01`, or `2024-06-01 1400` for the hour that ends then."""
    if interval is Interval.DAILY:
        return str(np.datetime64(slot, "D"))
    day, hour = divmod(slot - 1, HOURS)
    return f"{np.datetime64(day, 'D')} {hour + 1:02d}00"


def slot_date(interval: Interval, slot: int) -> date:
    return date.fromisoformat(slot_words(interval, slot)[:10])


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """`slots` (as `Records.slots`, ascending) and the `series` have an element a record; `unit` is for people."""

    station: int
    name: str
    unit: str
    slots: NDArray[np.int64]
    series: Series

    @property
    def item(self) -> DataItem:
        return self.series.item

    def at(self, slot: int) -> int | None:
        """The index of a slot's record; None if there is none."""
        index = int(np.searchsorted(self.slots, slot))
        return index if index < len(self.slots) and self.slots[index] == slot else None

    def number(self, value: Decimal | float | None, more: int = 0) -> str:
        """A value as it was printed, with `more` decimals than its records have; `–` for none."""
        return "–" if value is None else f"{value:.{self.series.exponent + more}f}"


@dataclass(frozen=True, slots=True)
class Extreme:
    """An exact value and the first slot that has it."""

    value: Decimal
    slot: int


@dataclass(frozen=True, slots=True)
class Summary:
    """A curve in numbers. `mean` is None of directions, whose mean is no direction; `total` but of water depths.

    `count` values; `missing` slots of the window, within what is stored, that have none; `flagged` records by grade
    (the places of `GRADES`, good left out). `spread`: how many values lie in each step of `steps`.
    """

    count: int
    missing: int
    least: Extreme | None
    greatest: Extreme | None
    mean: float | None
    total: Decimal | None
    flagged: tuple[int, ...]
    steps: Scale | None
    spread: tuple[int, ...]


def summarize(curve: Curve, span: Span, extent: Span) -> Summary:
    """The curve's numbers within a window; `extent` is from the first to the last day stored."""
    series, item = curve.series, curve.item
    present = series.present
    scaled, count = series.scaled[present], int(present.sum())
    part = span.clip(extent.start, extent.end)
    flagged = np.bincount(grades(series.qc), minlength=len(GRADES))
    water, angle = item.unit_metric == _WATER, item.unit_metric == _ANGLE
    total = int(scaled.sum()) if count else 0
    steps = _steps(scaled, series.exponent) if count else None
    return Summary(
        count=count,
        missing=max(0, (part.records(item.interval) if part else 0) - count),
        least=_extreme(curve, int(np.argmin(scaled))) if count else None,
        greatest=_extreme(curve, int(np.argmax(scaled))) if count else None,
        mean=total / count / 10.0**series.exponent if count and not angle else None,
        total=Decimal(total).scaleb(-series.exponent) if count and water else None,
        flagged=tuple(flagged[1:].tolist()),
        steps=steps,
        spread=_spread(scaled / 10.0**series.exponent, steps) if steps else (),
    )


def _steps(scaled: NDArray[np.int64], exponent: int) -> Scale:
    low, high = (float(bound) / 10.0**exponent for bound in (scaled.min(), scaled.max()))
    return scale_of(low, high, _STEPS + 1)


def _spread(values: NDArray[np.float64], steps: Scale) -> tuple[int, ...]:
    """Of each step, the lower bound included and the upper not; the highest value is in the last one."""
    edges = np.array(steps.ticks)
    return tuple(np.histogram(values, edges)[0].tolist())


def _extreme(curve: Curve, place: int) -> Extreme:
    """The value at a place among those that are present."""
    index = int(np.flatnonzero(curve.series.present)[place])
    value = curve.series.value(index)
    assert value is not None
    return Extreme(value, int(curve.slots[index]))


class CurveRecords(Sequence[Mapping[str, Any]]):
    """The records of curves, one after the other, as rows for a file; each is made when it is asked for."""

    def __init__(self, curves: Sequence[Curve]) -> None:
        self._curves = curves

    def __len__(self) -> int:
        return sum(len(curve.slots) for curve in self._curves)

    @overload
    def __getitem__(self, index: int) -> Mapping[str, Any]: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Mapping[str, Any]]: ...
    def __getitem__(self, index: int | slice) -> Mapping[str, Any] | Sequence[Mapping[str, Any]]:
        if isinstance(index, slice):
            return [self[n] for n in range(*index.indices(len(self)))]
        if not 0 <= index < len(self):
            raise IndexError(index)
        for curve in self._curves:
            if index < len(curve.slots):
                break
            index -= len(curve.slots)
        value = curve.series.value(index)
        return {
            "station": curve.station,
            "item": curve.item.slug,
            "unit": curve.unit,
            "time": slot_words(curve.item.interval, int(curve.slots[index])),
            "value": None if value is None else float(value),
            "qc": flag_text(int(curve.series.qc[index])),
        }
