"""Where the marks of an axis stand and what they say: round numbers, and dates that a calendar has. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from cimis_engine.model.items import Interval
from cimis_engine.model.period import HOURS, Span


@dataclass(frozen=True, slots=True)
class Scale:
    """A value axis from `low` to `high`, both marks, one every `step`; `decimals` is what the labels need."""

    low: float
    high: float
    step: float
    decimals: int

    @property
    def ticks(self) -> tuple[float, ...]:
        count = round((self.high - self.low) / self.step)
        return tuple(self.low + n * self.step for n in range(count + 1))

    def label(self, value: float) -> str:
        text = f"{value:.{self.decimals}f}"
        return text.removeprefix("-") if float(text) == 0 else text

    def place(self, value: float, dots: int) -> int:
        """The dot of a value among `dots`, from the top."""
        return round((self.high - value) / (self.high - self.low) * (dots - 1))


def scale_of(low: float, high: float, most: int) -> Scale:
    """A scale that holds both, with at most `most` marks (or three: zero may be between), a round number apart."""
    if high <= low:
        pad = abs(low) * 0.1 or 1.0
        low, high = low - pad, high + pad
    most = max(3, most)
    power = math.floor(math.log10((high - low) / most))
    for exponent in range(power, power + 4):
        for digit in (1, 2, 5):
            step = digit * 10.0**exponent
            first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
            if last - first + 1 <= most:
                return Scale(first * step, max(last, first + 1) * step, step, max(0, -exponent))
    raise AssertionError("with a step longer than the range three marks are enough")


@dataclass(frozen=True, slots=True)
class DateTick:
    """`place`: the slot of the window, from 0, before which the mark stands."""

    place: int
    label: str


_STEPS = (
    *(("hour", n, 5) for n in (1, 2, 3, 6, 12)),
    *(("day", n, 5) for n in (1, 2, 7, 14)),
    *(("month", n, 7) for n in (1, 2, 3, 6)),
    *(("year", n, 4) for n in (1, 2, 5, 10, 20)),
)
"""Unit, how many of them a step, width of the label."""


def date_ticks(span: Span, interval: Interval, columns: int) -> tuple[DateTick, ...]:
    """Marks on the dates of a window `columns` wide, as many as their labels leave room for."""
    for unit, step, width in _STEPS:
        if unit == "hour" and interval is Interval.DAILY:
            continue
        days = {"hour": step / HOURS, "day": step, "month": 30.4 * step, "year": 365.2 * step}[unit]
        if span.days / days * (width + 2) <= columns:
            break
    slots = HOURS if interval is Interval.HOURLY else 1
    begins = datetime.combine(span.start, datetime.min.time())
    return tuple(
        DateTick(int((moment - begins) / timedelta(days=1) * slots), _label(moment, unit))
        for moment in _moments(span, unit, step)
    )


def _label(moment: datetime, unit: str) -> str:
    if unit == "hour":
        return f"{moment:%H00}" if moment.hour else f"{moment:%m-%d}"
    return f"{moment:{ {'day': '%m-%d', 'month': '%Y-%m', 'year': '%Y'}[unit] }}"


def _moments(span: Span, unit: str, step: int) -> list[datetime]:
    found: list[datetime] = []
    if unit == "year":
        found = [datetime(year, 1, 1) for year in span.years if year % step == 0]
    elif unit == "month":
        found = [datetime(year, month, 1) for year in span.years for month in range(1, 13, step)]
    else:
        begins = datetime.combine(span.start, datetime.min.time())
        if unit == "day" and step >= 7:  # weeks begin on Mondays, the same ones wherever the window is
            begins -= timedelta(days=(span.start - date(1970, 1, 5)).days % step)
        elif unit == "day":
            begins -= timedelta(days=(span.start - date(1970, 1, 1)).days % step)
        length = timedelta(days=step) if unit == "day" else timedelta(hours=step)
        end = datetime.combine(span.end, datetime.min.time()) + timedelta(days=1)
        found = [begins + n * length for n in range((end - begins) // length)]
    first = datetime.combine(span.start, datetime.min.time())
    last = datetime.combine(span.end, datetime.min.time()) + timedelta(days=1)
    return [moment for moment in found if first <= moment < last]
