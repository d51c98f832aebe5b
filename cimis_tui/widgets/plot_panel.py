"""The plot of a series. A click puts its cursor, the wheel zooms about the pointer."""

from __future__ import annotations

from textual.events import Click, MouseScrollDown, MouseScrollUp
from textual.geometry import Size
from textual.message import Message

from cimis_tui.view.cells import Cell, Line
from cimis_tui.view.plot import Drawing
from cimis_tui.view.plot_lines import Plot, gutter, layout_plot, plot_lines
from cimis_tui.widgets.panel import CellPanel


class PlotPanel(CellPanel, can_focus=True):
    class Pointed(Message):
        """A slot was clicked."""

        def __init__(self, slot: int) -> None:
            super().__init__()
            self.slot = slot

    class Zoomed(Message):
        """The wheel was turned at a slot; `step` is 1 to look closer, -1 to stand back."""

        def __init__(self, slot: int, step: int) -> None:
            super().__init__()
            self.slot, self.step = slot, step

    def __init__(self) -> None:
        super().__init__()
        self.plot: Plot | None = None
        self.cursor: int | None = None
        self.stale = False
        self._words: tuple[Line, ...] = ()
        self._drawn: tuple[Plot, Size, Drawing] | None = None

    def prepare(self, plot: Plot, size: Size, drawing: Drawing) -> None:
        """Take a drawing of this plot that was made elsewhere, for a size that the panel had."""
        self._drawn = plot, size, drawing

    def apply(
        self, plot: Plot | None, cursor: int | None, *, stale: bool = False, words: tuple[Line, ...] = ()
    ) -> None:
        """Show a plot; or, where there is none, words that say why and what to do."""
        self.plot, self.cursor, self.stale, self._words = plot, cursor, stale, words
        self.repaint()

    @property
    def drawing(self) -> Drawing | None:
        """The drawing at the size there is; None without a plot, or before the panel has a size."""
        plot, size = self.plot, self.size
        if plot is None or not size.area:
            return None
        if self._drawn is None or self._drawn[0] is not plot or self._drawn[1] != size:
            self._drawn = plot, size, layout_plot(plot, *size)
        return self._drawn[2]

    def lines(self, width: int, height: int) -> tuple[Line, ...]:
        plot, drawing = self.plot, self.drawing
        if plot is not None and drawing is not None:
            return plot_lines(drawing, plot, self.cursor, width, height, stale=self.stale)
        blank: Line = (Cell(""),)
        above = max(0, (height - len(self._words)) // 2)
        lines = (*([blank] * above), *self._words)
        return (*lines, *([blank] * max(0, height - len(lines))))[:height]

    def _slot_under(self, x: int) -> int | None:
        plot, drawing = self.plot, self.drawing
        if plot is None or drawing is None:
            return None
        column = x - gutter(drawing, plot)
        return drawing.slot_at(column) if 0 <= column < drawing.columns else None

    def on_click(self, event: Click) -> None:
        at = event.get_content_offset(self)
        slot = None if at is None else self._slot_under(at.x)
        if slot is not None:
            self.post_message(self.Pointed(slot))

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        self._wheeled(event, 1)

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        self._wheeled(event, -1)

    def _wheeled(self, event: MouseScrollUp | MouseScrollDown, step: int) -> None:
        at = event.get_content_offset(self)
        slot = None if at is None else self._slot_under(at.x)
        event.stop()
        if slot is not None:
            self.post_message(self.Zoomed(slot, step))
