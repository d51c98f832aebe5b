"""The map: places to cells and back, what is drawn where, and that no station is lost."""

from __future__ import annotations

import random
import re
from datetime import date
from itertools import pairwise

import pytest
from tui_journal import midst, started

from cimis_engine.model.geo import Point, distance_km
from cimis_engine.model.station import Station
from cimis_engine.run import events as ev
from cimis_engine.run.state import RunState
from cimis_engine.simulator.stations import stations
from cimis_tui.view.atlas import (
    CITY,
    by_cell,
    gathered,
    map_titles,
    mark_of,
    number_of,
    outline,
    paint_map,
    present_beside,
)
from cimis_tui.view.california import CITIES, OUTLINE
from cimis_tui.view.cells import Line
from cimis_tui.view.places import Chosen, MapFacts, Nowhere, Spot, nearest, present_map
from cimis_tui.view.present import GLYPHS
from cimis_tui.view.viewport import EAST, MIDDLE, NORTH, SHORTER, SOUTH, WEST, ZOOMS, Viewport, scale_bar
from cimis_tui.widgets.ascii import to_ascii


def fold(told: list[ev.Stamped]) -> RunState:
    state = RunState()
    for stamped in told:
        state.apply(stamped)
    return state


def text(lines: tuple[Line, ...]) -> list[str]:
    return ["".join(cell.text for cell in line) for line in lines]


def facts(*spots: Spot, chosen: int | None = None) -> MapFacts:
    mine = next((s for s in spots if s.number == chosen), None)
    picked = mine and Chosen(
        *(mine.number, mine.name, "Yolo", mine.latitude, mine.longitude, 60, mine.status),
        *(1, 4, 365, 1461, 212.0, None, ""),
    )
    return MapFacts(spots, (), (), picked, True)


def test_the_outline_is_california() -> None:
    places = [place for ring in OUTLINE for place in ring]
    assert 200 <= len(places) <= 260
    assert min(lat for lat, _ in places) == pytest.approx(SOUTH, abs=0.01)
    assert max(lat for lat, _ in places) == pytest.approx(NORTH, abs=0.01)
    assert min(lon for _, lon in places) == pytest.approx(WEST, abs=0.02)
    assert max(lon for _, lon in places) == pytest.approx(EAST, abs=0.01)
    assert all(ring[0] == ring[-1] for ring in OUTLINE)


def inside(latitude: float, longitude: float) -> bool:
    """Whether a place is within the mainland, by the even-odd rule."""
    ring, odd = OUTLINE[0], False
    for (lat, lon), (to_lat, to_lon) in pairwise(ring):
        crosses = (lat > latitude) != (to_lat > latitude)
        if crosses and longitude < lon + (latitude - lat) / (to_lat - lat) * (to_lon - lon):
            odd = not odd
    return odd


def test_every_real_station_and_city_is_within_the_outline() -> None:
    for station in stations():
        assert station.latitude is not None
        assert station.longitude is not None
        assert inside(station.latitude, station.longitude), station.name
    near_the_shore = {"San Francisco", "San Diego", "Eureka"}
    assert all(inside(*place) for name, place in CITIES if name not in near_the_shore)
    assert not inside(36.0, -123.0)
    assert not inside(38.0, -117.0)


@pytest.mark.parametrize("size", [(29, 18), (57, 34), (150, 55), (36, 11)])
def test_the_whole_state_fits(size: tuple[int, int]) -> None:
    view = Viewport(*size)
    assert all(view.cell(*place) is not None for ring in OUTLINE for place in ring)
    ground = outline(view)
    assert [len(line) for line in ground] == [size[0]] * size[1]
    first, last = (any(glyph != " " for glyph in line) for line in (ground[0], ground[-1]))
    assert first or size[0] < 2 * size[1]
    assert last or size[0] < 2 * size[1]


def test_north_is_up_and_east_is_right_and_a_kilometre_is_as_long_either_way() -> None:
    view = Viewport(60, 40)
    x, y = view.dot(*MIDDLE)
    north, east = view.dot(MIDDLE[0] + 1, MIDDLE[1]), view.dot(MIDDLE[0], MIDDLE[1] + 1)
    assert (north[0], north[1] < y, east[0] > x, east[1]) == (x, True, True, y)
    up = (y - north[1]) / distance_km(Point(*MIDDLE), Point(MIDDLE[0] + 1, MIDDLE[1]))
    right = (east[0] - x) / distance_km(Point(*MIDDLE), Point(MIDDLE[0], MIDDLE[1] + 1))
    assert right == pytest.approx(up, rel=0.001)


def test_moving_and_enlarging() -> None:
    view = Viewport(60, 40)
    assert view.zoomed(-1) is None
    near = view
    for _ in ZOOMS[1:]:
        closer = near.zoomed(1)
        assert closer is not None
        assert closer.scale > near.scale
        near = closer
    assert near.zoomed(1) is None
    assert near.zoom == ZOOMS[-1]
    east = near.moved(1, 0)
    assert east.longitude > near.longitude
    assert east.latitude == near.latitude
    assert near.moved(0, 1).latitude < near.latitude
    far = view
    for _ in range(40):
        far = far.moved(1, -1)
    assert (far.latitude, far.longitude) == (NORTH, EAST)
    assert far.moved(1, 0) == far
    back = view.moved(1, 1).zoomed(1)
    assert back is not None
    assert back.zoomed(-1) == view, "all the way out is the whole state again"


def test_the_scale_is_round_and_true() -> None:
    for zoom in ZOOMS:
        view = Viewport(60, 40, zoom=zoom)
        length, kilometres = scale_bar(view, 15)
        assert 1 <= length <= 15
        assert str(kilometres)[0] in "125"
        assert length * view.km_a_cell == pytest.approx(kilometres, rel=0.3)


def test_a_station_is_where_it_is_and_says_how_it_stands() -> None:
    davis = Spot(6, "Davis", "failed", 38.5357, -121.7764)
    view = Viewport(57, 34)
    cell = view.cell(davis.latitude, davis.longitude)
    assert cell is not None
    column, row = cell
    lines = text(paint_map(facts(davis), view, outline(view)))
    assert lines[row][column] == "✗"
    assert " Davis " in lines[row]
    assert all(len(line) == 57 for line in lines)


def test_the_worst_of_those_in_one_place_wins_and_they_are_counted() -> None:
    here = [Spot(n, f"S{n}", status, 37.0, -120.0) for n, status in ((1, "done"), (2, "retrying"), (3, "queued"))]
    view = Viewport(57, 34)
    lines = text(paint_map(facts(*here), view, outline(view)))
    assert sum("↻³" in line for line in lines) == 1
    assert not any("✓" in line for line in lines)
    crowd = [Spot(n, "", "done", 37.0, -120.0) for n in range(12)]
    assert sum("✓ⁿ" in line for line in text(paint_map(facts(*crowd), view, outline(view)))) == 1


def in_a_row(view: Viewport, *columns: int) -> list[Spot]:
    """Stations in cells beside one another, the first at column 0."""
    degrees = 2 / view.scale / SHORTER  # two dots a cell
    west = view.longitude - (view.columns - 1) / 2 * degrees
    return [Spot(n, f"S{n}", "done", 37.0, west + at * degrees) for n, at in enumerate(columns)]


@pytest.mark.parametrize(
    ("columns", "drawn"),
    [
        ((10, 10, 13), "✓² ✓"),
        ((10, 10, 11), "✓³"),
        ((10, 11, 11), "✓✓²"),
        ((10, 10, 11, 11, 12), "✓⁴✓"),
        ((10, 10, 12, 12, 13), "✓²✓³"),
        ((56, 56), "✓²"),
        ((55, 56, 56), "✓³"),
        ((54, 54, 55, 56, 56), "✓⁵"),
        ((53, 54, 54, 56, 56), "✓✓⁴"),
    ],
)
def test_a_number_belongs_to_the_glyph_before_it(columns: tuple[int, ...], drawn: str) -> None:
    view = Viewport(57, 34)
    spots = in_a_row(view, *columns)
    assert [view.cell(s.latitude, s.longitude) is not None for s in spots] == [True] * len(spots)
    places = gathered(spots, view)
    (line,) = {row for _, row in places}
    blank = [" " * view.columns] * view.rows
    marks = re.sub(r" S\d ", "", text(paint_map(facts(*spots), view, blank))[line]).strip()
    assert re.sub(" +", " ", marks) == drawn
    assert sorted(s.number for together in places.values() for s in together) == [s.number for s in spots]


def test_in_ascii_a_number_is_a_number() -> None:
    assert to_ascii("".join(f"●{number_of([Spot(1, '', 'done', 0, 0)] * n)}" for n in (1, 2, 9, 10))) == "**2*9*n"


def test_the_legend_tells_of_numbers_where_there_are_any() -> None:
    one, two = Spot(1, "A", "done", 37.0, -120.0), Spot(2, "B", "done", 37.0, -120.0)
    many = [one._replace(number=n) for n in range(12)]
    view = Viewport(57, 34)

    def said(width: int, *spots: Spot) -> list[str]:
        return [line for line in text(present_beside(facts(*spots), view, width, 30)) if line.startswith("✓²")]

    assert said(42, one) == []
    assert said(50, one, two) == ["✓² 2 stations there, drawn as the worse  ▫ city"]
    assert said(38, one, two) == ["✓² 2 there, drawn as the worse  ▫ city"]
    assert said(50, *many) == ["✓² 2 there, ⁿ over 9, drawn as the worse  ▫ city"]
    assert said(34, *many) == ["✓² 2 there, ⁿ over 9  ▫ city"]


def test_a_city_has_a_mark_and_is_no_station() -> None:
    view = Viewport(57, 34)
    fresno = view.cell(*dict(CITIES)["Fresno"])
    assert fresno is not None
    column, row = fresno
    alone = text(paint_map(facts(), view, outline(view)))
    assert alone[row][column:].startswith("▫Fresno ")
    assert sum(line.count("▫") for line in alone) == len(CITIES)
    station = Spot(1, "A", "queued", *dict(CITIES)["Fresno"])
    assert text(paint_map(facts(station, chosen=2), view, outline(view)))[row][column:].startswith("○ A ")
    many = [station._replace(number=n) for n in range(2)]
    assert text(paint_map(facts(*many, chosen=9), view, outline(view)))[row][column - 8 : column + 2] == " Fresno▫○²"
    assert "▫ city" in text(present_beside(facts(), view, 34, 30))
    assert to_ascii(CITY) not in {to_ascii(mark_of(status)[0]) for status in GLYPHS}


def test_what_is_drawn_with_the_selected_station_is_named() -> None:
    view = Viewport(57, 34)
    spots = [Spot(n, f"Name{n}", "done", 37.0, -120.0) for n in range(1, 6)]

    def said(width: int, *spots: Spot, chosen: int) -> list[str]:
        lines = text(present_beside(facts(*spots, chosen=chosen), view, width, 30))
        assert all(len(line) <= width for line in lines)
        return [line for line in lines if line.startswith("drawn with")]

    assert said(42, spots[0], chosen=1) == []
    assert said(42, *spots[:2], chosen=2) == ["drawn with 1 Name1"]
    assert said(42, *spots[:4], chosen=2) == ["drawn with 1 Name1, 3 Name3, 4 Name4"]
    assert said(34, *spots, chosen=2) == ["drawn with 1 Name1 and 3 more"]


def test_the_selected_station_is_marked_named_and_told_of() -> None:
    spots = [Spot(n, f"Name{n}", "done", 37.0 + n / 10, -120.0) for n in range(60)]
    chosen = facts(*spots, chosen=7)
    view = Viewport(57, 34)
    lines = paint_map(chosen, view, outline(view))
    here = [cell.text for line in lines for cell in line if cell.role == "here"]
    assert any("Name7" in word for word in here)
    assert not any("Name8" in line for line in text(lines)), "too many for every name"
    beside = "\n".join(text(present_beside(chosen, view, 42, 30)))
    assert "7 Name7" in beside
    assert "60 ft (18 m)" in beside
    assert "37.7000° N" in beside
    assert "365 of 1.5k records" in beside
    assert "TTFB 212 ms" in beside


def test_every_station_of_the_run_is_drawn_or_listed() -> None:
    state = fold(midst())
    found = present_map(state, 83, {})
    assert len(found.spots) == 48
    counts = {"done": 20, "running": 7, "failed": 1, "retrying": 1, "paused": 1, "queued": 18}
    assert dict(found.counts) == counts
    assert found.chosen is not None
    assert found.chosen.message == "the server answered 503 three times"
    view = Viewport(57, 34)
    assert sum(len(together) for together in by_cell(found.spots, view).values()) == 48
    assert map_titles(found, view)[0] == "California  48 of 48 in sight"


def test_stations_without_coordinates_are_listed_and_the_directory_helps() -> None:
    plan = started(3)
    refs = [
        ev.StationRef(number=r.number, name=r.name, county="", latitude=None, longitude=None) for r in plan.stations
    ]
    facts_of = {f: getattr(plan, f) for f in plan.__struct_fields__} | {"stations": refs}
    state = fold([ev.Stamped(1, 0.0, ev.RunStarted(**facts_of))])
    known = Station(
        *(5, "Shafter", "", "Kern", "", date(1982, 6, 1), None, True, 360, "Grass", 35.53, -119.28),
    )
    found = present_map(state, None, {5: known})
    assert [s.number for s in found.spots] == [5]
    assert [n.number for n in found.nowhere] == [2, 8]
    assert found.order() == [2, 5, 8]
    beside = text(present_beside(found, Viewport(40, 30), 42, 30))
    assert "2 without coordinates: tab goes to them" in beside
    assert any("8 Firebaugh" in line for line in beside)


def test_what_does_not_fit_beside_the_map_is_counted() -> None:
    spots = tuple(Spot(n, f"Name{n}", "done", 37.0, -120.0) for n in range(100, 160))
    told = MapFacts(spots, tuple(Nowhere(n, "X", "queued") for n in range(9)), (("done", 60),), None, True)
    for height in range(3, 40):
        lines = text(present_beside(told, Viewport(40, 30), 42, height))
        assert len(lines) <= height
    shown = sum("Name" in line for line in lines)
    assert f"… and {60 - shown} more" in lines
    assert "… and 7 more" in lines


def test_the_nearest_station() -> None:
    rng = random.Random(5)
    spots = tuple(Spot(n, "", "done", rng.uniform(33, 42), rng.uniform(-124, -115)) for n in range(50))
    found = nearest(spots, 37.0, -120.0)
    assert found is not None
    far = [distance_km(Point(37.0, -120.0), Point(s.latitude, s.longitude)) for s in spots]
    assert far[found.number] == min(far)
    assert nearest((), 37.0, -120.0) is None


def test_before_the_plan_is_known() -> None:
    assert text(present_beside(MapFacts(), Viewport(40, 30), 42, 30)) == ["waiting for the plan…"]


def test_a_queued_station_is_no_dot_of_the_outline() -> None:
    spots = [Spot(n, f"S{n}", "queued", 37.0 + n, -120.0) for n in range(2)]
    view = Viewport(60, 20)
    told = MapFacts(tuple(spots), (), (("queued", 2),), None, True)
    drawn = "".join(text(paint_map(told, view, outline(view))))
    beside = text(present_beside(told, view, 40, 20))
    assert drawn.count("○") == 2
    assert "·" not in drawn + "".join(beside)
    assert any(line.startswith("○ 2 queued") for line in beside)
    plain = {to_ascii(mark_of(status)[0]) for status in GLYPHS if status != "cancelled"}
    assert len(plain) == len(GLYPHS) - 1, "told apart in ASCII, too"
