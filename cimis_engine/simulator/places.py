"""Places that are not stations: requests for zip codes, coordinates and addresses, checked as the agency does. Pure.

There is no map here: a place has the weather of the active station nearest to it. An address lies where the zip code or
the town that it names does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from cimis_engine.model.geo import Point, distance_km
from cimis_engine.model.items import DataItem, Interval, UnitSystem
from cimis_engine.model.period import Span
from cimis_engine.model.place import SPATIAL_DAYS, SPATIAL_ITEMS
from cimis_engine.model.station import Station, parse_station
from cimis_engine.simulator.query import (
    ApiRefusalError,
    DataQuery,
    Limits,
    check_volume,
    interval_of,
    items_of,
    refusal,
    span_of,
    units_of,
)

STATION_ZIPS_PATH = "/StationWeb/GetDataByStationZipCodes"
GEO_ZIPS_PATH = "/GeoStationWeb/GetDataByGeoStationZipCodes"
COORDINATES_PATH = "/SpatialWeb/GetDataBySpatialCoordinates"
ADDRESSES_PATH = "/SpatialWeb/GetDataByAddresses"
PATHS = (STATION_ZIPS_PATH, GEO_ZIPS_PATH, COORDINATES_PATH, ADDRESSES_PATH)
_CALIFORNIAN_ZIPS = range(90001, 96163)
_SPATIAL_SLUGS = {item.slug for item in SPATIAL_ITEMS}
_COORDINATE = re.compile(r"lat=(-?\d+(?:\.\d+)?),\s*lng=(-?\d+(?:\.\d+)?)", re.I)
_ADDRESS = re.compile(r"addr-name=([^;]*?),\s*addr=([^;]+)", re.I)
_ZIP = re.compile(r"\b9\d{4}\b")


@dataclass(frozen=True, slots=True)
class Spot:
    """`members`: what names the place in its records. `station`: whose weather it has."""

    members: tuple[tuple[str, str], ...]
    station: int


@dataclass(frozen=True, slots=True)
class SpatialQuery:
    spots: tuple[Spot, ...]
    span: Span
    units: UnitSystem
    items: tuple[DataItem, ...]


Part = DataQuery | SpatialQuery


def place_query(
    path: str, params: Mapping[str, str], directory: Mapping[int, dict[str, Any]], limits: Limits, today: date
) -> tuple[Part, ...]:
    """What a request asks for: station records, spatial ones, or both. Raises `ApiRefusalError`."""
    stations = [parse_station(entry) for entry in directory.values()]
    if path == COORDINATES_PATH:
        spots = _points(params.get("coordinates", ""), stations)
        return (_spatial(spots, params, refusal(400, 2114, "INVALID COORDINATE DATA ITEM", _UNSUPPORTED), today),)
    if path == ADDRESSES_PATH:
        spots = _addresses(params.get("addresses", ""), stations)
        return (_spatial(spots, params, refusal(400, 2115, "INVALID ADDRESS DATA ITEM", _UNSUPPORTED), today),)
    codes = _codes(params.get("zipcodes", ""))
    if path == STATION_ZIPS_PATH:
        return (_of_stations(codes, stations, params, limits, today),)
    hourly = interval_of(params) is Interval.HOURLY
    asked = {name for name in params.get("dataitems", "").lower().split(",") if name}
    if params.get("prefer", "SCS").upper() == "SCS" and asked <= _SPATIAL_SLUGS and not hourly:
        return (_of_codes(codes, stations, params, today),)
    served = tuple(c for c in codes if any(c in s.zip_codes for s in stations))
    others = tuple(c for c in codes if c not in served)
    parts: list[Part] = [_of_stations(served, stations, params, limits, today)] if served or hourly else []
    return (*parts, *([_of_codes(others, stations, params, today)] if others else []))


_UNSUPPORTED = "Spatial records have day-asce-eto and day-sol-rad-avg only."


def _of_stations(
    codes: tuple[str, ...], stations: Iterable[Station], params: Mapping[str, str], limits: Limits, today: date
) -> DataQuery:
    interval = interval_of(params)
    units, items, span = units_of(params), items_of(params, interval), span_of(params, today)
    if without := [c for c in codes if not any(c in s.zip_codes for s in stations)] or ([] if codes else [""]):
        raise _unsupported_zip(without[0])
    numbers = tuple(s.number for s in stations if set(codes) & set(s.zip_codes))
    check_volume(len(numbers) * span.records(interval), limits.of(interval), unsaid=limits.unsaid)
    return DataQuery(numbers, span, interval, units, items)


def _of_codes(codes: tuple[str, ...], stations: list[Station], params: Mapping[str, str], today: date) -> SpatialQuery:
    spots = tuple(Spot((("ZipCodes", code),), _nearest_to_zip(code, stations).number) for code in codes)
    return _spatial(spots, params, _unsupported_zip(codes[0]), today)


def _spatial(
    spots: tuple[Spot, ...], params: Mapping[str, str], unsupported: ApiRefusalError, today: date
) -> SpatialQuery:
    asked = [name for name in params.get("dataitems", "").lower().split(",") if name]
    if interval_of(params) is Interval.HOURLY or any(name.startswith("hly-") for name in asked):
        raise refusal(400, 2007, "HLY COORDINATES FAULT", "Hourly data items are not available for coordinates.")
    units = units_of(params)
    items = items_of(params, Interval.DAILY) if asked else SPATIAL_ITEMS
    if not {item.slug for item in items} <= _SPATIAL_SLUGS:
        raise unsupported
    span = span_of(params, today)
    check_volume(span.days, SPATIAL_DAYS)
    return SpatialQuery(spots, span, units, items)


def _codes(text: str) -> tuple[str, ...]:
    codes = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    for code in codes:
        if not (len(code) == 5 and code.isascii() and code.isdigit()):
            raise refusal(400, 2006, "INVALID TARGET", f"The target [{text}] is not a list of zip codes.")
    return codes


def _unsupported_zip(code: str) -> ApiRefusalError:
    return refusal(404, 1031, "UNSUPPORTED ZIP CODE", f"The zip code [{code}] is not supported.")


def _points(text: str, stations: list[Station]) -> tuple[Spot, ...]:
    spots = []
    for part in text.split(";"):
        match = _COORDINATE.fullmatch(part.strip())
        point = Point(float(match[1]), float(match[2])) if match else None
        if point is None or abs(point.latitude) > 90 or abs(point.longitude) > 180:
            raise refusal(400, 1025, "INVALID COORDINATE", f"The coordinate [{part}] is not valid.")
        if not in_california(point):
            raise refusal(404, 1034, "COORD NOT IN CA", f"The coordinate [{part}] is not in California.")
        spots.append(Spot((("Coordinate", part.strip()),), _nearest(point, stations).number))
    return tuple(spots)


def _addresses(text: str, stations: list[Station]) -> tuple[Spot, ...]:
    spots = []
    for part in text.split(";"):
        match = _ADDRESS.fullmatch(part.strip())
        if match is None:
            raise refusal(400, 2006, "INVALID TARGET", f"The target [{part}] is not an address.")
        address = match[2].strip()
        code = _ZIP.search(address)
        town = next((s for s in stations if s.active and s.city and s.city.lower() in address.lower()), None)
        if code is not None and int(code[0]) in _CALIFORNIAN_ZIPS:
            town = _nearest_to_zip(code[0], stations)
        if town is None:
            raise refusal(404, 1034, "COORD NOT IN CA", f"The address [{address}] is not in California.")
        spots.append(Spot((("Address", address),), town.number))
    return tuple(spots)


def in_california(point: Point) -> bool:
    """Roughly: a box, cut along Lake Tahoe's meridian and the slanting border with Nevada."""
    if not (32.5 <= point.latitude <= 42.0 and -124.5 <= point.longitude <= -114.1):
        return False
    if point.latitude >= 39.0:
        return point.longitude <= -120.0
    return point.latitude < 35.0 or point.longitude <= -120.0 + (39.0 - point.latitude) * 1.342


def _nearest(point: Point, stations: Iterable[Station]) -> Station:
    return min((s for s in stations if s.active and s.point), key=lambda s: distance_km(point, s.point or point))


def _nearest_to_zip(code: str, stations: Iterable[Station]) -> Station:
    """By the numbers: neighbouring zip codes are mostly neighbours."""
    if int(code) not in _CALIFORNIAN_ZIPS:
        raise _unsupported_zip(code)
    return min((s for s in stations if s.active), key=lambda s: min(abs(int(z) - int(code)) for z in s.zip_codes))
