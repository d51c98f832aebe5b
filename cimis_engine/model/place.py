"""Places that are not stations: what the API's zip-code, coordinate and address endpoints are asked for. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from cimis_engine.errors import UsageError
from cimis_engine.model.geo import Point, parse_point
from cimis_engine.model.items import DataItem, Interval, parse_items
from cimis_engine.model.period import Span

SPATIAL_DAYS = 366
"""The most days a request for spatial records may span (as the API's public clients have it)."""
SPATIAL_ITEMS = parse_items(("day-asce-eto", "day-sol-rad-avg"), Interval.DAILY)
"""What the Spatial CIMIS System computes for any point of the state."""


class Prefer(StrEnum):
    """Which records a zip code gets first: the Spatial CIMIS System's, or the weather station network's."""

    SPATIAL = "SCS"
    STATIONS = "WSN"


@dataclass(frozen=True, slots=True)
class ZipCodes:
    """`prefer` None: records of the stations that serve the codes, and nothing else."""

    codes: tuple[str, ...]
    prefer: Prefer | None = None

    @property
    def spatial(self) -> bool:
        return self.prefer is Prefer.SPATIAL


@dataclass(frozen=True, slots=True)
class Coordinates:
    points: tuple[Point, ...]

    @property
    def spatial(self) -> bool:
        return True

    @property
    def text(self) -> str:
        """As both dialects of the API write them: `lat=34.99,lng=-118.34;lat=…`."""
        return ";".join(f"lat={p.latitude:.9g},lng={p.longitude:.9g}" for p in self.points)


@dataclass(frozen=True, slots=True)
class Addresses:
    addresses: tuple[str, ...]

    @property
    def spatial(self) -> bool:
        return True

    @property
    def text(self) -> str:
        """As both dialects write them, each named by its first part: `addr-name=1315 10th St,addr=1315 10th St, …`."""
        return ";".join(f"addr-name={a.partition(',')[0].strip()},addr={a}" for a in self.addresses)


Places = ZipCodes | Coordinates | Addresses


def parse_zip_codes(text: str, prefer: str | None = None) -> ZipCodes:
    """`95616,95618`. Raises `UsageError`."""
    codes = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    for code in codes:
        if not (len(code) == 5 and code.isascii() and code.isdigit()):
            raise UsageError(f"not a zip code: '{code}'", hint="write five digits, several with commas: 95616,95618")
    return ZipCodes(codes, Prefer(prefer) if prefer else None)


def parse_coordinates(text: str) -> Coordinates:
    """`38.54,-121.78;36.81,-119.73`. Raises `UsageError`."""
    points = tuple(parse_point(part) for part in text.split(";"))
    for point in points:
        if point.longitude > 0:
            raise UsageError(f"{point} is not in California", hint="longitudes of the west are negative")
    return Coordinates(points)


def parse_addresses(texts: list[str]) -> Addresses:
    """Postal addresses, one a text. Raises `UsageError` where one could not be told from the API's own punctuation."""
    addresses = tuple(" ".join(text.split()) for text in texts)
    for address in addresses:
        if not address or not address.isprintable() or set(address) & set(";="):
            raise UsageError(
                f"not an address: '{address}'", hint='write "1315 10th Street, Sacramento, CA 95814", without ; and ='
            )
    return Addresses(addresses)


def check_spatial(places: Places, interval: Interval, span: Span) -> None:
    """What the API would refuse, refused before it is asked. Raises `UsageError`."""
    if not places.spatial:
        return
    if interval is not Interval.DAILY:
        raise UsageError("spatial records are daily only", hint="drop --hourly, or ask for --zip without --prefer SCS")
    if span.days > SPATIAL_DAYS:
        raise UsageError(
            f"{span} is {span.days} days; spatial records come at most {SPATIAL_DAYS} days at a time",
            hint="give a shorter --start and --end",
        )


def default_items(places: Places, otherwise: tuple[DataItem, ...]) -> tuple[DataItem, ...]:
    """The items to ask for where none are named."""
    return SPATIAL_ITEMS if places.spatial else otherwise
