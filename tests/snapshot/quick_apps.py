"""What hundreds of apps in one process need not do: wait by the clock, and read the same style sheets anew.

Textual's own wait sleeps twenty milliseconds at least and watches the process's CPU, which a busy machine makes look
idle. Here the loop runs until it has nothing left to run, and what Textual puts off by a few milliseconds (a resize,
the next paint) is done at once. What any other timer or a thread is still to bring is not waited for: `idle` and
`answered` know of threads.
"""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Any

import textual.app
import textual.pilot
from textual._context import active_message_pump
from textual.app import App
from textual.css.stylesheet import Stylesheet

_ROUNDS = 3
"""Turns of the loop with nothing to run before it counts as at rest: a thread's word may be on its way into it."""


def install() -> None:
    """For every app from here on."""
    textual.app.wait_for_idle = textual.pilot.wait_for_idle = at_rest  # type: ignore[attr-defined]
    Stylesheet._parse_rules = _rules_of  # type: ignore[method-assign]


async def at_rest(min_sleep: float = 0.0, max_sleep: float = 5.0) -> None:
    """In the place of `textual._wait.wait_for_idle`."""
    loop, end, empty = asyncio.get_running_loop(), monotonic() + max_sleep, 0
    while empty < _ROUNDS and monotonic() < end:
        await asyncio.sleep(0)
        if loop._ready:  # type: ignore[attr-defined]
            empty = 0
            continue
        empty = 0 if _do_what_is_put_off(active_message_pump.get().app) else empty + 1


def _do_what_is_put_off(app: App[object]) -> bool:
    """Whether there was anything."""
    if app._resize_timer is not None:
        app._check_resize()
        return True
    screen = app._screen_stack[-1] if app._screen_stack else None
    if screen is None or not screen.is_current or app._batch_count:
        return False
    if screen._layout_required or screen._scroll_required or screen._repaint_required or screen._dirty_widgets:
        screen._on_timer_update()
        return True
    return False


_parse = Stylesheet._parse_rules
_parsed: dict[tuple[Any, ...], Any] = {}


def _rules_of(sheet: Stylesheet, *source: Any, **more: Any) -> Any:
    """A style sheet's rules: a fifth of a short test's time went into parsing the same ones."""
    key = (frozenset(sheet._variables.items()), source, *more.values())
    if key not in _parsed:
        _parsed[key] = _parse(sheet, *source, **more)
    return _parsed[key]
