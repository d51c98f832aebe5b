"""A station's phases as a table of percentiles. Pure."""

from __future__ import annotations

from collections.abc import Callable

from cimis_tui.view import units
from cimis_tui.view.cells import Cell, Line, clip
from cimis_tui.view.station import PhaseStats, StationFacts

_LABEL, _WIDE = 8, 6
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
_NAMES = {"pool_wait": "WAIT"}


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
    heading = "".ljust(_LABEL) + "".join(title.rjust(_WIDE) for title, _ in columns) + "share".rjust(_WIDE)
    lines: list[Line] = [(Cell(heading, "dim"),)]
    lines += [_line(stats, columns) for stats in facts.stats if stats.name in wanted]
    return tuple(clip(line, width) for line in lines[:height])


def _line(stats: PhaseStats, columns: list[tuple[str, Callable[[PhaseStats], float | None]]]) -> Line:
    role = "head" if stats.name == "total" else "text"
    cells = [Cell(_NAMES.get(stats.name, stats.name.upper()).ljust(_LABEL), "head" if role == "head" else "dim")]
    for title, of in columns:
        value = of(stats)
        slow = stats.slow and title in ("p95", "p99", "max")
        cells.append(Cell(units.ms(value).rjust(_WIDE), "dim" if value is None else "warn" if slow else role))
    cells.append(Cell(("" if stats.name == "total" else units.percent(stats.share)).rjust(_WIDE), "dim"))
    if stats.slow:
        cells.append(Cell("▲", "warn"))
    return tuple(cells)
