from __future__ import annotations

import asyncio
import gzip
import json
import ssl
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest

from cimis_engine.model.items import DAILY_ITEMS, HOURLY_ITEMS

KEY = "CANARY-51d0c3"
PATH = "/StationWeb/GetDataByStationNumber"
ALL_DAILY = ",".join(i.slug for i in DAILY_ITEMS)


def query(station: object = 6, start: str = "2024-01-01", end: str = "2024-01-31", **more: str) -> dict[str, str]:
    asked = {"stationNbrs": str(station), "startDate": start, "endDate": end, "unitOfMeasure": "M", "isHourly": "false"}
    return asked | more


def records(response: httpx.Response) -> list[dict[str, Any]]:
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = response.json()["Data"]["Providers"][0]["Records"]
    return found


@pytest.mark.asyncio
@pytest.mark.parametrize("interval", ["daily", "hourly"])
async def test_records_have_the_shape_of_a_real_body(serve, recordings: Path, interval: str) -> None:
    name = "daily/davis-wy2015.json" if interval == "daily" else "hourly/davis-2014-09.json"
    real_body = json.loads((recordings / name).read_bytes())
    real = real_body["Data"]["Providers"][0]["Records"][0]
    items = [i for i in (*DAILY_ITEMS, *HOURLY_ITEMS) if i.field in real]
    hourly = str(interval == "hourly").lower()
    async with serve() as (_, client):
        params = query(6, real["Date"], real["Date"], isHourly=hourly, dataItems=",".join(i.slug for i in items))
        response = await client.get(PATH, params=params)
    ours = records(response)[0]
    assert list(ours) == list(real)
    for field, value in real.items():
        if isinstance(value, dict):
            assert list(ours[field]) == list(value) and ours[field]["Unit"] == value["Unit"]
            assert isinstance(ours[field]["Qc"], str) and isinstance(ours[field]["Value"], str | None)
        else:
            assert type(ours[field]) is type(value)
            if field != "ZipCodes":
                assert ours[field] == value
    provider, real_provider = (b["Data"]["Providers"][0] for b in (response.json(), real_body))
    assert {k: v for k, v in provider.items() if k != "Records"} == {
        k: v for k, v in real_provider.items() if k != "Records"
    }


@pytest.mark.asyncio
async def test_every_daily_and_hourly_item_is_served_and_the_default_is_fourteen(serve) -> None:
    async with serve() as (_, client):
        day = records(await client.get(PATH, params=query(dataItems=ALL_DAILY)))
        assert len(day) == 31
        assert [k for k in day[0] if k.startswith("Day")] == [i.field for i in DAILY_ITEMS]
        assert len([k for k in records(await client.get(PATH, params=query()))[0] if k.startswith("Day")]) == 14
        hours = records(await client.get(PATH, params=query(end="2024-01-01", isHourly="true")))
        assert [r["Hour"] for r in hours] == [f"{h:02d}00" for h in range(1, 25)]
        assert [k for k in hours[0] if k.startswith("Hly")] == [i.field for i in HOURLY_ITEMS]
        assert all(r["HlyAsceEtr"] == {"Value": None, "Qc": "N", "Unit": "(mm)"} for r in hours)


@pytest.mark.asyncio
async def test_bodies_repeat_and_differ_by_seed(serve) -> None:
    bodies = []
    for seed in (1, 1, 2):
        async with serve(seed=seed) as (_, client):
            bodies.append([(await client.get(PATH, params=query(isHourly=h))).content for h in ("true", "false")])
    assert bodies[0] == bodies[1]
    assert bodies[0][0] != bodies[2][0] and bodies[0][1] != bodies[2][1]


@pytest.mark.asyncio
async def test_several_stations_follow_each_other(serve) -> None:
    async with serve() as (_, client):
        found = records(await client.get(PATH, params=query("2,6", end="2024-01-02")))
    assert [(r["Station"], r["Date"][-2:]) for r in found] == [("2", "01"), ("2", "02"), ("6", "01"), ("6", "02")]


@pytest.mark.asyncio
async def test_a_station_outside_its_life_gives_no_records_and_a_closed_one_ends_in_m(serve) -> None:
    async with serve() as (_, client):
        before = await client.get(PATH, params=query(212, "2005-01-01", "2005-12-31"))
        assert records(before) == []
        assert len(before.content) < 110
        end = records(await client.get(PATH, params=query(166, "2015-03-15", "2015-04-30")))
    assert [r["Date"] for r in end] == [f"2015-03-{d}" for d in range(15, 24)]
    flags = {r["Date"][-2:]: r["DayAirTmpAvg"] for r in end}
    assert flags["20"] == flags["23"] == {"Value": None, "Qc": "M", "Unit": "(C)"}
    assert flags["19"]["Value"] is not None


@pytest.mark.asyncio
async def test_today_has_eto_only_and_the_rest_of_its_hours_are_null(serve) -> None:
    async with serve(now=date(2024, 5, 10)) as (_, client):
        days = records(await client.get(PATH, params=query(6, "2024-05-01", "2024-05-10")))
        hours = records(await client.get(PATH, params=query(6, "2024-05-10", "2024-05-10", isHourly="true")))
    today = {k: v for k, v in days[-1].items() if isinstance(v, dict)}
    assert {k for k, v in today.items() if v["Value"] is not None} == {"DayAsceEto"}
    assert today["DayAsceEto"]["Qc"] == "A"
    assert days[-2]["DayAirTmpAvg"]["Qc"] == "P" and days[0]["DayAirTmpAvg"]["Qc"] != "P"
    assert len(hours) == 24
    assert [r["HlyAirTmp"]["Value"] is None for r in hours] == [False] * 12 + [True] * 12


@pytest.mark.asyncio
async def test_english_values_are_the_metric_ones_converted(serve) -> None:
    async with serve() as (_, client):
        metric, english = [
            records(await client.get(PATH, params=query(dataItems=ALL_DAILY, unitOfMeasure=u))) for u in "ME"
        ]
    for m, e in zip(metric, english, strict=True):
        assert (m["Standard"], e["Standard"]) == ("metric", "english")
        for field, factor, offset, slack in (
            ("DayAirTmpAvg", 1.8, 32, 0.15),
            ("DaySolRadAvg", 1 / 0.484583, 0, 1.6),
            ("DayVapPresAvg", 10, 0, 0.11),
            ("DayWindRun", 0.621371, 0, 0.09),
            ("DayPrecip", 1 / 25.4, 0, 0.006),
        ):
            if m[field]["Value"] is not None:
                expected = float(m[field]["Value"]) * factor + offset
                assert float(e[field]["Value"]) == pytest.approx(expected, abs=slack), field
            assert m[field]["Qc"] == e[field]["Qc"]


ERRORS = [
    (query(end="2026-11-23"), 400, "ERR1010-FUTURE DATE FAULT"),
    (query(start="1982-06-06", end="1982-06-08"), 400, "ERR1011-ORIGIN DATE FAULT"),
    (query(start="2024-02-01"), 400, "ERR1012-DATE ORDER FAULT"),
    (query(9999), 404, "ERR1019-STATION NOT FOUND"),
    (query(unitOfMeasure="X"), 400, "ERR1032-INVALID UNIT OF MEASURE"),
    (query(dataItems="day-nothing"), 404, "ERR1035-DATA ITEM NOT FOUND"),
    (query(dataItems="hly-air-tmp"), 404, "ERR1035-DATA ITEM NOT FOUND"),
    (query("six"), 400, "ERR2006-INVALID TARGET"),
    (query(""), 400, "ERR2006-INVALID TARGET"),
    (query(start="2019-01-01", end="2023-10-17"), 400, "ERR2112-DATA VOLUME VIOLATION"),
    (query(isHourly="true", start="2023-01-01", end="2023-07-29"), 400, "ERR2112-DATA VOLUME VIOLATION"),
]


@pytest.mark.asyncio
async def test_error_bodies(serve) -> None:
    async with serve() as (_, client):
        for params, status, code in ERRORS:
            response = await client.get(PATH, params=params)
            assert response.status_code == status, params
            assert response.text.startswith(f'"[{code}] ') and isinstance(response.json(), str)
        response = await client.get(PATH, params=query(start="yesterday"))
        assert response.status_code == 400 and "Message" in response.json()
        assert (await client.get("/StationWeb/GetStationByStationNumber?stationNbr=9999")).status_code == 404
        assert (await client.get("/nothing")).status_code == 404
        assert (await client.post(PATH)).status_code == 405


@pytest.mark.asyncio
async def test_caps_are_exact_and_can_be_lowered(serve) -> None:
    async with serve() as (_, client):
        assert (await client.get(PATH, params=query(start="2019-01-01", end="2023-10-16"))).status_code == 200
        hourly = query(isHourly="true", start="2023-01-01", end="2023-07-28")
        assert (await client.get(PATH, params=hourly)).status_code == 200
    async with serve(cap_daily=30, cap_hourly=48) as (_, client):
        assert (await client.get(PATH, params=query())).status_code == 400
        assert (await client.get(PATH, params=query(end="2024-01-30"))).status_code == 200
        assert (await client.get(PATH, params=query(end="2024-01-03", isHourly="true"))).status_code == 400
        assert (await client.get(PATH, params=query("2,6", end="2024-01-16"))).status_code == 400


@pytest.mark.asyncio
async def test_keys(serve) -> None:
    header = "Ocp-Apim-Subscription-Key"
    async with serve(key=KEY) as (_, client):
        assert (await client.get(PATH, params=query())).status_code == 200
        for wrong in ({header: "other"}, {header: ""}):
            response = await client.get(PATH, params=query(), headers=wrong)
            assert response.status_code == 401 and response.json()["statusCode"] == 401
    async with serve() as (_, client):
        response = await client.get(PATH, params=query(), headers={header: "revoked"})
        assert response.status_code == 403 and response.text.startswith('"[ERR1006-INVALID APP KEY]')
        legacy = await client.get(PATH, params=query(appKey=KEY))
        assert legacy.status_code == 200 and "Request Rejected" in legacy.text


@pytest.mark.asyncio
async def test_keys_are_never_counted_or_logged(serve) -> None:
    async with serve(faults="mild") as (simulator, client):
        await client.get(PATH, params=query())
        await client.get(PATH, params=query(appKey=KEY))
        await client.get(PATH, params=query(), headers={"Ocp-Apim-Subscription-Key": ""})
        told = [(await client.get(f"/_simulator/{name}", headers={})).text for name in ("stats", "log")]
        assert KEY not in "".join(told)
        assert KEY not in repr([simulator.log, simulator.stats, simulator.tally, simulator._seen])
        entry = json.loads(told[1])[0]
        assert entry["station"] == "6" and entry["status"] is not None
        assert set(entry) == {"t", "path", "station", "start", "end", "fault", "status", "in_flight"}
        assert json.loads(told[0])["requests"] == 3


@pytest.mark.asyncio
async def test_gzip_only_when_asked_and_the_same_bytes_each_time(serve) -> None:
    async with serve() as (simulator, client):
        plain = await client.get(PATH, params=query(), headers={"Accept-Encoding": "identity"})
        assert "content-encoding" not in plain.headers
        raw = []
        for _ in range(2):
            async with client.stream("GET", PATH, params=query()) as response:
                assert response.headers["content-encoding"] == "gzip"
                raw.append(b"".join([part async for part in response.aiter_raw()]))
        assert raw[0] == raw[1] and gzip.decompress(raw[0]) == plain.content
        assert int(plain.headers["content-length"]) == len(plain.content)
        assert simulator.stats["cache_hits"] == 2
        assert simulator.stats["bytes_sent"] == len(plain.content) + 2 * len(raw[0])


@pytest.mark.asyncio
async def test_tls_is_verified_by_the_authority_and_by_no_other(serve) -> None:
    async with serve(tls=True) as (simulator, client):
        assert (await client.get(PATH, params=query())).status_code == 200
        async with httpx.AsyncClient(base_url=simulator.url, trust_env=False) as stranger:
            with pytest.raises(httpx.ConnectError, match=r"(?i)certificate"):
                await stranger.get(PATH, params=query())
        kept = simulator.ca_file
        assert kept is not None and ssl.create_default_context(cafile=str(kept)).cert_store_stats()["x509_ca"] == 1
    assert not kept.exists()


@pytest.mark.asyncio
async def test_connections_are_kept_and_many_at_once_are_counted(serve) -> None:
    async with serve(latency=20.0, jitter=5.0) as (simulator, client):
        for _ in range(3):
            await client.get(PATH, params=query())
        assert simulator.stats["connections_opened"] == 1
        await asyncio.gather(*(client.get(PATH, params=query(n)) for n in (2, 5, 6, 7, 12, 13, 15, 35)))
        assert 2 <= simulator.stats["max_in_flight"] <= 8
        assert simulator.stats["requests"] == 11 and simulator.stats["in_flight"] == 0


@pytest.mark.asyncio
async def test_directory_and_one_station_of_it(serve) -> None:
    async with serve(stations=80) as (_, client):
        everyone = (await client.get("/StationWeb/GetAllStations")).json()["Stations"]
        one = (await client.get("/StationWeb/GetStationByStationNumber", params={"stationNbr": "6"})).json()
        assert len(everyone) == 80 and one["Stations"] == [e for e in everyone if e["StationNbr"] == "6"]
        assert (await client.get(PATH, params=query(301))).status_code == 200
    from cimis_engine.model.station import parse_station
    from cimis_engine.simulator.stations import stations

    assert [parse_station(e) for e in everyone] == list(stations(80))
