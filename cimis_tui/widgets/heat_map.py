"""HeatMap: the cells of a board, scrolled both ways, with a cursor that stays on its station and its time."""

from __future__ import annotations

from dataclasses import replace

from textual.events import Click, MouseScrollDown, MouseScrollLeft, MouseScrollRight, MouseScrollUp
from textual.message import Message

from cimis_tui.view.cells import Line
from cimis_tui.view.coverage import Board, Live, Sight
from cimis_tui.view.heat import HEAD, HeatView, heat_titles, layout, nearer, paint_heat
from cimis_tui.view.time_axis import ZOOMS, Axis
from cimis_tui.widgets.panel import CellPanel

_WHEEL = 3


class HeatMap(CellPanel, can_focus=True):
    class Moved(Message):
        """The cursor is on another cell, or what is in sight changed."""

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, HeatMap.Moved)

    class Opened(Message):
        """A cell was clicked twice."""

    def __init__(self, board: Board, *, id: str | None = None) -> None:
        super().__init__(id=id)
        seen = Sight((), board.years, 0)
        self.view = HeatView(board, Live(), seen, Axis(board.interval, board.years))

    @property
    def station(self) -> int | None:
        """The station under the cursor; None where there is no row."""
        stations = self.view.seen.stations
        return stations[self.view.row] if stations else None

    def apply(self, board: Board, live: Live, seen: Sight) -> None:
        """Take another board, state of the run, or choice of rows. The cursor stays on its station and time."""
        view, axis = self.view, self.view.axis
        year, _ = axis.at(view.column)
        slot = axis.slots(view.column).start
        now = Axis(board.interval, seen.years, axis.zoom)
        column = view.column
        if (board.interval, seen.years) != (axis.interval, axis.years):
            if now.zoom not in ZOOMS[now.interval]:
                now = replace(now, zoom=ZOOMS[now.interval][-1])
            year = min(max(year, seen.years[0]), seen.years[-1])
            column = now.column_of(year, slot if board.interval == axis.interval else 1)
        row = seen.stations.index(self.station) if self.station in seen.stations else min(view.row, len(seen.stations))
        self._look(replace(view, board=board, live=live, seen=seen, axis=now, row=row, column=column))

    def go_to(self, station: int) -> None:
        """Put the cursor on a station, if it has a row."""
        if station in self.view.seen.stations:
            self._look(self._around(replace(self.view, row=self.view.seen.stations.index(station))))

    def _around(self, view: HeatView) -> HeatView:
        """With the cursor's row in the middle, if it would not be in sight."""
        if not self.size or view.top <= view.row < view.top + self._rows:
            return view
        return replace(view, top=view.row - self._rows // 2)

    def move(self, down: int, right: int) -> bool:
        """Move the cursor by cells, to the edge at most; whether it moved."""
        view = self.view
        row = max(0, min(len(view.seen.stations) - 1, view.row + down))
        column = max(0, min(view.axis.count - 1, view.column + right))
        if (row, column) == (view.row, view.column):
            return False
        self._look(replace(view, row=row, column=column))
        return True

    def move_page(self, step: int) -> None:
        self.move(step * max(1, self._rows - 1), 0)

    def zoom(self, step: int) -> bool:
        """Nearer or farther, around the cursor's time; whether there is such a zoom."""
        view, axis = self.view, nearer(self.view.axis, step)
        if axis is None:
            return False
        year, _ = view.axis.at(view.column)
        column = axis.column_of(year, view.axis.slots(view.column).start)
        near = replace(view, axis=axis, column=column)
        self._look(replace(near, left=column - layout(near, self.size.width).columns // 2))
        return True

    @property
    def _rows(self) -> int:
        return max(1, self.size.height - HEAD)

    def _look(self, view: HeatView) -> None:
        """Show this, scrolled so that the cursor is in sight and no room is wasted."""
        if not self.size:
            self.view = view  # how much is in sight is not known yet
            return
        columns = layout(view, self.size.width).columns
        row = max(0, min(view.row, len(view.seen.stations) - 1))
        top = max(row - self._rows + 1, min(view.top, row, len(view.seen.stations) - self._rows), 0)
        left = max(view.column - columns + 1, min(view.left, view.column, view.axis.count - columns), 0)
        self.view = replace(view, row=row, top=top, left=left)
        self.retitle(*heat_titles(self.view, self.size.width, self.size.height))
        self.repaint()
        self.post_message(self.Moved())

    def on_resize(self) -> None:
        super().on_resize()
        self._look(self._around(self.view))

    def lines(self, width: int, height: int) -> tuple[Line, ...]:
        return paint_heat(self.view, width, height)

    # the mouse

    def on_click(self, event: Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None or offset.y < HEAD:
            return
        view, plan = self.view, layout(self.view, self.size.width)
        row = view.top + offset.y - HEAD
        column = view.left + (offset.x - plan.label) // plan.wide
        if offset.x < plan.label or column >= view.left + plan.columns:
            column = view.column  # beside the cells a click is meant for the station
        if row < len(view.seen.stations):
            self._look(replace(view, row=row, column=column))
            if event.chain == 2:
                self.post_message(self.Opened())

    def _scroll(self, event: MouseScrollUp | MouseScrollDown | MouseScrollLeft | MouseScrollRight, by: int) -> None:
        event.stop()
        sideways = event.shift or isinstance(event, MouseScrollLeft | MouseScrollRight)
        self.move(0 if sideways else by, by if sideways else 0)

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        self._scroll(event, -_WHEEL)

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        self._scroll(event, _WHEEL)

    def on_mouse_scroll_left(self, event: MouseScrollLeft) -> None:
        self._scroll(event, -_WHEEL)

    def on_mouse_scroll_right(self, event: MouseScrollRight) -> None:
        self._scroll(event, _WHEEL)
