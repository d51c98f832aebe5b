"""The footer: keys and what they do, from the action table; a click does it, too."""

from __future__ import annotations

from cimis_tui.actions import footer_actions, footer_key
from cimis_tui.view.cells import Cell, Line
from cimis_tui.widgets.panel import CellPanel


class KeyFooter(CellPanel):
    DEFAULT_CSS = "KeyFooter { height: 1; }"

    def __init__(self, view: str, *, replay: bool = False) -> None:
        super().__init__()
        self._view, self._replay = view, replay

    def lines(self, width: int, height: int) -> tuple[Line, ...]:
        cells: list[Cell] = [Cell(" ")]
        for action in footer_actions(width, self._view, replay=self._replay):
            cells.append(Cell(footer_key(action), "key", action.name))
            cells.append(Cell(f" {action.footer}", "dim", action.name))
            cells.append(Cell("  "))
        return (tuple(cells),)
