"""What can be done on every screen: going elsewhere, steering the run, looks, files, leaving."""

from __future__ import annotations

from collections.abc import AsyncIterator

from action_checks import At, Run, check
from textual.command import CommandPalette

from cimis_tui.actions import VIEWS
from cimis_tui.screens.dialogue import Dialogue
from cimis_tui.screens.help import HelpScreen
from cimis_tui.widgets.live_table import LiveTable


async def select(at: At, station: int) -> None:
    """Put the dashboard's cursor on a station."""
    table = at.one(LiveTable)
    await at.press(*("j" for _ in range([row.key for row in table.shown].index(station))))
    assert table.cursor == station


def going_to(view: str) -> Run:
    async def go(at: At) -> AsyncIterator[None]:
        yield
        shown = at.screen.VIEW
        assert shown == view

    return go


for view in VIEWS:
    # to the dashboard one comes from elsewhere
    check(f"go.{view.name}", on="logs" if view.name == "dashboard" else "dashboard")(going_to(view.name))


@check("go.back", on="logs")
async def back(at: At) -> AsyncIterator[None]:
    yield
    assert at.screen.VIEW == "dashboard"


@check("console.freeze")
async def freeze(at: At) -> AsyncIterator[None]:
    yield
    assert at.app.frozen
    await at.press("f")
    assert not at.app.frozen


@check("console.theme")
async def theme(at: At) -> AsyncIterator[None]:
    yield
    assert at.app.theme == "cimis-light"


@check("console.palette")
async def palette(at: At) -> AsyncIterator[None]:
    yield
    assert isinstance(at.app.screen, CommandPalette)


@check("console.help")
async def help_screen(at: At) -> AsyncIterator[None]:
    yield
    assert isinstance(at.app.screen, HelpScreen)


@check("console.quit")
async def quit_screen(at: At) -> AsyncIterator[None]:
    yield
    assert isinstance(at.app.screen, Dialogue), "work is in flight: it asks how to leave"
    assert at.app.return_code is None


@check("console.export")
async def export(at: At) -> AsyncIterator[None]:
    yield
    await at.commands()
    assert {path.suffix for path in at.run_dir.glob("dashboard-*")} == {".csv", ".json"}


@check("console.picture")
async def picture(at: At) -> AsyncIterator[None]:
    yield
    (file,) = at.run_dir.glob("dashboard-*.svg")
    assert "<svg" in file.read_text()


@check("station.pause")
async def pause(at: At) -> AsyncIterator[None]:
    await select(at, 62)
    yield
    assert await at.commands() == [{"cmd": "pause", "stations": [62]}]
    assert "62 Camino: pause asked for" in at.notes()


@check("station.retry")
async def retry(at: At) -> AsyncIterator[None]:
    await select(at, 83)
    yield
    assert await at.commands() == [{"cmd": "retry", "stations": [83]}]


@check("station.cancel")
async def cancel(at: At) -> AsyncIterator[None]:
    await select(at, 62)
    yield
    assert isinstance(at.app.screen, Dialogue), "it asks first"
    assert await at.commands() == []
    await at.press("y")
    assert await at.commands() == [{"cmd": "cancel", "stations": [62]}]


@check("run.pause")
async def pause_run(at: At) -> AsyncIterator[None]:
    yield
    assert await at.commands() == [{"cmd": "pause"}]


@check("run.retry")
async def retry_run(at: At) -> AsyncIterator[None]:
    yield
    assert await at.commands() == [{"cmd": "retry"}]
