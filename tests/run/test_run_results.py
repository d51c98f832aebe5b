"""The table of results: rows that are written where they are read, and columns that do not grow while they fill."""

from __future__ import annotations

import tracemalloc

import pytest

from cimis_engine.fetch.phases import PHASES
from cimis_engine.run.results import Results


def planned(years: int = 3) -> Results:
    results = Results()
    results.plan(2, range(2000, 2000 + years), "d2", [366] * years)
    return results


def test_a_planned_result_knows_nothing_but_what_is_expected() -> None:
    result = planned()[2, 2001]
    assert (result.station, result.year, result.job, result.expected) == (2, 2001, "d2", 366)
    assert (result.success, result.records, result.missing_slots, result.digest, result.changed) == (
        None,
        0,
        (),
        "",
        False,
    )
    assert result.timings == dict.fromkeys(PHASES)


def test_a_result_is_its_row() -> None:
    results = planned()
    one, same, other = results[2, 2001], results[2, 2001], results[2, 2002]
    one.records += 300
    one.success = True
    one.spend((("ttfb", 1.5),))
    one.spend((("ttfb", 2.0),))
    assert (same.records, same.success, same.timings["ttfb"]) == (300, True, 3.5)
    assert (other.records, other.success, other.timings["ttfb"]) == (0, None, None)


def test_all_of_them_in_the_order_of_the_plan() -> None:
    results = planned()
    results.plan(1, [1999], "d1", [10])
    results[1, 1999].fail("store", "the disk is full", "make room")
    assert list(results) == [(2, 2000), (2, 2001), (2, 2002), (1, 1999)]
    assert len(results) == 4
    assert list(results.rows("success", "missing")) == [
        *(((2, year), None, 0) for year in (2000, 2001, 2002)),
        ((1, 1999), False, 0),
    ]
    with pytest.raises(KeyError):
        results[1, 2000]


def test_a_year_of_two_jobs_is_the_later_one_s() -> None:
    results = planned()
    results.plan(2, [2002, 2003], "d2b", [100, 366])
    assert len(results) == 4
    assert [(r.job, r.expected) for r in results.values()] == [("d2", 366), ("d2", 366), ("d2b", 100), ("d2b", 366)]


def test_filling_takes_no_memory_but_for_its_texts() -> None:
    count = 1000
    results = planned(count)
    tracemalloc.start()
    try:
        for n, result in enumerate(results.values()):
            result.success, result.records, result.missing, result.nulls = True, 8000 + n, 700 + n, 300 + n
            result.raw_bytes, result.stored_bytes, result.total_ms = 400_000 + n, 50_000 + n, n / 7
            result.spend((phase, n / 3) for phase in PHASES)
        numbers = tracemalloc.get_traced_memory()[0]
        for n, result in enumerate(results.values()):
            result.digest, result.path = f"{n:064x}", f"data/stations/002/{n}_hourly.zst"
        texts = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert numbers / count < 10
    assert texts / count < 250
