"""Stations: the directory entry of the API, typed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from cimis_engine.errors import CimisError, UsageError
from cimis_engine.model.geo import Point

MAX_STATION = 9999
"""Station numbers name folders (`stations/002`), so they are bounded and never taken from text unchecked."""
_SPEC_HINT = "write 2,5,10-20, all, active or county:NAME"
_OPEN_END_YEAR = 2030
"""Active stations carry a disconnect date far in the future (12/31/2050, earlier dumps 12/31/2030)."""


class StationDirectoryError(CimisError):
    """The station directory could not be understood. `field` names what was wrong, `station` where."""

    exit_code = 5

    def __init__(self, station: str, field: str, value: object) -> None:
        super().__init__(
            f"station directory: station {station!r} has an unreadable {field}: {value!r}",
            hint="the agency may have changed the format of its station list",
        )
        self.station, self.field, self.value = station, field, value


@dataclass(frozen=True, slots=True)
class Station:
    """`elevation` in feet; `latitude`, `longitude` in decimal degrees, None where the directory gives none.

    `disconnect` is None while the station is active.
    """

    number: int
    name: str
    city: str
    county: str
    region: str
    connect: date
    disconnect: date | None
    eto: bool
    elevation: int
    ground_cover: str
    latitude: float | None
    longitude: float | None
    zip_codes: tuple[str, ...] = ()

    @property
    def active(self) -> bool:
        return self.disconnect is None

    @property
    def point(self) -> Point | None:
        if self.latitude is None or self.longitude is None:
            return None
        return Point(self.latitude, self.longitude)


def _date(entry: Mapping[str, Any], field: str) -> date:
    text = str(entry.get(field, ""))
    try:
        month, day, year = (int(part) for part in text.split("/"))
        return date(year, month, day)
    except ValueError:
        raise StationDirectoryError(str(entry.get("StationNbr")), field, text) from None


def _degrees(text: object) -> float | None:
    """`36º48'52N / 36.814444` → 36.814444; None where there is no decimal part."""
    try:
        degrees = float(str(text).rpartition("/")[2])
    except ValueError:
        return None
    return degrees if abs(degrees) <= 180 else None


def _feet(entry: Mapping[str, Any]) -> int:
    text = str(entry.get("Elevation", "")).strip()
    try:
        return int(float(text)) if text else 0
    except (ValueError, OverflowError):
        raise StationDirectoryError(str(entry.get("StationNbr")), "Elevation", text) from None


def parse_station(entry: Mapping[str, Any]) -> Station:
    """One element of the API's `Stations` array. Raises `StationDirectoryError`."""
    number = str(entry.get("StationNbr", ""))
    if not number.isascii() or not number.isdigit() or not 0 < int(number) <= MAX_STATION:
        raise StationDirectoryError(number, "StationNbr", number)
    end = _date(entry, "DisconnectDate")
    # The agency's word that a station is active wins over a date that has passed: it sets such dates by hand.
    open_end = end.year >= _OPEN_END_YEAR or str(entry.get("IsActive", "")).lower() == "true"
    return Station(
        number=int(number),
        name=str(entry.get("Name", "")).strip(),
        city=str(entry.get("City", "")).strip(),
        county=str(entry.get("County", "")).strip(),
        region=str(entry.get("RegionalOffice", "")).strip(),
        connect=_date(entry, "ConnectDate"),
        disconnect=None if open_end else end,
        eto=str(entry.get("IsEtoStation", "")).lower() == "true",
        elevation=_feet(entry),
        ground_cover=str(entry.get("GroundCover", "")).strip(),
        latitude=_degrees(entry.get("HmsLatitude")),
        longitude=_degrees(entry.get("HmsLongitude")),
        zip_codes=tuple(str(z) for z in entry.get("ZipCodes") or ()),
    )


def parse_station_numbers(text: str) -> tuple[int, ...]:
    """`2,5,10-20` → sorted numbers without repeats. Raises `UsageError`."""
    numbers: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdigit() or (dash and not last.isdigit()):
            raise UsageError(f"not a station or a range of stations: '{part.strip()}'", hint=_SPEC_HINT)
        low, high = int(first), int(last or first)
        if not 0 < low <= high <= MAX_STATION:
            raise UsageError(f"station numbers run upward from 1 to {MAX_STATION}: '{part.strip()}'", hint=_SPEC_HINT)
        numbers.update(range(low, high + 1))
    return tuple(sorted(numbers))


def by_number(stations: Iterable[Station]) -> dict[int, Station]:
    return {s.number: s for s in sorted(stations, key=lambda s: s.number)}
