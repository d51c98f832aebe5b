"""The station directory's entries, and which of them a text means."""

from __future__ import annotations

import json
import os
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cimis_engine.errors import UsageError
from cimis_engine.model.choice import check_choice, choose, of_county
from cimis_engine.model.geo import EARTH_RADIUS_KM, Point, distance_km, parse_point
from cimis_engine.model.station import Station, StationDirectoryError, parse_station

REAL_DATA = Path(os.environ.get("CIMIS_REAL_DATA") or Path(__file__).parents[3] / "shared" / "data")
days = st.dates(date(1982, 1, 1), date(2029, 12, 31))


def entry(**given: object) -> dict[str, object]:
    whole = {"StationNbr": "6", "ConnectDate": "7/17/1982", "DisconnectDate": "12/31/2050", "IsActive": "True"}
    return whole | {"Name": "Davis", "County": "Yolo", "Elevation": "60"} | given


@given(connect=days, end=days, padded=st.booleans())
def test_dates_are_read_month_first_padded_or_not(connect: date, end: date, padded: bool) -> None:
    def text(day: date) -> str:
        return f"{day:%m/%d/%Y}" if padded else f"{day.month}/{day.day}/{day.year}"

    found = parse_station(entry(ConnectDate=text(connect), DisconnectDate=text(end), IsActive="False"))
    assert (found.connect, found.disconnect, found.active) == (connect, end, False)


@pytest.mark.parametrize("end", ["12/31/2030", "12/31/2035", "12/31/2050"])
def test_a_far_disconnect_date_is_none(end: str) -> None:
    assert parse_station(entry(DisconnectDate=end, IsActive="False")).disconnect is None


def test_the_agencys_word_that_a_station_is_active_wins_over_a_date_that_passed() -> None:
    assert parse_station(entry(DisconnectDate="6/22/2023", IsActive="True")).active


@given(
    st.floats(32, 42).map(lambda d: round(d, 6)),
    st.floats(-125, -114).map(lambda d: round(d, 6)),
    st.sampled_from("º°"),
)
def test_degrees_are_those_after_the_slash(latitude: float, longitude: float, sign: str) -> None:
    found = parse_station(
        entry(HmsLatitude=f"36{sign}48'52N / {latitude:f}", HmsLongitude=f"-119{sign}43'54W / {longitude:f}")
    )
    assert found.point == Point(latitude, longitude)


@pytest.mark.parametrize("text", ["", "36º48'52N", "36º48'52N / ", "x / nan", "x / inf", "x / 999"])
def test_degrees_that_are_none_are_none(text: str) -> None:
    found = parse_station(entry(HmsLatitude=text, HmsLongitude="-119º43'54W / -119.73167"))
    assert (found.latitude, found.point) == (None, None)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("StationNbr", "../6"),
        ("StationNbr", "0"),
        ("StationNbr", "10000"),
        ("ConnectDate", "1982-07-17"),
        ("ConnectDate", "17/7/1982"),
        ("DisconnectDate", ""),
        ("Elevation", "high"),
        ("Elevation", "nan"),
    ],
)
def test_what_cannot_be_read_names_the_station_and_the_field(field: str, value: str) -> None:
    with pytest.raises(StationDirectoryError, match=field) as caught:
        parse_station(entry(**{field: value}))
    assert (caught.value.field, caught.value.exit_code) == (field, 5)


@pytest.fixture(scope="module")
def real() -> tuple[Station, ...]:
    path = REAL_DATA / "stations" / "stations-2023-08.json"
    if not path.is_file():
        pytest.skip(f"no recorded station directory at {path} (set CIMIS_REAL_DATA)")
    return tuple(parse_station(e) for e in json.loads(path.read_bytes())["Stations"])


def test_the_real_directory_is_read_whole(real: tuple[Station, ...]) -> None:
    assert (len(real), sum(s.active for s in real)) == (267, 146)
    assert all(s.point and 32 < s.point.latitude < 42.1 and -125 < s.point.longitude < -114 for s in real)
    assert (min(s.elevation for s in real), max(s.elevation for s in real)) == (-226, 6910)
    lodi = next(s for s in real if s.number == 166)
    assert (lodi.name, lodi.county, lodi.disconnect) == ("Lodi West", "San Joaquin", date(2015, 3, 20))
    assert {s.number for s in of_county(real, "yolo")} == {6, 27, 155, 196, 226}
    assert len(choose("active,166", real).stations) == 147


STATIONS = [
    Station(n, f"S{n}", "", county, "", date(1990, 1, 1), end, True, 0, "", None, None)
    for n, county, end in (
        (2, "Fresno", None),
        (5, "Kern", None),
        (8, "Tehama", date(2014, 8, 14)),
        (10, "Kern", date(1996, 4, 16)),
    )
]


@pytest.mark.parametrize(
    ("text", "numbers", "absent"),
    [
        ("all", [2, 5, 8, 10], []),
        ("ALL", [2, 5, 8, 10], []),
        ("active", [2, 5], []),
        ("active,8", [2, 5, 8], []),
        ("county:Kern", [5, 10], []),
        ("county: kern , 2", [2, 5, 10], []),
        ("1-5", [2, 5], [1, 3, 4]),
        ("10,2", [2, 10], []),
        ("active,1-3", [2, 5], [1, 3]),
    ],
)
def test_choices(text: str, numbers: list[int], absent: list[int]) -> None:
    check_choice(text)
    choice = choose(text, STATIONS)
    assert ([s.number for s in choice.stations], list(choice.absent)) == (numbers, absent)


def test_a_station_named_alone_must_exist_and_a_county_is_suggested() -> None:
    with pytest.raises(UsageError, match="no station 7"):
        choose("2,7", STATIONS)
    with pytest.raises(UsageError, match="county 'Tehma'") as caught:
        choose("county:Tehma", STATIONS)
    assert caught.value.hint == "did you mean 'Tehama'?"
    with pytest.raises(UsageError) as caught:
        of_county(STATIONS, "Zzz")
    assert caught.value.hint == "there are Fresno, Kern, Tehama"


@pytest.mark.parametrize("text", ["", "some", "all,", "active;2", "2-"])
def test_choices_that_no_directory_could_answer(text: str) -> None:
    with pytest.raises(UsageError):
        check_choice(text)


points = st.builds(Point, st.floats(-90, 90), st.floats(-180, 180))


@given(points, points)
def test_distances(one: Point, other: Point) -> None:
    far = distance_km(one, other)
    assert 0 <= far <= 3.1416 * EARTH_RADIUS_KM
    assert far == pytest.approx(distance_km(other, one))
    assert distance_km(one, one) == 0


def test_known_distances() -> None:
    assert distance_km(Point(0, 0), Point(0, 180)) == pytest.approx(3.14159265 * EARTH_RADIUS_KM)
    assert distance_km(Point(36, -120), Point(37, -120)) == pytest.approx(111.195, abs=0.001)
    assert distance_km(Point(38.535694, -121.77636), Point(36.336222, -120.11291)) == pytest.approx(285.4, abs=0.5)


@pytest.mark.parametrize("text", ["", "38", "38,-121,5", "a,b", "91,0", "0,181", "nan,0"])
def test_points_that_are_none(text: str) -> None:
    with pytest.raises(UsageError):
        parse_point(text)


def test_what_is_stored_may_be_of_stations_that_the_directory_lacks() -> None:
    choice = choose("7,county:Kern", STATIONS, strict=False)
    assert (choice.absent, choice.numbers) == ((7,), (5, 7, 10))
    assert choose("2,7", (), strict=False).numbers == (2, 7)
