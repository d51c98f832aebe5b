"""What a client asked for: the parameters of GetDataByStationNumber checked as the agency checks them. Pure."""

from __future__ import annotations

import json
from collections.abc import Container, Mapping
from dataclasses import dataclass
from datetime import date
from urllib.parse import parse_qsl, urlencode

from cimis_engine.errors import CimisError, UsageError
from cimis_engine.model.items import DAILY_ITEMS, HOURLY_ITEMS, DataItem, Interval, UnitSystem, parse_items
from cimis_engine.model.period import ORIGIN, Span
from cimis_engine.simulator.config import DAILY_CAP, HOURLY_CAP

DATA_PATH = "/StationWeb/GetDataByStationNumber"
STATIONS_PATH = "/StationWeb/GetAllStations"
STATION_PATH = "/StationWeb/GetStationByStationNumber"
_DEFAULT_DAILY = (
    "day-asce-eto,day-precip,day-sol-rad-avg,day-vap-pres-avg,day-air-tmp-max,day-air-tmp-min,day-air-tmp-avg,"
    "day-rel-hum-max,day-rel-hum-min,day-rel-hum-avg,day-dew-pnt,day-wind-spd-avg,day-wind-run,day-soil-tmp-avg"
)
DEFAULT_ITEMS = {
    Interval.DAILY: parse_items(_DEFAULT_DAILY.split(","), Interval.DAILY),
    Interval.HOURLY: HOURLY_ITEMS,
}
assert len(DAILY_ITEMS) > len(DEFAULT_ITEMS[Interval.DAILY])


class ApiRefusalError(CimisError):
    """The API answers with an error: HTTP `status` and JSON `body`; `code` is empty where it has none."""

    def __init__(self, status: int, code: str, body: str) -> None:
        super().__init__(f"{status} {code}".strip())
        self.status, self.code, self.body = status, code, body


def refusal(status: int, number: int, name: str, text: str) -> ApiRefusalError:
    """The agency's form: a JSON string, `"[ERR1010-FUTURE DATE FAULT] ..."`."""
    code = f"ERR{number}"
    return ApiRefusalError(status, code, json.dumps(f"[{code}-{name}] {text}"))


def gateway_refusal(status: int, message: str) -> ApiRefusalError:
    """The gateway's form (Azure API Management)."""
    return ApiRefusalError(status, "", json.dumps({"statusCode": status, "message": message}))


@dataclass(frozen=True, slots=True)
class DataQuery:
    stations: tuple[int, ...]
    span: Span
    interval: Interval
    units: UnitSystem
    items: tuple[DataItem, ...]


@dataclass(frozen=True, slots=True)
class Limits:
    """Records a request may ask for: station-days, station-hours. `unsaid`: refusals do not name them."""

    daily: int = DAILY_CAP
    hourly: int = HOURLY_CAP
    unsaid: bool = False

    def of(self, interval: Interval) -> int:
        return self.daily if interval is Interval.DAILY else self.hourly


def parameters(query: str) -> dict[str, str]:
    """The parameters of a query string, names in lower case (the agency's server does not mind), last one wins."""
    return {name.lower(): value for name, value in parse_qsl(query, keep_blank_values=True)}


def identity(path: str, query: str) -> str:
    """A request by what it asks for, whatever the order of its parameters. Holds no key: keys are no parameters."""
    pairs = sorted((k, v) for k, v in parameters(query).items() if k != "appkey")
    return f"{path}?{urlencode(pairs)}" if pairs else path


def _stations(text: str) -> tuple[int, ...]:
    parts = [p.strip() for p in text.split(",")]
    if not all(p.isascii() and p.isdigit() for p in parts):
        raise refusal(400, 2006, "INVALID TARGET", f"The target [{text}] is not a list of station numbers.")
    return tuple(dict.fromkeys(int(p) for p in parts))


def _day(name: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        message = {"Message": f"The request is invalid: {name} must be a date as yyyy-mm-dd."}
        raise ApiRefusalError(400, "", json.dumps(message)) from None


def units_of(params: Mapping[str, str]) -> UnitSystem:
    text = params.get("unitofmeasure", "E").upper()
    if text not in ("E", "M"):
        raise refusal(400, 1032, "INVALID UNIT OF MEASURE", f"The unit of measure [{text}] must be E or M.")
    return UnitSystem(text)


def interval_of(params: Mapping[str, str]) -> Interval:
    return Interval.HOURLY if params.get("ishourly", "false").lower() == "true" else Interval.DAILY


def items_of(params: Mapping[str, str], interval: Interval) -> tuple[DataItem, ...]:
    names = params.get("dataitems", "")
    try:
        return parse_items(names.split(","), interval) if names else DEFAULT_ITEMS[interval]
    except UsageError as error:
        raise refusal(404, 1035, "DATA ITEM NOT FOUND", f"{error}.") from None


def span_of(params: Mapping[str, str], today: date) -> Span:
    start, end = _day("startDate", params.get("startdate", "")), _day("endDate", params.get("enddate", ""))
    if start > end:
        raise refusal(400, 1012, "DATE ORDER FAULT", f"The start date [{start}] is after the end date [{end}].")
    if start < ORIGIN:
        raise refusal(400, 1011, "ORIGIN DATE FAULT", f"The date [{start}] precedes the first day of data [{ORIGIN}].")
    if end > today:
        raise refusal(400, 1010, "FUTURE DATE FAULT", f"The date [{end}] is later than today [{today}].")
    return Span(start, end)


def check_volume(asked: int, cap: int, *, unsaid: bool = False) -> None:
    if asked > cap:
        text = f"The request asks for {asked} records; the maximum data limit is {cap:,} records."
        if unsaid:
            text = "The request asks for too many records."
        raise refusal(400, 2112, "DATA VOLUME VIOLATION", text)


def data_query(params: Mapping[str, str], *, known: Container[int], limits: Limits, today: date) -> DataQuery:
    """The request, checked. Raises `ApiRefusalError` with the agency's status and words, as does all it is made of."""
    stations, units, interval = _stations(params.get("stationnbrs", "")), units_of(params), interval_of(params)
    items, span = items_of(params, interval), span_of(params, today)
    if unknown := [n for n in stations if n not in known]:
        raise refusal(404, 1019, "STATION NOT FOUND", f"The station [{unknown[0]}] could not be found.")
    check_volume(len(stations) * span.records(interval), limits.of(interval), unsaid=limits.unsaid)
    return DataQuery(stations, span, interval, units, items)
