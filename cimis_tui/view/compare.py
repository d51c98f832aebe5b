"""Two runs side by side, in words and bars. Pure."""

from __future__ import annotations

from cimis_engine.run.compare import Comparison, Metric
from cimis_tui.view import units
from cimis_tui.view.cells import Cell, Line, clip

_VERDICTS = {
    "better": ("better", "ok"),
    "worse": ("worse !", "bad"),
    "same": ("same", "dim"),
    "differs": ("differs", "warn"),
    "": ("–", "dim"),
}
_NAME, _VALUE, _CHANGE, _DRAWN = 14, 11, 9, 48


def figure(metric: Metric, value: float | None) -> str:
    """A metric's value with its unit."""
    if value is None:
        return "–"
    if metric.unit == "%":
        return f"{value * 100:.1f}%"
    if metric.unit == "ms":
        return f"{units.ms(value)} ms"
    if metric.unit == ":1":
        return units.ratio(value)
    if metric.unit == "B":
        return units.size(value)
    return f"{units.count(value)}{metric.unit}"


def change(metric: Metric) -> str:
    """`+148%`, or for a rate `+1.7pp`, percentage points."""
    if metric.change is None:
        return "–"
    if metric.points:
        return f"{metric.change * 100:+.1f}pp"
    return f"{metric.change * 100:+.0f}%"


def verdict(metric: Metric) -> str:
    return _VERDICTS[metric.verdict][0]


def slower_words(c: Comparison) -> list[str]:
    """The stations that got slower, worst first: `146 Belridge +48%`."""
    return [f"{s.station} {s.name} {s.change * 100:+.0f}%" for s in c.slower]


def data_words(c: Comparison) -> str:
    """Whether the data changed between the runs."""
    if not c.compared:
        return "no station-year was stored by both runs"
    if not c.changed:
        return f"the same contents in all {c.compared:,} station-years both runs stored"
    named = ", ".join(f"{x.station} {x.year}" for x in c.changed[:6])
    more = f" and {len(c.changed) - 6:,} more" if len(c.changed) > 6 else ""
    return f"changed between the runs in {len(c.changed):,} of {c.compared:,} station-years: {named}{more}"


def stations_words(c: Comparison) -> str:
    """Which stations the figures are of: `over 118 stations both have (A has 3 more)`."""
    more = [f"{side} has {n:,} more" for side, n in (("A", c.only_a), ("B", c.only_b)) if n]
    return f"over {len(c.stations):,} stations both have" + (f" ({', '.join(more)})" if more else "")


def present_comparison(c: Comparison, width: int, height: int) -> tuple[Line, ...]:
    """A line a figure, with the change drawn from the middle where there is room; then stations, then the data."""
    room = width - _NAME - 2 * _VALUE - _CHANGE - 4 - 8
    drawn = min(_DRAWN, room) // 2 * 2 if room >= 16 else 0
    head = f"{'FIGURE':<{_NAME}}{'A':>{_VALUE}}{'B':>{_VALUE}}{'A FROM B':>{_CHANGE}}  "
    legend = f"{'◀ less ':>{drawn // 2}}{' more ▶':<{drawn // 2}}  " if drawn else ""
    lines: list[Line] = [(Cell(f"{head}{legend}VERDICT", "dim"),)]
    lines += [_metric_line(metric, drawn) for metric in c.metrics]
    slow = slower_words(c)
    shown = ", ".join(slow)
    tail: list[Line] = [
        (Cell(f"slower by > 25%: {len(slow)} of {len(c.stations)} stations  ", "dim"), Cell(shown, "warn")),
        (Cell("data ", "dim"), Cell(data_words(c), "bad" if c.changed else "text")),
    ]
    lines = [*lines[: max(1, height - len(tail))], *tail]
    return tuple(clip(line, width) for line in lines[:height])


def _metric_line(m: Metric, drawn: int) -> Line:
    word, role = _VERDICTS[m.verdict]
    numbers = f"{figure(m, m.a):>{_VALUE}}{figure(m, m.b):>{_VALUE}}{change(m):>{_CHANGE}}  "
    bar = (Cell(_arrow(m, drawn), role), Cell("  ")) if drawn else ()
    return (Cell(f"{m.name:<{_NAME}}"), Cell(numbers), *bar, Cell(word, role))


def _arrow(m: Metric, width: int) -> str:
    """From the middle to the right for more, to the left for less; the whole half is 100 %, or 5 points of a rate."""
    half = width // 2
    share = min(1.0, abs(m.change or 0.0) / (0.05 if m.points else 1.0))
    length = round(share * half)
    if length == 0:
        return ("·" if m.change is not None else " ").rjust(half).ljust(width)
    if (m.change or 0.0) > 0:
        return (" " * half + "━" * (length - 1) + "▶").ljust(width)
    return ("◀" + "━" * (length - 1)).rjust(half).ljust(width)
