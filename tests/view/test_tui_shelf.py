"""What is read of a store for a plot: choices that were left open, and long readings told in parts."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from tui_store import YEARS, filled

from cimis_engine.clock import SystemClock
from cimis_engine.model.items import Interval, parse_items
from cimis_engine.model.period import Span
from cimis_engine.store.store import NoStoreError
from cimis_tui.feed.shelf import Asked, Reading, Shelf

ALL = Span(date(YEARS[0], 1, 1), date(YEARS[-1], 12, 31))


class SlowClock(SystemClock):
    """A second passes with every look."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        self.now += 1.0
        return self.now


def last(shelf: Shelf, asked: Asked) -> Reading:
    return list(shelf.readings(asked, {83: "Kesterson"}))[-1]


def test_open_choices_are_made(tmp_path: Path) -> None:
    filled(tmp_path)
    shelf = Shelf(tmp_path, SystemClock())
    found = last(shelf, Asked())
    assert (found.asked.station, found.asked.interval, found.stations) == (62, Interval.DAILY, (62, 83))
    assert found.asked.item is not None
    assert (found.asked.item.slug, str(found.asked.span)) == ("day-eto", "2018-01-01..2018-12-31")
    outside = last(shelf, Asked(station=83, span=Span(date(1990, 1, 1), date(1990, 12, 31))))
    assert str(outside.asked.span) == "2018-01-01..2018-12-31"
    assert outside.found is not None
    assert outside.found.plot.curves[0].name == "Kesterson"
    assert outside.intervals == (Interval.DAILY, Interval.HOURLY)
    nothing = last(shelf, Asked(station=7))
    assert (nothing.found, nothing.stations) == (None, (62, 83))
    shelf.close()


def test_a_second_curve_has_the_units_and_the_interval_of_the_first(tmp_path: Path) -> None:
    filled(tmp_path)
    shelf = Shelf(tmp_path, SystemClock())
    (air,) = parse_items(["day-air-tmp-avg"], Interval.DAILY)
    found = last(shelf, Asked(station=83, interval=Interval.HOURLY, other=(62, air))).found
    assert found is not None
    assert [(c.station, c.item.slug, c.unit) for c in found.plot.curves] == [
        (83, "hly-eto", "mm"),
        (62, "hly-air-tmp", "°C"),
    ]
    shelf.close()


def test_a_long_reading_is_told_in_parts_the_newest_first(tmp_path: Path) -> None:
    filled(tmp_path, stations=(83,))
    shelf = Shelf(tmp_path, SlowClock())
    parts = [r.found for r in shelf.readings(Asked(station=83, span=ALL), {}) if r.found]
    assert [part.plot.since.year for part in parts] == [2018, 2017, 2016]
    assert [part.plot.whole for part in parts] == [False, False, True]
    assert all(part.plot.span == ALL for part in parts)
    counts = [part.summaries[0].count for part in parts]
    assert counts == sorted(counts)
    assert parts[0].summaries[0].missing < parts[-1].summaries[0].missing < 60, "what is not read yet is not missing"
    assert len(list(Shelf(tmp_path, SystemClock()).readings(Asked(station=83), {}))) == 1
    shelf.close()


def test_no_store(tmp_path: Path) -> None:
    with pytest.raises(NoStoreError):
        last(Shelf(tmp_path, SystemClock()), Asked())
