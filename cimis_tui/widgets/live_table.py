"""LiveTable: the station table. It sorts and filters its rows, and rests a moment after the cursor was moved."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from textual.events import Click
from textual.geometry import Region

from cimis_tui.view.bars import bar
from cimis_tui.view.cells import Cell, pad
from cimis_tui.view.columns import COLUMNS, FRAMED, INDEX, SORTABLE, Column, Placed
from cimis_tui.view.order import Filter, order_rows
from cimis_tui.view.present import Row
from cimis_tui.widgets.line_table import HEADER, LineTable, Run

RESORT_EVERY = 1.0
"""Rows change places at most once in so many seconds."""
REST_AFTER_KEY = 2.0
"""…and not within so many seconds after the cursor was moved."""
_PROGRESS = INDEX["progress"]
Drawn = tuple[float, tuple[Cell, ...]]
"""What a row's strip was made of: its progress and the cells of the columns in sight."""


class LiveTable(LineTable[int]):
    """Keys are station numbers. Rows can be marked; a mark stays on its station, shown or not."""

    MARK = 2

    def __init__(self, now: Callable[[], float], *, id: str | None = None) -> None:
        """`now` is a monotonic clock: it paces the sorting."""
        super().__init__(COLUMNS, id=id)
        self._now = now
        self._rows: dict[int, Row] = {}
        self._drawn: dict[int, Drawn] = {}
        self._plan: list[tuple[int, int, str, Callable[[str, int], str]]] = []
        self._stale = False
        self._sorted_at = float("-inf")
        self._keyed_at = float("-inf")
        self.sort_key, self.reverse = "state", False
        self.filter: Filter[Row] = Filter("")
        self._marked: set[int] = set()

    # what the screen asks

    @property
    def total(self) -> int:
        return len(self._rows)

    @property
    def shown(self) -> list[Row]:
        """The rows shown, in their order."""
        return [self._rows[key] for key in self._order]

    @property
    def matching(self) -> int:
        """How many rows the filter lets through."""
        return len(self._order)

    @property
    def marked_matching(self) -> int:
        """How many of the marked rows the filter lets through."""
        return sum(key in self._place for key in self._marked)

    @property
    def current(self) -> Row | None:
        return None if self.cursor is None else self._rows.get(self.cursor)

    @property
    def marked(self) -> list[int]:
        """The stations that are marked, by number."""
        return sorted(self._marked)

    # marks

    def mark(self) -> None:
        """Mark the row under the cursor, or not; then on to the next."""
        if self.cursor is not None:
            self._set_marks(self._marked ^ {self.cursor})
            self.move(1)

    def mark_shown(self) -> None:
        """Mark every row that the filter shows, besides those marked before."""
        self._set_marks(self._marked | set(self._order))

    def unmark(self) -> None:
        self._set_marks(set())

    def _set_marks(self, marks: set[int]) -> None:
        changed, self._marked = marks ^ self._marked, marks
        self._repaint_rows(changed)
        self._strips.pop(HEADER, None)
        self.refresh(Region(0, 0, self.size.width, 1))
        self.post_message(self.Resorted())

    def _clicked(self, key: int, x: int, event: Click) -> bool:
        at_mark = x < self.MARK or event.ctrl
        if at_mark:
            self._set_marks(self._marked ^ {key})
        return at_mark

    # data in

    def apply(self, changed: Mapping[int, Row]) -> None:
        """Take rows that changed; sorts again if it is time for it."""
        new = [key for key in changed if key not in self._rows]
        moved = [row for key, row in changed.items() if self._sorts_elsewhere(self._rows.get(key), row)]
        self._rows.update(changed)
        self._stale = self._stale or bool(moved)
        now = self._now()
        rested = now - self._sorted_at >= RESORT_EVERY and now - self._keyed_at >= REST_AFTER_KEY
        if new or (self._stale and rested):
            self.resort()
        self._repaint_rows([row.key for row in changed.values() if self._paints_anew(row)])

    def _paints_anew(self, row: Row) -> bool:
        """Whether a row that changed looks different now, in the columns in sight."""
        drawn = self._drawn.get(row.key)
        if drawn is None:
            return True
        now = self._drawn[row.key] = self._draw(row)
        return now != drawn

    def _draw(self, row: Row) -> Drawn:
        return row.progress, tuple([row.cell(placed.column) for placed in self._columns])

    def _sorts_elsewhere(self, old: Row | None, new: Row) -> bool:
        at = INDEX[self.sort_key]
        return old is None or bool(self.filter.tests) or old.values[at] != new.values[at]

    def resort(self) -> None:
        """Sort and filter now; repaints only if the order came out different."""
        order = order_rows(self._rows.values(), by=self.sort_key, reverse=self.reverse, keep=self.filter)
        self._stale, self._sorted_at = False, self._now()
        if order != self._order:
            self._reorder(order)

    def sort_by(self, key: str, *, reverse: bool | None = None) -> None:
        """Sort by a column; again by the same one turns the order around."""
        again = key == self.sort_key
        self.reverse = reverse if reverse is not None else (not self.reverse if again else _starts_high(key))
        self.sort_key = key
        self._order = []
        self._strips.pop(HEADER, None)
        self.resort()

    def step_sort(self, step: int) -> None:
        """Sort by the next (or previous) column in sight."""
        keys = [key for placed in self._columns if (key := COLUMNS[placed.column].key) in SORTABLE] or list(SORTABLE)
        at = keys.index(self.sort_key) if self.sort_key in keys else -step
        key = keys[(at + step) % len(keys)]
        self.sort_by(key, reverse=_starts_high(key))

    def set_filter(self, keep: Filter[Row]) -> None:
        self.filter = keep
        self._order = []
        self.resort()
        self.refresh()
        self.post_message(self.Resorted())

    # painting

    def _steered(self) -> None:
        self._keyed_at = self._now()

    def _header_clicked(self, column: Column) -> None:
        self.sort_by(column.key if column.title else "state")

    def _laid_out(self) -> None:
        self._drawn.clear()
        self._plan = [
            (index, wide, " " * gap, str.rjust if COLUMNS[index].right else str.ljust)
            for index, wide, gap in self._columns
        ]

    def _heading(self, column: Column, placed: Placed) -> str:
        title = super()._heading(column, placed)
        if column.key == "name" and self._marked and self.app.size.width < FRAMED:
            # No frame around the table has a title to say it, and that they are names can be seen.
            return pad(f" {len(self._marked)} marked", len(title))
        return f"{title[:-1]}%" if column.key == "progress" else title

    def _empty(self) -> str:
        return "no station matches the filter: / changes it, esc clears it" if self._rows else "waiting for the plan…"

    def _runs(self, key: int) -> list[Run]:
        row = self._rows[key]
        drawn = self._drawn.get(key)
        if drawn is None:
            drawn = self._drawn[key] = self._draw(row)
        runs: list[Run] = [("key", "┃" if key in self._marked else " ")]
        for (index, wide, blank, side), (text, role, _) in zip(self._plan, drawn[1], strict=True):
            if index == _PROGRESS:
                filled, track = bar(row.progress, wide - 4)
                runs += [("bar", blank + filled), ("track", track), (role, f" {text}")]
            else:
                runs.append((role, blank + (side(text, wide) if len(text) <= wide else pad(text, wide))))
        return runs


def _starts_high(key: str) -> bool:
    """Numbers are asked for largest first; the identity columns from the start."""
    return key not in ("id", "name", "state", "progress")
