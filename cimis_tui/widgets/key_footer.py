"""The footer: keys and what they do, from the action table; a click does it, too."""

from __future__ import annotations

from cimis_tui.actions import footer_actions, footer_key
from cimis_tui.view.cells import Cell, Line
from cimis_tui.widgets.panel import CellPanel


class KeyFooter(CellPanel):
    DEFAULT_CSS = "KeyFooter { height: 1; }"

    def __init__(self, view: str, *, plain: bool = False, replay: bool = False) -> None:
        """`plain`: keys by their names, where the terminal has no signs for them. `replay`: those that steer one."""
        super().__init__()
        self._view, self._plain, self._replay = view, plain, replay

    def lines(self, width: int, height: int) -> tuple[Line, ...]:
        cells: list[Cell] = [Cell(" ")]
        for action in footer_actions(width, self._view, plain=self._plain, replay=self._replay):
            cells.append(Cell(footer_key(action, plain=self._plain), "key", action.name))
            cells.append(Cell(f" {action.footer}", "dim", action.name))
            cells.append(Cell("  "))
        return (tuple(cells),)
