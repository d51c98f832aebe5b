"""The body of a request for places, to records: small, decoded at once, every value in the agency's own digits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec

from cimis_engine.fetch.decimals import parse_decimal
from cimis_engine.fetch.decode_error import DecodeError
from cimis_engine.fetch.exchange import excerpt
from cimis_engine.model.items import DataItem, UnitSystem


@dataclass(frozen=True, slots=True)
class PlaceRecord:
    """One record. `kind` is `station` or `spatial`; `hour` is `0100` to `2400`, empty in a daily record.

    `station` is None in a spatial record, which has a `coordinate`, a zip code or an address instead. `cells` holds
    value (a plain decimal, as sent, or None), QC flag and unit of each item asked for, in that order.
    """

    kind: str
    day: date
    hour: str
    station: int | None
    zip_codes: tuple[str, ...]
    coordinate: str
    address: str
    cells: tuple[tuple[str | None, str, str], ...]


class _Cell(msgspec.Struct):
    value: str | None = msgspec.field(name="Value")
    qc: str | None = msgspec.field(name="Qc", default=None)
    unit: str = msgspec.field(name="Unit", default="")


class _Head(msgspec.Struct):
    day: date = msgspec.field(name="Date")
    standard: str = msgspec.field(name="Standard")
    hour: str | None = msgspec.field(name="Hour", default=None)
    station: str | None = msgspec.field(name="Station", default=None)
    zip_codes: str | None = msgspec.field(name="ZipCodes", default=None)
    coordinate: str | None = msgspec.field(name="Coordinate", default=None)
    address: str | None = msgspec.field(name="Address", default=None)


class _Provider(msgspec.Struct):
    records: list[dict[str, Any]] = msgspec.field(name="Records")
    kind: str = msgspec.field(name="Type", default="")


class _Data(msgspec.Struct):
    providers: list[_Provider] = msgspec.field(name="Providers")


class _Document(msgspec.Struct):
    data: _Data = msgspec.field(name="Data")


def parse_places(body: bytes, items: Sequence[DataItem], units: UnitSystem) -> tuple[PlaceRecord, ...]:
    """The records of all providers, in the order of the body. Raises `DecodeError`."""
    try:
        document = msgspec.json.decode(body, type=_Document)
    except msgspec.ValidationError as error:
        raise DecodeError("schema", str(error), path="Data.Providers[]") from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise DecodeError("malformed", "not JSON", excerpt=excerpt(body)) from None
    return tuple(
        _record(provider.kind, record, items, units, f"Data.Providers[{p}].Records[{r}]")
        for p, provider in enumerate(document.data.providers)
        for r, record in enumerate(provider.records)
    )


def _record(kind: str, record: dict[str, Any], items: Sequence[DataItem], units: UnitSystem, path: str) -> PlaceRecord:
    try:
        head = msgspec.convert(record, _Head)
    except msgspec.ValidationError as error:
        raise DecodeError("schema", str(error), path=path) from None
    if head.standard != units.standard:
        raise DecodeError("schema", f"not in {units.standard} units", path=f"{path}.Standard", excerpt=head.standard)
    if head.station is not None and not (head.station.isascii() and head.station.isdigit()):
        raise DecodeError("schema", "not a station number", path=f"{path}.Station", excerpt=excerpt(head.station))
    return PlaceRecord(
        kind=kind,
        day=head.day,
        hour=head.hour or "",
        station=int(head.station) if head.station is not None else None,
        zip_codes=tuple(z.strip() for z in (head.zip_codes or "").split(",") if z.strip()),
        coordinate=head.coordinate or "",
        address=head.address or "",
        cells=tuple(_cell(record.get(item.field), item, units, f"{path}.{item.field}") for item in items),
    )


def _cell(found: Any, item: DataItem, units: UnitSystem, path: str) -> tuple[str | None, str, str]:
    if found is None:
        return None, "", item.unit(units)
    try:
        cell = msgspec.convert(found, _Cell)
    except msgspec.ValidationError as error:
        raise DecodeError("schema", str(error), path=path) from None
    if cell.value is not None and parse_decimal(cell.value) is None:
        raise DecodeError(
            "schema", "not a finite decimal number", path=f"{path}.Value", excerpt=excerpt(str(cell.value))
        )
    return cell.value, (cell.qc or "").strip(), cell.unit or item.unit(units)
