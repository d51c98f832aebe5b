"""From a request to a plan: the station directory (fetched, or cached in the data directory) and the store's gaps."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import msgspec

from cimis_engine.clock import Clock, SystemClock
from cimis_engine.errors import UsageError
from cimis_engine.fetch.api import StationWebApi
from cimis_engine.fetch.page import fetch_directory
from cimis_engine.fetch.retry import RetryPolicy
from cimis_engine.fetch.transport import Slot, ssl_context
from cimis_engine.model.items import Interval
from cimis_engine.model.plan import OpenSlots, Plan, build_plan, plan_jobs
from cimis_engine.model.station import Station, by_number, parse_station_numbers
from cimis_engine.run.spec import Request, Settings
from cimis_engine.run.update import stale_slots
from cimis_engine.store.store import Store

DIRECTORY_MAX_AGE = 7 * 86400.0
_FILE = "stations.json"


class _CachedDirectory(msgspec.Struct, frozen=True):
    base_url: str
    fetched_at: float
    stations: list[Station]


async def load_directory(
    data_dir: Path, settings: Settings, key: str, clock: Clock | None = None, *, refresh: bool = False
) -> tuple[Station, ...]:
    """The station directory of the API at `settings.base_url`, at most a week old; cached as `stations.json`.

    Raises `ApiError` when it is needed and cannot be had.
    """
    clock = clock or SystemClock()
    path = data_dir / _FILE
    if not refresh and (cached := _cached(path)):
        fresh = cached.base_url == settings.base_url and clock.time() - cached.fetched_at < DIRECTORY_MAX_AGE
        if fresh:
            return tuple(cached.stations)
    slot = Slot(
        context=ssl_context(Path(settings.ca_file) if settings.ca_file else None),
        key=key,
        clock=clock,
        gzip=settings.gzip,
        connect_timeout=settings.connect_timeout,
        read_timeout=settings.read_timeout,
        attempt_timeout=settings.attempt_timeout,
    )
    try:
        policy = RetryPolicy(settings.max_attempts, settings.backoff_base, budget=settings.page_budget)
        stations = await fetch_directory(slot, StationWebApi(settings.base_url), policy, clock, random.Random())
    finally:
        await slot.aclose()
    if data_dir.is_dir():
        temp = path.with_name(f".{_FILE}.{os.getpid()}.tmp")
        temp.write_bytes(msgspec.json.encode(_CachedDirectory(settings.base_url, clock.time(), list(stations))))
        temp.replace(path)
    return stations


def known_directory(data_dir: Path) -> tuple[Station, ...]:
    """The station directory last fetched into a data directory, however old; empty if there is none."""
    cached = _cached(data_dir / _FILE)
    return tuple(cached.stations) if cached else ()


def _cached(path: Path) -> _CachedDirectory | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_CachedDirectory)
    except (OSError, msgspec.DecodeError):
        return None


def choose_stations(request: Request, directory: Sequence[Station]) -> tuple[tuple[Station, ...], tuple[str, ...]]:
    """The stations of a request, and notes on those left out.

    `all` is the whole directory; `sample` N its first N that existed throughout the span. Of a range (`1-10`), numbers
    the directory lacks are skipped with a note; one named alone is an error. Raises `UsageError`.
    """
    known = by_number(directory)
    if request.sample:
        span = request.span
        alive = [s for s in known.values() if s.connect <= span.start and (s.disconnect or date.max) >= span.end]
        if len(alive) < request.sample:
            raise UsageError(
                f"only {len(alive)} stations existed throughout {span}; --sample asks for {request.sample}"
            )
        return tuple(alive[: request.sample]), ()
    if request.stations.strip().lower() == "all":
        return tuple(known.values()), ()
    numbers = parse_station_numbers(request.stations)
    named = {int(part) for part in request.stations.split(",") if part.strip().isdigit()}
    unknown = [n for n in numbers if n not in known]
    # An update names what is stored; that the agency has dropped a station must not stop it.
    if request.update_since is None and (wrong := [n for n in unknown if n in named]):
        raise UsageError(f"no station {wrong[0]} in the directory", hint="station numbers are on cimis.water.ca.gov")
    notes = (f"not in the station directory: {', '.join(map(str, unknown))}",) if unknown else ()
    return tuple(known[n] for n in numbers if n in known), notes


def make_plan(
    store: Store | None, request: Request, directory: Sequence[Station], today: date, cap: int | None = None
) -> Plan:
    """What is to be fetched for a request; without a store, or with `refetch`, everything. Raises `UsageError`.

    `cap`: records a page may ask for (see `caps`), None for the default.
    """
    interval, units, items = Interval(request.interval), request.unit_system, request.item_set()
    if request.jobs:
        return plan_jobs(request.jobs, directory, today=today, cap=cap)
    stations, notes = choose_stations(request, directory)
    open_slots: OpenSlots = _everything
    if store is not None and request.update_since is not None:
        open_slots = stale_slots(store.entry, request, {s.number for s in stations if s.active}, today)
    elif store is not None and not request.refetch:
        open_slots = store.open_slots(units, items, interval)
    plan = build_plan(
        stations,
        interval=interval,
        span=request.span,
        units=units,
        items=items,
        today=today,
        open_slots=open_slots,
        cap=cap,
    )
    return replace(plan, notes=notes + plan.notes)


def _everything(station: int, year: int, wanted: range) -> range:
    return wanted
