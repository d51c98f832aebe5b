"""The API's two dialects behind one interface: what is asked, in whose words, and where the key goes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol
from urllib.parse import urlsplit

from cimis_engine.errors import UsageError
from cimis_engine.fetch.exchange import ApiRequest
from cimis_engine.fetch.key import KeyPlace
from cimis_engine.fetch.legacy import LegacyDialect
from cimis_engine.fetch.station_web import StationWebDialect
from cimis_engine.model.items import DataItem, Interval, UnitSystem
from cimis_engine.model.period import Span
from cimis_engine.model.place import Places


class Dialect(Protocol):
    """Builds the requests of an API at one address; the bodies that answer have the same shape in both dialects.

    `caps`: the records (station-days, station-hours) that one request may safely ask for.
    """

    @property
    def key_place(self) -> KeyPlace: ...

    @property
    def caps(self) -> Mapping[Interval, int]: ...

    def data_request(
        self, station: int, span: Span, interval: Interval, units: UnitSystem, items: Sequence[DataItem]
    ) -> ApiRequest:
        """One page: a station's records of the inclusive dates of `span`."""
        ...

    def stations_request(self) -> ApiRequest:
        """The station directory."""
        ...

    def places_request(
        self, places: Places, span: Span, interval: Interval, units: UnitSystem, items: Sequence[DataItem]
    ) -> ApiRequest:
        """Records of zip codes, coordinates or addresses."""
        ...


DIALECTS: Mapping[str, Callable[[str], Dialect]] = {"station-web": StationWebDialect, "legacy": LegacyDialect}


def dialect_of(api: str, base_url: str) -> Dialect:
    """The dialect called `api`, for the API at `base_url`. Raises `UsageError` where either is none."""
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"not the URL of an API: '{base_url}'", hint="write https://host or http://host:port")
    if api not in DIALECTS:
        raise UsageError(f"no such API: '{api}'", hint=f"known: {', '.join(DIALECTS)}")
    return DIALECTS[api](base_url)
