"""The replay bar: where a recorded run stands, and words for a moment of it. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cimis_engine.errors import UsageError
from cimis_tui.view import units
from cimis_tui.view.cells import Cell, Line, clip, width_of

SPEEDS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, math.inf)
HINT = "write 03:12:44 (UTC), 2025-11-22T03:12:44Z, +5m or -30s from here, or 40%"
_TRACK = 16
"""Columns the track has at least, before the keys beside it."""
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?Z?")
_SHIFT = re.compile(r"([+-])(\d+(?:\.\d+)?)\s*([smh]?)")
_SHARE = re.compile(r"(\d+(?:\.\d+)?)\s*%")
_SECONDS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True, slots=True)
class Playing:
    """Where a replay stands, in Unix seconds.

    `over`: all of it is shown; `busy`: on its way to a moment; `cut`: the recording has no end.
    """

    run_id: str
    speed: float
    playing: bool
    begins: float
    at: float
    ends: float
    over: bool
    busy: bool
    cut: bool


@dataclass(frozen=True, slots=True)
class ReplayLine:
    """The bar's cells, and the columns its track covers: from `left`, `width` wide."""

    cells: Line
    left: int
    width: int


def speed_text(speed: float) -> str:
    """`8x`, `0.5x`, `max`."""
    return "max" if speed == math.inf else f"{speed:g}x"


def present_replay(p: Playing, width: int, keys: Sequence[tuple[str, str, str]]) -> ReplayLine:
    """One line: state and speed, the moment, a track with its head, the end, the keys (key, word, action)."""
    if p.busy:
        state = Cell("… seeking", "warn")
    elif p.playing:
        state = Cell(f"▶ {speed_text(p.speed)}", "run", "play")
    elif p.over:
        state = Cell("✗ engine died here" if p.cut else "■ end", "bad" if p.cut else "dim", "play")
    else:
        state = Cell(f"‖ {speed_text(p.speed)}", "warn", "play")
    name = f" replay {p.run_id}  " if width >= 100 else " "
    left: list[Cell] = [Cell(name, "dim"), state, Cell(f"  {units.of_day(p.at)} ", "head")]
    right: list[Cell] = [Cell(f" {units.of_day(p.ends)}Z", "dim")]
    right += _keys(keys, width - width_of(left) - width_of(right) - _TRACK)
    room = max(4, width - width_of(left) - width_of(right) - 1)
    share = 1.0 if p.ends <= p.begins else (p.at - p.begins) / (p.ends - p.begins)
    done = min(room - 1, max(0, round(share * (room - 1))))
    track = (Cell("━" * done, "bar"), Cell("●", "key"), Cell("─" * (room - 1 - done), "track"))
    return ReplayLine(clip((*left, *track, *right), width), width_of(left), room)


def _keys(keys: Sequence[tuple[str, str, str]], room: int) -> list[Cell]:
    """Those there is room for, each with its word."""
    cells: list[Cell] = []
    for key, word, action in keys:
        more = [Cell("  "), Cell(key, "key", action), Cell(f" {word}", "dim", action)]
        if width_of(cells) + width_of(more) > room:
            break
        cells += more
    return cells


def moment_at(line: ReplayLine, x: int, p: Playing) -> float:
    """The moment of a column of the track; beyond it, its nearer end."""
    share = (x - line.left) / max(1, line.width - 1)
    return p.begins + min(1.0, max(0.0, share)) * (p.ends - p.begins)


def parse_moment(text: str, *, begins: float, here: float, ends: float) -> float:
    """A moment of a recording in words; a time of day is the first such one in it. Raises `UsageError`."""
    text = text.strip()
    if match := _SHARE.fullmatch(text):
        return begins + min(100.0, float(match[1])) / 100 * (ends - begins)
    if match := _SHIFT.fullmatch(text):
        shift = float(match[2]) * _SECONDS[match[3]]
        return here + (shift if match[1] == "+" else -shift)
    if match := _CLOCK.fullmatch(text):
        return _of_day(int(match[1]), int(match[2]), int(match[3] or 0), begins)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"no moment of a run: '{text}'", hint=HINT) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _of_day(hour: int, minute: int, second: int, begins: float) -> float:
    first = datetime.fromtimestamp(begins, UTC)
    try:
        moment = first.replace(hour=hour, minute=minute, second=second, microsecond=0)
    except ValueError:
        raise UsageError(f"no time of day: '{hour:02d}:{minute:02d}:{second:02d}'", hint=HINT) from None
    if moment.timestamp() < begins - 1:
        moment += timedelta(days=1)
    return moment.timestamp()
