"""The log screen: levels, words, errors, following, and from a line to its station."""

from __future__ import annotations

from collections.abc import AsyncIterator

from action_checks import At, check, live
from station_journal import busy
from textual.widgets import Input

from cimis_tui.widgets.log_pane import LogPane


def levels(at: At) -> set[int]:
    return {row.level for row in at.one(LogPane).shown}


@check("logs.level_up", on="logs", start=live(busy))
async def level_up(at: At) -> AsyncIterator[None]:
    assert levels(at) == {0, 1, 2}
    yield
    assert levels(at) == {1, 2}


@check("logs.level_down", on="logs", start=live(busy))
async def level_down(at: At) -> AsyncIterator[None]:
    await at.press("l", "l")
    assert levels(at) == {2}
    yield
    assert levels(at) == {1, 2}


@check("logs.follow", on="logs", start=live(busy))
async def follow(at: At) -> AsyncIterator[None]:
    assert at.one(LogPane).following
    yield
    assert not at.one(LogPane).following


@check("logs.filter", on="logs", start=live(busy))
async def filter_lines(at: At) -> AsyncIterator[None]:
    yield
    assert at.screen.query_one("#filter", Input).has_focus


@check("logs.previous_error", on="logs", start=live(busy))
async def previous_error(at: At) -> AsyncIterator[None]:
    yield
    row = at.one(LogPane).current
    assert row is not None and row.level == 2


@check("logs.next_error", on="logs", start=live(busy))
async def next_error(at: At) -> AsyncIterator[None]:
    await at.press("g")
    yield
    row = at.one(LogPane).current
    assert row is not None and row.level == 2
    assert at.one(LogPane).shown[0] != row


@check("logs.open", on="logs", start=live(busy))
async def open_station(at: At) -> AsyncIterator[None]:
    await at.press("N")
    row = at.one(LogPane).current
    assert row is not None and row.station is not None
    yield
    assert at.screen.VIEW == "station"
    assert at.app.pump.selected == row.station


@check("logs.copy", on="logs", start=live(busy))
async def copy(at: At) -> AsyncIterator[None]:
    row = at.one(LogPane).current
    assert row is not None
    yield
    assert row.text in at.app.clipboard
