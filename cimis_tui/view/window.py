"""The dates a plot shows: whole days, both ends included; and how keys move and stretch them. Pure."""

from __future__ import annotations

from datetime import date, timedelta

from cimis_engine.model.items import Interval
from cimis_engine.model.period import Span, days_in_year

RANGES = {"d": "day", "w": "week", "m": "month", "y": "year", "a": "all"}
"""Key → word of the ranges to pick."""
_LEAST = {Interval.DAILY: 7, Interval.HOURLY: 1}
"""Days: fewer show less than they hide."""


def least_days(interval: Interval) -> int:
    """The shortest window there is."""
    return _LEAST[interval]


def ranged(word: str, day: date, extent: Span) -> Span:
    """The day, week (from Monday), month or year that `day` is in; or all that is stored."""
    match word:
        case "day":
            return Span(day, day)
        case "week":
            monday = day - timedelta(days=day.weekday())
            return Span(monday, monday + timedelta(days=6))
        case "month":
            first = day.replace(day=1)
            after = (first + timedelta(days=31)).replace(day=1)
            return Span(first, after - timedelta(days=1))
        case "year":
            return Span(date(day.year, 1, 1), date(day.year, 12, 31))
    return extent


def word_of(span: Span, extent: Span) -> str:
    """Which range this is; empty if none of them."""
    words = ("all", "day", "week", "month", "year")
    return next((word for word in words if ranged(word, span.start, extent) == span), "")


def moved(span: Span, share: float, extent: Span) -> Span | None:
    """The window moved by a share of its length (negative: to earlier); None if nothing stored would be in it.

    A whole calendar year or month moved by itself is the one before or after it, whatever their lengths.
    """
    if abs(share) == 1 and (word := _calendar(span)):
        next_to = span.end + timedelta(days=1) if share > 0 else span.start - timedelta(days=1)
        other = ranged(word, next_to, extent)
    else:
        step = timedelta(days=max(1, round(abs(share) * span.days)) * (1 if share > 0 else -1))
        other = Span(span.start + step, span.end + step)
    return other if other.clip(extent.start, extent.end) else None


def _calendar(span: Span) -> str:
    return next((word for word in ("month", "year") if ranged(word, span.start, span) == span), "")


def zoomed(span: Span, factor: float, around: date, extent: Span, least: int) -> Span:
    """The window `factor` times as long, `around` staying where it is; between `least` days and all that is stored."""
    days = round(span.days * factor)
    if days >= extent.days and factor > 1:
        return extent if span.days <= extent.days else span
    days = max(least, days)
    before = round((around - span.start).days / span.days * days)
    start = around - timedelta(days=min(before, days - 1))
    length = timedelta(days=days - 1)
    if factor > 1:  # looking at more, rather at what is stored
        start = max(extent.start, min(start, extent.end - length))
    return Span(start, start + length)


def around(day: date, days: int) -> Span:
    """A window of so many days with `day` in its middle."""
    start = day - timedelta(days=days // 2)
    return Span(start, start + timedelta(days=days - 1))


def last_year(extent: Span) -> Span:
    """The newest year of what is stored, to the day it ends."""
    start = extent.end - timedelta(days=days_in_year(extent.end.year) - 1)
    return Span(max(start, extent.start), extent.end)


def at_edge(days: int, extent: Span, *, last: bool) -> Span:
    """A window of so many days that begins, or ends, with what is stored."""
    length = timedelta(days=days - 1)
    return Span(extent.end - length, extent.end) if last else Span(extent.start, extent.start + length)
