"""The estimated time: from the journal of the newest run that fits, else the documented assumption."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from cimis_engine.model.items import DAILY_ITEMS, Interval, UnitSystem
from cimis_engine.model.period import parse_years
from cimis_engine.model.plan import Plan, build_plan
from cimis_engine.model.station import Station
from cimis_engine.run import events as ev
from cimis_engine.run.pace import ASSUMED, Pace, estimated_seconds, measured_pace

URL = "https://et.water.ca.gov"


def plan(stations: int) -> Plan:
    return build_plan(
        [Station(n, "x", "", "", "", date(1982, 6, 7), None, True, 0, "", None, None) for n in range(1, stations + 1)],
        interval=Interval.DAILY,
        span=parse_years("2023"),
        units=UnitSystem.METRIC,
        items=DAILY_ITEMS,
        today=date(2026, 1, 1),
        open_slots=lambda station, year, wanted: wanted,
    )


def journal(data_dir: Path, run_id: str, age: int, pages: list[tuple[float, float, int]], **started: str) -> None:
    """A run of `pages`: total and read milliseconds, records. `age`: larger is older."""
    first = {"base_url": URL, "interval": "daily"} | started
    events: list[ev.Event] = [
        ev.RunStarted(
            run_id=run_id, pid=1, version="", command="backfill", data_dir="", units="M", items=29, start="", end="",
            concurrency=4, max_attempts=3, stations=[], jobs=[], stored=0, notes=[], **first,
        ),
        *(
            ev.AttemptFinished(
                job="j", station=2, page=n, attempt=1, status=200, reused=False, wire_bytes=1, decoded_bytes=1,
                content_encoding="gzip", records=records, timings=ev.Timings(read=read, total=total),
            )
            for n, (total, read, records) in enumerate(pages, 1)
        ),
    ]  # fmt: skip
    path = data_dir / "runs" / run_id / "events.jsonl"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"".join(ev.encode(ev.Stamped(n, 1.0, e)) for n, e in enumerate(events, 1)) + b'{"torn')
    os.utime(path, ns=(10**18 - age, 10**18 - age))


def test_without_runs_the_time_is_assumed(tmp_path: Path) -> None:
    assert measured_pace(tmp_path, URL, Interval.DAILY) == ASSUMED
    assert estimated_seconds(plan(9), 4, ASSUMED) == pytest.approx(3 * 1.2)
    assert ASSUMED.measured is False


def test_the_newest_run_that_fits_is_what_is_measured(tmp_path: Path) -> None:
    journal(tmp_path, "old", 5, [(5000.0, 0.0, 10)])
    journal(tmp_path, "fits", 4, [(1100.0, 100.0, 1000), (1300.0, 200.0, 1000), (9000.0, 0.0, 0), (1000.0, 0.0, 1000)])
    journal(tmp_path, "hourly", 3, [(1.0, 0.0, 10)], interval="hourly")
    journal(tmp_path, "elsewhere", 2, [(1.0, 0.0, 10)], base_url="http://127.0.0.1:9")
    journal(tmp_path, "nothing came", 1, [])
    pace = measured_pace(tmp_path, URL, Interval.DAILY)
    assert pace == Pace(page_ms=1000.0, record_ms=0.1, pages=3, run_id="fits")
    assert estimated_seconds(plan(9), 4, pace) == pytest.approx(3 * (1.0 + 0.365 * 0.1))


def test_the_port_of_a_simulator_does_not_matter(tmp_path: Path) -> None:
    journal(tmp_path, "demo", 1, [(20.0, 0.0, 10)], base_url="http://127.0.0.1:4000")
    assert measured_pace(tmp_path, "http://127.0.0.1:5000", Interval.DAILY).run_id == "demo"


def test_nothing_to_fetch_takes_no_time() -> None:
    assert estimated_seconds(replace(plan(1), jobs=()), 4, ASSUMED) == 0.0
