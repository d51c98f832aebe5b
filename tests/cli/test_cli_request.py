from __future__ import annotations

import pytest

from cimis_engine.errors import UsageError
from cimis_tui.cli.parser import parse
from cimis_tui.cli.request import request_of, station_year

NOW = 1_750_000_000.0  # 2025-06-15


def test_backfill_request() -> None:
    line = "backfill --stations 2,5,10-20 --years 2015-2024 --hourly --items hly-eto,HlyAirTmp --units E --refetch"
    request = request_of(parse(line.split()))
    assert (request.stations, request.start, request.end) == ("2,5,10-20", "2015-01-01", "2024-12-31")
    assert (request.interval, request.units, request.refetch) == ("hourly", "E", True)
    assert [i.slug for i in request.item_set()] == ["hly-air-tmp", "hly-eto"]


def test_dates_and_sample() -> None:
    request = request_of(parse("backfill --sample 12 --start 2024-01-01 --end 2024-06-30".split()))
    assert (request.sample, request.start, request.end, request.interval) == (12, "2024-01-01", "2024-06-30", "daily")


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("backfill --years 2024", "stations"),
        ("backfill --stations 2", "dates"),
        ("backfill --stations 2 --start 2024-01-01", "--end"),
        ("backfill --stations 2 --years 2024 --start 2024-01-01", "both"),
        ("backfill --stations 2 --years 2024-2015", "range of years"),
        ("backfill --stations 2 --start 2024-02-30 --end 2024-03-01", "2024-02-30"),
        ("backfill --stations 2 --start 2024-03-02 --end 2024-03-01", "before it starts"),
        ("backfill --stations 2 --years 2024 --items hly-eto", "hourly"),
        ("backfill --stations 2 --years 2024 --items day-etoo", "day-etoo"),
    ],
)
def test_requests_that_cannot_be(line: str, word: str) -> None:
    with pytest.raises(UsageError, match=word):
        request_of(parse(line.split()))


def test_station_year_fetches_again() -> None:
    request = station_year(parse("ingest -station 2 -year 2024".split()), NOW)
    assert (request.stations, request.start, request.end, request.refetch) == ("2", "2024-01-01", "2024-12-31", True)


def test_station_year_of_the_future() -> None:
    with pytest.raises(UsageError, match="2026 has not begun"):
        station_year(parse("ingest -station 2 -year 2026".split()), NOW)
