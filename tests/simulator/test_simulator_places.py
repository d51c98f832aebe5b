"""Zip codes, coordinates and addresses, and the retired dialect, over real loopback sockets."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import httpx
import pytest

from cimis_engine.model.geo import Point
from cimis_engine.simulator.places import in_california

KEY = "CANARY-51d0c3"
ZIPS = "/StationWeb/GetDataByStationZipCodes"
GEO = "/GeoStationWeb/GetDataByGeoStationZipCodes"
COORDINATES = "/SpatialWeb/GetDataBySpatialCoordinates"
ADDRESSES = "/SpatialWeb/GetDataByAddresses"
STATIONS = "/StationWeb/GetDataByStationNumber"
DAVIS = "lat=38.54,lng=-121.78"
WHEN = {"startDate": "2024-06-01", "endDate": "2024-06-02", "unitOfMeasure": "M"}


def providers(response: httpx.Response) -> list[tuple[str, list[dict[str, Any]]]]:
    assert response.status_code == 200, response.text
    return [(p["Type"], p["Records"]) for p in response.json()["Data"]["Providers"]]


@pytest.mark.asyncio
async def test_a_zip_code_has_the_records_of_its_stations(serve) -> None:
    async with serve() as (_, client):
        ((kind, found),) = providers(await client.get(ZIPS, params=WHEN | {"zipCodes": "95616,93766"}))
        same = providers(await client.get(STATIONS, params=WHEN | {"stationNbrs": "6,80"}))
    assert kind == "station" and {r["Station"] for r in found} == {"6", "80"}
    assert found == same[0][1], "station 1 shares a zip code with 80, but closed in 1988"


@pytest.mark.asyncio
async def test_spatial_records_name_their_place_and_no_station(serve) -> None:
    async with serve() as (_, client):
        ((kind, found),) = providers(await client.get(COORDINATES, params=WHEN | {"coordinates": f"{DAVIS};{DAVIS}"}))
        ((_, addressed),) = providers(
            await client.get(ADDRESSES, params=WHEN | {"addresses": "addr-name=a,addr=1 B St, Davis, CA"})
        )
        ((_, zipped),) = providers(await client.get(GEO, params=WHEN | {"zipCodes": "95616", "prefer": "SCS"}))
        ((_, at_station),) = providers(await client.get(STATIONS, params=WHEN | {"stationNbrs": "6"}))
    assert kind == "spatial" and len(found) == 4
    head = {"Date": "2024-06-01", "Julian": "153", "Standard": "metric", "Scope": "daily"}
    cells = {name: at_station[0][name] for name in ("DayAsceEto", "DaySolRadAvg")}
    assert found[0] == head | {"Coordinate": DAVIS} | cells
    assert addressed[0] == head | {"Address": "1 B St, Davis, CA"} | cells
    assert zipped[0] == head | {"ZipCodes": "95616"} | cells


@pytest.mark.asyncio
async def test_a_zip_code_without_a_station_falls_back_on_spatial_records(serve) -> None:
    params = WHEN | {"zipCodes": "95616,94203", "dataItems": "day-asce-eto"}
    async with serve() as (_, client):
        (one, other) = providers(await client.get(GEO, params=params | {"prefer": "WSN"}))
        ((kind, both),) = providers(await client.get(GEO, params=params | {"prefer": "SCS"}))
        hourly = await client.get(GEO, params=WHEN | {"zipCodes": "95616", "isHourly": "true", "prefer": "WSN"})
    assert (one[0], {r["Station"] for r in one[1]}) == ("station", {"6"})
    assert (other[0], {r["ZipCodes"] for r in other[1]}) == ("spatial", {"94203"})
    assert kind == "spatial" and len(both) == 4
    assert providers(hourly)[0][0] == "station"


REFUSALS = [
    (ZIPS, {"zipCodes": "99999"}, 404, "ERR1031-UNSUPPORTED ZIP CODE"),
    (ZIPS, {"zipCodes": "94203"}, 404, "ERR1031-UNSUPPORTED ZIP CODE"),
    (GEO, {"zipCodes": "99999", "prefer": "SCS"}, 404, "ERR1031-UNSUPPORTED ZIP CODE"),
    (GEO, {"zipCodes": "94203", "prefer": "WSN", "dataItems": "day-precip"}, 404, "ERR1031-UNSUPPORTED ZIP CODE"),
    (ZIPS, {"zipCodes": "9561"}, 400, "ERR2006-INVALID TARGET"),
    (COORDINATES, {"coordinates": "38,-121"}, 400, "ERR1025-INVALID COORDINATE"),
    (COORDINATES, {"coordinates": "lat=95,lng=-121"}, 400, "ERR1025-INVALID COORDINATE"),
    (COORDINATES, {"coordinates": "lat=39.16,lng=-119.77"}, 404, "ERR1034-COORD NOT IN CA"),
    (COORDINATES, {"coordinates": DAVIS, "dataItems": "hly-eto"}, 400, "ERR2007-HLY COORDINATES FAULT"),
    (COORDINATES, {"coordinates": DAVIS, "dataItems": "day-precip"}, 400, "ERR2114-INVALID COORDINATE DATA ITEM"),
    (ADDRESSES, {"addresses": "addr-name=a,addr=Davis", "dataItems": "day-eto"}, 400, "ERR2115-INVALID ADDRESS DATA"),
    (ADDRESSES, {"addresses": "addr-name=a,addr=Reno, NV"}, 404, "ERR1034-COORD NOT IN CA"),
    (ADDRESSES, {"addresses": "Davis"}, 400, "ERR2006-INVALID TARGET"),
    (COORDINATES, {"coordinates": DAVIS, "startDate": "2023-06-02"}, 400, "ERR2112-DATA VOLUME VIOLATION"),
    (ZIPS, {"zipCodes": "95616", "startDate": "2000-01-01"}, 400, "ERR2112-DATA VOLUME VIOLATION"),
    (COORDINATES, {"coordinates": DAVIS, "endDate": "2027-01-01"}, 400, "ERR1010-FUTURE DATE FAULT"),
]


@pytest.mark.asyncio
async def test_refusals_of_places(serve) -> None:
    async with serve() as (_, client):
        for path, params, status, code in REFUSALS:
            response = await client.get(path, params=WHEN | params)
            assert response.status_code == status and response.json().startswith(f"[{code}"), (params, response.text)


@pytest.mark.parametrize(
    ("latitude", "longitude", "inside"),
    [
        (38.58, -121.49, True),  # Sacramento
        (32.72, -117.16, True),  # San Diego
        (41.44, -120.48, True),  # Alturas
        (36.46, -116.87, True),  # Death Valley
        (39.53, -119.81, False),  # Reno
        (36.17, -115.14, False),  # Las Vegas
        (45.52, -122.68, False),  # Portland
    ],
)
def test_what_is_in_california(latitude: float, longitude: float, inside: bool) -> None:
    assert in_california(Point(latitude, longitude)) is inside


LEGACY = {"startDate": "2024-06-01", "endDate": "2024-06-30", "unitOfMeasure": "M", "appKey": KEY}


@pytest.mark.asyncio
async def test_the_retired_dialect_says_the_same_without_trailing_zeros(serve) -> None:
    items = {"dataItems": "day-air-tmp-avg,day-eto,day-precip"}
    hours = {"dataItems": "hly-air-tmp", "endDate": "2024-06-02"}
    new = {k: v for k, v in LEGACY.items() if k != "appKey"}
    async with serve(dialect="legacy") as (_, old), serve() as (_, client):
        daily = await old.get("/api/data", params=LEGACY | items | {"targets": "6"})
        hourly = await old.get("/api/data", params=LEGACY | hours | {"targets": "6"})
        same_daily = await client.get(STATIONS, params=new | items | {"stationNbrs": "6"})
        same_hourly = await client.get(STATIONS, params=new | hours | {"stationNbrs": "6", "isHourly": "true"})
    texts = [r["DayEto"]["Value"] for r in providers(daily)[0][1] if r["DayEto"]["Value"]]
    assert any("." not in t or t[-2] == "." for t in texts) and not any(t.endswith("0") and "." in t for t in texts)
    assert as_numbers(daily) == as_numbers(same_daily)
    assert as_numbers(hourly) == as_numbers(same_hourly)


def as_numbers(response: httpx.Response) -> Any:
    def value(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        return {k: float(v) if k == "Value" and v is not None else v for k, v in pairs}

    assert response.status_code == 200, response.text
    return json.loads(response.content, object_pairs_hook=value)


@pytest.mark.asyncio
async def test_the_retired_dialects_targets_keys_and_caps(serve) -> None:
    async with serve(dialect="legacy", key=KEY) as (simulator, client):
        for targets, more, kind in (
            ("6", {}, "station"),
            ("95616", {"prioritizeSCS": "N"}, "station"),
            ("95616", {"dataItems": "day-asce-eto"}, "spatial"),
            (DAVIS, {}, "spatial"),
            ("addr-name=a,addr=Davis", {}, "spatial"),
        ):
            response = await client.get("/api/data", params=LEGACY | more | {"targets": targets})
            assert [k for k, _ in providers(response)] == [kind], targets
        for params, status, code in (
            (LEGACY | {"targets": "6,95616"}, 400, "ERR2006"),
            (LEGACY | {"targets": "6", "appKey": "other"}, 403, "ERR1006"),
            ({k: v for k, v in LEGACY.items() if k != "appKey"} | {"targets": "6"}, 403, "ERR1006"),
            (LEGACY | {"targets": "6", "dataItems": "hly-eto", "startDate": "2024-04-01"}, 400, "ERR2112"),
            (LEGACY | {"targets": "9999"}, 404, "ERR1019"),
        ):
            response = await client.get("/api/data", params=params)
            assert response.status_code == status and code in response.json(), params
        everyone = (await client.get("/api/station")).json()["Stations"]
        assert (await client.get("/api/station/6")).json()["Stations"] == [
            e for e in everyone if e["StationNbr"] == "6"
        ]
        assert (await client.get("/api/station/9999")).status_code == 404
        assert (await client.get(STATIONS, params=LEGACY)).status_code == 404
        assert KEY not in json.dumps(simulator.log) + repr(simulator._seen)
        assert simulator.log[0]["station"] == "6"


@pytest.mark.asyncio
async def test_the_api_of_2026_turns_the_retired_dialect_away(serve) -> None:
    async with serve(now=date(2026, 11, 22)) as (_, client):
        for path in ("/api/data", "/api/station", STATIONS):
            response = await client.get(path, params=LEGACY | {"targets": "6", "stationNbrs": "6"})
            assert response.status_code == 200 and "Request Rejected" in response.text
        assert (await client.get("/api/station")).status_code == 404
