"""FactPanel: a panel that shows what a presenter makes of some facts. Which ones is the screen's to say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from cimis_tui.view.cells import Line
from cimis_tui.widgets.panel import CellPanel

F = TypeVar("F")


class FactPanel(CellPanel, Generic[F]):
    """`present` gets the facts, the columns and the lines there are; `title` makes the words in the border."""

    def __init__(
        self,
        facts: F,
        present: Callable[[F, int, int], tuple[Line, ...]],
        title: Callable[[F], str] | None = None,
        *,
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self.facts = facts
        self._present, self._title = present, title

    def apply(self, facts: F) -> None:
        self.facts = facts
        if self._title is not None:
            self.retitle(self._title(facts))
        self.repaint()

    def lines(self, width: int, height: int) -> tuple[Line, ...]:
        return self._present(self.facts, width, height)
