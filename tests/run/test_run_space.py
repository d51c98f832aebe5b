"""Free disk against the plan: by the store's own chunks, else by what format V1 took of recorded data."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from cimis_engine.model.items import DAILY_ITEMS, HOURLY_ITEMS, Interval, UnitSystem
from cimis_engine.model.period import parse_years
from cimis_engine.model.plan import Plan, build_plan
from cimis_engine.model.station import Station
from cimis_engine.run.space import MARGIN_BYTES, DiskSpaceError, free_bytes, require_space, space_for
from cimis_engine.store.catalog import ChunkEntry


def plan(interval: Interval = Interval.DAILY, *, items: int = 14, years: str = "2024") -> Plan:
    return build_plan(
        [Station(2, "x", "", "", "", date(1982, 6, 7), None, True, 0, "", None, None)],
        interval=interval,
        span=parse_years(years),
        units=UnitSystem.METRIC,
        items=(DAILY_ITEMS if interval is Interval.DAILY else HOURLY_ITEMS)[:items],
        today=date(2026, 1, 1),
        open_slots=lambda station, year, wanted: wanted,
    )


CHUNK = ChunkEntry(
    station=2, interval=Interval.DAILY, year=2020, units=UnitSystem.METRIC, codec=1, items=10, records=366, nulls=0,
    first_slot=1, last_slot=366, raw_bytes=1, stored_bytes=7320, digest="", artifact_digest="", covered=(),
    absent=(), pending=(), written_at=0.0,
)  # fmt: skip


def test_an_empty_store_is_estimated_by_what_recorded_data_took() -> None:
    assert space_for(plan(), [], 0).bytes_a_record == pytest.approx(11.5)
    assert space_for(plan(Interval.HOURLY, items=13), [], 0).bytes_a_record == pytest.approx(7.0)
    found = space_for(plan(), [], 0)
    assert (found.estimated, found.measured) == (round(366 * 11.5) + 8192, False)


def test_a_store_is_estimated_by_its_own_chunks_of_the_interval() -> None:
    found = space_for(plan(items=20), [CHUNK, replace(CHUNK, interval=Interval.HOURLY, stored_bytes=1)], 0)
    assert (found.bytes_a_record, found.measured) == (pytest.approx(40.0), True)
    assert space_for(plan(Interval.HOURLY, items=13), [CHUNK], 0).measured is False
    assert space_for(plan(), [replace(CHUNK, records=0)], 0).measured is False


def test_a_run_without_room_is_refused_with_both_figures() -> None:
    work = plan(years="2015-2024")
    needed = space_for(work, [], 0).needed
    assert needed > MARGIN_BYTES + space_for(work, [], 0).estimated
    require_space(work, [], Path("D"), lambda path: needed)
    with pytest.raises(DiskSpaceError, match=r"not enough room in D: about 50 MB needed, 10 MB free") as caught:
        require_space(work, [], Path("D"), lambda path: 10_000_000)
    assert (caught.value.needed, caught.value.free, caught.value.exit_code) == (needed, 10_000_000, 5)
    assert "--data-dir" in caught.value.hint


def test_nothing_to_fetch_needs_no_room() -> None:
    nothing = replace(plan(), jobs=())
    require_space(nothing, [], Path("D"), lambda path: 0)


def test_room_is_looked_for_where_the_directory_would_be_made(tmp_path: Path) -> None:
    assert free_bytes(tmp_path / "not" / "there" / "yet") > 0
