"""Coverage: the cursor over stations and time, zoom, interval, scope, filter, a cell's story."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

from action_checks import At, Run, check
from textual.widgets import Input
from tui_catalog import stored

from cimis_engine.model.items import Interval
from cimis_tui.screens.coverage import CoverageScreen
from cimis_tui.screens.story import Story
from cimis_tui.widgets.heat_map import HeatMap


def place(folder: Path) -> Path:
    stored(folder)
    return folder / "runs" / "r1"


def here(at: At) -> tuple[int | None, str]:
    """Station and time under the cursor."""
    heat = at.one(HeatMap)
    return heat.station, heat.view.axis.name(heat.view.column)


def moving(before: tuple[str, ...], station: int, year: str) -> Run:
    async def move(at: At) -> AsyncIterator[None]:
        await at.press(*before)
        assert here(at) != (station, year)
        yield
        assert here(at) == (station, year)

    return move


for id, before, station, year in (
    ("coverage.down", (), 86, "2016"),
    ("coverage.up", (), 80, "2016"),
    ("coverage.back_in_time", (), 83, "2015"),
    ("coverage.on_in_time", (), 83, "2017"),
    ("coverage.first", (), 2, "2016"),
    ("coverage.last", (), 143, "2016"),
    ("coverage.first_column", (), 83, "1990"),
    ("coverage.last_column", (), 83, "2019"),
    ("coverage.page_up", ("g", "pagedown"), 2, "2016"),
    ("coverage.nearer", (), 83, "Jan 2016"),
    ("coverage.farther", ("plus", "plus"), 83, "Jan 2016"),
):
    check(id, on="coverage", place=place)(moving(before, station, year))


@check("coverage.page_down", on="coverage", place=place)
async def page_down(at: At) -> AsyncIterator[None]:
    await at.press("g")
    yield
    station, year = here(at)
    assert station is not None and station > 40 and year == "2016"


@check("coverage.interval", on="coverage", place=place)
async def interval(at: At) -> AsyncIterator[None]:
    yield
    assert at.one(HeatMap).view.board.interval is Interval.HOURLY


@check("coverage.scope", on="coverage", place=place)
async def scope(at: At) -> AsyncIterator[None]:
    assert at.one(HeatMap).view.seen.years == range(1990, 2020)
    yield
    assert at.one(HeatMap).view.seen.years == range(1982, 2026)


@check("coverage.filter", on="coverage", place=place)
async def filter_stations(at: At) -> AsyncIterator[None]:
    yield
    assert at.screen.query_one("#filter", Input).has_focus
    await at.press(*"state:fail")
    assert at.one(HeatMap).view.seen.stations == (83,)


@check("coverage.clear_filter", on="coverage", place=place)
async def clear_filter(at: At) -> AsyncIterator[None]:
    await at.press("slash", *"state:fail", "enter")
    yield
    assert isinstance(at.screen, CoverageScreen)
    assert len(at.one(HeatMap).view.seen.stations) == 48


@check("coverage.open", on="coverage", place=place)
async def open_story(at: At) -> AsyncIterator[None]:
    await at.press("h")
    yield
    assert isinstance(at.app.screen, Story)
