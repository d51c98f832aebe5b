"""The stored chunks: verifying one and all, filtering, and a chunk's year as a plot."""

from __future__ import annotations

from collections.abc import AsyncIterator

from action_checks import At, check
from textual.widgets import Input
from tui_store import filled

from cimis_tui.screens.store import StoreScreen


def checks(at: At) -> list[str]:
    assert isinstance(at.screen, StoreScreen)
    return [row.check for row in at.screen.shown]


@check("store.verify", on="store", place=filled)
async def verify(at: At) -> AsyncIterator[None]:
    assert checks(at) == ["unchecked"] * 8
    yield
    assert checks(at) == ["sound"] + ["unchecked"] * 7


@check("store.verify_all", on="store", place=filled)
async def verify_all(at: At) -> AsyncIterator[None]:
    yield
    assert checks(at) == ["sound"] * 8


@check("store.filter", on="store", place=filled)
async def filter_chunks(at: At) -> AsyncIterator[None]:
    yield
    assert at.screen.query_one("#chunk-filter", Input).has_focus
    await at.press(*"year>2017", "enter")
    assert len(checks(at)) == 4


@check("store.open", on="store", place=filled)
async def open_year(at: At) -> AsyncIterator[None]:
    yield
    assert at.screen.VIEW == "data"
    assert at.app.pump.selected == 62
