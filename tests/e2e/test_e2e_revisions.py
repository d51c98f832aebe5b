"""History is revised: what `update` and `--refetch` find equals, value by value, what the simulator was told to change.

The expected revisions are computed from the simulator's weather itself, with and without `revise`, as the agency shows
it on the two days (`as_of`: pending flags become final); nothing of the client takes part.
"""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from conftest import Run, chunks, journal

from cimis_engine.model.items import DAILY_ITEMS, HOURLY_ITEMS, Interval, UnitSystem
from cimis_engine.model.period import Span, slot_of
from cimis_engine.model.qc import flag_text
from cimis_engine.simulator import render
from cimis_engine.simulator.process import SimulatorProcess, start_simulator
from cimis_engine.simulator.source import Now, as_of
from cimis_engine.simulator.stations import stations
from cimis_engine.simulator.weather import Weather
from cimis_engine.store.query import query
from cimis_engine.store.store import Store

SEED, REVISE = 1, 5
FIRST, SECOND = date(2024, 6, 20), date(2024, 6, 29)
STATIONS = {s.number: s for s in stations()}
Cell = tuple[Decimal | None, str | None]
Cells = dict[tuple[int, Interval, int, int, str], Cell]
Row = tuple[int, Interval, int, int, str, Decimal | None, str | None, Decimal | None, str | None]


def agency(
    number: int, interval: Interval, span: Span, now: date, revise: int | None, units: UnitSystem = UnitSystem.METRIC
) -> Cells:
    """What the agency shows of a station's slots on a day, by station, interval, year, slot and item."""
    cells: Cells = {}
    station = STATIONS[number]
    for year in span.years:
        data = Weather(SEED, revise).station_year(station, interval, year)
        for item in DAILY_ITEMS if interval is Interval.DAILY else HOURLY_ITEMS:
            shown = as_of(data.columns[item.slug], item, station, year, Now(now, 12))
            scaled = render.scaled(item, units, shown.values)
            for slot in span.slot_range(interval, year):
                at = slot - 1
                if not data.absent[at]:
                    value = Decimal(int(scaled[at])).scaleb(-render.decimals_of(item, units))
                    flag = flag_text(int(shown.flags[at]))
                    cells[number, interval, year, slot, item.slug] = (value if shown.present[at] else None, flag)
    return cells


def expected(numbers: list[int], interval: Interval, span: Span, **kwargs: Any) -> set[Row]:
    """Every cell of the span that differs between the two days, as rows."""
    rows: set[Row] = set()
    for number in numbers:
        before = agency(number, interval, span, FIRST, None, **kwargs)
        after = agency(number, interval, span, SECOND, REVISE, **kwargs)
        assert before.keys() == after.keys()
        rows |= {(*place, *was, *after[place]) for place, was in before.items() if was != after[place]}
    return rows


def found(data_dir: Path) -> list[Row]:
    return [
        (r.station, r.interval, r.year, r.slot, r.item.slug, r.old_value, r.old_flag, r.new_value, r.new_flag)
        for r in Store.open(data_dir).catalog.revisions()
    ]


def stamps(data_dir: Path) -> dict[str, int]:
    return {str(p): p.stat().st_mtime_ns for p in sorted((data_dir / "stations").rglob("*"))}


def on(day: date) -> dict[str, str]:
    return {"CIMIS_TODAY": str(day)}


def served(day: date, *more: str) -> SimulatorProcess:
    return start_simulator(["--seed", str(SEED), "--now", str(day), *more])


def test_update_finds_exactly_what_the_agency_changed(cimis: Run, tmp_path: Path) -> None:
    numbers, home = [2, 5, 12], tmp_path / "D"
    with served(FIRST) as api:
        base = ("--stations", "2,5,12", "--headless", "--data-dir", "D")
        cimis("backfill", *base, "--years", "2023-2024", on=api, **on(FIRST))
        cimis("backfill", *base[2:], "--stations", "2", "--years", "2024", "--hourly", on=api, **on(FIRST))
    first, before = chunks(home), stamps(home)
    with served(SECOND, "--revise", str(REVISE)) as api:
        would = cimis("update", "--since", "45d", "--dry-run", "--json", "--data-dir", "D", on=api, **on(SECOND))
        planned, untouched = json.loads(would.stdout)["plans"], stamps(home)
        done = cimis("update", "--since", "45d", "--json", "--data-dir", "D", on=api, **on(SECOND))
        told, again = json.loads(done.stdout), stamps(home)
        still = cimis("update", "--json", "--data-dir", "D", on=api, **on(SECOND))
        quiet = json.loads(still.stdout)
    window = Span(SECOND - timedelta(days=45), FIRST - timedelta(days=1))
    daily, hourly = expected(numbers, Interval.DAILY, window), expected([2], Interval.HOURLY, window)
    rows = found(home)
    assert set(rows) == daily | hourly
    assert len(rows) == len(daily | hourly) == told["revised"]
    assert any(r[5] != r[7] for r in daily) and any(r[5] != r[7] for r in hourly), "some values changed, not only flags"
    assert any((r[6], r[8]) == ("P", " ") for r in rows), "and some were settled"

    # Every chunk that was revised is kept as it was, and those it extends end yesterday.
    kept = {p.name: p.read_bytes() for p in home.glob("stations/*/.gen/*")}
    assert sorted(kept.values()) == sorted(data for name, data in first.items() if "2024" in name)
    last = query(Store.open(home), [2], Interval.DAILY, Span(SECOND - timedelta(days=3), SECOND))
    assert [str(day) for _, day, _, _ in last.records()] == ["2024-06-26", "2024-06-27", "2024-06-28"]
    assert untouched == before, "a dry run fetches nothing"
    assert [(p["interval"], p["jobs"]) for p in planned] == [("daily", 3), ("hourly", 1)]
    assert sum(p["records"] for p in planned) == sum(report["total_records"] for report in told["runs"])
    assert sum(report["total_revised"] for report in told["runs"]) == told["revised"]
    finished = [e for e in journal(home) if e["kind"] == "job.finished"]
    assert sum(e["revised"] for e in finished) == told["revised"]

    # The same again changes nothing: no chunk, no generation, no row, no time stamp.
    assert (quiet["changed"], quiet["revised"], still.stderr.splitlines()[-1]) == (0, 0, "nothing changed")
    assert stamps(home) == again
    assert len(found(home)) == len(rows)
    assert cimis("verify", "--data-dir", "D", on=api).stdout.startswith("7 chunks and 4 earlier generations verified")


def test_refetch_finds_every_revision_of_whole_years(cimis: Run, tmp_path: Path) -> None:
    command = "backfill --stations 2,155 --years 2021-2022 --headless --json --units E --data-dir D".split()
    with served(FIRST) as api:
        cimis(*command, on=api, **on(FIRST))
    with served(SECOND, "--revise", str(REVISE)) as api:
        report = json.loads(cimis(*command, "--refetch", on=api, **on(SECOND)).stdout)
    rows = expected([2, 155], Interval.DAILY, Span(date(2021, 1, 1), date(2022, 12, 31)), units=UnitSystem.ENGLISH)
    assert len(rows) > 100
    assert set(found(tmp_path / "D")) == rows
    assert report["total_revised"] == len(rows)
    by_year = {(r["station_id"], r["year"]): r["revised"] for r in report["results"]}
    assert by_year == {(n, y): sum(row[0] == n and row[2] == y for row in rows) for n in (2, 155) for y in (2021, 2022)}


def test_today_is_fetched_counted_and_not_kept(cimis: Run, tmp_path: Path) -> None:
    command = "backfill --stations 2 --start 2024-06-01 --headless --json --data-dir D --end".split()
    with served(FIRST) as api:
        for hourly, slots in (((), 1), (("--hourly",), 24)):
            report = json.loads(cimis(*command, "2024-06-20", *hourly, on=api, **on(FIRST)).stdout)
            (result,) = report["results"]
            assert (result["provisional"], result["expected"], result["missing"]) == (slots, 19 * slots, 0)
            interval = Interval.HOURLY if hourly else Interval.DAILY
            entry = Store.open(tmp_path / "D").catalog.get(2, interval, 2024)
            assert entry is not None
            assert (entry.records, entry.last_slot) == (19 * slots, slot_of(FIRST) * slots - slots)
            assert entry.covered[-1].last == entry.last_slot
        asked = api.stats()["requests"]
        assert json.loads(cimis(*command, "2024-06-20", on=api, **on(FIRST)).stdout)["results"] == []
        assert api.stats()["requests"] == asked, "today alone is no reason to ask"
        alone = "backfill --stations 2 --start 2024-06-20 --end 2024-06-20 --headless --data-dir D".split()
        assert "no complete day" in cimis(*alone, on=api, code=2, **on(FIRST)).stderr
    started = [e for e in journal(tmp_path / "D") if e["kind"] == "page.started"]
    assert {(e["start"], e["end"]) for e in started} == {("2024-06-01", "2024-06-20")}
    with served(FIRST + timedelta(days=1)) as api:
        report = json.loads(cimis(*command, "2024-06-20", on=api, **on(FIRST + timedelta(days=1))).stdout)
    (result,) = report["results"]
    assert (result["expected"], result["provisional"]) == (1, 0)
    held = query(Store.open(tmp_path / "D"), [2], Interval.DAILY, Span(FIRST, FIRST))
    (record,) = held.records()
    day = agency(2, Interval.DAILY, Span(FIRST, FIRST), FIRST + timedelta(days=1), None)
    slots_of_day = {slug: day[2, Interval.DAILY, 2024, slot_of(FIRST), slug] for slug in record[3]}
    assert record[3] == slots_of_day, "the day as it ended, not the one average it began with"


def test_missing_slots_are_named_the_same_everywhere(cimis: Run, tmp_path: Path) -> None:
    with served(FIRST) as api:
        done = cimis(*"backfill --stations 155,166 --years 2015-2016 --headless --json --data-dir D".split(), on=api)
    results = json.loads(done.stdout)["results"]
    absent = {
        (n, y): [
            date(y, 1, 1) + timedelta(days=int(at))
            for at in Weather(SEED).station_year(STATIONS[n], Interval.DAILY, y).absent.nonzero()[0]
            if STATIONS[n].disconnect is None or date(y, 1, 1) + timedelta(days=int(at)) <= STATIONS[n].disconnect
        ]
        for n, y in ((155, 2015), (155, 2016), (166, 2015))
    }
    assert any(absent.values())
    told = {(r["station_id"], r["year"]): r["missing_slots"] for r in results}
    assert told == {key: [{"first": str(d), "last": str(d)} for d in days] for key, days in absent.items()}
    for result in results:
        assert result["expected"] - result["missing"] + result["unexpected"] == result["records"]
    assert {r["year"]: r["unexpected"] for r in results if r["station_id"] == 166} == {2015: 3}, "its afterlife"
    seen = json.loads(cimis(*"coverage --json --data-dir D".split(), on=api).stdout)
    assert {(y["station"], y["year"]): y["missing_slots"] for y in seen["years"]} == told
    lines = cimis(*"coverage --missing --data-dir D".split(), on=api).stdout.splitlines()[1:]
    assert [line.split() for line in lines] == [
        [str(n), str(day), str(day), "missing"] for (n, _), days in sorted(absent.items()) for day in days
    ]
    strict = "backfill --stations 155 --years 2016 --refetch --headless --fail-on missing --data-dir D".split()
    with served(FIRST) as api:
        cimis(*strict, on=api, code=3 if absent[155, 2016] else 0)


def test_an_unknown_day_is_a_usage_error(cimis: Run, simulator: SimulatorProcess) -> None:
    done = cimis(
        *"backfill --stations 2 --years 2024 --headless --data-dir D".split(), on=simulator, code=2, CIMIS_TODAY="soon"
    )
    assert "yyyy-mm-dd" in done.stderr
