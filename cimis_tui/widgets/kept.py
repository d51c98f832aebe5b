"""Kept: a widget that hands out the lines it painted last until it is refreshed.

Whenever anything on screen changes, the compositor asks every widget for all of its lines in some part of the screen.
Textual works them out and filters them again every time; a widget that stands still should cost nothing, and one of
which a line changes, that line.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget


class Kept(Widget):
    _kept: list[Strip] | None = None
    """All lines of the widget, its border's too."""
    _kept_size = Size(0, 0)

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        self._kept = None
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def notify_style_update(self) -> None:
        self._kept = None
        super().notify_style_update()

    def refresh_lines(self, lines: Iterable[int]) -> None:
        """These lines of the content have changed, and nothing else has."""
        numbers, kept, size = list(lines), self._kept, self._kept_size
        width = self.size.width
        self.refresh(*(Region(0, y, width, 1) for y in numbers))
        if kept is None or size != self.outer_size:
            return
        gutter, filters, ground = self.gutter, self.get_line_filters(), self.background_colors[1]
        for y in numbers:
            content = self.render_line(y)
            for line_filter in filters:
                content = content.apply_filter(line_filter, ground)
            if gutter.width:
                old = kept[y + gutter.top]
                content = Strip.join([old.crop(0, gutter.left), content, old.crop(size.width - gutter.right)])
            kept[y + gutter.top] = content
        self._kept = kept

    def render_lines(self, crop: Region) -> list[Strip]:
        kept, size = self._kept, self.outer_size
        if kept is None or size != self._kept_size:
            self._kept_size = size
            self._kept = kept = super().render_lines(size.region)
        lines = kept[crop.y : crop.bottom]
        return lines if crop.width == size.width else [line.crop(crop.x, crop.right) for line in lines]
