"""Keys and mouse on the plot of a stored series."""

from __future__ import annotations

import json
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.events import MouseScrollUp
from textual.pilot import Pilot
from textual.widgets import Input
from tui_app import advance, dashboard, settle
from tui_journal import ended, midst, write
from tui_store import answered, filled, weather

from cimis_engine.model.items import Interval
from cimis_engine.store.store import Store
from cimis_tui.feed.shelf import Shelf
from cimis_tui.screens.data import DataScreen
from cimis_tui.screens.picker import Picker
from cimis_tui.view.curve import slot_words
from cimis_tui.widgets.fact_panel import FactPanel
from cimis_tui.widgets.plot_panel import PlotPanel
from cimis_tui.widgets.row_list import RowList

pytestmark = pytest.mark.asyncio


@asynccontextmanager
async def opened(tmp_path: Path, *, size: tuple[int, int] = (120, 40), **facts: Any) -> AsyncIterator[Pilot[Any]]:
    """The screen, at rest; station 83 is the chosen one."""
    app = dashboard(filled(tmp_path, **facts), midst())
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        await press(pilot, "5")
        yield pilot


async def press(pilot: Pilot[Any], *keys: str) -> DataScreen:
    """Each key, and what it asked for answered."""
    for key in keys:
        await pilot.press(key)
        await answered(pilot)
    return screen(pilot)


def screen(pilot: Pilot[Any]) -> DataScreen:
    found = pilot.app.view("data")  # type: ignore[attr-defined]
    assert isinstance(found, DataScreen)
    return found


def span(pilot: Pilot[Any]) -> str:
    reading = screen(pilot).reading
    assert reading is not None
    assert reading.asked == screen(pilot).asked
    return str(reading.asked.span)


def cursor(pilot: Pilot[Any]) -> str:
    shown = screen(pilot)
    assert shown.cursor is not None
    assert shown.asked.interval is not None
    return slot_words(shown.asked.interval, shown.cursor)


def notes(pilot: Pilot[Any]) -> str:
    return " ".join(n.message for n in pilot.app._notifications)


def words(pilot: Pilot[Any], where: str) -> str:
    panel = screen(pilot).query_one(where, FactPanel)
    return "\n".join("".join(cell.text for cell in line) for line in panel.lines(panel.size.width, panel.size.height))


async def test_it_opens_on_the_chosen_station_and_its_newest_year(tmp_path: Path) -> None:
    async with opened(tmp_path) as pilot:
        assert screen(pilot).asked.station == 83
        assert span(pilot) == "2018-01-01..2018-12-31"
        assert cursor(pilot) == "2018-12-31"
        assert " 83 Kesterson" in words(pilot, "#choice")
        assert "chunk    2018 daily" in words(pilot, "#series-facts")


async def test_ranges_are_picked_by_key_and_by_mouse(tmp_path: Path) -> None:
    async with opened(tmp_path) as pilot:
        found = []
        for key in ("m", "w", "a", "y"):
            await press(pilot, key)
            found.append(span(pilot))
        assert found == [
            "2018-12-01..2018-12-31",
            "2018-12-31..2019-01-06",
            "2016-01-01..2018-12-31",
            "2018-01-01..2018-12-31",
        ]
        line = words(pilot, "#choice")
        await pilot.click("#choice", offset=(line.index("m month") + 1, 0))
        await answered(pilot)
        assert span(pilot) == "2018-12-01..2018-12-31"


async def test_a_day_is_for_hours(tmp_path: Path) -> None:
    async with opened(tmp_path) as pilot:
        await press(pilot, "d")
        assert "one point" in notes(pilot)
        await press(pilot, "H", "d")
        assert span(pilot) == "2018-12-31..2018-12-31"
        assert screen(pilot).asked.item.slug == "hly-eto"  # type: ignore[union-attr]
        await press(pilot, "H")
        assert screen(pilot).asked.interval is Interval.DAILY
        assert screen(pilot).asked.span.days == 7  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("keys", "shown"),
    [
        (("k",), "2017-01-01..2017-12-31"),
        (("up", "down"), "2018-01-01..2018-12-31"),
        (("pageup", "pagedown"), "2018-01-01..2018-12-31"),
        (("h",), "2017-10-02..2018-10-01"),
        (("left", "right"), "2018-01-01..2018-12-31"),
        (("h", "l"), "2018-01-01..2018-12-31"),
        (("home",), "2016-01-01..2016-12-30"),
        (("home", "end"), "2018-01-01..2018-12-31"),
        (("plus",), "2018-07-03..2018-12-31"),
        (("equals_sign", "minus"), "2018-01-02..2018-12-31"),
        (("a", "j"), "2016-01-01..2018-12-31"),
        (("minus", "minus", "minus"), "2016-01-01..2018-12-31"),
    ],
)
async def test_moving_and_zooming(tmp_path: Path, keys: tuple[str, ...], shown: str) -> None:
    async with opened(tmp_path, stations=(83,)) as pilot:
        await press(pilot, *keys)
        assert span(pilot) == shown


async def test_an_edge_is_said(tmp_path: Path) -> None:
    async with opened(tmp_path) as pilot:
        await press(pilot, "j")
        assert "nothing is stored after 2018-12-31" in notes(pilot)
        await press(pilot, "a", "minus")
        assert "all that is stored is in sight" in notes(pilot)


async def test_going_to_a_date(tmp_path: Path) -> None:
    async with opened(tmp_path) as pilot:
        await press(pilot, "m", "g", *"2017-03-20", "enter")
        assert cursor(pilot) == "2017-03-20"
        assert span(pilot) == "2017-03-05..2017-04-04"
        assert isinstance(pilot.app.focused, PlotPanel)
        await press(pilot, "g", *"2016", "enter")
        assert cursor(pilot) == "2016-01-01"
        await press(pilot, "g", *"20xx", "enter")
        assert "not a date" in notes(pilot)
        await press(pilot, "escape")
        assert not screen(pilot).query_one("#date", Input).has_class("-on")
        assert pilot.app.screen is screen(pilot)
        await press(pilot, "g", *"2035-01-01", "enter")
        assert "2035-01-01 is not stored" in notes(pilot)
        assert cursor(pilot) == "2016-01-01"


async def test_the_cursor_by_key_and_mouse(tmp_path: Path) -> None:
    async with opened(tmp_path) as pilot:
        await press(pilot, "less_than_sign", "less_than_sign", "greater_than_sign")
        assert cursor(pilot) == "2018-12-30"
        await press(pilot, "comma")
        drawing = screen(pilot).query_one(PlotPanel).drawing
        assert drawing is not None
        assert cursor(pilot) == f"2018-12-{30 - drawing.step}"
        await press(pilot, "full_stop")
        assert cursor(pilot) == "2018-12-30"
        await pilot.click(PlotPanel, offset=(45, 12))
        assert cursor(pilot).startswith("2018-0")
        assert cursor(pilot)[:7] in words(pilot, "#series-facts") or "2018 daily" in words(pilot, "#series-facts")


async def test_the_window_follows_the_cursor_beyond_its_edge(tmp_path: Path) -> None:
    async with opened(tmp_path) as pilot:
        await press(pilot, "m", "g", *"2018-06-01", "enter", "m")
        assert span(pilot) == "2018-06-01..2018-06-30"
        await press(pilot, "less_than_sign")
        assert cursor(pilot) == "2018-05-31"
        assert span(pilot) == "2018-05-24..2018-06-22"


async def test_the_wheel_zooms_about_the_pointer(tmp_path: Path) -> None:
    async with opened(tmp_path) as pilot:
        panel = screen(pilot).query_one(PlotPanel)
        before = screen(pilot).asked.span
        await pilot._post_mouse_events([MouseScrollUp], PlotPanel, (45, 12))
        await answered(pilot)
        after = screen(pilot).asked.span
        assert before is not None
        assert after is not None
        assert after.days in (182, 183)
        assert before.start < after.start < after.end < before.end
        assert panel.plot is not None
        assert panel.plot.span == after


async def test_stations_with_data(tmp_path: Path) -> None:
    async with opened(tmp_path, stations=(5, 62, 83)) as pilot:
        found = []
        for key in ("right_square_bracket", "right_square_bracket", "left_square_bracket", "left_square_bracket"):
            shown = await press(pilot, key)
            found.append(shown.asked.station)
        assert found == [5, 62, 5, 83]
        assert pilot.app.pump.selected == 83  # type: ignore[attr-defined]


async def test_a_station_chosen_elsewhere_is_shown(tmp_path: Path) -> None:
    async with opened(tmp_path) as pilot:
        await press(pilot, "escape")
        pilot.app.pump.select(62)  # type: ignore[attr-defined]
        await press(pilot, "5")
        assert screen(pilot).asked.station == 62
        assert " 62 Camino" in words(pilot, "#choice")


async def test_picking_an_item(tmp_path: Path) -> None:
    async with opened(tmp_path) as pilot:
        await press(pilot, "i")
        assert isinstance(pilot.app.screen, Picker)
        await press(pilot, *"precip", "enter")
        assert screen(pilot).asked.item.slug == "day-precip"  # type: ignore[union-attr]
        await press(pilot, "i", "up", "enter")
        assert screen(pilot).asked.item.slug == "day-eto"  # type: ignore[union-attr]
        await press(pilot, "i", "escape")
        assert pilot.app.screen is screen(pilot)
        await press(pilot, "i", *"soil", "enter")
        assert "is not stored" in notes(pilot)
        await press(pilot, "i")
        await pilot.click(RowList, offset=(6, 1), times=2)
        await answered(pilot)
        assert screen(pilot).asked.item.slug == "day-air-tmp-avg"  # type: ignore[union-attr]


async def test_a_second_curve(tmp_path: Path) -> None:
    async with opened(tmp_path) as pilot:
        await press(pilot, "o", *"air", "enter")
        plot = screen(pilot).query_one(PlotPanel).plot
        assert plot is not None
        assert [c.item.slug for c in plot.curves] == ["day-eto", "day-air-tmp-avg"]
        await press(pilot, "right_square_bracket")
        assert screen(pilot).asked.other[0] == 62  # type: ignore[index]
        await press(pilot, "o", *"station", "enter", "H")
        plot = screen(pilot).query_one(PlotPanel).plot
        assert plot is not None
        assert [(c.station, c.item.slug) for c in plot.curves] == [(62, "hly-eto"), (83, "hly-eto")]
        await press(pilot, "o", "home", "enter")
        await press(pilot, "o", *"only", "enter")
        assert screen(pilot).asked.other is None


async def test_severe_values_are_hidden_and_shown(tmp_path: Path) -> None:
    async with opened(tmp_path) as pilot:
        with_them = screen(pilot).reading.found.summaries[0]  # type: ignore[union-attr]
        await press(pilot, "Q")
        without = screen(pilot).reading.found.summaries[0]  # type: ignore[union-attr]
        assert without.count < with_them.count
        assert "✗ hidden" in words(pilot, "#choice")
        await press(pilot, "Q")
        assert screen(pilot).reading.found.summaries[0] == with_them  # type: ignore[union-attr]


async def test_while_it_reads_the_picture_stays_dimmed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gate, readings = threading.Event(), Shelf.readings
    async with opened(tmp_path) as pilot:
        before = screen(pilot).query_one(PlotPanel).plot

        def slow(self: Shelf, *args: Any) -> Any:
            gate.wait(10)
            return readings(self, *args)

        monkeypatch.setattr(Shelf, "readings", slow)
        await pilot.press("k", "k")
        await advance(pilot, 1.0)
        panel = screen(pilot).query_one(PlotPanel)
        assert panel.stale
        assert panel.plot is before
        assert "reading…" in words(pilot, "#choice")
        gate.set()
        await answered(pilot)
        await answered(pilot)
        assert not panel.stale
        assert span(pilot) == "2016-01-01..2016-12-31", "the newest wish is what is shown in the end"


async def test_what_the_run_stores_is_read_anew(tmp_path: Path) -> None:
    run_dir = filled(tmp_path, stations=(62,))
    told = ended()
    app = dashboard(run_dir, midst())
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        await press(pilot, "5")
        assert "Nothing is stored of station 83 yet." in "".join(
            cell.text for line in screen(pilot).query_one(PlotPanel).lines(100, 20) for cell in line
        )
        await press(pilot, "m")
        assert "nothing is shown" in notes(pilot)
        app.pump.select(89)
        await advance(pilot, 1.0)
        await answered(pilot)
        store = Store.open(tmp_path)
        store.write(weather(89, Interval.DAILY, 2016))
        store.close()
        write(run_dir, told)
        await settle(pilot)
        await answered(pilot)
        assert screen(pilot).query_one(PlotPanel).plot is not None


async def test_a_damaged_chunk_is_told_with_what_to_do(tmp_path: Path) -> None:
    run_dir = filled(tmp_path)
    path = tmp_path / "stations" / "083" / "2018_daily.zst"
    path.write_bytes(path.read_bytes()[:-9])
    app = dashboard(run_dir, midst())
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        await press(pilot, "5")
        told = "\n".join("".join(c.text for c in line) for line in screen(pilot).query_one(PlotPanel).lines(100, 20))
        assert "2018_daily.zst" in told
        assert "--repair" in told or "verify" in told


async def test_export_writes_the_records_in_sight(tmp_path: Path) -> None:
    async with opened(tmp_path) as pilot:
        await press(pilot, "w", "e")
    (document,) = (tmp_path / "runs" / "1121-1904-7f3a").glob("data-*.json")
    rows = json.loads(document.read_text())
    assert [row["time"] for row in rows] == ["2018-12-31"]
    assert (rows[0]["item"], rows[0]["unit"]) == ("day-eto", "mm")
