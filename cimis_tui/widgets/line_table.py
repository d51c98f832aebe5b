"""LineTable: rows of cells on the Line API, what the station table and the lists of other screens have in common.

Textual's DataTable renders every visible cell again whenever one changes (measured: 54 ms of CPU a frame at 120x40).
This one keeps a Strip a row, drops those of changed rows, and refreshes only their lines.
The cursor is a row's key, never an index, so it stays on its row when rows move.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.events import Click, Resize
from textual.filter import LineFilter
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from cimis_tui.view.columns import MARK, Column, Placed, layout
from cimis_tui.widgets.roles import filters_of, style_of

K = TypeVar("K", bound=Hashable)
Run = tuple[str, str]
"""A role and the text in it."""
HEADER, _NO_ROW = "the header", "no row"
"""Keys of lines that are no row's: the header, and (with their place) what is below the last row."""


def heading_of(title: str, arrow: str, placed: Placed, *, right: bool) -> str:
    """A title with the mark of the sorting, as wide as the column with the blank before it, whatever its length.

    The mark may use that blank; where there is none, the title gives way.

    >>> heading_of("YEAR", "▼", Placed(0, 4, 1), right=False), heading_of("YEAR", "▼", Placed(0, 4, 0), right=True)
    ('YEAR▼', 'YEA▼')
    """
    room = placed.width + placed.gap
    text = title[: room - len(arrow)] + arrow
    return text.rjust(room) if right or len(text) > placed.width else " " * placed.gap + text.ljust(placed.width)


class LineTable(ScrollView, Generic[K], can_focus=True, inherit_bindings=False):
    """Subclasses keep rows by key in an order (`_reorder`) and say how one is painted (`_runs`)."""

    DEFAULT_CSS = """
    LineTable { overflow-x: hidden; overflow-y: scroll; scrollbar-size-vertical: 1; }
    """

    MARK: ClassVar[int] = MARK
    """Columns left of the first one: that of the cursor, and what `_runs` begins with."""

    class CursorMoved(Message):
        """The cursor is on another row, of this key; None when no row is shown."""

        def __init__(self, key: Any) -> None:
            super().__init__()
            self.key = key

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, LineTable.CursorMoved)

    class Opened(Message):
        """The row under the cursor, of this key, was double-clicked."""

        def __init__(self, key: Any) -> None:
            super().__init__()
            self.key = key

    class Resorted(Message):
        """The order, the number of rows shown or those in sight changed."""

    def __init__(self, columns: Sequence[Column], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.fields = columns
        self._order: list[K] = []
        self._place: dict[K, int] = {}
        self._strips: dict[Hashable, Strip] = {}
        self._columns: tuple[Placed, ...] = ()
        self._styles: dict[str, Style] = {}
        self._ground: Color | None = None
        self.cursor: K | None = None
        self.sort_key, self.reverse = "", False

    # what a subclass says

    def _runs(self, key: K) -> list[Run]:
        """What a row's line is made of, from the column of the cursor's mark on."""
        raise NotImplementedError

    def _heading(self, column: Column, placed: Placed) -> str:
        """A column's title in the header, as wide as the column, with the mark of the sorting."""
        arrow = "" if column.key != self.sort_key else "▼" if self.reverse else "▲"
        return heading_of(column.heading(self.app.size.width), arrow, placed, right=column.right)

    def _laid_out(self) -> None:
        """The columns have their places and widths."""

    def _empty(self) -> str:
        """What stands in place of the first row when there is none."""
        raise NotImplementedError

    def _header_clicked(self, column: Column) -> None:
        """The header was clicked at this column."""

    def _clicked(self, key: K, x: int, event: Click) -> bool:
        """A row was clicked at column `x`. True: that was all, it is not opened."""
        return False

    def _steered(self) -> None:
        """The cursor is about to move by somebody's hand."""

    # what the screen asks

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

    # order and cursor

    def _reorder(self, order: list[K]) -> None:
        """Show these rows in this order; the cursor stays on its row, or goes to the first."""
        self._strips.pop((_NO_ROW, 0), None)  # its words depend on why there is no row
        self._order = order
        self._place = {key: n for n, key in enumerate(order)}
        height = len(order) + 1
        if self.virtual_size.height != height:
            self.virtual_size = Size(self.scrollable_content_region.width, height)
        if self.cursor not in self._place:
            self._move_to(order[0] if order else None)
        self.post_message(self.Resorted())
        self.refresh()

    def move(self, step: int) -> None:
        """Move the cursor by rows; beyond either end it stays at the end."""
        if not self._order:
            return
        at = self._place.get(self.cursor, 0) if self.cursor is not None else 0
        self._steered()
        self._move_to(self._order[min(len(self._order) - 1, max(0, at + step))])

    def move_page(self, step: int) -> None:
        self.move(step * max(1, self._page - 1))

    def move_end(self, *, last: bool) -> None:
        self.move(len(self._order) if last else -len(self._order))

    def move_to(self, key: K) -> None:
        """Put the cursor on this row; nothing happens when it is not shown."""
        if key in self._place:
            self._move_to(key)

    def _move_to(self, key: K | None) -> None:
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
            column = self._column_at(offset.x)
            if column is not None:
                self._header_clicked(column)
            return
        place = self.scroll_offset.y + offset.y - 1
        if place < len(self._order):
            self._steered()
            self._move_to(self._order[place])
            if self._clicked(self._order[place], offset.x, event):
                return
            if event.chain == 2:
                self.post_message(self.Opened(self.cursor))

    def _column_at(self, x: int) -> Column | None:
        at = self.MARK
        for index, width, gap in self._columns:
            at += width + gap
            if x < at:
                return self.fields[index]
        return None

    # painting

    def on_resize(self, _: Resize) -> None:
        self._columns = layout(self.fields, self.app.size.width, self.scrollable_content_region.width, self.MARK)
        self.virtual_size = Size(self.scrollable_content_region.width, len(self._order) + 1)
        self._strips.clear()
        self._laid_out()
        if self.cursor in self._place:
            self._scroll_into_sight(self._place[self.cursor])
        self.refresh()
        self.post_message(self.Resorted())

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._styles.clear()
        self._ground = None
        self._strips.clear()

    def _repaint_rows(self, keys: Iterable[K]) -> None:
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

    def _painted(self, role: str, here: bool) -> Style:
        """A role on the table's ground, or on the cursor's; worked out once a theme, for that is what costs."""
        name = f"{role}{'>' if here else ''}"
        style = self._styles.get(name)
        if style is None:
            ground = self.rich_style + style_of(self.app, "cursor") if here else self.rich_style
            style = self._styles[name] = ground + style_of(self.app, role)
        return style

    def render_lines(self, crop: Region) -> list[Strip]:
        """Past Textual's cache of styles, whose upkeep costs more than the rows: there is no border here to draw.

        The lines end where the scrollbar begins, so that the compositor need not divide them there.
        """
        if self.gutter.height or crop.width != self.outer_size.width:
            return super().render_lines(crop)
        first, width = self.scroll_offset.y - 1, self.scrollable_content_region.width
        filters = self.get_line_filters()
        return [self._line(y, first + y, width, filters) for y in crop.line_range]

    def get_line_filters(self) -> Sequence[LineFilter]:
        return filters_of(self.app)

    def render_line(self, y: int) -> Strip:
        return self._line(
            y, self.scroll_offset.y + y - 1, self.scrollable_content_region.width, self.get_line_filters()
        )

    def _line(self, y: int, place: int, width: int, filters: Sequence[LineFilter]) -> Strip:
        """Line `y` in sight, which is the row at `place`; whatever does not change is kept."""
        row = self._order[place] if y and place < len(self._order) else None
        key: Hashable = row if row is not None else (_NO_ROW, place) if y else HEADER
        strip = self._strips.get(key)
        if strip is None:
            strip = (
                self._header(width) if y == 0 else self._blank(place, width) if row is None else self._row(row, width)
            )
            if self._ground is None:
                self._ground = self.background_colors[1]
            for line_filter in filters:
                strip = strip.apply_filter(line_filter, self._ground)
            self._strips[key] = strip
        return strip

    def _blank(self, place: int, width: int) -> Strip:
        base = self.rich_style
        if place != 0:
            return Strip.blank(width, base)
        return Strip([Segment(f"   {self._empty()}", base + style_of(self.app, "dim"))]).adjust_cell_length(width, base)

    def _header(self, width: int) -> Strip:
        style = self.rich_style + style_of(self.app, "header")
        text = " " * self.MARK + "".join(self._heading(self.fields[placed.column], placed) for placed in self._columns)
        return Strip([Segment(text, style)]).adjust_cell_length(width, style)

    def _row(self, key: K, width: int) -> Strip:
        here = key == self.cursor
        runs = [("text", ">" if here else " "), *self._runs(key)]
        segments: list[Segment] = []
        role, text = runs[0]
        for other, more in runs[1:]:
            if other == role:
                text += more
                continue
            if text:
                segments.append(Segment(text, self._painted(role, here)))
            role, text = other, more
        segments.append(Segment(text, self._painted(role, here)))
        # Told its length, a strip need not measure its text, which costs more than all of the above.
        used = sum(len(text) for _, text in runs)
        if used < width:
            segments.append(Segment(" " * (width - used), self._painted("text", here)))
            used = width
        strip = Strip(segments, used)
        return strip if used == width else strip.crop(0, width)
