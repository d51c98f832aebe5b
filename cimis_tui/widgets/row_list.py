"""RowList: the small table of every screen but the dashboard: rows of cells in the order the screen gives them."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from textual.message import Message

from cimis_tui.view.cells import Cell, pad
from cimis_tui.view.columns import Column
from cimis_tui.widgets.line_table import HEADER, LineTable, Run

ListRow = tuple[Hashable, tuple[Cell, ...]]
"""A row's key, and a cell for each column, shown or not."""


class RowList(LineTable[Hashable]):
    """`show` gives it its rows; keys and sorting are the screen's (`move`, `move_page`, `move_end`, `mark_sort`)."""

    class HeaderPressed(Message):
        """A column's title was clicked; `column` is its key."""

        def __init__(self, column: str) -> None:
            super().__init__()
            self.column = column

    def __init__(self, columns: Sequence[Column], *, empty: str, id: str | None = None) -> None:
        """`empty` stands in place of the rows when there are none: it says what to do next."""
        super().__init__(columns, id=id)
        self._words = empty
        self._cells: dict[Hashable, tuple[Cell, ...]] = {}

    @property
    def keys(self) -> Sequence[Hashable]:
        """The keys of the rows, in their order."""
        return self._order

    def show(self, rows: Sequence[ListRow], *, empty: str | None = None) -> None:
        """Show these rows in this order; only those that differ are painted anew."""
        old, self._cells = self._cells, dict(rows)
        differ = [key for key, cells in rows if old.get(key) != cells]
        order = [key for key, _ in rows]
        if order != self._order or (empty is not None and empty != self._words):
            self._words = empty if empty is not None else self._words
            self._reorder(order)
            for gone in old.keys() - self._cells.keys():
                self._strips.pop(gone, None)
        self._repaint_rows(differ)

    def move_to(self, key: Hashable) -> None:
        """Put the cursor on this row; nothing happens when it is not shown."""
        if key in self._place:
            self._move_to(key)

    def mark_sort(self, column: str, *, reverse: bool) -> None:
        """Say in the header which column the rows are sorted by."""
        if (column, reverse) != (self.sort_key, self.reverse):
            self.sort_key, self.reverse = column, reverse
            self._strips.pop(HEADER, None)
            self.refresh()

    def _empty(self) -> str:
        return self._words

    def _header_clicked(self, column: Column) -> None:
        self.post_message(self.HeaderPressed(column.key))

    def _runs(self, key: Hashable) -> list[Run]:
        cells = self._cells[key]
        return [
            (cells[index].role, " " * gap + pad(cells[index].text, width, right=self.fields[index].right))
            for index, width, gap in self._columns
        ]
