"""TTFB of a station's attempts over time, the fleet's median as a line across. Pure."""

from __future__ import annotations

from cimis_tui.view import units
from cimis_tui.view.attempts import AttemptRow
from cimis_tui.view.bars import LEVELS, spark
from cimis_tui.view.cells import Cell, Line, clip, fit, pad, spread
from cimis_tui.view.station import StationFacts

_AXIS = 6
_FLEET, _FAILED = "┄", "✗"
_ENDS = len("00:00:00  00:00:00")
"""Columns of picture from which on there is a time of day beneath either end of it."""


def trend_title(facts: StationFacts | None) -> str:
    return "TTFB over time   ms"


def present_trend(facts: StationFacts | None, width: int, height: int) -> tuple[Line, ...]:
    """A column an attempt, oldest left; a failed one is a mark at the foot. One line of it all where height is 1."""
    if facts is None or not facts.good:
        return (clip((Cell("no answer yet: the first draws the first column", "dim"),), width),)
    if height < 4:
        return (trend_strip(facts, width),)
    ended = [row for row in reversed(facts.attempts) if not row.flying]
    room = width - _AXIS - 1
    shown = ended[-room:]
    wide = max(1, min(3, room // len(shown)))
    rows = height - 2
    fleet = facts.fleet_ttfb_ms
    top = max([row.ttfb_ms or 0.0 for row in shown if row.ok] + [fleet or 0.0]) or 1.0
    at = None if fleet is None else min(rows - 1, int(fleet / top * rows * 0.9999))
    lines = [_across(shown, row, rows, top, at, wide, room) for row in range(rows - 1, -1, -1)]
    labels = {rows - 1: units.ms(top), 0: "0"}
    if at is not None and at not in labels:
        labels[at] = units.ms(fleet)
    drawn = [
        (Cell(labels.get(rows - 1 - n, "").rjust(_AXIS - 1), "dim"), Cell(" │", "track"), *line)
        for n, line in enumerate(lines)
    ]
    ends = (Cell(" " * (_AXIS + 1)), *_ends(shown, wide * len(shown)))
    return tuple(clip(line, width) for line in (*drawn, ends, _key(facts, shown, width)))


def _ends(shown: list[AttemptRow], width: int) -> Line:
    """When the first and the last attempt began, each beneath its own column; as a range where these are too near."""
    first, last = (units.of_day(row.began) for row in (shown[0], shown[-1]))
    if first == last:
        return (Cell(first, "dim"),)
    if width < _ENDS:
        return (Cell(f"{first}–{last}", "dim"),)
    return spread((Cell(first, "dim"),), (Cell(last, "dim"),), width)


def _across(shown: list[AttemptRow], row: int, rows: int, top: float, fleet: int | None, wide: int, room: int) -> Line:
    """One line of the picture, `row` counted from the foot."""
    cells: list[Cell] = []
    for attempt in shown:
        level = _level(attempt, row, rows, top)
        if not attempt.ok and row == 0:
            cells.append(Cell(pad(_FAILED, wide), "dim" if attempt.verdict == "cancelled" else "bad"))
        elif level == " ":
            cells.append(Cell(_FLEET * wide, "dim") if row == fleet else Cell(" " * wide))
        else:
            cells.append(
                Cell(level * max(1, wide - 1) + (" " if wide > 1 else ""), "warn" if attempt.slow else "spark")
            )
    if row == fleet:
        cells.append(Cell(_FLEET * (room - wide * len(shown)), "dim"))
    return tuple(cells)


def _level(attempt: AttemptRow, row: int, rows: int, top: float) -> str:
    """How much of this line an attempt's column fills."""
    if not attempt.ok or attempt.ttfb_ms is None:
        return " "
    eighths = max(1, round(attempt.ttfb_ms / top * rows * 8)) - row * 8
    return " " if eighths <= 0 else LEVELS[min(8, eighths) - 1]


def _key(facts: StationFacts, shown: list[AttemptRow], width: int) -> Line:
    cancelled = any(row.verdict == "cancelled" for row in shown)
    failed = not cancelled or any(not row.ok and row.verdict != "cancelled" for row in shown)
    return fit(
        (
            (Cell("█", "spark"), Cell(" an attempt", "dim")),
            (Cell(_FAILED, "bad"), Cell(" failed", "dim")) if failed else (),
            (Cell(_FAILED, "dim"), Cell(" cancelled", "dim")) if cancelled else (),
            (Cell(_FLEET * 2, "dim"), Cell(f" p50 of all stations {units.ms(facts.fleet_ttfb_ms)} ms", "dim")),
        ),
        width,
        gap=2,
    )


def trend_strip(facts: StationFacts, width: int) -> Line:
    """The trend in one line: a spark and the numbers to hold it against."""
    times = [row.ttfb_ms for row in reversed(facts.good)]
    own = next(stats for stats in facts.stats if stats.name == "ttfb")
    drawn = spark(times, min(len(times), max(8, width - 52)))
    slow = "warn" if own.slow else "text"
    return fit(
        (
            (Cell("TTFB ", "dim"), Cell(drawn, "spark")),
            (Cell("last ", "dim"), Cell(units.ms(own.last)), Cell(" ms", "dim")),
            (Cell("p50 ", "dim"), Cell(units.ms(own.p50)), Cell("  p95 ", "dim"), Cell(units.ms(own.p95), slow)),
            (Cell(f"all stations' p50 {units.ms(facts.fleet_ttfb_ms)}", "dim"),),
        ),
        width,
        gap=2,
    )
