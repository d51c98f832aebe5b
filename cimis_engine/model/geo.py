"""Points on the earth: degrees in, kilometres out. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from math import asin, cos, radians, sin, sqrt

from cimis_engine.errors import UsageError

EARTH_RADIUS_KM = 6371.0088
"""The mean radius of the IUGG."""


@dataclass(frozen=True, slots=True)
class Point:
    """Decimal degrees, north and east positive: California's longitudes are negative."""

    latitude: float
    longitude: float

    def __str__(self) -> str:
        return f"{self.latitude:g},{self.longitude:g}"


def parse_point(text: str) -> Point:
    """`38.5357,-121.7764`. Raises `UsageError`."""
    try:
        latitude, longitude = (float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"not a place: '{text}'", hint="write LAT,LON in decimal degrees: 38.54,-121.78") from None
    if not (abs(latitude) <= 90 and abs(longitude) <= 180):
        raise UsageError(f"no such place on earth: '{text}'", hint="latitude first: 38.54,-121.78")
    return Point(latitude, longitude)


def distance_km(one: Point, other: Point) -> float:
    """Along the great circle of a sphere, by the haversine formula: within 0.5 % of the ellipsoid's."""
    lat1, lat2 = radians(one.latitude), radians(other.latitude)
    half_lat, half_lon = (lat2 - lat1) / 2, radians(other.longitude - one.longitude) / 2
    chord = sin(half_lat) ** 2 + cos(lat1) * cos(lat2) * sin(half_lon) ** 2
    return 2 * EARTH_RADIUS_KM * asin(min(1.0, sqrt(chord)))
