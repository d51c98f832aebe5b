"""Numbers into words, each with its unit where the place for it does not say it already."""

from __future__ import annotations

from datetime import UTC, datetime

from cimis_engine.model.items import Interval

ABSENT = "–"
"""A phase that did not happen, a number that is not known: never 0."""
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
"""Not the calendar module's, which are those of the locale."""


def slots(interval: Interval, count: int = 0) -> str:
    """What so many slots of an interval are: days or hours."""
    return ("hour" if interval is Interval.HOURLY else "day") + "s" * (count != 1)


def ms(value: float | None) -> str:
    """Milliseconds in at most five characters; from 100 s on in seconds, marked so."""
    if value is None:
        return ABSENT
    if value < 0.05:
        return "<0.1"
    if value < 9.95:
        return f"{value:.1f}"
    if value < 99_999.5:
        return f"{value:.0f}"
    return f"{value / 1000:.0f}s"


def count(value: float) -> str:
    """A count in at most five characters: 950, 61.2k, 438k, 9.9M, 120M."""
    if value < 1000:
        return f"{value:.0f}"
    for unit in ("k", "M", "G"):
        value /= 1000
        if value < 99.95:
            return f"{value:.1f}{unit}"
        if value < 999.5:
            return f"{value:.0f}{unit}"
    return f"{value:.0f}G"


def grouped(value: int) -> str:
    """A count in full: 8,784."""
    return f"{value:,}"


def size(value: float) -> str:
    """Bytes with their unit and a blank: 512 B, 61 kB, 1.2 MB (powers of ten)."""
    if value < 1000:
        return f"{value:.0f} B"
    text = count(value)
    return f"{text[:-1]} {text[-1]}B"


def held(value: float) -> str:
    """Bytes in at most five characters: 512B, 61kB, 1.2MB."""
    if value < 1000:
        return f"{value:.0f}B"
    for unit in ("k", "M", "G"):
        value /= 1000
        if value < 9.95:
            return f"{value:.1f}{unit}B"
        if value < 999.5:
            return f"{value:.0f}{unit}B"
    return f"{value:.0f}GB"


def ratio(value: float | None) -> str:
    """Compression as `8.4:1`."""
    if value is None:
        return ABSENT
    return f"{value:.1f}:1" if value < 99.95 else f"{value:.0f}:1"


def clock(seconds: float | None) -> str:
    """A duration as hh:mm:ss."""
    if seconds is None:
        return "--:--:--"
    whole = max(0, int(seconds))
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def span(seconds: float | None) -> str:
    """A duration in at most six characters: 4s, 12m03s, 3h12m."""
    if seconds is None:
        return ABSENT
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    hours = whole // 3600
    return f"{hours}h{whole // 60 % 60:02d}m" if hours < 100 else f"{hours}h"


def of_day(t: float) -> str:
    """The UTC time of day of a Unix time."""
    return datetime.fromtimestamp(t, UTC).strftime("%H:%M:%S")


def percent(value: float | None) -> str:
    """A fraction as percent; one decimal below ten."""
    if value is None:
        return ABSENT
    value *= 100
    return f"{value:.1f}%" if 0 < value < 9.95 else f"{value:.0f}%"
