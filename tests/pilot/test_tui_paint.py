"""What goes straight to the terminal leaves the same picture there as Textual's own way."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from textual._compositor import CompositorUpdate
from textual.pilot import Pilot
from tui_app import advance, dashboard, settle
from tui_journal import midst, write

from cimis_tui.app import CimisApp
from cimis_tui.widgets.live_table import LiveTable
from cimis_tui.widgets.paint import Lines, PlacedLine

pytestmark = pytest.mark.asyncio
_SEQUENCE = re.compile(r"\x1b\[(?P<place>\d+;\d+)H|\x1b\[(?P<style>[\d;]*)m|(?P<line>\n)|(?P<text>[^\x1b\n]+)")


class Screenful:
    """A terminal's cells: each a character and how it is shown. All characters here are one column wide."""

    def __init__(self, app: CimisApp) -> None:
        self.app = app
        self.straight: list[PlacedLine] = []
        """The lines that were not painted by Textual."""
        self._cells: dict[tuple[int, int], tuple[str, str]] = {}

    def display(self, _: object, update: object) -> None:
        """In place of the app's own way to the driver, which headless has none."""
        if isinstance(update, CompositorUpdate):
            self.straight += update.placed if isinstance(update, Lines) else []
            self._draw(update.render_segments(self.app.console), self._cells)

    def _draw(self, sequences: str, cells: dict[tuple[int, int], tuple[str, str]]) -> None:
        y = x = 0
        style = ""
        for found in _SEQUENCE.finditer(sequences):
            if place := found["place"]:
                y, x = (int(number) - 1 for number in place.split(";"))
            elif found["line"]:
                y, x = y + 1, 0
            elif found["text"]:
                cells.update({(y, x + n): (character, style) for n, character in enumerate(found["text"])})
                x += len(found["text"])
            else:
                style = "" if found["style"] in ("", "0") else found["style"]

    def differences(self) -> dict[tuple[int, int], object]:
        """Where it differs from the screen painted as a whole."""
        whole: dict[tuple[int, int], tuple[str, str]] = {}
        strips = self.app.screen._compositor.render_strips()
        for y, strip in enumerate(strips):
            self._draw(f"\x1b[{y + 1};1H{strip.render(self.app.console)}", whole)
        return {at: (self._cells.get(at), cell) for at, cell in whole.items() if self._cells.get(at) != cell}


@pytest.mark.parametrize("size", [(60, 15), (80, 24), (120, 40), (200, 60)], ids=lambda s: f"{s[0]}x{s[1]}")
async def test_the_same_picture(tmp_path: Path, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    told = midst()
    app = dashboard(tmp_path, told[: len(told) // 2])
    async with app.run_test(size=size) as pilot:
        screenful = Screenful(app)
        monkeypatch.setattr(app, "_display", screenful.display)
        await settle(pilot)
        app.screen.refresh(layout=True)
        await pilot.pause()
        for upto in range(len(told) // 2, len(told), 40):
            await more(pilot, tmp_path, told[:upto], 0.125)
            assert not screenful.differences()
        await pilot.press("j", "S")
        await more(pilot, tmp_path, told, 3.0)
        assert not screenful.differences()
        assert len(screenful.straight) > 20


async def test_what_is_covered_is_left_to_textual(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = midst()
    parts = iter(range(len(told) // 2, len(told), 20))
    app = dashboard(tmp_path, told[: len(told) // 2])
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        screenful = Screenful(app)
        monkeypatch.setattr(app, "_display", screenful.display)
        await settle(pilot)

        async def straight() -> bool:
            """Whether the table's lines of the next frames went straight to the terminal."""
            app.screen.refresh(layout=True)
            await pilot.pause()
            screenful.straight.clear()
            for _ in range(4):
                await more(pilot, tmp_path, told[: next(parts)], 0.125)
                assert not screenful.differences()
            table = app.screen.query_one(LiveTable).region
            return any(table.contains(line.x, line.y) for line in screenful.straight)

        assert await straight()
        app.notify("\n".join(["a message as long as the table"] * 30), timeout=60)
        await pilot.pause()
        assert not await straight()
        app.clear_notifications()
        await pilot.pause()
        assert await straight()
        await pilot.press("question_mark")
        await pilot.pause()
        screenful.straight.clear()
        await more(pilot, tmp_path, told, 3.0)
        assert not screenful.straight, "a question covers the screen"


async def more(pilot: Pilot[Any], run_dir: Path, told: Any, seconds: float) -> None:
    """Another frame, with what the journal tells by now."""
    app = pilot.app
    assert isinstance(app, CimisApp)
    write(run_dir, told)
    app.follower.read_once()
    await advance(pilot, seconds)
    await pilot.pause()
