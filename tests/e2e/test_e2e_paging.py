"""Paging against the real simulator: what a dry run lists is what is asked for; caps are learned once, and kept."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from conftest import Run, chunks, journal

from cimis_engine.simulator.process import SimulatorProcess, start_simulator

Asked = list[tuple[int, str, str, int]]


def asked(simulator: SimulatorProcess, since: int = 0) -> Asked:
    """Station, dates and status of the requests for data from the `since`-th request on."""
    log = [e for e in simulator.log()[since:] if "GetDataByStationNumber" in e["path"]]
    return [(int(e["station"]), e["start"], e["end"], e["status"]) for e in log]


def planned(document: dict[str, Any]) -> list[tuple[int, str, str]]:
    return [(p["station"], p["start"], p["end"]) for p in document["page_list"]]


@pytest.mark.parametrize(
    "what",
    ["--stations 2,5,10 --years 1982-2024", "--stations 2 --start 2022-11-20 --end 2024-03-05 --hourly"],
    ids=["daily", "hourly"],
)
def test_the_pages_of_a_dry_run_are_the_requests_that_follow(cimis: Run, tmp_path: Path, what: str) -> None:
    command = ["backfill", *what.split(), "--headless", "--data-dir", "D"]
    with start_simulator([]) as simulator:
        # Something is stored already: the plan must leave it out.
        stored = "backfill --stations 2 --start 2023-01-01 --end 2023-09-30 --headless --data-dir D".split()
        cimis(*stored, *([] if "--hourly" not in what else ["--hourly"]), on=simulator)
        since = len(simulator.log())
        plan = json.loads(cimis(*command, "--dry-run", "--json", on=simulator).stdout)
        assert asked(simulator, since) == [], "a dry run asks for no data"
        cimis(*command, "--concurrency", "1", on=simulator)
        requests = asked(simulator, since)
    assert planned(plan) == [r[:3] for r in requests]
    assert {r[3] for r in requests} == {200}
    assert plan["pages"] == len(plan["page_list"]) == len(requests)
    assert plan["records"] == sum(p["records"] for p in plan["page_list"])
    started = next(e for e in reversed(journal(tmp_path / "D")) if e["kind"] == "run.started")
    assert [j["job"] for j in started["jobs"]] == list(dict.fromkeys(p["job"] for p in plan["page_list"]))


def test_a_cap_is_learned_from_one_refusal_and_the_next_run_plans_with_it(cimis: Run, tmp_path: Path) -> None:
    base = "backfill --stations 2,5,6,7 --headless --concurrency 1 --data-dir".split()
    with start_simulator(["--cap-daily", "800"]) as simulator:
        first = cimis(*base, "D", "--years", "2015-2018", on=simulator)
        assert "at most 800 daily records a request" in first.stderr
        requests = asked(simulator)
        assert [r for r in requests if r[3] == 400] == [(2, "2015-01-01", "2018-12-31", 400)]
        assert [r[1:3] for r in requests if r[0] == 7] == [("2015-01-01", "2016-12-31"), ("2017-01-01", "2018-12-31")]
        assert len(requests) == 1 + 4 * 2, "no more pages than 1,461 days in pages of 800 need"
        since = len(simulator.log())
        again = [*base, "D", "--years", "2015-2022"]
        plan = json.loads(cimis(*again, "--dry-run", "--json", on=simulator).stdout)
        assert plan["records_a_page"] == 800
        cimis(*again, on=simulator)
        assert [r[:3] for r in asked(simulator, since)] == planned(plan)
        assert {r[3] for r in asked(simulator, since)} == {200}
        fixed = json.loads(
            cimis(*again, "--refetch", "--dry-run", "--json", on=simulator, CIMIS_CAP_DAILY="365").stdout
        )
        assert fixed["records_a_page"] == 365
    with start_simulator([]) as simulator:
        cimis(*base, "E", "--years", "2015-2022", on=simulator)
    assert chunks(tmp_path / "D") == chunks(tmp_path / "E")
    (cap,) = sqlite3.connect(tmp_path / "D" / "metadata.sqlite3").execute("SELECT interval, records FROM caps")
    assert cap == ("daily", 800)


def test_a_cap_that_is_not_named_is_found_by_halving(cimis: Run, tmp_path: Path) -> None:
    base = "backfill --stations 2,5,6 --years 2015-2018 --headless --concurrency 1 --data-dir".split()
    with start_simulator(["--cap-daily", "500", "--cap-unsaid"]) as simulator:
        cimis(*base, "D", on=simulator)
        requests = asked(simulator)
        # 1,461 days are refused, so 730 are tried, and once that is refused, 365: 1,461 days in 5 pages.
        assert [r for r in requests if r[3] == 400] == [
            (2, "2015-01-01", "2018-12-31", 400),
            (2, "2017-01-01", "2018-12-31", 400),
        ]
        assert [sum(r[0] == n and r[3] == 200 for r in requests) for n in (2, 5, 6)] == [4, 5, 5]
    with start_simulator([]) as simulator:
        cimis(*base, "E", on=simulator)
    assert chunks(tmp_path / "D") == chunks(tmp_path / "E")


def test_a_refused_hourly_year_is_cut_in_as_few_pages_as_its_cap_allows(
    cimis: Run, simulator: SimulatorProcess
) -> None:
    with start_simulator(["--cap-hourly", "3000"]) as small:
        cimis(*"backfill --stations 2 --years 2023 --hourly --headless --concurrency 1".split(), on=small)
        requests = asked(small)
    assert [r[3] for r in requests] == [400, 200, 200, 200], "365 days of 24 hours in pages of 125 days"


def test_a_dry_run_says_what_it_rests_on_and_makes_nothing(
    cimis: Run, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    done = cimis(*"backfill --stations 2 --years 2023-2024 --dry-run -v --data-dir D".split(), on=simulator)
    assert "Estimated time: 1.20s (assuming 1.2 s a page, 4 at a time)" in done.stdout
    assert "B a record, assumed)" in done.stdout and "needed, margin included" in done.stdout
    assert "station 002  2023-01-01..2024-12-31  731 records" in done.stderr
    assert not (tmp_path / "D").exists()
    demo = cimis(*"demo --sample 3 --years 2023 --dry-run --json --data-dir E".split(), on=simulator)
    assert json.loads(demo.stdout)["pages"] == 3
    assert not (tmp_path / "E").exists()
    cimis(*"backfill --stations 2 --years 2024 --headless --data-dir D".split(), on=simulator)
    plan = json.loads(
        cimis(*"backfill --stations 2 --years 2023 --dry-run --json --data-dir D".split(), on=simulator).stdout
    )
    assert plan["estimated_from"]["measured"] is True and plan["estimated_from"]["pages"] == 1
    assert plan["bytes_from"]["measured"] is True
    assert plan["enough_space"] is True and plan["needed_bytes"] > plan["estimated_bytes"] > 0
    jsonl = cimis(*"backfill --stations 2 --years 2023 --dry-run --jsonl --data-dir D".split(), on=simulator, code=2)
    assert "no events" in jsonl.stderr
