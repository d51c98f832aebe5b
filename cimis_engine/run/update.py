"""What `cimis update` asks for again: what the agency may have changed since, and the days that have passed. Pure.

Of every stored chunk: slots with a value still pending (flag P), stored slots of the last days, and, while the station
is active, what follows its last stored slot up to yesterday or the end of the year. An active station's new year is
begun if the year before is stored. Years that nobody fetched stay so.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import date, timedelta

from cimis_engine.model.batch import Covered
from cimis_engine.model.items import Interval, UnitSystem, items_of
from cimis_engine.model.period import Span
from cimis_engine.model.plan import OpenSlots
from cimis_engine.run.spec import Request
from cimis_engine.store.catalog import ChunkEntry

EntryOf = Callable[[int, Interval, int], ChunkEntry | None]


def mask_of(covered: Iterable[Covered]) -> int:
    """The items a chunk was asked for, as bits of their codes."""
    mask = 0
    for part in covered:
        mask |= part.mask
    return mask


def update_requests(
    entries: Iterable[ChunkEntry], *, stations: Collection[int] | None, since: int, today: date
) -> list[Request]:
    """One request for each interval, unit system and set of items that is stored of the stations (None: of any).

    `since` is in days. A run has one of each, and a chunk keeps the items it has.
    """
    groups: dict[tuple[Interval, UnitSystem, int], list[ChunkEntry]] = {}
    for entry in entries:
        if stations is None or entry.station in stations:
            groups.setdefault((entry.interval, entry.units, mask_of(entry.covered)), []).append(entry)
    yesterday = today - timedelta(days=1)
    return [
        Request(
            stations=",".join(map(str, sorted({e.station for e in group}))),
            start=str(date(min(e.year for e in group), 1, 1)),
            end=str(yesterday),
            interval=interval.value,
            units=units.value,
            items=tuple(i.slug for i in items_of(interval) if mask >> i.code & 1),
            update_since=since,
        )
        for (interval, units, mask), group in groups.items()
        if mask and min(e.year for e in group) <= yesterday.year
    ]


def stale_slots(entry_of: EntryOf, request: Request, active: Collection[int], today: date) -> OpenSlots:
    """For the planner: (station, year, wanted slots) → the smallest range that holds all that is to be asked again."""
    interval, units = Interval(request.interval), request.unit_system
    mask = sum(1 << item.code for item in request.item_set())
    yesterday = today - timedelta(days=1)
    recent = Span(today - timedelta(days=request.update_since or 0), today)

    def ours(entry: ChunkEntry | None) -> bool:
        return entry is not None and entry.units is units and mask_of(entry.covered) == mask

    def stale(station: int, year: int, wanted: range) -> range | None:
        entry = entry_of(station, interval, year)
        if entry is None:
            begun = station in active and year == yesterday.year and ours(entry_of(station, interval, year - 1))
            return wanted if begun else None
        if not ours(entry):
            return None
        last = entry.covered[-1].last
        window = recent.slot_range(interval, year)
        runs = [range(a, b + 1) for a, b in entry.pending]
        runs += [range(max(c.first, window.start), min(c.last + 1, window.stop)) for c in entry.covered]
        runs += [range(last + 1, wanted.stop)] if station in active else []
        found = [r for run in runs if (r := range(max(run.start, wanted.start), min(run.stop, wanted.stop)))]
        return range(min(r.start for r in found), max(r.stop for r in found)) if found else range(0)

    return stale
