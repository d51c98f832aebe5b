"""The stations of a run with their places and states, for the map. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from cimis_engine.model.geo import Point, distance_km
from cimis_engine.run.reason_words import reason_words
from cimis_tui.view.present import status_of

if TYPE_CHECKING:
    from cimis_engine.model.station import Station
    from cimis_engine.run.state import RunState
    from cimis_engine.run.tallies import StationState


class Spot(NamedTuple):
    """A station on the map."""

    number: int
    name: str
    status: str
    latitude: float
    longitude: float


class Nowhere(NamedTuple):
    """A station whose place nobody told."""

    number: int
    name: str
    status: str


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the strip says of the station that is selected. `elevation` in feet, times in ms; None where not known."""

    number: int
    name: str
    county: str
    latitude: float | None
    longitude: float | None
    elevation: int | None
    status: str
    pages_done: int
    pages: int
    records: int
    expected: int
    ttfb: float | None
    p95: float | None
    message: str


@dataclass(frozen=True, slots=True)
class MapFacts:
    """`counts`: stations by state. `started`: whether the run has said which stations it has."""

    spots: tuple[Spot, ...] = ()
    nowhere: tuple[Nowhere, ...] = ()
    counts: tuple[tuple[str, int], ...] = ()
    chosen: Chosen | None = None
    started: bool = False

    def order(self) -> list[int]:
        """Every station by number: what `tab` goes through."""
        return sorted([s.number for s in self.spots] + [n.number for n in self.nowhere])

    def spot(self, number: int | None) -> Spot | None:
        return next((s for s in self.spots if s.number == number), None)


def present_map(state: RunState, selected: int | None, directory: Mapping[int, Station]) -> MapFacts:
    """The fold as places. What the journal leaves out of a station, `directory` may know."""
    spots: list[Spot] = []
    nowhere: list[Nowhere] = []
    counts: dict[str, int] = {}
    for number, station in state.stations.items():
        status = status_of(station)
        counts[status] = counts.get(status, 0) + 1
        latitude, longitude = _place(station, directory)
        if latitude is None or longitude is None:
            nowhere.append(Nowhere(number, station.ref.name, status))
        else:
            spots.append(Spot(number, station.ref.name, status, latitude, longitude))
    found = state.stations.get(selected) if selected is not None else None
    return MapFacts(
        tuple(spots),
        tuple(nowhere),
        tuple(counts.items()),
        _chosen(found, directory) if found else None,
        state.started is not None,
    )


def _place(station: StationState, directory: Mapping[int, Station]) -> tuple[float | None, float | None]:
    ref = station.ref
    if ref.latitude is not None and ref.longitude is not None:
        return ref.latitude, ref.longitude
    known = directory.get(ref.number)
    return (known.latitude, known.longitude) if known else (None, None)


def _chosen(station: StationState, directory: Mapping[int, Station]) -> Chosen:
    ref, known = station.ref, directory.get(station.ref.number)
    latitude, longitude = _place(station, directory)
    waiting = station.status == "retrying" and bool(station.retry_cause)
    return Chosen(
        number=ref.number,
        name=ref.name,
        county=ref.county,
        latitude=latitude,
        longitude=longitude,
        elevation=known.elevation if known else None,
        status=status_of(station),
        pages_done=station.pages_done,
        pages=station.pages,
        records=station.records,
        expected=station.expected,
        ttfb=station.last.ttfb if station.last else None,
        p95=station.p95_ms,
        message=f"waits to try again after: {reason_words(station.retry_cause)}" if waiting else station.message,
    )


def nearest(spots: tuple[Spot, ...], latitude: float, longitude: float) -> Spot | None:
    """The station nearest to a place, the lower number of two that are as near."""
    here = Point(latitude, longitude)
    return min(spots, key=lambda s: (distance_km(here, Point(s.latitude, s.longitude)), s.number), default=None)
