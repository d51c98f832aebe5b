"""`stations` and `peek` as a user types them, against the simulator."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from conftest import Run

from cimis_engine.simulator.process import SimulatorProcess, start_simulator

DAYS = ("--start", "2024-06-01", "--end", "2024-06-02")


def test_stations_near_a_place(cimis: Run, simulator: SimulatorProcess) -> None:
    out = cimis("stations", "--near", "38.54,-121.78", "--limit", "3", on=simulator).stdout.splitlines()
    assert [line.split()[0] for line in out] == ["station", "6", "139", "155"]
    assert out[0].split()[-1] == "km" and out[1].split()[-1] == "0.6"
    active = cimis("stations", "--near", "38.54,-121.78", "--active", "--limit", "3", on=simulator).stdout
    assert [line.split()[0] for line in active.splitlines()[1:]] == ["6", "139", "212"]


def test_stations_of_a_county_and_one_that_is_none(cimis: Run, simulator: SimulatorProcess) -> None:
    document = json.loads(cimis("stations", "--county", "santa cruz", "--json", on=simulator).stdout)
    assert [s["station"] for s in document["stations"]] == [3, 4, 104]
    first = document["stations"][0]
    assert (first["connect"], first["disconnect"], first["active"]) == ("1982-05-30", "1986-08-25", False)
    assert (first["eto"], first["elevation_feet"], first["latitude"], first["distance_km"]) == (
        True,
        10,
        36.880556,
        None,
    )
    assert document["schema_version"] == "1.0" and document["base_url"] == simulator.url
    done = cimis("stations", "--county", "Fresna", "--json", on=simulator, code=2)
    assert json.loads(done.stdout)["error"]["hint"] == "did you mean 'Fresno'?"
    assert cimis("stations", "--county", "Tehama", "--active", on=simulator).stdout == ""


def test_the_list_at_hand_needs_neither_key_nor_network(cimis: Run, tmp_path: Path) -> None:
    with start_simulator() as gone:
        cimis("init", "--data-dir", "D", on=gone)
        first = cimis("stations", "--data-dir", "D", on=gone).stdout
        cimis("stations", "--data-dir", "D", "--refresh", on=gone)
        assert gone.stats()["requests"] == 2
    fast = {"CIMIS_BACKOFF_BASE": "0.01", "CIMIS_DATA_DIR": "D"}
    assert cimis("stations", on=gone, CIMIS_APP_KEY="", **fast).stdout == first
    assert "refused" in cimis("stations", "--refresh", on=gone, code=4, **fast).stderr
    kept = json.loads((tmp_path / "D" / "stations.json").read_text())
    (tmp_path / "D" / "stations.json").write_text(json.dumps(kept | {"fetched_at": kept["fetched_at"] - 20 * 86400}))
    old = cimis("stations", "-q", on=gone, **fast)
    assert old.stdout == first and "of 20 days ago" in old.stderr
    line = ("fetch-streaming", "--stations", "active", "--year", "2024", "--dry-run", "-q")
    assert "of 20 days ago" in cimis(*line, on=gone, **fast).stderr


def test_stations_by_word_everywhere(cimis: Run, simulator: SimulatorProcess) -> None:
    line = ("fetch-streaming", "--year", "1986", "--dry-run", "--json", "--stations")
    plans = [json.loads(cimis(*line, who, on=simulator).stdout) for who in ("all", "active", "county:Kern,2")]
    counts = [plan["stations"] for plan in plans]
    assert counts == [56, 47, 6]
    done = cimis("backfill", "--years", "1986", "--stations", "activ", on=simulator, code=2)
    assert "county:NAME" in done.stderr


@pytest.fixture(scope="module", params=["station-web", "legacy"])
def api(request: pytest.FixtureRequest) -> SimulatorProcess:
    with start_simulator(["--seed", "1", "--dialect", request.param]) as running:
        running.dialect = request.param  # type: ignore[attr-defined]
        yield running


def test_peek_prints_and_stores_nothing(cimis: Run, api: SimulatorProcess, tmp_path: Path) -> None:
    def peek(*arguments: str) -> str:
        return cimis("peek", *arguments, *DAYS, on=api, CIMIS_API=api.dialect).stdout  # type: ignore[attr-defined]

    table = peek("--zip", "95616", "--items", "day-air-tmp-avg").splitlines()
    assert table[0].split() == ["place", "date", "air-tmp-avg"]
    assert [line.split()[:4] for line in table[2:]] == [
        ["station", "6", "2024-06-01", "20.8"],
        ["station", "6", "2024-06-02", "20.3"],
    ]
    hourly = json.loads(peek("--zip", "95616", "--hourly", "--json"))
    assert len(hourly["records"]) == 48 and len(hourly["items"]) == 14
    assert hourly["records"][1]["hour"] == "0200" and hourly["records"][1]["station"] == 6
    spatial = json.loads(peek("--coordinates", "38.54,-121.78;36.81,-119.73", "--json"))
    assert [r["coordinate"] for r in spatial["records"]] == ["lat=38.54,lng=-121.78"] * 2 + [
        "lat=36.81,lng=-119.73"
    ] * 2
    assert spatial["records"][0]["kind"] == "spatial" and spatial["records"][0]["station"] is None
    assert spatial["records"][0]["values"]["day-asce-eto"] == {"value": 5.64, "qc": ""}
    (first, _) = csv.DictReader(peek("--address", "1 B St, Davis, CA", "--csv").splitlines())
    assert (first["address"], first["date"], first["day-asce-eto"]) == ("1 B St, Davis, CA", "2024-06-01", "5.64")
    preferred = json.loads(peek("--zip", "95616", "--prefer", "SCS", "--json"))
    assert preferred["records"][0]["zip_codes"] == ["95616"] and len(preferred["items"]) == 2
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ("--zip 99999", 5, ("ERR1031 UNSUPPORTED ZIP CODE", "--coordinates")),
        ("--coordinates 40,-100", 5, ("ERR1034 COORD NOT IN CA", "California only")),
        ("--coordinates 38.5,-121.7 --items day-precip", 5, ("ERR2114", "day-asce-eto and day-sol-rad-avg")),
        ("--address Davis --items day-precip", 5, ("ERR2115", "day-asce-eto and day-sol-rad-avg")),
        ("--zip 95616 --start 2001-01-01", 5, ("ERR2112", "fewer days")),
    ],
)
def test_what_the_api_refuses_is_said_with_a_hint(
    cimis: Run, api: SimulatorProcess, line: str, code: int, words: tuple[str, ...]
) -> None:
    arguments = [*DAYS, *line.split(), "--json"]
    done = cimis("peek", *arguments, on=api, code=code, CIMIS_API=api.dialect)  # type: ignore[attr-defined]
    error = json.loads(done.stdout)["error"]
    assert words[0] in error["message"] and words[1] in error["hint"]


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("--coordinates 38.5,-121.7 --hourly", "daily only"),
        ("--address Davis --start 2023-01-01", "at most 366 days"),
        ("--zip 95616 --prefer SCS --hourly", "daily only"),
        ("--coordinates 38.5,-121.7 --prefer SCS", "--prefer is for --zip"),
        ("--coordinates 38.5,121.7", "not in California"),
        ("--zip 9561", "not a zip code"),
        ("--zip 95616 --address Davis", "not allowed with"),
        ("", "--zip --coordinates --address"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_asked(
    cimis: Run, simulator: SimulatorProcess, line: str, word: str
) -> None:
    before = simulator.stats()["requests"]
    assert word in cimis("peek", *DAYS, *line.split(), on=simulator, code=2).stderr
    assert simulator.stats()["requests"] == before
