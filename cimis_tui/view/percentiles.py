"""A station's phases as a table of percentiles. Pure."""

from __future__ import annotations

from collections.abc import Callable

from cimis_tui.view import units
from cimis_tui.view.bars import bar
from cimis_tui.view.cells import Cell, Line, clip
from cimis_tui.view.station import PhaseStats, StationFacts

_LABEL, _WIDE, _ROOMY = 8, 6, 8
"""Columns of a phase's name, of a number, and of a number where there is room for bars of the shares too."""
_BAR = 12
"""Columns that such a bar has at least."""
_COLUMNS: tuple[tuple[str, Callable[[PhaseStats], float | None]], ...] = (
    ("last", lambda s: s.last),
    ("p50", lambda s: s.p50),
    ("p90", lambda s: s.p90),
    ("p95", lambda s: s.p95),
    ("p99", lambda s: s.p99),
    ("max", lambda s: s.most),
)
_NARROW = ("last", "p50", "p95", "max", "p99", "p90")
_SHORT = (
    "ttfb",
    "total",
    "read",
    "decode",
    "tls",
    "tcp",
    "dns",
    "write",
    "pool_wait",
    "encode",
    "verify",
    "commit",
    "send",
)
"""Which columns and phases stay when there is not room for all: the first ones."""
_NAMES = {"pool_wait": "WAIT", "total": "ATTEMPT"}


def percentiles_title(facts: StationFacts | None) -> str:
    if facts is None or not facts.good:
        return "Phases   ms"
    count = len(facts.good)
    return f"Phases   ms   {count} good attempt{'s' if count > 1 else ''}"


def present_percentiles(facts: StationFacts | None, width: int, height: int) -> tuple[Line, ...]:
    """A heading, then a line a phase, as many as there is room for."""
    if facts is None or not facts.good:
        return (clip((Cell("no attempt has ended well yet: times come with the first", "dim"),), width),)
    room = max(1, (width - _LABEL - 1) // _WIDE - 1)  # the last place is the share's
    kept = set(_NARROW[:room])
    columns = [(title, value) for title, value in _COLUMNS if title in kept]
    wanted = set(_SHORT[: max(1, height - 1)])
    bars = width - _LABEL - _ROOMY * (len(_COLUMNS) + 1) - 3
    wide = _ROOMY if bars >= _BAR else _WIDE
    heading = "".ljust(_LABEL) + "".join(title.rjust(wide) for title, _ in columns) + "share".rjust(wide)
    lines: list[Line] = [(Cell(heading, "dim"),)]
    lines += [
        _line(stats, columns, wide, bars if wide == _ROOMY else 0) for stats in facts.stats if stats.name in wanted
    ]
    return tuple(clip(line, width) for line in lines[:height])


def _line(
    stats: PhaseStats, columns: list[tuple[str, Callable[[PhaseStats], float | None]]], wide: int, bars: int
) -> Line:
    role = "head" if stats.name == "total" else "text"
    cells = [Cell(_NAMES.get(stats.name, stats.name.upper()).ljust(_LABEL), "head" if role == "head" else "dim")]
    for title, of in columns:
        value = of(stats)
        slow = stats.slow and title in ("p95", "p99", "max")
        cells.append(Cell(units.ms(value).rjust(wide), "dim" if value is None else "warn" if slow else role))
    cells.append(Cell(("" if stats.name == "total" else units.percent(stats.share)).rjust(wide), "dim"))
    if stats.slow:
        cells.append(Cell("▲", "warn"))
    if bars and stats.share:
        filled, _ = bar(stats.share, bars)
        cells += [Cell("  " if stats.slow else "   "), Cell(filled, "warn" if stats.slow else "bar")]
    return tuple(cells)
