"""The list of runs by key and mouse: marks, comparison, opening a run and coming back from it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from runs_app import CUT, DONE, LIVE, OLDER, compared, console, listed
from textual.pilot import Pilot
from tui_app import settle

from cimis_engine.run.events import Stamped
from cimis_engine.run.journal import JournalReader
from cimis_tui.feed import comparing
from cimis_tui.screens.console import ConsoleScreen
from cimis_tui.screens.runs import RunsScreen
from cimis_tui.widgets.compare_panel import ComparePanel
from cimis_tui.widgets.fact_panel import FactPanel
from cimis_tui.widgets.header_bar import HeaderBar
from cimis_tui.widgets.live_table import LiveTable
from cimis_tui.widgets.replay_bar import ReplayBar
from cimis_tui.widgets.row_list import RowList

pytestmark = pytest.mark.asyncio


@asynccontextmanager
async def runs(root: Path) -> AsyncIterator[Pilot[Any]]:
    async with console(root).run_test(size=(120, 40)) as pilot:
        await listed(pilot)
        yield pilot


def table(pilot: Pilot[Any]) -> RowList:
    return pilot.app.screen.query_one(RowList)


def marks(pilot: Pilot[Any]) -> dict[str, str]:
    cells = table(pilot)._cells
    return {str(key): row[0].text for key, row in cells.items() if row[0].text}


def notes(pilot: Pilot[Any]) -> str:
    return " ".join(n.message for n in pilot.app._notifications)


def mode(pilot: Pilot[Any]) -> str:
    vitals = pilot.app.screen.query_one(HeaderBar).vitals
    assert vitals is not None
    return f"{vitals.mode} {vitals.run_id}"


async def test_newest_first_and_the_live_run_as_it_is_now(tmp_path: Path) -> None:
    async with runs(tmp_path) as pilot:
        assert table(pilot).keys == [LIVE, DONE, OLDER, CUT]
        states = [table(pilot)._cells[key][2].text for key in table(pilot).keys]
        assert states == ["● running", "▲ partial", "▲ partial", "✗ cut off"]


async def test_moving(tmp_path: Path) -> None:
    async with runs(tmp_path) as pilot:
        seen = []
        for key in ("j", "k", "down", "G", "up", "g", "pagedown", "home"):
            await pilot.press(key)
            seen.append(table(pilot).cursor)
        assert seen == [DONE, LIVE, DONE, CUT, OLDER, LIVE, CUT, LIVE]


async def test_sorting_by_key_and_mouse(tmp_path: Path) -> None:
    async with runs(tmp_path) as pilot:
        await pilot.press("S")
        assert table(pilot).keys[0] == CUT
        await pilot.press("s")
        assert (table(pilot).sort_key, table(pilot).reverse) == ("took", True)
        assert table(pilot).keys[0] == OLDER
        await pilot.press("less_than_sign", "greater_than_sign")
        assert table(pilot).sort_key == "took"
        await pilot.click(RowList, offset=(8, 0))
        assert (table(pilot).sort_key, table(pilot).keys[0]) == ("run", LIVE)
        await pilot.click(RowList, offset=(8, 0))
        assert table(pilot).keys[0] == CUT


async def test_marks(tmp_path: Path) -> None:
    async with runs(tmp_path) as pilot:
        await pilot.press("j", "space", "j", "space")
        assert marks(pilot) == {DONE: "A", OLDER: "B"}
        await pilot.press("j", "space")
        assert marks(pilot) == {DONE: "A", CUT: "B"}
        await pilot.press("space")
        assert marks(pilot) == {DONE: "A"}


async def test_a_comparison_opens_and_closes(tmp_path: Path) -> None:
    async with runs(tmp_path) as pilot:
        await pilot.press("d")
        assert "mark two runs" in notes(pilot)
        await compared(pilot)
        panel = pilot.app.screen.query_one(ComparePanel)
        assert panel.comparison is not None
        assert (panel.comparison.a, panel.comparison.b) == (DONE, OLDER)
        assert [(c.station, c.year) for c in panel.comparison.changed] == [(2, 2016)]
        assert panel.display
        await pilot.press("d")
        assert not panel.display


async def test_with_one_mark_the_run_under_the_cursor_is_the_other(tmp_path: Path) -> None:
    async with runs(tmp_path) as pilot:
        await pilot.press("j", "space", "j", "j", "d")
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
        panel = pilot.app.screen.query_one(ComparePanel)
        assert panel.comparison is not None
        assert (panel.comparison.a, panel.comparison.b) == (DONE, CUT)


def shown(pilot: Pilot[Any], panel: str) -> str:
    lines = pilot.app.screen.query_one(panel)._lines  # type: ignore[attr-defined]
    return "\n".join("".join(cell.text for cell in line) for line in lines)


async def test_the_panel_tells_of_the_run_under_the_cursor(tmp_path: Path) -> None:
    async with runs(tmp_path) as pilot:
        panel, box = pilot.app.screen.query_one("#run-facts", FactPanel), pilot.app.screen.query_one("#runs-box")
        heights = set()
        for key, run_id, words in (("home", LIVE, "● running"), ("j", DONE, "▲ partial"), ("G", CUT, "✗ cut off")):
            await pilot.press(key)
            await pilot.pause()
            assert panel.border_title == f"Run {run_id}"
            assert words in shown(pilot, "#run-facts")
            heights.add((box.size.height, panel.size.height))
        assert len(heights) == 1
        assert box.outer_size.height == 4 + 1 + 2
        await pilot.click(RowList, offset=(8, 2))
        await pilot.pause()
        assert panel.border_title == f"Run {DONE}"


async def test_the_comparison_takes_the_place_of_the_panel(tmp_path: Path) -> None:
    async with runs(tmp_path) as pilot:
        facts = pilot.app.screen.query_one("#run-facts")
        assert facts.display
        await compared(pilot)
        assert not facts.display
        await pilot.press("escape")
        assert facts.display
        assert isinstance(pilot.app.screen, RunsScreen)
        await pilot.press("escape")
        assert not isinstance(pilot.app.screen, RunsScreen)


@pytest.mark.parametrize("size", [(60, 15), (80, 19), (100, 19)])
async def test_in_a_low_window_there_is_the_list_only(tmp_path: Path, size: tuple[int, int]) -> None:
    async with console(tmp_path).run_test(size=size) as pilot:
        await listed(pilot)
        assert not pilot.app.screen.query_one("#run-facts").display
        await pilot.resize_terminal(100, 30)
        await pilot.pause()
        assert pilot.app.screen.query_one("#run-facts").display
        assert f"backfill{' ' * 3}2016-01-01" in shown(pilot, "#run-facts")


async def test_the_list_is_as_high_as_its_rows_at_any_size(tmp_path: Path) -> None:
    async with runs(tmp_path) as pilot:
        box = pilot.app.screen.query_one("#runs-box")
        for width, height, high in ((80, 40, 5), (120, 40, 7), (60, 50, 5), (200, 60, 7)):
            await pilot.resize_terminal(width, height)
            await pilot.pause()
            assert box.outer_size.height == high


@pytest.mark.parametrize("key", ["d", "escape"])
async def test_closing_a_comparison_ends_the_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    ended = threading.Event()
    compare = RunsScreen._compare

    class Endless(JournalReader):
        """A journal that never comes to its end."""

        def read_new(self) -> list[Stamped]:
            self.offset = 0
            return super().read_new()

    def watched(screen: RunsScreen, journals: list[Path]) -> None:
        try:
            compare(screen, journals)
        finally:
            ended.set()

    monkeypatch.setattr(comparing, "JournalReader", Endless)
    monkeypatch.setattr(RunsScreen, "_compare", watched)
    async with runs(tmp_path) as pilot:
        await pilot.press("j", "space", "j", "space", "d")
        panel = pilot.app.screen.query_one(ComparePanel)
        while panel.reading is None:
            await pilot.pause(0.01)
        assert f"reading A {DONE}: 0 B of " in shown(pilot, "#compare")
        assert not ended.is_set()
        await pilot.press(key)
        assert await asyncio.to_thread(ended.wait, 10)
        assert not panel.display
        assert panel.comparison is None
        assert isinstance(pilot.app.screen, RunsScreen)


async def test_a_recorded_run_is_played_and_home_is_as_it_was(tmp_path: Path) -> None:
    async with runs(tmp_path) as pilot:
        await pilot.press("1", "j", "j")
        cursor = pilot.app.screen.query_one(LiveTable).cursor
        await pilot.press("6", "g", "j", "enter")
        await settle(pilot)
        assert mode(pilot) == f"replay 8x {DONE}"
        assert pilot.app.screen.query_one(ReplayBar).display
        await pilot.press("p")
        assert "recorded run" in notes(pilot)
        await pilot.press("B")
        await settle(pilot)
        assert mode(pilot) == f"live {LIVE}"
        assert pilot.app.screen.query_one(LiveTable).cursor == cursor
        assert not pilot.app.screen.query(ReplayBar)
        await pilot.press("6")
        assert isinstance(pilot.app.screen, RunsScreen)
        await pilot.press("1", "B")
        assert "opened on" in notes(pilot)


async def test_from_replay_to_replay_and_home_by_the_list(tmp_path: Path) -> None:
    async with runs(tmp_path) as pilot:
        await pilot.click(RowList, offset=(8, 2), times=2)
        await listed(pilot)
        assert mode(pilot).endswith(DONE)
        await pilot.press("G", "enter")
        await listed(pilot)
        assert mode(pilot).endswith(CUT)
        await pilot.press("enter")
        screen = pilot.app.screen
        assert isinstance(screen, ConsoleScreen)
        assert screen.VIEW == "dashboard"
        await pilot.press("6", "g")
        await pilot.press("escape")
        await pilot.press("6", "home", "enter")
        await settle(pilot)
        assert mode(pilot) == f"live {LIVE}"


async def test_export(tmp_path: Path) -> None:
    async with runs(tmp_path) as pilot:
        await pilot.press("e")
        await pilot.app.workers.wait_for_complete()
        (document,) = (tmp_path / "runs" / LIVE).glob("runs-*.json")
        assert DONE in document.read_text()
