"""From a request to a plan: the stations that are meant, and what of them the store lacks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from cimis_engine.errors import UsageError
from cimis_engine.model.choice import choose
from cimis_engine.model.items import Interval
from cimis_engine.model.plan import OpenSlots, Plan, build_plan, plan_jobs
from cimis_engine.model.station import Station, by_number
from cimis_engine.run.spec import Request
from cimis_engine.run.update import stale_slots
from cimis_engine.store.store import Store


def choose_stations(request: Request, directory: Sequence[Station]) -> tuple[tuple[Station, ...], tuple[str, ...]]:
    """The stations of a request, and notes on those left out.

    `sample` N is the directory's first N that existed throughout the span; otherwise `model.choice` says who is meant.
    Raises `UsageError`.
    """
    if request.sample:
        known, span = by_number(directory), request.span
        alive = [s for s in known.values() if s.connect <= span.start and (s.disconnect or date.max) >= span.end]
        if len(alive) < request.sample:
            raise UsageError(
                f"only {len(alive)} stations existed throughout {span}; --sample asks for {request.sample}"
            )
        return tuple(alive[: request.sample]), ()
    # An update names what is stored; that the agency has dropped a station must not stop it.
    choice = choose(request.stations, directory, strict=request.update_since is None)
    missing = ", ".join(map(str, choice.absent))
    return choice.stations, (f"not in the station directory: {missing}",) if missing else ()


def make_plan(
    store: Store | None,
    request: Request,
    directory: Sequence[Station],
    today: date,
    cap: int | None = None,
    *,
    directory_warning: str = "",
) -> Plan:
    """What is to be fetched for a request; without a store, or with `refetch`, everything. Raises `UsageError`.

    `cap`: records a page may ask for (see `caps`), None for the default. `directory_warning` is told first.
    """
    interval, units, items = Interval(request.interval), request.unit_system, request.item_set()
    told = (directory_warning,) if directory_warning else ()
    if request.jobs:
        plan = plan_jobs(request.jobs, directory, today=today, cap=cap)
        return replace(plan, notes=told + plan.notes)
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
    return replace(plan, notes=told + notes + plan.notes)


def _everything(station: int, year: int, wanted: range) -> range:
    return wanted
