"""MapPane: the stations on a map that can be moved and enlarged, by keys and by mouse."""

from __future__ import annotations

from dataclasses import replace

from textual.events import Click, MouseScrollDown, MouseScrollUp
from textual.message import Message

from cimis_tui.view.atlas import map_titles, outline, paint_map
from cimis_tui.view.cells import Line
from cimis_tui.view.places import MapFacts, Spot
from cimis_tui.view.viewport import Viewport
from cimis_tui.widgets.panel import CellPanel

_REACH = 2
"""Cells from a station within which a click is meant for it."""


class MapPane(CellPanel, can_focus=True):
    class Picked(Message):
        """A station was clicked; `twice`: to open it."""

        def __init__(self, number: int, twice: bool) -> None:
            super().__init__()
            self.number, self.twice = number, twice

    class Looked(Message):
        """Another part of the state is in sight."""

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, MapPane.Looked)

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.facts = MapFacts()
        self.view = Viewport(0, 0)
        self._ground: tuple[Viewport, list[str]] | None = None

    def apply(self, facts: MapFacts) -> None:
        self.facts = facts
        self._settle()

    def move(self, right: int, down: int) -> bool:
        """Move by steps; whether there was anywhere to go."""
        return self._look(self.view.moved(right, down))

    def zoom(self, step: int) -> bool:
        """Nearer or farther; nearer to the selected station, if it is in sight."""
        nearer = self.view.zoomed(step)
        spot = self.facts.spot(self.facts.chosen.number) if self.facts.chosen else None
        if nearer is not None and spot is not None and step > 0 and self._sees(spot):
            nearer = nearer.around(spot.latitude, spot.longitude)
        return nearer is not None and self._look(nearer)

    def whole(self) -> bool:
        """The whole state again."""
        return self._look(Viewport(self.view.columns, self.view.rows))

    def bring(self, number: int) -> None:
        """Move so that a station is in sight."""
        spot = self.facts.spot(number)
        if spot is not None and not self._sees(spot):
            self._look(self.view.around(spot.latitude, spot.longitude))

    def _sees(self, spot: Spot) -> bool:
        return self.view.cell(spot.latitude, spot.longitude) is not None

    def _look(self, view: Viewport) -> bool:
        if view == self.view:
            return False
        self.view = view
        self._settle()
        self.post_message(self.Looked())
        return True

    def _settle(self) -> None:
        self.retitle(*map_titles(self.facts, self.view))
        self.repaint()

    def on_resize(self) -> None:
        self.view = replace(self.view, columns=self.size.width, rows=self.size.height)
        self.retitle(*map_titles(self.facts, self.view))
        self.post_message(self.Looked())
        super().on_resize()

    def lines(self, width: int, height: int) -> tuple[Line, ...]:
        if self._ground is None or self._ground[0] != self.view:
            self._ground = self.view, outline(self.view)
        return paint_map(self.facts, self.view, self._ground[1])

    # the mouse

    def on_click(self, event: Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None:
            return
        near = [
            (max(abs(cell[0] - offset.x), abs(cell[1] - offset.y)), s.number)
            for s in self.facts.spots
            if (cell := self.view.cell(s.latitude, s.longitude)) is not None
        ]
        distance, number = min(near, default=(_REACH + 1, 0))
        if distance <= _REACH:
            self.post_message(self.Picked(number, event.chain == 2))

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        event.stop()
        self.zoom(1)

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        event.stop()
        self.zoom(-1)
