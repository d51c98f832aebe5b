"""From arguments to the engine's `Request`."""

from __future__ import annotations

from argparse import Namespace
from datetime import date

from cimis_engine.errors import UsageError
from cimis_engine.model.choice import check_choice
from cimis_engine.model.period import Span, parse_date, parse_years
from cimis_engine.run.spec import Request
from cimis_engine.run.today import agency_today


def span_of(args: Namespace) -> Span:
    """`--year(s)`, or `--start` with or without `--end` (default yesterday). Raises `UsageError`."""
    if args.years and (args.start or args.end):
        raise UsageError("give years, or --start and --end, not both")
    if args.years:
        return parse_years(args.years)
    if not args.start:
        raise UsageError("which dates?", hint="give --years 2015-2024, or --start and --end (yyyy-mm-dd)")
    if not args.end:
        raise UsageError("--start needs an --end", hint="write both as yyyy-mm-dd")
    return Span(parse_date(args.start), parse_date(args.end))


def request_of(args: Namespace) -> Request:
    """The request of `backfill`, `demo` and `fetch-streaming`. Raises `UsageError`."""
    sample = getattr(args, "sample", None) or 0
    if not args.stations and not sample:
        raise UsageError("which stations?", hint="give --stations 2,5,10-20, all, active or county:NAME, or --sample N")
    if args.stations:
        check_choice(args.stations)
    span = span_of(args)
    request = Request(
        stations=args.stations or "",
        sample=sample,
        start=str(span.start),
        end=str(span.end),
        interval="hourly" if args.hourly else "daily",
        units=args.units,
        items=tuple(part.strip() for part in args.items.split(",")) if args.items else (),
        refetch=args.refetch,
    )
    request.item_set()  # unknown items are the caller's mistake: say so before anything is fetched
    return request


def station_year(args: Namespace, now: float) -> Request:
    """The request of `ingest` and `fetch`: one station and year, fetched again whatever the store holds."""
    span = parse_years(str(args.year))
    today = agency_today(now)
    if span.start >= today:
        raise UsageError(f"{args.year} has not begun", hint=f"the record ends yesterday, before {today}")
    return Request(
        stations=str(args.station),
        start=str(span.start),
        end=str(min(span.end, date(args.year, 12, 31))),
        interval="hourly" if args.hourly else "daily",
        refetch=True,
    )
