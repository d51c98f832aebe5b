"""The dashboard: moving, marking, filtering, sorting, the log, the limit of requests in flight, undo."""

from __future__ import annotations

from collections.abc import AsyncIterator

from action_checks import At, Run, check
from textual.widgets import Input

from cimis_tui.widgets.live_table import LiveTable
from cimis_tui.widgets.log_pane import LogPane


def place(at: At) -> int:
    table = at.one(LiveTable)
    return [row.key for row in table.shown].index(table.cursor or 0)


def moving(start: tuple[str, ...], expected: int) -> Run:
    async def move(at: At) -> AsyncIterator[None]:
        await at.press(*start)
        assert place(at) != expected
        yield
        assert place(at) == expected

    return move


check("move.down")(moving((), 1))
check("move.up")(moving(("j", "j"), 1))
check("move.last")(moving((), 47))
check("move.first")(moving(("j", "j"), 0))


@check("move.page_down")
async def page_down(at: At) -> AsyncIterator[None]:
    page = at.one(LiveTable).size.height - 2
    yield
    assert place(at) == page


@check("move.page_up")
async def page_up(at: At) -> AsyncIterator[None]:
    await at.press("pagedown", "j")
    yield
    assert place(at) == 1


@check("dashboard.open")
async def open_station(at: At) -> AsyncIterator[None]:
    await at.press("j")
    yield
    assert at.screen.VIEW == "station"
    assert at.app.pump.selected == 86


@check("dashboard.filter")
async def filter_rows(at: At) -> AsyncIterator[None]:
    yield
    assert at.screen.query_one("#filter", Input).has_focus
    await at.press(*"bishop")
    assert [row.key for row in at.one(LiveTable).shown] == [68]


@check("dashboard.clear")
async def clear_filter(at: At) -> AsyncIterator[None]:
    await at.press("slash", *"bishop", "enter")
    yield
    assert len(at.one(LiveTable).shown) == 48


@check("dashboard.clear")
async def clear_marks_before_the_filter(at: At) -> AsyncIterator[None]:
    await at.press("slash", *"bishop", "enter", "space")
    assert at.one(LiveTable).marked == [68]
    yield
    assert at.one(LiveTable).marked == []
    assert len(at.one(LiveTable).shown) == 1


def sorting(start: tuple[str, ...], column: str, reverse: bool) -> Run:
    async def sort(at: At) -> AsyncIterator[None]:
        await at.press(*start)
        yield
        table = at.one(LiveTable)
        assert (table.sort_key, table.reverse) == (column, reverse)

    return sort


check("sort.next")(sorting((), "progress", False))
check("sort.right")(sorting((), "progress", False))
check("sort.left")(sorting((), "name", False))
check("sort.reverse")(sorting((), "state", True))


@check("station.mark")
async def mark(at: At) -> AsyncIterator[None]:
    await at.press("j")
    yield
    table = at.one(LiveTable)
    assert table.marked == [86]
    assert place(at) == 2, "on to the next"
    await at.press("k", "space")
    assert table.marked == [], "again: not marked"


@check("station.mark_all")
async def mark_all(at: At) -> AsyncIterator[None]:
    await at.press("slash", *"state:retry", "enter")
    yield
    assert at.one(LiveTable).marked == [86], "only what the filter shows"


@check("station.unmark")
async def unmark(at: At) -> AsyncIterator[None]:
    await at.press("space", "space")
    assert at.one(LiveTable).marked == [83, 86]
    yield
    assert at.one(LiveTable).marked == []


@check("run.more")
async def more(at: At) -> AsyncIterator[None]:
    yield
    assert await at.commands() == [{"cmd": "concurrency", "limit": 9}]
    assert at.notes() == "limit of requests in flight: 8 → 9\nz undoes it, within 10 s"
    await at.press("plus")
    assert (await at.commands())[-1] == {"cmd": "concurrency", "limit": 10}, "keys come faster than the journal"
    assert at.notes() == "limit of requests in flight: 9 → 10\nz undoes it, within 10 s", "in place of the one before"


@check("run.less")
async def less(at: At) -> AsyncIterator[None]:
    yield
    assert await at.commands() == [{"cmd": "concurrency", "limit": 7}]


@check("run.undo")
async def undo(at: At) -> AsyncIterator[None]:
    await at.press("slash", *"state:run", "enter", "asterisk", "p")
    (sent,) = await at.commands()
    assert "7 stations: pause asked for" in at.notes() and "z undoes it" in at.notes()
    yield
    assert (await at.commands())[1:] == [{"cmd": "resume", "stations": sent["stations"]}]
    await at.press("z")
    assert len(await at.commands()) == 2
    assert "nothing to undo" in at.notes()


@check("log.level_up")
async def level_up(at: At) -> AsyncIterator[None]:
    yield
    assert at.one(LogPane).level == "WARN"


@check("log.level_down")
async def level_down(at: At) -> AsyncIterator[None]:
    await at.press("l", "l")
    yield
    assert at.one(LogPane).level == "WARN"


@check("log.follow")
async def follow(at: At) -> AsyncIterator[None]:
    yield
    assert not at.one(LogPane).following
