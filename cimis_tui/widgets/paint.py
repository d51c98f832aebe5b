"""Painting at once what a beat has changed.

Textual hands each change on through two message queues, paints it a sixtieth of a second later, and to find out what is
on top of what goes through every line of every widget. A console that changes a few lines, and often, pays more for
that than for the lines. Here they go straight to the terminal where nothing lies over them; wherever that is not
certain, Textual does as ever. Reaches into its insides, in the version that is pinned.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from rich.console import Console
from rich.segment import Segments
from textual._compositor import CompositorUpdate
from textual.geometry import Region
from textual.screen import Screen
from textual.scrollbar import ScrollBar
from textual.strip import Strip
from textual.widget import Widget

from cimis_tui.widgets.line_table import LineTable


class PlacedLine(NamedTuple):
    """A line of cells, and where on the terminal it begins."""

    x: int
    y: int
    strip: Strip


class Lines(CompositorUpdate):
    """Lines of which nothing else is on screen, as Textual takes them."""

    def __init__(self, placed: Sequence[PlacedLine]) -> None:
        self.placed = placed

    def render_segments(self, console: Console) -> str:
        return "".join([f"\x1b[{y + 1};{x + 1}H{strip.render(console)}" for x, y, strip in self.placed])

    def __rich__(self) -> Segments:
        return Segments([segment for line in self.placed for segment in line.strip])


class Painter:
    """Paints widgets of one screen. It keeps what lies where until the layout changes."""

    def __init__(self, screen: Screen[Any], widgets: Iterable[Widget]) -> None:
        self._screen, self._widgets = screen, tuple(widgets)
        self._layout: object = None
        self._places: dict[Widget, Region] = {}

    def paint(self) -> None:
        """Paint those that asked for it. The screen must be the one in front."""
        screen = self._screen
        changed = [widget for widget in self._widgets if widget._repaint_required]
        if not changed or any(_wants_more(each) for each in (*changed, screen)):
            return
        for widget in changed:
            widget._repaint_required = False
        places = self._bare()
        if places.keys() >= set(changed) and not screen.app._batch_count:
            lines = [line for widget in changed for line in _lines_of(widget, places[widget])]
            screen.app._display(screen, Lines(lines))
        else:
            screen._dirty_widgets.update(widget for widget in changed if widget.display)
            screen._on_timer_update()

    def _bare(self) -> dict[Widget, Region]:
        """Those of the widgets that are wholly on screen and have nothing over them, and their places."""
        visible = self._screen._compositor.visible_widgets
        if visible is not self._layout:
            self._layout, self._places = visible, {}
            above: list[Region] = []
            for widget, (region, clip) in visible.items():  # the foremost first
                if widget in self._widgets and clip.contains_region(region) and not any(map(region.overlaps, above)):
                    self._places[widget] = region
                if not (isinstance(widget, ScrollBar) and isinstance(widget.parent, LineTable)):
                    above.append(region)  # the lines of such a table end where its scrollbar begins
        return self._places


def _wants_more(widget: Widget) -> bool:
    """Whether something besides repainting is due."""
    return widget._layout_required or widget._scroll_required or widget._recompose_required


def _lines_of(widget: Widget, place: Region) -> list[PlacedLine]:
    rows = {y for region in widget._exchange_repaint_regions() for y in region.line_range if 0 <= y < place.height}
    strips = widget.render_lines(Region(0, 0, place.width, place.height))
    return [PlacedLine(place.x, place.y + y, strips[y]) for y in sorted(rows)]
