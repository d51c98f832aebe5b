"""LiveTable: the station table on the Line API.

Textual's DataTable renders every visible cell again whenever one changes (measured: 54 ms of CPU a frame at 120x40).
This one keeps a Strip a row, drops those of changed rows, and refreshes only their lines.
The cursor is a station's key, never an index, so it stays on its station when rows move.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.events import Click, Resize
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from cimis_tui.view.bars import bar
from cimis_tui.view.cells import Cell, pad
from cimis_tui.view.columns import COLUMNS, INDEX, MARK, SORTABLE, layout
from cimis_tui.view.order import Filter, order_rows
from cimis_tui.view.present import Row
from cimis_tui.widgets.panel import ROLE_CLASSES

RESORT_EVERY = 1.0
"""Rows change places at most once in so many seconds."""
_PROGRESS = INDEX["progress"]
Drawn = tuple[float, tuple[Cell, ...]]
"""What a row's strip was made of: its progress and the cells of the columns in sight."""
_HEADER, _NO_ROW = -1, -2
"""Keys of lines that are no station's: the header, and from `_NO_ROW` downwards what is below the last row."""
REST_AFTER_KEY = 2.0
"""…and not within so many seconds after the cursor was moved."""


class LiveTable(ScrollView, can_focus=True, inherit_bindings=False):
    COMPONENT_CLASSES: ClassVar[set[str]] = ROLE_CLASSES | {"live-table--header", "live-table--cursor"}
    DEFAULT_CSS = """
    LiveTable { overflow-x: hidden; overflow-y: scroll; scrollbar-size-vertical: 1; }
    """

    class CursorMoved(Message):
        """The cursor is on another station; None when no row is shown."""

        def __init__(self, key: int | None) -> None:
            super().__init__()
            self.key = key

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, LiveTable.CursorMoved)

    class Opened(Message):
        """The row under the cursor was double-clicked."""

    class Resorted(Message):
        """Sorting, filter or the number of rows shown changed."""

    def __init__(self, now: Callable[[], float], *, id: str | None = None) -> None:
        """`now` is a monotonic clock: it paces the sorting."""
        super().__init__(id=id)
        self._now = now
        self._rows: dict[int, Row] = {}
        self._order: list[int] = []
        self._place: dict[int, int] = {}
        self._strips: dict[int, Strip] = {}
        self._drawn: dict[int, Drawn] = {}
        self._columns: tuple[tuple[int, int], ...] = ()
        self._styles: dict[str, Style] = {}
        self._ground: Color | None = None
        self._stale = False
        self._sorted_at = float("-inf")
        self._keyed_at = float("-inf")
        self.sort_key, self.reverse = "state", False
        self.filter = Filter("")
        self.cursor: int | None = None

    # what the screen asks

    @property
    def total(self) -> int:
        return len(self._rows)

    @property
    def shown(self) -> list[Row]:
        """The rows shown, in their order."""
        return [self._rows[key] for key in self._order]

    @property
    def current(self) -> Row | None:
        return None if self.cursor is None else self._rows.get(self.cursor)

    @property
    def span(self) -> tuple[int, int]:
        """Numbers of the first and last row in sight, from 1; (0, 0) when there is none."""
        if not self._order:
            return 0, 0
        first = self.scroll_offset.y
        return first + 1, min(len(self._order), first + max(1, self._page))

    @property
    def _page(self) -> int:
        return self.scrollable_content_region.height - 1

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
        return row.progress, tuple([row.cell(index) for index, _ in self._columns])

    def _sorts_elsewhere(self, old: Row | None, new: Row) -> bool:
        at = INDEX[self.sort_key]
        return old is None or bool(self.filter.tests) or old.values[at] != new.values[at]

    def resort(self) -> None:
        """Sort and filter now; repaints only if the order came out different."""
        order = order_rows(self._rows.values(), by=self.sort_key, reverse=self.reverse, keep=self.filter)
        self._stale, self._sorted_at = False, self._now()
        if order == self._order:
            return
        self._strips.pop(_NO_ROW, None)  # its words depend on whether a filter hides all
        self._order = order
        self._place = {key: n for n, key in enumerate(order)}
        height = len(order) + 1
        if self.virtual_size.height != height:
            self.virtual_size = Size(self.scrollable_content_region.width, height)
        if self.cursor not in self._place:
            self._move_to(order[0] if order else None)
        self.post_message(self.Resorted())
        self.refresh()

    def sort_by(self, key: str, *, reverse: bool | None = None) -> None:
        """Sort by a column; again by the same one turns the order around."""
        again = key == self.sort_key
        self.reverse = reverse if reverse is not None else (not self.reverse if again else _starts_high(key))
        self.sort_key = key
        self._order = []
        self._strips.pop(_HEADER, None)
        self.resort()

    def step_sort(self, step: int) -> None:
        """Sort by the next (or previous) column in sight."""
        keys = [COLUMNS[n].key for n, _ in self._columns if COLUMNS[n].key in SORTABLE] or list(SORTABLE)
        at = keys.index(self.sort_key) if self.sort_key in keys else -step
        key = keys[(at + step) % len(keys)]
        self.sort_by(key, reverse=_starts_high(key))

    def set_filter(self, keep: Filter) -> None:
        self.filter = keep
        self._order = []
        self.resort()
        self.refresh()
        self.post_message(self.Resorted())

    # the cursor

    def move(self, step: int) -> None:
        """Move the cursor by rows; beyond either end it stays at the end."""
        if not self._order:
            return
        at = self._place.get(self.cursor, 0) if self.cursor is not None else 0
        self._keyed_at = self._now()
        self._move_to(self._order[min(len(self._order) - 1, max(0, at + step))])

    def move_page(self, step: int) -> None:
        self.move(step * max(1, self._page - 1))

    def move_end(self, *, last: bool) -> None:
        self.move(len(self._order) if last else -len(self._order))

    def _move_to(self, key: int | None) -> None:
        old, self.cursor = self.cursor, key
        self._repaint_rows([row for row in (old, key) if row is not None])
        if key is not None:
            self._scroll_into_sight(self._place[key])
        if old != key:
            self.post_message(self.CursorMoved(key))

    def _scroll_into_sight(self, place: int) -> None:
        first = self.scroll_offset.y
        if place < first:
            self.scroll_to(y=place, animate=False)
        elif self._page > 0 and place >= first + self._page:
            self.scroll_to(y=place - self._page + 1, animate=False)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self.post_message(self.Resorted())

    def on_click(self, event: Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None:
            return
        if offset.y == 0:
            key = self._column_at(offset.x)
            if key is not None:
                self.sort_by(key)
            return
        place = self.scroll_offset.y + offset.y - 1
        if place < len(self._order):
            self._keyed_at = self._now()
            self._move_to(self._order[place])
            if event.chain == 2:
                self.post_message(self.Opened())

    def _column_at(self, x: int) -> str | None:
        at = MARK
        for n, (index, width) in enumerate(self._columns):
            at += width + (1 if n > 0 else 0)
            if x < at:
                return COLUMNS[index].key if COLUMNS[index].title else "state"
        return None

    # painting

    def on_resize(self, _: Resize) -> None:
        self._columns = layout(self.app.size.width, self.scrollable_content_region.width)
        self.virtual_size = Size(self.scrollable_content_region.width, len(self._order) + 1)
        self._strips.clear()
        self._drawn.clear()
        if self.cursor in self._place:
            self._scroll_into_sight(self._place[self.cursor])
        self.refresh()
        self.post_message(self.Resorted())

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._styles.clear()
        self._ground = None
        self._strips.clear()

    def _repaint_rows(self, keys: Sequence[int]) -> None:
        """One refresh for all of them: each costs as much as painting a row."""
        (width, height), first = self.size, self.scroll_offset.y
        lines = []
        for key in keys:
            self._strips.pop(key, None)
            y = self._place.get(key, -1) - first + 1
            if 1 <= y < height:
                lines.append(y)
        if lines:
            self.refresh(*(Region(0, y, width, 1) for y in lines))

    def _style(self, name: str) -> Style:
        style = self._styles.get(name)
        if style is None:
            style = self._styles[name] = self.get_component_rich_style(name, partial=True)
        return style

    def _painted(self, role: str, here: bool) -> Style:
        """A role on the table's ground, or on the cursor's; worked out once a theme, for that is what costs."""
        name = f"{role}{'>' if here else ''}"
        style = self._styles.get(name)
        if style is None:
            style = self.rich_style + (self._style("live-table--cursor") if here else Style.null())
            style = self._styles[name] = style + self._style(f"role--{role}")
        return style

    def render_lines(self, crop: Region) -> list[Strip]:
        """Past Textual's cache of styles, whose upkeep costs more than the rows: there is no border here to draw.

        The lines end where the scrollbar begins, so that the compositor need not divide them there.
        """
        if self.gutter.height or crop.width != self.outer_size.width:
            return super().render_lines(crop)
        first, width = self.scroll_offset.y - 1, self.scrollable_content_region.width
        return [self._line(y, first + y, width) for y in crop.line_range]

    def render_line(self, y: int) -> Strip:
        return self._line(y, self.scroll_offset.y + y - 1, self.scrollable_content_region.width)

    def _line(self, y: int, place: int, width: int) -> Strip:
        """Line `y` in sight, which is the row at `place`; whatever does not change is kept."""
        key = _HEADER if y == 0 else self._order[place] if place < len(self._order) else _NO_ROW - place
        strip = self._strips.get(key)
        if strip is None:
            if y == 0:
                strip = self._header(width)
            elif key <= _NO_ROW:
                strip = self._blank(place, width)
            else:
                strip = self._render_row(self._rows[key], width)
            if self._ground is None:
                self._ground = self.background_colors[1]
            for line_filter in self.get_line_filters():
                strip = strip.apply_filter(line_filter, self._ground)
            self._strips[key] = strip
        return strip

    def _blank(self, place: int, width: int) -> Strip:
        base = self.rich_style
        if place != 0:
            return Strip.blank(width, base)
        text = "no station matches the filter: / changes it, esc clears it" if self._rows else "waiting for the plan…"
        return Strip([Segment(f"   {text}", base + self._style("role--dim"))]).adjust_cell_length(width, base)

    def _header(self, width: int) -> Strip:
        style = self.rich_style + self._style("live-table--header")
        text = " " * MARK
        for n, (index, wide) in enumerate(self._columns):
            column = COLUMNS[index]
            title = column.title
            if column.key == self.sort_key:
                title += "▲" if not self.reverse else "▼"
            if n == 0:
                text += " " * wide
            elif column.key == "progress":
                text += " " + title.ljust(wide - 1) + "%"
            elif column.right:  # the arrow may use the blank between columns
                text += title.rjust(wide + (0 if n == 1 else 1)) if n > 1 else pad(title, wide, right=True)
            else:
                text += (" " if n > 1 else "") + pad(title, wide)
        return Strip([Segment(text, style)]).adjust_cell_length(width, style)

    def _render_row(self, row: Row, width: int) -> Strip:
        here = row.key == self.cursor
        runs: list[tuple[str, str]] = [("text", ">" if here else " ")]
        drawn = self._drawn.get(row.key)
        if drawn is None:
            drawn = self._drawn[row.key] = self._draw(row)
        for n, ((index, wide), cell) in enumerate(zip(self._columns, drawn[1], strict=True)):
            gap = " " if n > 1 else ""
            if index == _PROGRESS:
                filled, track = bar(row.progress, wide - 4)
                runs += [("bar", gap + filled), ("track", track), (cell.role, f" {cell.text}")]
                continue
            text = gap + pad(cell.text, wide, right=COLUMNS[index].right)
            if runs[-1][0] == cell.role:
                runs[-1] = (cell.role, runs[-1][1] + text)
            else:
                runs.append((cell.role, text))
        segments = [Segment(text, self._painted(role, here)) for role, text in runs if text]
        # Told its length, a strip need not measure its text, which costs more than all of the above.
        strip = Strip(segments, sum(len(text) for _, text in runs))
        return strip.adjust_cell_length(width, self._painted("text", here))


def _starts_high(key: str) -> bool:
    """Numbers are asked for largest first; the identity columns from the start."""
    return key not in ("id", "name", "state", "progress")
