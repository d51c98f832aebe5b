"""Keys and mouse on the table of stored chunks."""

from __future__ import annotations

import json
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input
from tui_app import advance, dashboard, settle
from tui_journal import ended, midst, write
from tui_store import answered, break_chunk, filled, weather

from cimis_engine.model.items import Interval
from cimis_engine.store.atomic import FileSystem
from cimis_engine.store.store import Store
from cimis_tui.screens.data import DataScreen
from cimis_tui.screens.store import StoreScreen
from cimis_tui.widgets.fact_panel import FactPanel
from cimis_tui.widgets.row_list import RowList

pytestmark = pytest.mark.asyncio


@asynccontextmanager
async def opened(run_dir: Path) -> AsyncIterator[Pilot[Any]]:
    app = dashboard(run_dir, midst())
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        await press(pilot, "9")
        yield pilot


async def press(pilot: Pilot[Any], *keys: str) -> None:
    """Each key, and what it asked for answered."""
    for key in keys:
        await pilot.press(key)
        await answered(pilot)


def screen(pilot: Pilot[Any]) -> StoreScreen:
    found = pilot.app.view("store")  # type: ignore[attr-defined]
    assert isinstance(found, StoreScreen)
    return found


def table(pilot: Pilot[Any]) -> RowList:
    return screen(pilot).query_one(RowList)


def years(pilot: Pilot[Any]) -> list[tuple[int, str, int]]:
    return [(key[0], key[1].value, key[2]) for key in table(pilot).keys]  # type: ignore[index]


def words(pilot: Pilot[Any], where: str) -> str:
    panel = screen(pilot).query_one(where, FactPanel)
    return "\n".join("".join(cell.text for cell in line) for line in panel.lines(panel.size.width, panel.size.height))


def notes(pilot: Pilot[Any]) -> str:
    return " ".join(n.message for n in pilot.app._notifications)


def checks(pilot: Pilot[Any]) -> list[str]:
    return [row.check for row in screen(pilot).shown]


async def test_every_chunk_with_its_totals_and_detail(tmp_path: Path) -> None:
    async with opened(filled(tmp_path)) as pilot:
        assert years(pilot)[:4] == [(62, "daily", 2016), (62, "daily", 2017), (62, "daily", 2018), (62, "hourly", 2018)]
        assert words(pilot, "#store-totals").startswith(" 8 chunks   19.3k records")
        await press(pilot, "G")
        detail = words(pilot, "#chunk-detail")
        assert "stations/083/2018_hourly.zst" in detail
        assert "hly-air-tmp  hly-eto  hly-precip  hly-wind-dir" in detail
        assert "27 blocks" in detail


async def test_moving(tmp_path: Path) -> None:
    async with opened(filled(tmp_path)) as pilot:
        places = []
        for key in ("j", "j", "k", "down", "up", "G", "g", "pagedown", "pageup", "end", "home"):
            await press(pilot, key)
            places.append(list(table(pilot).keys).index(table(pilot).cursor))
        assert places == [1, 2, 1, 2, 1, 7, 0, 7, 0, 7, 0]
        await pilot.click(RowList, offset=(10, 3))
        assert table(pilot).cursor == (62, Interval.DAILY, 2018)


async def test_sorting_by_key_and_mouse(tmp_path: Path) -> None:
    async with opened(filled(tmp_path)) as pilot:
        await press(pilot, "greater_than_sign", "greater_than_sign", "s")
        assert table(pilot).sort_key == "year"
        assert [year for _, _, year in years(pilot)] == [2016, 2016, 2017, 2017, 2018, 2018, 2018, 2018]
        await press(pilot, "S")
        assert years(pilot)[0][2] == 2018
        await press(pilot, "less_than_sign")
        assert table(pilot).sort_key == "interval"
        await pilot.click(RowList, offset=(4, 0))
        assert (table(pilot).sort_key, table(pilot).reverse) == ("station", False)
        await pilot.click(RowList, offset=(4, 0))
        assert years(pilot)[0][0] == 83


async def test_filter_and_the_ways_out_of_it(tmp_path: Path) -> None:
    async with opened(filled(tmp_path)) as pilot:
        await press(pilot, "slash", *"year>2017", "enter")
        assert {year for _, _, year in years(pilot)} == {2018}
        assert words(pilot, "#store-totals").startswith(" 4 of 8 chunks")
        await press(pilot, "escape")
        assert len(years(pilot)) == 8
        await press(pilot, "slash", *"speed>3")
        assert screen(pilot).query_one("#chunk-filter", Input).has_class("-wrong")
        await press(pilot, "enter")
        assert "no column 'speed'" in notes(pilot)
        await press(pilot, "escape", "escape")
        assert pilot.app.screen is not screen(pilot)


async def test_verifying_one_and_all(tmp_path: Path) -> None:
    run_dir = filled(tmp_path)
    break_chunk(tmp_path / "stations" / "062" / "2018_hourly.zst")
    (tmp_path / "stations" / "083" / "2016_daily.zst").unlink()
    async with opened(run_dir) as pilot:
        await press(pilot, "v")
        assert "✓ 1 chunk sound" in words(pilot, "#store-progress")
        assert checks(pilot) == ["sound"] + ["unchecked"] * 7
        await press(pilot, "V")
        told = words(pilot, "#store-progress")
        assert "✗ 1 damaged, 1 missing file" in told
        assert "`cimis verify --repair`" in told
        assert checks(pilot) == ["sound"] * 3 + ["damaged"] * 2 + ["sound"] * 3
        await press(pilot, "j", "j", "j")
        detail = words(pilot, "#chunk-detail")
        assert "block 14 of 27" in detail
        assert "lost: 2018-07-02 to 2018-07-15" in detail
        assert detail.splitlines()[-1].startswith("file SHA-256 "), "the list gave it the lines it needs"
        await press(pilot, "slash", *"state:damage", "enter")
        assert len(years(pilot)) == 2


async def test_verifying_one_that_is_damaged(tmp_path: Path) -> None:
    run_dir = filled(tmp_path)
    break_chunk(tmp_path / "stations" / "062" / "2016_daily.zst")
    async with opened(run_dir) as pilot:
        await press(pilot, "v")
        assert checks(pilot)[0] == "damaged"
        assert "1 damaged" in words(pilot, "#store-progress")


class HeldFileSystem(FileSystem):
    """Waits before the second file is read until it is let go on."""

    def __init__(self) -> None:
        self.reads, self.reached, self.gate = 0, threading.Event(), threading.Event()

    def read(self, path: Path) -> bytes:
        self.reads += 1
        if self.reads == 2:
            self.reached.set()
            self.gate.wait(10)
        return super().read(path)


async def test_verifying_shows_how_far_it_is_and_stops(tmp_path: Path) -> None:
    async with opened(filled(tmp_path)) as pilot:
        held = HeldFileSystem()
        screen(pilot).shelf.store().fs = held
        await pilot.press("V")
        assert held.reached.wait(10)
        await advance(pilot, 0.2)
        assert "1 of 8 files" in words(pilot, "#store-progress")
        assert "esc" in words(pilot, "#store-progress")
        assert checks(pilot)[:2] == ["sound", "unchecked"]
        await pilot.press("V")
        assert "verifying already" in notes(pilot)
        await pilot.press("backspace")
        held.gate.set()
        await answered(pilot)
        await advance(pilot, 0.2)
        assert "stopped after 2 of 8 files" in words(pilot, "#store-progress")
        assert pilot.app.screen is screen(pilot), "the key stopped verifying, and nothing else"
        assert checks(pilot) == ["sound"] * 2 + ["unchecked"] * 6


async def test_enter_and_double_click_plot_the_chunks_year(tmp_path: Path) -> None:
    async with opened(filled(tmp_path)) as pilot:
        await press(pilot, "j", "enter")
        data = pilot.app.screen
        assert isinstance(data, DataScreen)
        assert (data.asked.station, str(data.asked.span)) == (62, "2017-01-01..2017-12-31")
        assert data.reading is not None
        assert data.reading.asked == data.asked
        await press(pilot, "9")
        await pilot.click(RowList, offset=(10, 8), times=2)
        await answered(pilot)
        assert pilot.app.screen is data
        assert (data.asked.station, data.asked.interval) == (83, Interval.HOURLY)


async def test_new_chunks_of_the_run_appear_and_old_results_are_of_old_bytes(tmp_path: Path) -> None:
    run_dir = filled(tmp_path, stations=(62,))
    async with opened(run_dir) as pilot:
        await press(pilot, "V")
        assert checks(pilot) == ["sound"] * 4
        store = Store.open(tmp_path)
        store.write(weather(83, Interval.DAILY, 2016))
        part = weather(62, Interval.DAILY, 2019)
        store.write(part)
        store.close()
        write(run_dir, ended())
        await settle(pilot)
        await advance(pilot, 3.0)
        await answered(pilot)
        assert (83, "daily", 2016) in years(pilot)
        assert sorted(checks(pilot)) == ["sound"] * 4 + ["unchecked"] * 2


async def test_export(tmp_path: Path) -> None:
    run_dir = filled(tmp_path)
    async with opened(run_dir) as pilot:
        await press(pilot, "slash", *"hourly", "enter", "e")
    (document,) = run_dir.glob("store-*.json")
    assert [row["station"] for row in json.loads(document.read_text())] == [62, 83]


async def test_where_there_is_no_store(tmp_path: Path) -> None:
    async with opened(tmp_path / "runs" / "x") as pilot:
        assert "no CIMIS data" in table(pilot)._words
        await press(pilot, "v", "V", "enter", "e")
        assert "no chunk is under the cursor" in notes(pilot)
        assert "there is nothing to verify" in notes(pilot)
