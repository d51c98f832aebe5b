"""The CIMIS web API of 2026: an endpoint for each kind of target, the key in a header.

Source: the endpoints as spoken by public clients (dl-alexandre/cimis-cli, `internal/api/client.go`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from cimis_engine.fetch.exchange import ApiRequest
from cimis_engine.fetch.key import SUBSCRIPTION_HEADER
from cimis_engine.model.items import DataItem, Interval, UnitSystem
from cimis_engine.model.paging import DEFAULT_CAPS
from cimis_engine.model.period import Span
from cimis_engine.model.place import Addresses, Coordinates, Places, ZipCodes

Params = tuple[tuple[str, str], ...]


class StationWebDialect:
    """See `dialect.Dialect`. Its caps are those that pages are planned for unless there is reason not to."""

    key_place = SUBSCRIPTION_HEADER
    caps: Mapping[Interval, int] = MappingProxyType(DEFAULT_CAPS)

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url

    def data_request(
        self, station: int, span: Span, interval: Interval, units: UnitSystem, items: Sequence[DataItem]
    ) -> ApiRequest:
        params = (("stationNbrs", str(station)), *_dates(span), _scope(interval), *_what(units, items))
        return ApiRequest(self._base_url, "/StationWeb/GetDataByStationNumber", params)

    def stations_request(self) -> ApiRequest:
        return ApiRequest(self._base_url, "/StationWeb/GetAllStations")

    def places_request(
        self, places: Places, span: Span, interval: Interval, units: UnitSystem, items: Sequence[DataItem]
    ) -> ApiRequest:
        who: Params
        match places:
            case ZipCodes(codes, None):
                path, who = "/StationWeb/GetDataByStationZipCodes", (("zipCodes", ",".join(codes)), _scope(interval))
            case ZipCodes(codes, prefer):
                path = "/GeoStationWeb/GetDataByGeoStationZipCodes"
                who = (("zipCodes", ",".join(codes)), ("prefer", str(prefer)), _scope(interval))
            case Coordinates():
                path, who = "/SpatialWeb/GetDataBySpatialCoordinates", (("coordinates", places.text),)
            case Addresses():
                path, who = "/SpatialWeb/GetDataByAddresses", (("addresses", places.text),)
        return ApiRequest(self._base_url, path, (*who, *_dates(span), *_what(units, items)))


def _dates(span: Span) -> Params:
    return ("startDate", span.start.isoformat()), ("endDate", span.end.isoformat())


def _scope(interval: Interval) -> tuple[str, str]:
    return "isHourly", "true" if interval is Interval.HOURLY else "false"


def _what(units: UnitSystem, items: Sequence[DataItem]) -> Params:
    return ("unitOfMeasure", units.value), ("dataItems", ",".join(i.slug for i in items))
