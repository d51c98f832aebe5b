"""Looks that a person chose. With `--ascii` no screen shows a sign a plain terminal lacks; nothing moves for it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot
from tui_app import dashboard, settle
from tui_journal import ended, midst

from cimis_tui.actions import VIEWS
from cimis_tui.app import CimisApp
from cimis_tui.widgets.ascii import TABLE, to_ascii

pytestmark = pytest.mark.asyncio
SIZES = [(80, 24), (200, 60)]


def screen_text(pilot: Pilot[None]) -> str:
    """All that stands on the screen."""
    width, height = pilot.app.size
    lines = pilot.app.screen._compositor.render_strips(pilot.app.size)
    assert len(lines) == height
    return "\n".join(line.crop(0, width).text for line in lines)


def foreign(text: str) -> set[str]:
    return {char for char in text if not (" " <= char <= "~" or char == "\n")}


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
@pytest.mark.parametrize("view", [v.name for v in VIEWS])
async def test_every_screen(tmp_path: Path, view: str, size: tuple[int, int]) -> None:
    app = dashboard(tmp_path / "runs" / "r", midst(), ascii=True)
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        if view != "dashboard":
            app.go_to(view)
            await pilot.pause()
            await app.workers.wait_for_complete()
            await settle(pilot)
        assert app.screen is app.view(view)
        assert not foreign(screen_text(pilot))
        await pilot.press("question_mark")
        await pilot.pause()
        assert not foreign(screen_text(pilot)), "the help over it, neither"


@pytest.mark.parametrize("keys", [["q"], ["x"], ["ctrl+p"], ["slash", "!"], ["f"], ["P"]], ids="".join)
async def test_everything_that_opens(tmp_path: Path, keys: list[str]) -> None:
    async with dashboard(tmp_path, midst(), ascii=True).run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        await pilot.press(*keys)
        await pilot.pause()
        assert not foreign(screen_text(pilot))


async def test_theme_and_frames(tmp_path: Path) -> None:
    app = dashboard(tmp_path, midst(), theme="cimis-safe")
    app.looks = replace(app.looks, fps=2)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        assert (app.theme, app.fps) == ("cimis-safe", 2)
        assert "2 fps" in screen_text(pilot)
        app.app_focus = False
        assert app.fps == 1


async def test_nothing_moves(tmp_path: Path) -> None:
    """The same screen, sign for sign, in as many columns; keys are spelled out."""
    texts = []
    for plain in (False, True):
        async with dashboard(tmp_path / str(plain), ended(), ascii=plain).run_test(size=(120, 40)) as pilot:
            assert isinstance(pilot.app, CimisApp)
            await settle(pilot)
            texts.append(screen_text(pilot).split("\n"))
    with_signs, plain_ones = texts
    scrollbar = 118  # it ends in eighths of a block, which ASCII leaves out
    for line, plain_line in zip(with_signs[:-1], plain_ones[:-1], strict=True):
        told = to_ascii(line)
        assert told[:scrollbar] + told[scrollbar + 1 :] == plain_line[:scrollbar] + plain_line[scrollbar + 1 :]
    assert "Enter Detail" in plain_ones[-1] and "↵ Detail" in with_signs[-1]


async def test_every_sign_in_our_sources_has_a_plain_one() -> None:
    """So that none of them becomes `?`."""
    sources = (Path(__file__).parents[2] / "cimis_tui").rglob("*.py")
    literals = {c for p in sources for c in re.sub(r'""".*?"""|#.*', "", p.read_text(), flags=re.DOTALL)}
    unknown = {char for char in literals if not char.isascii() and ord(char) not in TABLE and "?" in to_ascii(char)}
    assert not unknown
