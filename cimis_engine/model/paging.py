"""Paging: how a span is cut into requests under a volume cap. Pure arithmetic on dates.

What is promised: a span gets ceil(days / days a page may hold) pages, which is the fewest there can be. They cover it
exactly, in order, none over the cap. Where it costs no page more a page ends with a year, else with a half-year, else
the pages are even. The one exception: the API takes dates, so no page is less than a day, whatever the cap.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from cimis_engine.model.items import Interval
from cimis_engine.model.period import HOURS, Span

DEFAULT_CAPS = {Interval.DAILY: 1750, Interval.HOURLY: 5000}
"""Records a request may ask for: 1,750 station-days as documented, and a little under its 5,020 station-hours."""
_SEAMS = ((12, 31), (6, 30))


@dataclass(frozen=True, slots=True)
class PageSpec:
    """One request: `index` from 1 within its job, and its inclusive dates."""

    index: int
    span: Span


def days_a_page(interval: Interval, cap: int) -> int:
    """Whole days that a request for at most `cap` records can ask for, at least one."""
    return max(1, cap // (1 if interval is Interval.DAILY else HOURS))


def cut(span: Span, interval: Interval, cap: int) -> list[Span]:
    """A span as its pages' spans; see the module's first lines for what is promised."""
    limit = days_a_page(interval, cap)
    pieces: list[Span] = []
    start = span.start
    for pages_left in range(-(-span.days // limit), 0, -1):
        rest = (span.end - start).days + 1
        least = max(1, rest - (pages_left - 1) * limit)
        most = min(limit, rest - (pages_left - 1))
        days = _days_to_seam(start, least, most, even=-(-rest // pages_left))
        pieces.append(Span(start, start + timedelta(days=days - 1)))
        start += timedelta(days=days)
    return pieces


def _days_to_seam(start: date, least: int, most: int, even: int) -> int:
    """Length of a page of `least` to `most` days: up to the seam of years nearest to an even share, or that share."""
    years = range(start.year, (start + timedelta(days=most)).year + 1)
    for month, day in _SEAMS:
        lengths = [(date(year, month, day) - start).days + 1 for year in years]
        if fitting := [n for n in lengths if least <= n <= most]:
            return min(fitting, key=lambda n: abs(n - even))
    return even


def split_pages(span: Span, interval: Interval, cap: int) -> tuple[PageSpec, ...]:
    """The pages of a job that is still to be begun."""
    return tuple(PageSpec(n, piece) for n, piece in enumerate(cut(span, interval, cap), 1))


def recut(spans: Iterable[Span], interval: Interval, cap: int) -> list[Span]:
    """Pages that were cut under another cap, cut anew: what adjoins is joined first, so that none is wasted."""
    joined: list[Span] = []
    for span in sorted(spans):
        if joined and joined[-1].end + timedelta(days=1) == span.start:
            joined[-1] = Span(joined[-1].start, span.end)
        else:
            joined.append(span)
    return [page for span in joined for page in cut(span, interval, cap)]


def lowered(cap: int, asked: int, named: int | None) -> int:
    """The cap after a request for `asked` records was refused as too large.

    What the refusal names is believed where it is less than was asked for (it may count other things than we do);
    otherwise half of what was asked for is tried.
    """
    found = named if named is not None and 0 < named < asked else asked // 2
    return min(cap, max(1, found))
