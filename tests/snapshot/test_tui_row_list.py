"""The small list: how it looks, with and without rows."""

from __future__ import annotations

from typing import Any

import pytest
from row_list_app import RiverApp, rows
from textual.pilot import Pilot

from cimis_tui.widgets.row_list import RowList


@pytest.mark.parametrize("size", [(40, 8), (80, 12)], ids=lambda s: f"{s[0]}x{s[1]}")
def test_rows_under_a_cursor(snap_compare: Any, size: tuple[int, int]) -> None:
    async def steer(pilot: Pilot[Any]) -> None:
        table = pilot.app.query_one(RowList)
        table.move_to("eel")
        table.mark_sort("length", reverse=True)
        await pilot.pause()

    assert snap_compare(RiverApp(rows()), terminal_size=size, run_before=steer)


def test_without_a_row_it_says_why(snap_compare: Any) -> None:
    assert snap_compare(RiverApp([]), terminal_size=(60, 5))
