"""The footer: keys and what they do, from the action table; a click does it, too."""

from __future__ import annotations

from collections.abc import Sequence

from cimis_tui.actions import Action, footer_actions, footer_key
from cimis_tui.view.cells import Cell, Line
from cimis_tui.widgets.panel import CellPanel


class KeyFooter(CellPanel):
    DEFAULT_CSS = "KeyFooter { height: 1; }"

    def __init__(self, view: str, table: Sequence[Action], *, replay: bool = False, away: bool = False) -> None:
        """`table`: the actions with the keys they have; `replay` and `away` as in `footer_actions`."""
        super().__init__()
        self._view, self._table, self._replay, self._away = view, table, replay, away
        self._over = False

    def apply(self, *, over: bool) -> None:
        """Whether the run has ended."""
        if over != self._over:
            self._over = over
            self.repaint()

    def lines(self, width: int, height: int) -> tuple[Line, ...]:
        cells: list[Cell] = [Cell(" ")]
        shown = footer_actions(width, self._view, self._table, replay=self._replay, over=self._over, away=self._away)
        for action in shown:
            cells.append(Cell(footer_key(action), "key", action.name))
            cells.append(Cell(f" {action.footer}", "dim", action.name))
            cells.append(Cell("  "))
        return (tuple(cells),)
