"""Both dialects' requests to the letter, and the records of places."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from cimis_engine.errors import UsageError
from cimis_engine.fetch.decode_error import DecodeError
from cimis_engine.fetch.dialect import DIALECTS, dialect_of
from cimis_engine.fetch.places import PlaceRecord, parse_places
from cimis_engine.model.items import DAILY_ITEMS, HOURLY_ITEMS, Interval, UnitSystem, parse_items
from cimis_engine.model.period import Span
from cimis_engine.model.place import Places, parse_addresses, parse_coordinates, parse_zip_codes

HOST = "https://archive.test/cimis"
SPAN = Span(date(2024, 1, 1), date(2024, 1, 31))
ETO = parse_items(["day-asce-eto"], Interval.DAILY)
WHEN = "startDate=2024-01-01&endDate=2024-01-31"


def test_pages() -> None:
    asked = (2, SPAN, Interval.HOURLY, UnitSystem.METRIC, HOURLY_ITEMS[:2])
    assert dialect_of("station-web", HOST).data_request(*asked).url == (
        f"{HOST}/StationWeb/GetDataByStationNumber?stationNbrs=2&{WHEN}"
        "&isHourly=true&unitOfMeasure=M&dataItems=hly-air-tmp,hly-dew-pnt"
    )
    assert dialect_of("legacy", HOST).data_request(*asked).url == (
        f"{HOST}/api/data?targets=2&{WHEN}&dataItems=hly-air-tmp,hly-dew-pnt&unitOfMeasure=M"
    )


def test_directories() -> None:
    assert dialect_of("station-web", HOST).stations_request().url == f"{HOST}/StationWeb/GetAllStations"
    assert dialect_of("legacy", HOST + "/").stations_request().url == f"{HOST}/api/station"


COORDINATES = "lat%3D34.99,lng%3D-118.34%3Blat%3D36,lng%3D-118"
ADDRESS = "addr-name%3D1+A+St,addr%3D1+A+St,+Davis"
PLACES = [
    (
        parse_zip_codes("95616,95618"),
        f"/StationWeb/GetDataByStationZipCodes?zipCodes=95616,95618&isHourly=false&{WHEN}",
        f"/api/data?targets=95616,95618&{WHEN}",
        "&prioritizeSCS=N",
    ),
    (
        parse_zip_codes("95616", "SCS"),
        f"/GeoStationWeb/GetDataByGeoStationZipCodes?zipCodes=95616&prefer=SCS&isHourly=false&{WHEN}",
        f"/api/data?targets=95616&{WHEN}",
        "&prioritizeSCS=Y",
    ),
    (
        parse_coordinates("34.99,-118.34;36,-118"),
        f"/SpatialWeb/GetDataBySpatialCoordinates?coordinates={COORDINATES}&{WHEN}",
        f"/api/data?targets={COORDINATES}&{WHEN}",
        "",
    ),
    (
        parse_addresses(["1 A St, Davis"]),
        f"/SpatialWeb/GetDataByAddresses?addresses={ADDRESS}&{WHEN}",
        f"/api/data?targets={ADDRESS}&{WHEN}",
        "",
    ),
]


@pytest.mark.parametrize(("places", "new", "old", "more"), PLACES)
def test_places(places: Places, new: str, old: str, more: str) -> None:
    asked = (places, SPAN, Interval.DAILY, UnitSystem.ENGLISH, ETO)
    assert dialect_of("station-web", HOST).places_request(*asked).url == (
        f"{HOST}{new}&unitOfMeasure=E&dataItems=day-asce-eto"
    )
    assert dialect_of("legacy", HOST).places_request(*asked).url == (
        f"{HOST}{old}&dataItems=day-asce-eto&unitOfMeasure=E{more}"
    )


def test_what_the_dialects_say_of_themselves() -> None:
    new, old = dialect_of("station-web", HOST), dialect_of("legacy", HOST)
    assert (new.caps[Interval.DAILY], new.caps[Interval.HOURLY]) == (1750, 5000)
    assert (old.caps[Interval.DAILY], old.caps[Interval.HOURLY]) == (1750, 1750)
    assert (new.key_place.in_query, old.key_place.in_query, old.key_place.name) == (False, True, "appKey")


@pytest.mark.parametrize(("api", "url"), [("soap", HOST), ("legacy", "ftp://x"), ("station-web", "archive.test")])
def test_no_such_api(api: str, url: str) -> None:
    with pytest.raises(UsageError) as caught:
        dialect_of(api, url)
    assert caught.value.hint
    assert set(DIALECTS) == {"station-web", "legacy"}


def body(*records: dict[str, Any], kind: str = "spatial") -> bytes:
    return json.dumps({"Data": {"Providers": [{"Name": "cimis", "Type": kind, "Records": list(records)}]}}).encode()


CELL = {"Value": "5.10", "Qc": "H", "Unit": "(mm)"}
RECORD: dict[str, Any] = {"Date": "2024-01-01", "Julian": "1", "Standard": "metric", "DayAsceEto": CELL}


def test_a_spatial_record_and_one_of_a_station() -> None:
    spatial = RECORD | {"Coordinate": "lat=34.99,lng=-118.34"}
    hourly = {"Date": "2024-01-01", "Hour": "0100", "Station": "6", "Standard": "metric", "ZipCodes": "95616, 95618"}
    (one,) = parse_places(body(spatial), ETO, UnitSystem.METRIC)
    cells = (("5.10", "H", "(mm)"),)
    assert one == PlaceRecord("spatial", date(2024, 1, 1), "", None, (), "lat=34.99,lng=-118.34", "", cells)
    (one,) = parse_places(body(hourly, kind="station"), HOURLY_ITEMS[:1], UnitSystem.METRIC)
    assert (one.station, one.hour, one.zip_codes, one.cells) == (6, "0100", ("95616", "95618"), ((None, "", "(C)"),))


def test_no_records_are_none() -> None:
    assert parse_places(b'{"Data":{"Providers":[]}}', DAILY_ITEMS, UnitSystem.METRIC) == ()
    assert parse_places(body(), DAILY_ITEMS, UnitSystem.METRIC) == ()


@pytest.mark.parametrize(
    ("document", "path"),
    [
        (b"", ""),
        (b'{"Data":{"Providers":[', ""),
        (b'{"Stations":[]}', "Data.Providers[]"),
        (b'{"Data":{"Providers":[{"Name":"cimis"}]}}', "Data.Providers[]"),
        (body(RECORD, RECORD | {"Date": "1/1/2024"}), "Data.Providers[0].Records[1]"),
        (body({k: v for k, v in RECORD.items() if k != "Standard"}), "Data.Providers[0].Records[0]"),
        (body(RECORD | {"Standard": "english"}), "Data.Providers[0].Records[0].Standard"),
        (body(RECORD | {"Station": "six"}), "Data.Providers[0].Records[0].Station"),
        (body(RECORD | {"DayAsceEto": "5.1"}), "Data.Providers[0].Records[0].DayAsceEto"),
        (body(RECORD | {"DayAsceEto": {"Value": 5.1}}), "Data.Providers[0].Records[0].DayAsceEto"),
        (body(RECORD | {"DayAsceEto": {"Value": "NaN"}}), "Data.Providers[0].Records[0].DayAsceEto.Value"),
        pytest.param(b'{"x":' + b"[" * 100_000, "", id="nested"),
        (b'{"Data":{"Providers":[{"Records":[{"Date":"\xff"}]}]}}', ""),
    ],
)
def test_what_is_not_such_a_body_is_located(document: bytes, path: str) -> None:
    with pytest.raises(DecodeError) as caught:
        parse_places(document, ETO, UnitSystem.METRIC)
    assert caught.value.path == path
