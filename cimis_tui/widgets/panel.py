"""CellPanel: a widget whose lines are cells. Base of every panel but the table; repaints only when its lines differ."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style
from textual.events import Click
from textual.filter import LineFilter
from textual.message import Message
from textual.strip import Strip

from cimis_tui.view.cells import Line
from cimis_tui.widgets.kept import Kept
from cimis_tui.widgets.roles import filters_of, style_of


class CellPanel(Kept):
    """Paints `lines()`. Subclasses hold a frame's part and call `repaint` when it changed."""

    class Pressed(Message):
        """A cell with an action was clicked."""

        def __init__(self, action: str) -> None:
            super().__init__()
            self.action = action

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._lines: tuple[Line, ...] = ()
        self._styles: dict[str, Style] = {}
        self._titles = ("", "")

    def lines(self, width: int, height: int) -> tuple[Line, ...]:
        """The lines to paint in this many columns and rows."""
        raise NotImplementedError

    def repaint(self) -> None:
        """Work out the lines anew and refresh those that differ."""
        if not self.size.width or not self.size.height:
            return
        lines = self.lines(self.size.width, self.size.height)
        if lines == self._lines:
            return
        old, self._lines = self._lines, lines
        if len(lines) != len(old):
            self.refresh()
            return
        self.refresh_lines(n for n, (was, line) in enumerate(zip(old, lines, strict=True)) if was != line)

    def on_resize(self) -> None:
        self._lines = ()
        self.repaint()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._styles.clear()
        self.refresh()

    def get_line_filters(self) -> Sequence[LineFilter]:
        return filters_of(self.app)

    def render_line(self, y: int) -> Strip:
        if y >= len(self._lines):
            return Strip.blank(self.size.width, self._painted("text"))
        segments = [Segment(cell.text, self._painted(cell.role)) for cell in self._lines[y]]
        return Strip(segments).adjust_cell_length(self.size.width, self._painted("text"))

    def _painted(self, role: str) -> Style:
        """A role on the panel's ground, worked out once a theme."""
        style = self._styles.get(role)
        if style is None:
            style = self._styles[role] = self.rich_style + style_of(self.app, role)
        return style

    def retitle(self, title: str, subtitle: str = "") -> None:
        """Set the titles in the border; one that is the same costs no repaint."""
        if (title, subtitle) != self._titles:
            self._titles = title, subtitle
            self.border_title, self.border_subtitle = title, subtitle

    def on_click(self, event: Click) -> None:
        at = event.get_content_offset(self)
        if at is None or at.y >= len(self._lines):
            return
        x = 0
        for cell in self._lines[at.y]:
            x += len(cell.text)
            if at.x < x:
                if cell.action:
                    self.post_message(self.Pressed(cell.action))
                return
