"""The dialect of the CIMIS web API of 2026: paths, parameters and the station directory.

Source: the StationWeb endpoints as spoken by public clients (dl-alexandre/cimis-cli, `internal/api/client.go`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import msgspec

from cimis_engine.errors import UsageError
from cimis_engine.fetch.decode_error import DecodeError
from cimis_engine.fetch.exchange import ApiRequest, excerpt
from cimis_engine.model.items import DataItem, Interval, UnitSystem
from cimis_engine.model.period import Span
from cimis_engine.model.station import Station, parse_station


class StationWebApi:
    """Builds requests for the API at `base_url`. Raises `UsageError` unless that is an http or https URL."""

    def __init__(self, base_url: str) -> None:
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageError(f"not the URL of an API: '{base_url}'", hint="write https://host or http://host:port")
        self.base_url = base_url

    def data_request(
        self, station: int, span: Span, interval: Interval, units: UnitSystem, items: Sequence[DataItem]
    ) -> ApiRequest:
        """One page: a station's records of the inclusive dates of `span`."""
        params = (
            ("stationNbrs", str(station)),
            ("startDate", span.start.isoformat()),
            ("endDate", span.end.isoformat()),
            ("isHourly", "true" if interval is Interval.HOURLY else "false"),
            ("unitOfMeasure", units.value),
            ("dataItems", ",".join(i.slug for i in items)),
        )
        return ApiRequest(self.base_url, "/StationWeb/GetDataByStationNumber", params)

    def stations_request(self) -> ApiRequest:
        return ApiRequest(self.base_url, "/StationWeb/GetAllStations")


class _Directory(msgspec.Struct):
    stations: list[dict[str, Any]] = msgspec.field(name="Stations")


def parse_directory(body: bytes) -> tuple[Station, ...]:
    """The stations of a directory body. Raises `DecodeError`, or `StationDirectoryError` for an unreadable entry."""
    try:
        directory = msgspec.json.decode(body, type=_Directory)
    except msgspec.ValidationError as error:
        raise DecodeError("schema", f"not a station directory ({error})", path="Stations") from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise DecodeError("malformed", "the station directory is not JSON", excerpt=excerpt(body)) from None
    return tuple(parse_station(entry) for entry in directory.stations)
