"""The web API that the agency retired on 2026-07-31, for archives and mirrors that still speak it.

One path for data, `targets` of one kind a request, daily or hourly by the items asked for, the key in the query.
Source: mkoohafkan/cimir `R/query.r`; Python-CIMIS `python_cimis/endpoints.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from cimis_engine.fetch.exchange import ApiRequest
from cimis_engine.fetch.key import APP_KEY_PARAMETER
from cimis_engine.model.items import DataItem, Interval, UnitSystem
from cimis_engine.model.period import Span
from cimis_engine.model.place import Places, ZipCodes


class LegacyDialect:
    """See `dialect.Dialect`. The documented limit is 1,750 records a request, whatever their interval."""

    key_place = APP_KEY_PARAMETER
    caps: Mapping[Interval, int] = MappingProxyType({Interval.DAILY: 1750, Interval.HOURLY: 1750})

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url

    def data_request(
        self, station: int, span: Span, interval: Interval, units: UnitSystem, items: Sequence[DataItem]
    ) -> ApiRequest:
        return self._data(str(station), span, units, items)

    def stations_request(self) -> ApiRequest:
        return ApiRequest(self._base_url, "/api/station")

    def places_request(
        self, places: Places, span: Span, interval: Interval, units: UnitSystem, items: Sequence[DataItem]
    ) -> ApiRequest:
        if not isinstance(places, ZipCodes):
            return self._data(places.text, span, units, items)
        first = "Y" if places.spatial else "N"
        return self._data(",".join(places.codes), span, units, items, ("prioritizeSCS", first))

    def _data(
        self, targets: str, span: Span, units: UnitSystem, items: Sequence[DataItem], *more: tuple[str, str]
    ) -> ApiRequest:
        params = (
            ("targets", targets),
            ("startDate", span.start.isoformat()),
            ("endDate", span.end.isoformat()),
            ("dataItems", ",".join(i.slug for i in items)),
            ("unitOfMeasure", units.value),
            *more,
        )
        return ApiRequest(self._base_url, "/api/data", params)
