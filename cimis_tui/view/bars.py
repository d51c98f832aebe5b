"""Bars, waterfalls and sparks out of block characters."""

from __future__ import annotations

from collections.abc import Sequence

EIGHTHS = " ▏▎▍▌▋▊▉"
LEVELS = "▁▂▃▄▅▆▇█"
TRACK = "░"


def bar(fraction: float, width: int) -> tuple[str, str]:
    """(filled, track) of together `width` columns. Full only when complete, empty only when nothing is done."""
    fraction = min(1.0, max(0.0, fraction))
    units = round(fraction * width * 8)
    if 0 < fraction < 1:
        units = min(width * 8 - 1, max(1, units))
    filled = "█" * (units // 8) + (EIGHTHS[units % 8] if units % 8 else "")
    return filled, TRACK * (width - len(filled))


def waterfall(start: float, length: float, width: int) -> str:
    """A bar of a waterfall: from `start` for `length`, both fractions of `width` columns. At least one thin mark."""
    left = min(start * width, width - 1.0)
    right = min(width * 1.0, max((start + length) * width, left))
    first = int(left)
    lead = " " * first
    if right - first <= 1.0:
        eighth = max(1, min(7, round((right - left) * 8)))
        mark = "▐" if left - first >= 0.5 else ("█" if right - left > 0.94 else EIGHTHS[eighth])
        return (lead + mark).ljust(width)
    head = "▐" if left - first >= 0.5 else "█"
    whole = int(right) - first - 1
    rest = EIGHTHS[round((right - int(right)) * 8) % 8].strip()
    return (lead + head + "█" * whole + rest).ljust(width)[:width]


def spark(values: Sequence[float | None], width: int, *, top: float | None = None) -> str:
    """The last values as `width` columns, newest at the right, each the highest of its share; blank where unknown."""
    if width <= 0:
        return ""
    share = max(1, -(-len(values) // width))
    groups = [values[max(0, n - share) : n] for n in range(len(values), 0, -share)][:width][::-1]
    peaks = [max((v for v in group if v is not None), default=None) for group in groups]
    highest = top if top is not None else max((p for p in peaks if p is not None), default=0.0)
    return "".join(_level(p, highest) for p in peaks).rjust(width)


def _level(value: float | None, highest: float) -> str:
    if value is None:
        return " "
    if highest <= 0:
        return LEVELS[0]
    return LEVELS[min(7, int(value / highest * 7.999))]
