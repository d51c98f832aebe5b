"""Time as CIMIS keeps it: Pacific Standard Time all year, inclusive dates, hours 0100 to 2400.

`2400` belongs to its own date. A *slot* numbers a record within its year, from 1: the day of year for daily records
(1..366), `(day - 1) * 24 + hour` for hourly ones (1..8784).
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone

from cimis_engine.errors import UsageError
from cimis_engine.model.items import Interval

PST = timezone(timedelta(hours=-8), "PST")
ORIGIN = date(1982, 6, 7)
"""The first day of the CIMIS record; earlier start dates get ERR1011."""
HOURS = 24


def today_pst(now: float) -> date:
    """The agency's date at a Unix time. The API itself refuses dates after today in California."""
    return datetime.fromtimestamp(now, PST).date()


def days_in_year(year: int) -> int:
    return 366 if calendar.isleap(year) else 365


def slots_in_year(interval: Interval, year: int) -> int:
    return days_in_year(year) * (1 if interval is Interval.DAILY else HOURS)


def slot_of(day: date, hour: int | None = None) -> int:
    """Slot of a daily record (`hour` None) or of the record ending at `hour` (1..24)."""
    ordinal = day.timetuple().tm_yday
    return ordinal if hour is None else (ordinal - 1) * HOURS + hour


def moment_of(interval: Interval, year: int, slot: int) -> tuple[date, int | None]:
    """Date and hour (1..24, None for daily) of a slot. Inverse of `slot_of`."""
    if interval is Interval.DAILY:
        return date(year, 1, 1) + timedelta(days=slot - 1), None
    day, hour = divmod(slot - 1, HOURS)
    return date(year, 1, 1) + timedelta(days=day), hour + 1


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Inclusive dates, `start <= end`."""

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise UsageError(
                f"the span ends ({self.end}) before it starts ({self.start})", hint="give the earlier day first"
            )

    @property
    def days(self) -> int:
        return (self.end - self.start).days + 1

    @property
    def years(self) -> range:
        return range(self.start.year, self.end.year + 1)

    def records(self, interval: Interval) -> int:
        """Slots within the span: what a complete station would return."""
        return self.days * (1 if interval is Interval.DAILY else HOURS)

    def clip(self, start: date | None, end: date | None) -> Span | None:
        """The part between two dates (None: unbounded), or None if nothing is left."""
        low = self.start if start is None else max(self.start, start)
        high = self.end if end is None else min(self.end, end)
        return Span(low, high) if low <= high else None

    def within_year(self, year: int) -> Span | None:
        return self.clip(date(year, 1, 1), date(year, 12, 31))

    def slot_range(self, interval: Interval, year: int) -> range:
        """The slots of one year that the span covers (empty if none)."""
        part = self.within_year(year)
        if part is None:
            return range(0)
        if interval is Interval.DAILY:
            return range(slot_of(part.start), slot_of(part.end) + 1)
        return range(slot_of(part.start, 1), slot_of(part.end, HOURS) + 1)

    def __str__(self) -> str:
        return f"{self.start}..{self.end}"


def parse_date(text: str) -> date:
    """A date as `yyyy-mm-dd`. Raises `UsageError`."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(f"not a date: '{text}'", hint="write dates as yyyy-mm-dd") from None


def parse_years(text: str) -> Span:
    """`2024` or `2015-2024` as the span of those whole years. Raises `UsageError`."""
    first, _, last = text.strip().partition("-")
    try:
        start, end = int(first), int(last or first)
        span = Span(date(start, 1, 1), date(end, 12, 31))
    except (ValueError, UsageError):
        raise UsageError(f"not a year or a range of years: '{text}'", hint="write 2024 or 2015-2024") from None
    if end < ORIGIN.year:
        raise UsageError(f"CIMIS has no data before {ORIGIN}", hint="ask for 1982 or later")
    return span
