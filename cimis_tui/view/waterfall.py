"""Attempts drawn as in a browser's network panel: phases one after the other, all attempts on one time scale. Pure.

Every phase has a texture of its own, so that they can be told apart without colour.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from cimis_tui.view.attempts import ATTEMPT_PHASES, AttemptRow, phase_word
from cimis_tui.view.cells import Cell, Line, fit, width_of
from cimis_tui.view.station import StationFacts

TEXTURES: dict[str, tuple[str, str]] = {
    "pool_wait": ("░", "track"),
    "dns": ("·", "dim"),
    "tcp": ("╌", "dim"),
    "tls": ("▒", "dim"),
    "send": ("▸", "text"),
    "ttfb": ("█", "bar"),
    "read": ("▓", "text"),
    "decode": ("▪", "ok"),
}
"""Phase → glyph and role."""
_FLYING, _PAUSE, _BEYOND = "━", "┄", "▶"
_FAILED = "╳"
"""The waiting of a failed attempt for its answer, in place of the texture of TTFB."""
_IN_SHORT = 130
"""Columns below which the legend's words are fewer, so that more marks have any."""
_SCALES = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
_STEPS = (1.0, 2.0, 5.0, 10.0)
_TICK_COLUMNS = 9
"""A mark of the ruler takes at least so many columns."""
_SHORTEST = 4.0
_NOTHING = 1000.0
"""What a bar stands for while there is none, ms."""
ZOOMS = 10
"""How often the time scale can be halved."""


def scale_of(rows: Iterable[AttemptRow], zoom: int = 0) -> float:
    """The ms that a whole bar stands for: the longest attempt rounded up, halved `zoom` times."""
    longest = (max((row.drawn_ms for row in rows), default=0.0) or _NOTHING) / 2**zoom
    return _round_up(max(_SHORTEST, longest), _SCALES)


def _round_up(value: float, steps: tuple[float, ...]) -> float:
    """The smallest of `steps` times a power of ten that is no less than `value` (> 0)."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in steps if step * power >= value * (1 - 1e-9))


def bar(row: AttemptRow, scale: float, width: int) -> Line:
    """An attempt's phases on `width` columns that stand for `scale` ms, then the wait before the next try.

    What does not fit ends in an arrow.
    """
    if row.flying:
        columns = min(width, max(1, round(row.drawn_ms / scale * width)))
        return _padded(_cut([(_FLYING, "run")] * columns, row, scale, width), width)
    marks: list[tuple[str, str]] = []
    edges = _edges(row)
    column = scale / width
    for n in range(min(width, math.ceil(row.drawn_ms / column))):
        low, high = n * column, (n + 1) * column
        covered = {name: min(high, end) - max(low, start) for name, start, end in edges if end > low and start < high}
        if not covered or (n and sum(covered.values()) < column / 3):
            break
        marks.append(_mark(row, max(covered, key=lambda name: covered[name])))
    if row.wait_s is not None:
        marks += [(_PAUSE, "warn")] * min(width + 1, max(1, round(row.wait_s * 1000 / column)))
    return _padded(_cut(marks, row, scale, width), width)


def _edges(row: AttemptRow) -> list[tuple[str, float, float]]:
    """Each phase that happened, with the ms since the attempt's start at which it began and ended."""
    edges, at = [], 0.0
    for name, ms in zip(ATTEMPT_PHASES, row.phases, strict=True):
        if ms:
            edges.append((name, at, at + ms))
            at += ms
    return edges


def _mark(row: AttemptRow, phase: str) -> tuple[str, str]:
    texture, role = TEXTURES[phase]
    if phase != "ttfb":
        return texture, role
    if not row.ok:
        return _FAILED, "dim" if row.verdict == "cancelled" else "bad"
    return texture, "warn" if row.slow else role


def _cut(marks: list[tuple[str, str]], row: AttemptRow, scale: float, width: int) -> list[tuple[str, str]]:
    if len(marks) > width or row.drawn_ms > scale * 1.000001:
        return [*marks[: width - 1], (_BEYOND, "dim")]
    return marks


def _padded(marks: list[tuple[str, str]], width: int) -> Line:
    """Marks of one role joined into cells, blanks up to `width`."""
    cells: list[Cell] = []
    for mark, role in marks:
        if cells and cells[-1].role == role:
            cells[-1] = Cell(cells[-1].text + mark, role)
        else:
            cells.append(Cell(mark, role))
    return (*cells, Cell(" " * (width - len(marks))))


def ruler(scale: float, width: int) -> str:
    """The heading of the bars: marks at round times from 0 to `scale` ms, the unit at the first."""
    unit, whole = ("s", scale / 1000) if scale >= 10_000 else ("ms", scale)
    step = _round_up(whole * min(1.0, _TICK_COLUMNS / max(1, width)), _STEPS)
    text = ""
    for n in range(int(whole / step * (1 + 1e-9)) + 1):
        label = f"╷{n * step:g}" + ("" if n else f" {unit}")
        at = round(n * step / whole * width)
        if at + len(label) > width:
            break
        text = text.ljust(at) + label
    return text.ljust(width)[:width]


def legend(width: int) -> Line:
    """What each texture stands for, as many as `width` holds; of the phases, the rarest are left out first.

    A failed attempt's TTFB has a texture of its own, and may be all there is of it: it stands beside the other.
    """
    order = ("ttfb", "read", "dns", "tcp", "tls", "decode", "send", "pool_wait")
    words = {name: (Cell(TEXTURES[name][0], TEXTURES[name][1]), Cell(f" {phase_word(name)}", "dim")) for name in order}
    flying: Line = (Cell(_FLYING, "run"), Cell(" in flight", "dim"))
    short = width < _IN_SHORT
    pause: Line = (Cell(_PAUSE, "warn"), Cell(" waits" if short else " waits to retry", "dim"))
    failed: Line = (Cell(_FAILED, "bad"), Cell(" failed", "dim"))
    beyond: Line = (Cell(_BEYOND, "dim"), Cell(" goes on" if short else " goes on beyond", "dim"))
    room = width - sum(width_of(part) + 2 for part in (flying, pause, failed, beyond)) + 2
    kept: set[str] = set()
    for name in order:
        need = width_of(words[name]) + 2
        if need > room:
            break
        kept.add(name)
        room -= need
    parts: list[Line] = []
    for name in ATTEMPT_PHASES:
        parts += [words[name]] if name in kept else []
        parts += [failed] if name == "ttfb" else []
    busy: Line = (Cell("decode is busy time, drawn last: it overlaps read", "dim"),)
    return fit((*parts, flying, pause, beyond, busy), width, gap=2)


def waterfall_title(facts: StationFacts | None, scale: float, zoom: int) -> str:
    """What the box is of, and its time scale."""
    if facts is None or not facts.attempts:
        return "Attempts"
    whole = f"{scale / 1000:g} s" if scale >= 10_000 else f"{scale:g} ms"
    return f"Attempts, newest first   0–{whole}" + (f" (x{2**zoom})" if zoom else "")


def waterfall_empty(facts: StationFacts | None) -> str:
    """Why there is no attempt to show, and what brings one."""
    if facts is None:
        return "no station: the run has not told its plan yet"
    if facts.status == "done":
        return "this run had nothing to fetch for this station: [ and ] go to others"
    if facts.status == "paused":
        return "paused before its first attempt: p resumes it"
    return "no attempt yet: the first comes when a request slot is free"


def present_legend(_: StationFacts | None, width: int, height: int) -> tuple[Line, ...]:
    return (legend(width),)
