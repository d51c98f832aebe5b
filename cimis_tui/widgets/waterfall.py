"""The waterfall: a station's attempts, newest first, each a line with its phases on the common time scale."""

from __future__ import annotations

from collections.abc import Sequence

from textual.events import Resize

from cimis_tui.view.attempts import AttemptRow, attempt_cells, attempt_columns, brief, dates
from cimis_tui.view.cells import Cell, pad
from cimis_tui.view.columns import Column, Placed, layout
from cimis_tui.view.waterfall import ZOOMS, bar, ruler, scale_of
from cimis_tui.widgets.line_table import LineTable, Run

Key = tuple[int, int, float]


class Waterfall(LineTable[Key]):
    """A cursor on the newest attempt goes to the next one that comes; on any other it stays where it is."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(attempt_columns(80, ()), id=id)
        self._rows: dict[Key, AttemptRow] = {}
        self._cells: dict[Key, dict[str, Cell]] = {}
        self._words = ""
        self._spans: tuple[str, ...] = ()
        self.zoom = 0
        self.scale = scale_of(())

    @property
    def rows(self) -> Sequence[AttemptRow]:
        return tuple(self._rows.values())

    @property
    def current(self) -> AttemptRow | None:
        return None if self.cursor is None else self._rows.get(self.cursor)

    def apply(self, rows: Sequence[AttemptRow], *, empty: str) -> None:
        """Show these attempts, the newest first; `empty` stands there when there is none."""
        old, self._rows = self._rows, {row.key: row for row in rows}
        self._cells = {row.key: attempt_cells(row) for row in rows}
        spans = tuple(sorted({dates(row.start, row.end) for row in rows}, key=len))[-1:]
        if spans != self._spans:
            self._spans = spans
            self._lay_out()
        self._rescale()
        order = list(self._rows)
        if order != self._order or empty != self._words:
            self._words = empty
            follows = self.cursor is None or (bool(self._order) and self.cursor == self._order[0])
            self._reorder(order)
            if follows and order:
                self._move_to(order[0])
        self._repaint_rows(row.key for row in rows if old.get(row.key) != row)

    def magnify(self, step: int) -> bool:
        """Halve (1) or double (-1) the time scale; False when it is at its end."""
        zoom = self.zoom + step
        if not 0 <= zoom <= ZOOMS:
            return False
        self.zoom = zoom
        self._rescale()
        return True

    def _rescale(self) -> None:
        scale = scale_of(self._rows.values(), self.zoom)
        if scale != self.scale:
            self.scale = scale
            self._strips.clear()
            self.refresh()

    def _lay_out(self) -> None:
        self.fields = attempt_columns(self.app.size.width, self._spans)
        self._columns = layout(self.fields, self.app.size.width, self.scrollable_content_region.width)
        self._strips.clear()
        self.refresh()

    def on_resize(self, _: Resize) -> None:
        self._lay_out()

    def _empty(self) -> str:
        return self._words

    def _heading(self, column: Column, placed: Placed) -> str:
        if column.key == "bar":
            return " " * placed.gap + ruler(self.scale, placed.width)
        return super()._heading(column, placed)

    def _runs(self, key: Key) -> list[Run]:
        cells, runs = self._cells[key], []
        for index, width, gap in self._columns:
            column = self.fields[index]
            if column.key == "bar":
                runs.append(("text", " " * gap))
                runs += [(cell.role, cell.text) for cell in bar(self._rows[key], self.scale, width)]
            else:
                cell = cells[column.key]
                text = brief(cell.text, width) if column.key == "note" else cell.text
                runs.append((cell.role, " " * gap + pad(text, width, right=column.right)))
        return runs
