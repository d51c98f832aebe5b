"""The log: the newest lines at or above a level. It follows, or stands still while the book fills on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.events import Click, MouseScrollDown, MouseScrollUp
from textual.message import Message
from textual.strip import Strip

from cimis_tui.view.cells import Cell, Line, clip
from cimis_tui.view.log import LEVELS, LogBook, LogFilter, LogRow, log_line
from cimis_tui.widgets.panel import CellPanel
from cimis_tui.widgets.roles import style_of

_WHEEL = 3


class LogPane(CellPanel, can_focus=True):
    """With `pointed` it has a cursor, which stands for the line chosen; without, only its window moves."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False, id="move.up"),
        Binding("down,j", "move(1)", show=False, id="move.down"),
        Binding("pageup", "page(-1)", show=False, id="move.page_up"),
        Binding("pagedown", "page(1)", show=False, id="move.page_down"),
    ]

    class Moved(Message):
        """The cursor is on another line, or the line under it went."""

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, LogPane.Moved)

    class Opened(Message):
        """A line was double-clicked."""

    def __init__(self, title: str = "Log", *, pointed: bool = False, id: str | None = None) -> None:
        super().__init__(id=id)
        self.book = LogBook()
        self._title, self._pointed = title, pointed
        self._stand: int | None = None  # place of the newest line in the window; None: follow
        self._cursor: int | None = None  # place of the line chosen; None: the newest

    # what the screen asks

    @property
    def following(self) -> bool:
        return self._stand is None

    @property
    def level(self) -> str:
        return LEVELS[self.book.level][0]

    @property
    def current(self) -> LogRow | None:
        """The line the cursor is on."""
        return self.book.at(self._chosen) if self.book.end > self.book.first else None

    @property
    def below(self) -> int:
        """Lines that are newer than those in the window."""
        return 0 if self._stand is None else max(0, self.book.end - 1 - self._stand)

    @property
    def shown(self) -> list[LogRow]:
        """Every line at the level and through the filter, in the window or not."""
        return self.book.lines(self.book.first, self.book.end)

    # data in, and which of it

    def clear(self) -> None:
        self.book.clear()
        self._stand = self._cursor = None
        self._settle()

    def apply(self, rows: Iterable[LogRow]) -> None:
        self.book.add(rows)
        self._settle()

    def change_level(self, step: int) -> None:
        self._choose(level=self.book.level + step)

    def set_filter(self, keep: LogFilter) -> None:
        self._choose(keep=keep)

    def _choose(self, *, level: int | None = None, keep: LogFilter | None = None) -> None:
        """The cursor stays on its line, or goes to the one before it that is still shown."""
        row, following = self.current, self.following
        self.book.choose(level=level, keep=keep)
        self._stand = self._cursor = None
        if row is not None and not following and self.book.end:
            self._go(self.book.place_of(row.seq))
        self._settle()

    # window and cursor

    @property
    def _page(self) -> int:
        return max(1, self.size.height)

    @property
    def _bottom(self) -> int:
        """The place of the newest line in the window."""
        newest = self.book.end - 1
        if self._stand is None:
            return newest
        return min(newest, max(self._stand, self.book.first + self._page - 1))

    @property
    def _chosen(self) -> int:
        place = self._cursor if self._pointed and self._cursor is not None else self._bottom
        return min(self.book.end - 1, max(self.book.first, place))

    def toggle_follow(self) -> None:
        if self.following:
            self._stand, self._cursor = self._bottom, self._chosen
        else:
            self._stand = self._cursor = None
        self._settle()

    def move(self, step: int) -> None:
        """One line up or down; at the newest line it follows again."""
        if self._pointed:
            self._go(self._chosen + step)
        else:
            self._show_up_to(self._bottom + step)
        self._settle()

    def move_page(self, step: int) -> None:
        self.move(step * max(1, self._page - 1))

    def move_end(self, *, last: bool) -> None:
        self.move((self.book.end - self.book.first) * (1 if last else -1))

    def seek(self, step: int, level: int) -> bool:
        """To the next (1) or previous (-1) line at `level` or above; False when there is none."""
        place = self.book.seek(self._chosen, step, level)
        if place is not None:
            self._go(place)
            self._settle()
        return place is not None

    def action_move(self, step: int) -> None:
        self.move(step)

    def action_page(self, step: int) -> None:
        self.move_page(step)

    def _go(self, place: int) -> None:
        """Put the cursor there, and the window around it."""
        place = min(self.book.end - 1, max(self.book.first, place))
        bottom = self._bottom
        if place > bottom or self._page == 1:
            bottom = place
        elif place <= bottom - self._page:
            bottom = place + self._page - 1
        self._show_up_to(bottom)
        self._cursor = place
        if place < self.book.end - 1 and self._stand is None:
            self._stand = self.book.end - 1
        elif place == self.book.end - 1:
            self._stand = self._cursor = None

    def _show_up_to(self, place: int) -> None:
        """Move the window; reaching the newest line follows again."""
        place = max(min(self._page, self.book.end - self.book.first) - 1 + self.book.first, place)
        self._stand = None if place >= self.book.end - 1 else place

    # mouse

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        event.stop()
        self.move(-_WHEEL)

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        event.stop()
        self.move(_WHEEL)

    def on_click(self, event: Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None or not self._pointed:
            return
        place = self._top + offset.y
        if place < self.book.end:
            self._go(place)
            self._settle()
            if event.chain == 2:
                self.post_message(self.Opened())

    # painting

    def render_line(self, y: int) -> Strip:
        strip = super().render_line(y)
        if self._pointed and self.current is not None and self._top + y == self._chosen:
            ground = style_of(self.app, "cursor")
            return Strip(
                [Segment(text, (style or Style.null()) + ground) for text, style, _ in strip], strip.cell_length
            )
        return strip

    @property
    def _top(self) -> int:
        return max(self.book.first, self._bottom - self._page + 1)

    def _settle(self) -> None:
        told, book = self.book.told, self.book
        lines = f"  {book.end - book.first:,} of {book.held:,} lines" if self._pointed else ""
        whose = "all: " if book.narrowed else ""  # those left out count as well
        title = f"{self._title}{lines}  {whose}{told[1]} warn  {told[2]} error"
        kept = f"   filter {book.filter.text}".replace("[", r"\[") if book.filter.text else ""
        follow = "F follow on" if self.following else f"{self.below} new below   F follow off"
        self.retitle(title, f"level ≥ {self.level}{kept}   {follow}")
        self.repaint()
        if self._pointed:
            self.post_message(self.Moved())

    def lines(self, width: int, height: int) -> tuple[Line, ...]:
        rows = self.book.lines(self._top, self._bottom + 1)
        if not rows:
            return (clip((Cell(self._words(), "dim"),), width),)
        if not self._pointed:
            return tuple(log_line(row, width) for row in rows)
        top, chosen = self._top, self._chosen
        return tuple(log_line(row, width, here=top + n == chosen, named=self.book.named) for n, row in enumerate(rows))

    def _words(self) -> str:
        """Why there is no line, and what brings one."""
        if not self.book.held:
            return "no line yet: what happens is told here"
        if self.book.filter.text:
            return f"no line of {self.book.held:,} matches {self.book.filter.text}: / changes the filter, esc clears it"
        return f"no lines at level {self.level} or above yet; L shows more"
