"""The list of runs: marking two, comparing them, opening one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

from action_checks import At, check
from runs_app import DONE, OLDER, console
from tui_app import Door, settle

from cimis_tui.app import CimisApp
from cimis_tui.widgets.compare_panel import ComparePanel
from cimis_tui.widgets.row_list import RowList


def four(folder: Path, _: Door) -> CimisApp:
    return console(folder)


@check("runs.mark", on="runs", start=four)
async def mark(at: At) -> AsyncIterator[None]:
    await at.press("j")
    yield
    cells = at.one(RowList)._cells
    assert {key for key, row in cells.items() if row[0].text == "A"} == {DONE}


@check("runs.compare", on="runs", start=four)
async def compare(at: At) -> AsyncIterator[None]:
    await at.press("j", "space", "j", "space")
    yield
    comparison = at.one(ComparePanel).comparison
    assert comparison is not None
    assert (comparison.a, comparison.b) == (DONE, OLDER)


@check("runs.open_run", on="runs", start=four)
async def open_run(at: At) -> AsyncIterator[None]:
    await at.press("j")
    yield
    await settle(at.pilot)
    assert (at.app.pump.mode, at.app.run_dir.name) == ("replay", DONE)
