"""The small list: cursor, scrolling, mouse, and what is painted anew."""

from __future__ import annotations

import pytest
from row_list_app import RIVERS, RiverApp, rows
from textual.events import MouseScrollDown

from cimis_tui.widgets.row_list import RowList

pytestmark = pytest.mark.asyncio
SIZE = (80, 10)


async def test_the_cursor_moves_by_row_by_page_and_to_the_ends() -> None:
    async with RiverApp(rows()).run_test(size=SIZE) as pilot:
        table = pilot.app.query_one(RowList)
        places = []
        for step in (
            lambda: table.move(1),
            lambda: table.move(-5),
            lambda: table.move_page(1),
            lambda: table.move_end(last=True),
            lambda: table.move_end(last=False),
        ):
            step()
            await pilot.pause()
            places.append(table.keys.index(table.cursor))
        assert places == [1, 0, 8, 24, 0]
        table.move_to("kern")
        table.move_to("nowhere")
        assert table.cursor == "kern"


async def test_the_cursor_stays_on_its_key_and_goes_to_the_first_when_that_is_gone() -> None:
    async with RiverApp(rows()).run_test(size=SIZE) as pilot:
        table = pilot.app.query_one(RowList)
        table.move_to("klamath")
        table.show(rows(RIVERS[::-1]))
        assert table.cursor == "klamath"
        table.show([row for row in rows() if row[0] != "klamath"])
        await pilot.pause()
        assert table.cursor == "sacramento"
        assert pilot.app.said[-1] == "at sacramento"  # type: ignore[attr-defined]


async def test_the_cursor_is_scrolled_into_sight() -> None:
    async with RiverApp(rows()).run_test(size=SIZE) as pilot:
        table = pilot.app.query_one(RowList)
        assert table.span == (1, 9)
        table.move_to("creek-20")
        await pilot.pause()
        assert table.span == (17, 25)


async def test_mouse() -> None:
    app = RiverApp(rows())
    async with app.run_test(size=SIZE) as pilot:
        table = app.query_one(RowList)
        await pilot.click(RowList, offset=(10, 3))
        assert table.cursor == "klamath"
        await pilot.click(RowList, offset=(10, 4), times=2)
        await pilot.pause()
        assert app.said[-1] == "open eel"
        await pilot.click(RowList, offset=(5, 0))
        await pilot.pause()
        assert app.said[-1] == "head river"
        table.post_message(MouseScrollDown(table, 5, 5, 0, 1, 0, False, False, False))
        await pilot.pause()
        assert table.span[0] > 1


async def test_only_rows_that_differ_are_painted_anew() -> None:
    async with RiverApp(rows()).run_test(size=SIZE) as pilot:
        table = pilot.app.query_one(RowList)
        await pilot.pause()
        kept = dict(table._strips)
        assert kept
        longer = [(*river[:3], 641, river[4]) if river[0] == "sacramento" else river for river in RIVERS]
        table.show(rows(tuple(longer)))
        await pilot.pause()
        anew = {key for key, strip in table._strips.items() if kept.get(key) is not strip}
        assert anew == {"sacramento"}
        assert "641" in table._strips["sacramento"].text
