"""The plot of a stored series: its window, cursor, items, stations."""

from __future__ import annotations

from collections.abc import AsyncIterator

from action_checks import At, Run, check
from textual.widgets import Input
from tui_store import filled

from cimis_engine.model.items import Interval
from cimis_tui.screens.data import DataScreen
from cimis_tui.screens.picker import Picker
from cimis_tui.view.curve import slot_words
from cimis_tui.widgets.plot_panel import PlotPanel

YEAR = "2018-01-01..2018-12-31"


def data(at: At) -> DataScreen:
    assert isinstance(at.screen, DataScreen)
    return at.screen


def span(at: At) -> str:
    reading = data(at).reading
    assert reading is not None and reading.asked == data(at).asked
    return str(reading.asked.span)


def cursor(at: At) -> str:
    screen = data(at)
    assert screen.cursor is not None and screen.asked.interval is not None
    return slot_words(screen.asked.interval, screen.cursor)


def window(before: tuple[str, ...], expected: str) -> Run:
    async def change(at: At) -> AsyncIterator[None]:
        await at.press(*before)
        assert span(at) != expected
        yield
        assert span(at) == expected

    return change


for id, before, expected in (
    ("data.day", ("H",), "2018-12-31..2018-12-31"),
    ("data.week", (), "2018-12-31..2019-01-06"),
    ("data.month", (), "2018-12-01..2018-12-31"),
    ("data.year", ("m",), YEAR),
    ("data.all", (), "2016-01-01..2018-12-31"),
    ("data.nearer", (), "2018-07-03..2018-12-31"),
    ("data.farther", ("plus",), "2018-01-02..2018-12-31"),
    ("data.earlier", (), "2017-10-02..2018-10-01"),
    ("data.later", ("h",), YEAR),
    ("data.window_earlier", (), "2017-01-01..2017-12-31"),
    ("data.window_later", ("k",), YEAR),
    ("data.begin", (), "2016-01-01..2016-12-30"),
    ("data.end", ("home",), YEAR),
):
    check(id, on="data", place=filled)(window(before, expected))


def stepping(before: tuple[str, ...], forward: bool) -> Run:
    async def step(at: At) -> AsyncIterator[None]:
        await at.press(*before)
        was = cursor(at)
        yield
        assert (cursor(at) > was) == forward and cursor(at) != was

    return step


check("data.cursor_left", on="data", place=filled)(stepping((), False))
check("data.cursor_right", on="data", place=filled)(stepping(("comma",), True))
check("data.record_back", on="data", place=filled)(stepping((), False))
check("data.record_on", on="data", place=filled)(stepping(("less_than_sign",), True))


@check("data.date", on="data", place=filled)
async def date(at: At) -> AsyncIterator[None]:
    yield
    assert at.screen.query_one("#date", Input).has_focus
    await at.press(*"2017-03-20", "enter")
    assert cursor(at) == "2017-03-20"


@check("data.item", on="data", place=filled)
async def item(at: At) -> AsyncIterator[None]:
    yield
    assert isinstance(at.app.screen, Picker)
    await at.press(*"precip", "enter")
    chosen = data(at).asked.item
    assert chosen is not None and chosen.slug == "day-precip"


@check("data.overlay", on="data", place=filled)
async def overlay(at: At) -> AsyncIterator[None]:
    yield
    assert isinstance(at.app.screen, Picker)
    await at.press(*"air", "enter")
    plot = at.one(PlotPanel).plot
    assert plot is not None
    assert [curve.item.slug for curve in plot.curves] == ["day-eto", "day-air-tmp-avg"]


@check("data.interval", on="data", place=filled)
async def interval(at: At) -> AsyncIterator[None]:
    yield
    assert data(at).asked.interval is Interval.HOURLY


@check("data.next", on="data", place=filled)
async def following(at: At) -> AsyncIterator[None]:
    assert data(at).asked.station == 83
    yield
    assert data(at).asked.station == 62


@check("data.previous", on="data", place=filled)
async def previous(at: At) -> AsyncIterator[None]:
    await at.press("right_square_bracket")
    yield
    assert data(at).asked.station == 83


@check("data.severe", on="data", place=filled)
async def severe(at: At) -> AsyncIterator[None]:
    reading = data(at).reading
    assert reading is not None
    shown = reading.found.summaries[0].count
    yield
    reading = data(at).reading
    assert reading is not None and reading.found.summaries[0].count < shown
