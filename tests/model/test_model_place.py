"""Zip codes, coordinates, addresses: read, written, and refused before anything is asked."""

from __future__ import annotations

from datetime import date

import pytest

from cimis_engine.errors import UsageError
from cimis_engine.model.items import DAILY_ITEMS, Interval
from cimis_engine.model.period import Span
from cimis_engine.model.place import (
    SPATIAL_ITEMS,
    Places,
    Prefer,
    check_spatial,
    default_items,
    parse_addresses,
    parse_coordinates,
    parse_zip_codes,
)

YEAR = Span(date(2024, 1, 1), date(2024, 12, 31))


def test_places_are_written_as_the_api_reads_them() -> None:
    assert parse_zip_codes("95616, 95618,95616", "WSN").codes == ("95616", "95618")
    assert parse_coordinates("34.99,-118.34; 36.45,-118.16").text == "lat=34.99,lng=-118.34;lat=36.45,lng=-118.16"
    address = parse_addresses(["1315 10th Street,  Sacramento, CA 95814"])
    assert address.text == "addr-name=1315 10th Street,addr=1315 10th Street, Sacramento, CA 95814"


@pytest.mark.parametrize("text", ["", "9561", "95616,", "9561x", "95616-1234", "９５６１６"])
def test_what_is_no_zip_code(text: str) -> None:
    with pytest.raises(UsageError, match="zip code"):
        parse_zip_codes(text)


@pytest.mark.parametrize(("text", "word"), [("38.5", "not a place"), ("38.5,121.7", "California"), ("1,-2;", "place")])
def test_what_are_no_coordinates(text: str, word: str) -> None:
    with pytest.raises(UsageError, match=word):
        parse_coordinates(text)


@pytest.mark.parametrize("text", ["", "  ", "A;addr-name=B", "x=y", "a\x00b"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(UsageError, match="address"):
        parse_addresses(["Davis, CA", text])


@pytest.mark.parametrize(
    "places", [parse_coordinates("38,-121"), parse_addresses(["Davis"]), parse_zip_codes("95616", "SCS")]
)
def test_spatial_records_are_daily_and_a_year_at_most(places: Places) -> None:
    check_spatial(places, Interval.DAILY, YEAR)
    with pytest.raises(UsageError, match="367 days"):
        check_spatial(places, Interval.DAILY, Span(date(2024, 1, 1), date(2025, 1, 1)))
    with pytest.raises(UsageError, match="daily only"):
        check_spatial(places, Interval.HOURLY, YEAR)
    assert default_items(places, DAILY_ITEMS) == SPATIAL_ITEMS


@pytest.mark.parametrize("prefer", [None, Prefer.STATIONS])
def test_station_records_are_not_bound_so(prefer: Prefer | None) -> None:
    places = parse_zip_codes("95616", prefer)
    check_spatial(places, Interval.HOURLY, Span(date(2020, 1, 1), date(2025, 1, 1)))
    assert default_items(places, DAILY_ITEMS) == DAILY_ITEMS
