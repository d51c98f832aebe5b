"""A seeded catalog beside the seeded journal: what a store held before the run, in every state a chunk can be in.

The files of the chunks are left out: what is shown of them comes from the catalog.
"""

from __future__ import annotations

import contextlib
import random
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import msgspec
from tui_journal import NAMES, START, _ref, numbers

from cimis_engine.model.batch import Covered
from cimis_engine.model.items import Interval, UnitSystem, items_of
from cimis_engine.model.period import slots_in_year
from cimis_engine.model.qc import GOOD, PENDING
from cimis_engine.model.station import Station
from cimis_engine.store.catalog import ChunkEntry
from cimis_engine.store.revisions import Change, Superseded
from cimis_engine.store.store import Store

DAILY, HOURLY = Interval.DAILY, Interval.HOURLY


def entry(station: int, interval: Interval, year: int, rng: random.Random) -> ChunkEntry:
    """A chunk as a fetch of the whole year leaves it, with a gap now and then."""
    size, items = slots_in_year(interval, year), len(items_of(interval))
    gap = rng.randrange(1, size - 20)
    absent = ((gap, gap + rng.randrange(1, 12)),) if rng.random() < 0.25 else ()
    records = size - sum(b - a + 1 for a, b in absent)
    raw = records * (6 + 3 * items)
    digest = f"{rng.getrandbits(256):064x}"
    return ChunkEntry(
        station=station,
        interval=interval,
        year=year,
        units=UnitSystem.METRIC,
        codec=2,
        items=items,
        records=records,
        nulls=rng.randrange(40),
        first_slot=1,
        last_slot=size,
        raw_bytes=raw,
        stored_bytes=int(raw / rng.uniform(7.4, 9.3)),
        digest=digest,
        artifact_digest=digest[::-1],
        covered=(Covered(1, size, (1 << items) - 1),),
        absent=absent,
        pending=(),
        written_at=START - rng.randrange(86_400, 40_000_000),
    )


def directory(root: Path, extra: int = 0) -> None:
    """The journal's stations and `extra` others, each with its life."""
    rng = random.Random(3)
    found = []
    for place, number in enumerate(numbers(len(NAMES) + extra)):
        ref = _ref(number, NAMES[place % len(NAMES)])
        end = date(rng.randrange(2008, 2016), 5, 20) if rng.random() < 0.15 and place > 30 else None
        born = date(rng.choice((1982, 1983, 1985, 1990, 1996, 2001)), rng.randrange(1, 13), 10)
        found.append(
            Station(
                *(number, ref.name, "", ref.county, "", born, end, True, 300, "Grass", ref.latitude, ref.longitude),
            )
        )
    document = {"base_url": "u", "fetched_at": START, "stations": found}
    root.mkdir(parents=True, exist_ok=True)
    (root / "stations.json").write_bytes(msgspec.json.encode(document))


def stored(root: Path, *, extra: int = 0) -> Path:
    """Write catalog and directory of a data directory: most stations from 1990 to 2015, hourly ones from 2012."""
    directory(root, extra)
    rng = random.Random(11)
    entries: list[ChunkEntry] = []
    for number in numbers(len(NAMES) + extra):
        first = rng.choice((1990, 1990, 1994, 2003))
        last = rng.choice((2014, 2015, 2015, 2016))
        entries += [entry(number, DAILY, year, rng) for year in range(first, last + 1) if rng.random() > 0.03]
        entries += [entry(number, HOURLY, year, rng) for year in range(2012, last + 1)]
    # The last chunk of each was fetched before its year was over; some of its values were pending.
    for place, one in enumerate(entries):
        if one.year == 2014 and one.station % 4 == 0:
            size = slots_in_year(one.interval, 2014)
            upto = size * 2 // 3
            entries[place] = replace(one, covered=(Covered(1, upto, one.covered[0].mask),), absent=())
        elif one.year == 2015 and one.station % 3 == 2 and rng.random() < 0.4:
            size = slots_in_year(one.interval, 2015)
            entries[place] = replace(one, pending=((size - size // 12, size),))
    superseded = [revised(one, rng) for one in entries if rng.random() < 0.02]
    with contextlib.closing(Store.create(root)) as store:
        store.catalog.commit(entries, superseded)
    return root


def revised(one: ChunkEntry, rng: random.Random) -> Superseded:
    """What the agency changed of a chunk: one value in each of a few adjoining slots, and one flag that was settled."""
    first = rng.randrange(2, 300)
    old, new = Decimal("12.4"), Decimal("12.9")
    changes = [Change(first + n, 3, old, GOOD, new, GOOD) for n in range(rng.randrange(2, 30))]
    settled = Change(first - 1, 3, old, PENDING, old, GOOD)
    return Superseded(one.key, one.units, "f" * 64, (settled, *changes), START - 5000, "1120-0300-aaaa")
