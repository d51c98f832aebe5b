"""The station screen: its neighbours, the waterfall, an attempt's facts."""

from __future__ import annotations

from collections.abc import AsyncIterator

from action_checks import At, check, live
from station_journal import STATION, busy

from cimis_tui.screens.attempt import AttemptSheet
from cimis_tui.widgets.waterfall import Waterfall


@check("station.next", on="station", start=live(busy))
async def following(at: At) -> AsyncIterator[None]:
    before = at.screen.subject()
    yield
    assert at.screen.subject() != before
    await at.press("left_square_bracket")
    assert at.screen.subject() == before


@check("station.previous", on="station", start=live(busy))
async def previous(at: At) -> AsyncIterator[None]:
    before = at.screen.subject()
    yield
    assert at.screen.subject() != before
    await at.press("right_square_bracket")
    assert at.screen.subject() == before


async def on_the_busy_one(at: At) -> None:
    at.app.pump.select(STATION)
    at.screen.tick(anew=True)
    await at.pilot.pause()


@check("station.open", on="station", start=live(busy))
async def open_attempt(at: At) -> AsyncIterator[None]:
    await on_the_busy_one(at)
    yield
    assert isinstance(at.app.screen, AttemptSheet)


@check("station.zoom", on="station", start=live(busy))
async def zoom(at: At) -> AsyncIterator[None]:
    assert at.screen.query_one("#middle").display
    yield
    assert not at.screen.query_one("#middle").display


@check("station.finer", on="station", start=live(busy))
async def finer(at: At) -> AsyncIterator[None]:
    await on_the_busy_one(at)
    whole = at.one(Waterfall).scale
    yield
    assert at.one(Waterfall).scale < whole


@check("station.coarser", on="station", start=live(busy))
async def coarser(at: At) -> AsyncIterator[None]:
    await on_the_busy_one(at)
    whole = at.one(Waterfall).scale
    await at.press("plus")
    yield
    assert at.one(Waterfall).scale == whole


@check("station.copy", on="station", start=live(busy))
async def copy(at: At) -> AsyncIterator[None]:
    await on_the_busy_one(at)
    yield
    assert f'"station": {STATION}' in at.app.clipboard
