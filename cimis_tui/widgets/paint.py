"""Painting at once what a beat has changed.

Textual hands each change on through two message queues and paints it a sixtieth of a second later: for a console that
changes little and often, those wake-ups are half of what a frame costs. Reaches into Textual's insides, in the version
that is pinned; where something more than repainting is due, it leaves all of it to Textual.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from textual.screen import Screen
from textual.widget import Widget


def paint_now(screen: Screen[Any], widgets: Iterable[Widget]) -> None:
    """Paint those of `widgets`, all on `screen`, that asked for it."""
    changed = [widget for widget in widgets if widget._repaint_required]
    others = (*changed, screen)
    if not changed or any(w._layout_required or w._scroll_required or w._recompose_required for w in others):
        return
    for widget in changed:
        widget._repaint_required = False
        if widget.display:
            screen._dirty_widgets.add(widget)
    screen._on_timer_update()
