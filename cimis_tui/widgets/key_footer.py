"""The footer: keys and what they do, from the action table; a click does it, too."""

from __future__ import annotations

from collections.abc import Sequence

from cimis_tui.actions import Action, footer_actions, footer_key
from cimis_tui.reasons import Situation
from cimis_tui.view.cells import Cell, Line
from cimis_tui.widgets.panel import CellPanel


class KeyFooter(CellPanel):
    DEFAULT_CSS = "KeyFooter { height: 1; }"

    def __init__(self, view: str, table: Sequence[Action], *, replay: bool = False, away: bool = False) -> None:
        """`table`: the actions with the keys they have; `replay` and `away` as in `footer_actions`."""
        super().__init__()
        self._view, self._table, self._replay, self._away = view, table, replay, away
        self._shown: tuple[Situation | None, bool] = (None, False)

    def apply(self, now: Situation, *, frozen: bool) -> None:
        """What can be done now; whether the display is frozen."""
        if (now, frozen) != self._shown:
            self._shown = now, frozen
            self.repaint()

    def lines(self, width: int, height: int) -> tuple[Line, ...]:
        cells: list[Cell] = [Cell(" ")]
        now, frozen = self._shown
        for action in footer_actions(
            width, self._view, self._table, now=now, replay=self._replay, frozen=frozen, away=self._away
        ):
            cells.append(Cell(footer_key(action), "key", action.name))
            cells.append(Cell(f" {action.footer}", "dim", action.name))
            cells.append(Cell("  "))
        return (tuple(cells),)
