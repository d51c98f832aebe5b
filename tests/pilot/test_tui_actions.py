"""Every action of the table, by each of its keys and by a click on the footer; and the palette: see `action_checks`."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from action_checks import CHECKS, At, Check
from tui_app import Door, dashboard, idle, settle
from tui_journal import midst
from tui_store import answered

from cimis_tui.actions import ACTIONS, VIEW, Action, actions_of
from cimis_tui.keymap import conflicts
from cimis_tui.widgets.key_footer import KeyFooter

for file in sorted(Path(__file__).parent.glob("checks_*.py")):
    import_module(file.stem)

BY_ID = {action.id: action for action in ACTIONS}


def ways() -> Iterator[Any]:
    for check in CHECKS:
        action = BY_ID[check.id]
        for way in [*action.keys, *(["footer"] if action.footer else [])]:
            yield pytest.param(check, way, id=f"{check.view}-{check.id}-{way}")


def test_every_action_has_a_check() -> None:
    checked = {check.id for check in CHECKS}
    missing = [action.id for action in ACTIONS if action.id not in checked]
    assert not missing, "add them to tests/pilot/checks_<screen>.py"
    assert not checked - BY_ID.keys()


def test_every_check_is_on_a_screen_where_its_action_works() -> None:
    assert all(check.view in BY_ID[check.id].views for check in CHECKS)


def test_the_table_is_sound() -> None:
    assert len(BY_ID) == len(ACTIONS), "ids are unique"
    assert list(conflicts(ACTIONS)) == [], "a key means one thing on a screen"


@pytest.mark.asyncio
@pytest.mark.parametrize(("check", "way"), ways())
async def test_action(tmp_path: Path, check: Check, way: str) -> None:
    door, run_dir = Door(), check.place(tmp_path)
    app = dashboard(run_dir, check.told(), door=door)
    async with app.run_test(size=(200, 50)) as pilot:
        await settle(pilot)
        at = At(pilot, door, run_dir)
        if check.view != "dashboard":
            await at.open(check.view)
        steps = aiter(check.run(at))
        await anext(steps)
        await do(at, BY_ID[check.id], way)
        with pytest.raises(StopAsyncIteration):
            await anext(steps)


async def do(at: At, action: Action, way: str) -> None:
    """Press this key, or click on the action's words in the footer."""
    if way != "footer":
        await at.press(way)
        return
    footer = at.one(KeyFooter)
    cells = footer.lines(footer.size.width, 1)[0]
    place = next(n for n, cell in enumerate(cells) if cell.action == action.name)
    await at.pilot.click(KeyFooter, offset=(sum(len(cell.text) for cell in cells[:place]), 0))
    await answered(at.pilot)


@pytest.mark.asyncio
@pytest.mark.parametrize("view", VIEW)
async def test_the_palette_lists_what_the_screen_can_do(tmp_path: Path, view: str) -> None:
    app = dashboard(tmp_path, midst())
    async with app.run_test(size=(120, 40)) as pilot:
        at = At(pilot, Door(), tmp_path)
        if view != "dashboard":
            await at.open(view)
        commands = {command.title: command.callback.args for command in app.get_system_commands(at.screen)}  # type: ignore[attr-defined]
        wanted = [action for action in actions_of(view) if action.palette]
        assert commands == {a.help[0].upper() + a.help[1:]: (a.name,) for a in wanted}
        assert len(commands) == len(wanted), "no two say the same"


@pytest.mark.asyncio
async def test_the_palette_does_it(tmp_path: Path) -> None:
    """Once through Textual's own palette: typed, found, pressed."""
    app = dashboard(tmp_path, [])
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        await pilot.press("ctrl+p", *"next theme")
        await idle(pilot)
        await pilot.press("down", "enter")
        await idle(pilot)
        assert app.theme != "cimis-dark"
