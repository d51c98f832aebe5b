from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from cimis_engine.simulator.recorded import RecordedSource, RecordingError

PATH = "/StationWeb/GetDataByStationNumber"
DAILY = (
    "day-air-tmp-avg,day-air-tmp-max,day-air-tmp-min,day-dew-pnt,day-eto,day-asce-eto,day-precip,day-sol-rad-avg,"
    "day-sol-rad-net,day-vap-pres-max,day-vap-pres-min,day-wind-spd-avg"
)


FILES = (
    "daily/davis-wy2015.json",
    "daily/esparto-wy2016.json",
    "daily/lodi_west-wy2015.json",
    "hourly-csv/davis-wy2015.csv",
    "stations/stations-2023-08.json",
)


@pytest.fixture(scope="module")
def some(recordings: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of some of the real files: reading all takes seconds."""
    folder = tmp_path_factory.mktemp("recorded")
    for name in FILES:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).symlink_to((recordings / name).resolve())
    return folder


def query(station: int, start: str, end: str, **more: str) -> dict[str, str]:
    asked = {"stationNbrs": str(station), "startDate": start, "endDate": end, "unitOfMeasure": "M", "isHourly": "false"}
    return asked | more


@pytest.mark.asyncio
async def test_daily_bodies_come_back_byte_for_byte(serve, some: Path) -> None:
    async with serve(recorded=some) as (_, client):
        for name, station, year in (("davis", 6, 2015), ("esparto", 196, 2016), ("lodi_west", 166, 2015)):
            params = query(station, f"{year - 1}-10-01", f"{year}-09-30", dataItems=DAILY)
            response = await client.get(PATH, params=params)
            assert response.content == (some / "daily" / f"{name}-wy{year}.json").read_bytes(), name


@pytest.mark.asyncio
async def test_dates_and_items_are_cut_and_english_units_are_empty(serve, some: Path) -> None:
    async with serve(recorded=some) as (_, client):
        params = query(196, "2016-07-26", "2016-07-28", dataItems="day-precip,day-wind-run")
        records = (await client.get(PATH, params=params)).json()["Data"]["Providers"][0]["Records"]
        assert [r["Date"] for r in records] == ["2016-07-26", "2016-07-28"]
        assert "DayPrecip" in records[0] and "DayWindRun" not in records[0] and "DayEto" not in records[0]
        english = (await client.get(PATH, params=params | {"unitOfMeasure": "E"})).json()
        assert english["Data"]["Providers"][0]["Records"] == []


@pytest.mark.asyncio
async def test_hourly_csv_is_served_as_records(serve, some: Path) -> None:
    async with serve(recorded=some) as (_, client):
        params = query(6, "2015-01-01", "2015-06-30", isHourly="true")
        records = (await client.get(PATH, params=params)).json()["Data"]["Providers"][0]["Records"]
    with (some / "hourly-csv" / "davis-wy2015.csv").open(newline="") as file:
        lines = [line for line in csv.DictReader(file) if "2015-01-01" <= line["Date"] <= "2015-06-30"]
    assert len(records) == len(lines) > 4000
    for record, line in zip(records, lines, strict=True):
        assert (record["Date"], record["Hour"], record["Scope"]) == (line["Date"], line["Hour"], "hourly")
        for field, item in record.items():
            if isinstance(item, dict):
                assert (item["Value"] or "", item["Qc"]) == (line[f"{field}Value"], line[f"{field}Qc"])


@pytest.mark.asyncio
async def test_directory_is_the_recorded_one(serve, some: Path) -> None:
    async with serve(recorded=some) as (_, client):
        served = (await client.get("/StationWeb/GetAllStations")).json()
    assert served == json.loads((some / "stations" / "stations-2023-08.json").read_bytes())


def test_json_wins_over_csv(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text(
        "Station,Date,Hour,HlyAirTmpValue,HlyAirTmpQc\n"
        '"6","2020-01-01","0100","1.0"," "\n"6","2020-01-01","0200",,"M"\n'
    )
    record = {"Date": "2020-01-01", "Julian": "1", "Hour": "0100", "Station": "6", "Standard": "metric"}
    record |= {"ZipCodes": "", "Scope": "hourly", "HlyAirTmp": {"Value": "9.90", "Qc": "Y", "Unit": "(C)"}}
    (tmp_path / "a.json").write_text(json.dumps({"Data": {"Providers": [{"Records": [record]}]}}))
    from datetime import date

    from cimis_engine.model.items import HOURLY_ITEMS, Interval, UnitSystem
    from cimis_engine.model.period import Span
    from cimis_engine.simulator.query import DataQuery
    from cimis_engine.simulator.source import Now

    source = RecordedSource(tmp_path, {})
    span = Span(date(2020, 1, 1), date(2020, 1, 1))
    asked = DataQuery((6,), span, Interval.HOURLY, UnitSystem.METRIC, HOURLY_ITEMS)
    first, second = (json.loads(t) for t in source.records(asked, Now(date(2026, 1, 1), 12)))
    assert first == record
    assert second["HlyAirTmp"] == {"Value": None, "Qc": "M", "Unit": "(C)"}


def test_what_is_not_a_recording_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="not a folder"):
        RecordedSource(tmp_path / "nowhere", {})
    (tmp_path / "bad.json").write_text('{"Data":')
    with pytest.raises(RecordingError, match="not JSON"):
        RecordedSource(tmp_path, {})
