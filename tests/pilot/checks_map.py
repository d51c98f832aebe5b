"""The map: moving and enlarging the picture, from station to station."""

from __future__ import annotations

from collections.abc import AsyncIterator

from action_checks import At, Run, check

from cimis_tui.widgets.map_pane import MapPane


def middle(at: At) -> tuple[float, float]:
    view = at.one(MapPane).view
    return view.latitude, view.longitude


def moving(north: int, east: int) -> Run:
    async def move(at: At) -> AsyncIterator[None]:
        await at.press("plus", "plus")
        before = middle(at)
        yield
        moved = [now - then for now, then in zip(middle(at), before, strict=True)]
        assert [(x > 0) - (x < 0) for x in moved] == [north, east]

    return move


check("map.west", on="map")(moving(0, -1))
check("map.east", on="map")(moving(0, 1))
check("map.north", on="map")(moving(1, 0))
check("map.south", on="map")(moving(-1, 0))


def zooming(before: tuple[str, ...], expected: int) -> Run:
    async def zoom(at: At) -> AsyncIterator[None]:
        await at.press(*before)
        assert at.one(MapPane).view.zoom != expected
        yield
        assert at.one(MapPane).view.zoom == expected

    return zoom


check("map.nearer", on="map")(zooming(("plus",), 3))
check("map.farther", on="map")(zooming(("plus", "plus"), 2))
check("map.whole", on="map")(zooming(("plus", "plus"), 1))


@check("map.next", on="map")
async def following(at: At) -> AsyncIterator[None]:
    assert at.app.pump.selected == 83
    yield
    assert at.app.pump.selected == 86


@check("map.previous", on="map")
async def previous(at: At) -> AsyncIterator[None]:
    yield
    assert at.app.pump.selected == 80


@check("map.nearest", on="map")
async def nearest(at: At) -> AsyncIterator[None]:
    await at.press("plus", "plus", *(["l", "j"] * 6))
    assert at.app.pump.selected == 83
    yield
    assert at.app.pump.selected != 83


@check("map.open", on="map")
async def open_station(at: At) -> AsyncIterator[None]:
    yield
    assert (at.screen.VIEW, at.app.pump.selected) == ("station", 83)
