"""Two runs side by side, in words and bars. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cimis_engine.run.compare import SLOWER_BY, Changed, Comparison, Metric, Slower
from cimis_tui.view import units
from cimis_tui.view.bars import bar
from cimis_tui.view.cells import Cell, Line, clip, fit, pad
from cimis_tui.view.run_facts import pair_height, present_pair
from cimis_tui.view.runs import RunFacts

_VERDICTS = {
    "better": ("better", "ok"),
    "worse": ("worse !", "bad"),
    "same": ("same", "dim"),
    "differs": ("different", "warn"),
    "": ("–", "dim"),
}
"""Verdict → what A is, and its role."""
_NAME, _VALUE, _CHANGE, _VERDICT = 14, 11, 10, 9
_STATION = 25
_LEAST_DRAWN = 16
_LEAST_PAIR = 9
_FEW = 4
_ENDS = ("their figures are not alike", "not alike", "unlike")
_LEAST_TABLES = 4
"""Lines for the data and the stations, each after a blank one."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How far both journals are read. `side` (A or B) of run `run_id` is being read; the rest in bytes."""

    side: str
    run_id: str
    read: int
    size: int
    read_of_both: int
    size_of_both: int


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
        return f"{round(metric.change * 100, 1) + 0.0:+.1f}pp"
    return f"{round(metric.change * 100):+d}%"


def verdict(metric: Metric) -> str:
    return _VERDICTS[metric.verdict][0]


def slower_words(c: Comparison) -> list[str]:
    """The stations that got slower, worst first: `146 Belridge +48%`."""
    return [f"{s.station} {s.name} {s.change * 100:+.0f}%" for s in c.slower]


def data_words(c: Comparison, names: Mapping[int, str] | None = None) -> str:
    """Whether the data changed between the runs. `names`: of stations, as far as they are known."""
    if not c.compared:
        return "no station-year was stored by both runs"
    if not c.changed:
        return f"the same contents in all {c.compared:,} station-years both runs stored"
    named = ", ".join(f"{_station(x, names or {})} {x.year}" for x in c.changed[:6])
    more = f" and {len(c.changed) - 6:,} more" if len(c.changed) > 6 else ""
    return f"{_changed_count(c)}: {named}{more}"


def _station(x: Changed, names: Mapping[int, str]) -> str:
    return f"{x.station} {names.get(x.station, '')}".rstrip()


def _names(runs: tuple[RunFacts, RunFacts] | None) -> dict[int, str]:
    return {ref.number: ref.name for run in runs or () if run.started_by for ref in run.started_by.stations}


def _changed_count(c: Comparison) -> str:
    return f"changed between the runs in {len(c.changed):,} of {c.compared:,} station-years"


def stations_words(c: Comparison) -> str:
    """Which stations the figures are of: `over 118 stations both have (A has 3 more)`."""
    more = [f"{side} has {n:,} more" for side, n in (("A", c.only_a), ("B", c.only_b)) if n]
    return f"over {len(c.stations):,} stations both have" + (f" ({', '.join(more)})" if more else "")


def subtitle(c: Comparison) -> str:
    """Also why records/s may differ from what the list says."""
    return f"{stations_words(c)}; REC/S in the list: whole run, all stations"


def present_reading(reading: Reading, width: int) -> tuple[Line, ...]:
    """How far, drawn for both journals together, and how to end it."""
    of = f"{units.size(reading.read)} of {units.size(reading.size)}"
    share = reading.read_of_both / reading.size_of_both if reading.size_of_both else 1.0
    filled, track = bar(share, max(8, min(60, width - 2)))
    return (
        clip((Cell(f"reading {reading.side} ", "run"), Cell(f"{reading.run_id}: {of}")), width),
        (Cell(filled, "bar"), Cell(track, "track")),
        clip((Cell("d", "key"), Cell(" or ", "dim"), Cell("esc", "key"), Cell(" ends it", "dim")), width),
    )


def unlike(runs: tuple[RunFacts, RunFacts] | None) -> bool:
    """Whether the runs asked for different things, so that no figure of one says anything about the other's."""
    return bool(_unlike_parts(runs))


def _unlike_parts(runs: tuple[RunFacts, RunFacts] | None) -> tuple[str, ...]:
    """What each asked for, in a word or two, where it is not the same: `hourly` and `daily`; else the items."""
    a, b = (run.started_by for run in runs) if runs else (None, None)
    if a is None or b is None:
        return ()
    if a.interval != b.interval:
        return a.interval, b.interval
    return tuple(f"{told.items} item{'s' * (told.items != 1)}" for told in (a, b)) if a.items != b.items else ()


def present_unlike(
    runs: tuple[RunFacts, RunFacts] | None, width: int, ids: tuple[str, str] | None = None
) -> Line | None:
    """That the runs are not alike, in the most words there is room for; with their `ids`, where nothing else has them.

    None where they are alike, or nothing is known of one of them.
    """
    parts = _unlike_parts(runs)
    if not parts:
        return None
    a, b = parts
    verb = "has" if a[0].isdigit() else "is"
    named = [f"▲ A {ids[0]} {a.split()[0]}, B {ids[1]} {b}: {end}" for end in _ENDS] if ids else []
    words = [*named, *(f"▲ A {verb} {a}, B {verb} {b}: {end}" for end in _ENDS)]
    return clip((Cell(next((w for w in words if len(w) <= width), words[-1]), "warn"),), width)


def present_identity(c: Comparison, width: int, runs: tuple[RunFacts, RunFacts] | None = None) -> Line:
    """Which runs, and over how many stations, where there is no border to say it in; or that they are not alike."""
    told = present_unlike(runs, width, (c.a, c.b))
    if told is not None:
        return told
    return clip((Cell(f"A {c.a}  B {c.b}", "head"), Cell(f"   {len(c.stations):,} shared stations", "dim")), width)


def present_comparison(
    c: Comparison, width: int, height: int, runs: tuple[RunFacts, RunFacts] | None = None, *, bare: bool = False
) -> tuple[Line, ...]:
    """A line a figure, the change drawn from the middle where there is room; then stations and data, as much as fits.

    That the runs are unlike comes before all, and makes the verdicts dim. Then come figures. Of those that do not fit
    it is said how many there are. `bare`: there is no border, so the first line says which runs these are.
    """
    told = present_identity(c, width, runs) if bare else present_unlike(runs, width)
    above = [told] if told is not None else []
    odd, height = unlike(runs), height - len(above)
    room = width - _NAME - 2 * _VALUE - _CHANGE - _VERDICT - 4
    drawn, names = room // 2 * 2 if room >= _LEAST_DRAWN else 0, _names(runs)
    lines: list[Line] = [_heading(drawn)]
    lines += [_metric_line(metric, drawn, odd=odd) for metric in c.metrics]
    spare = height - len(lines)
    if spare < 1:
        kept = max(0, height - 2)
        lines = [*lines[: 1 + kept], _in_short(c, len(c.metrics) - kept, width, odd=odd)]
    elif spare == 1:
        lines.append(_in_short(c, 0, width, odd=odd))
    elif spare < 7:
        lines += [(), *_tail(c, names, odd=odd)] if spare > 2 else _tail(c, names, odd=odd)
    else:
        most = spare - _LEAST_TABLES - bool(c.slower) - _least_rows(c)
        below = min(pair_height(*runs, width) + 1, most) if runs else 0
        if runs is None or below < _LEAST_PAIR:
            lines += _tables(c, names, width, spare, odd=odd)
        else:
            lines += [*_tables(c, names, width, spare - below, odd=odd), ()]
            lines += present_pair(*runs, width, height - len(lines))
    return tuple(clip(line, width) for line in (*above, *lines[:height]))


def _heading(drawn: int) -> Line:
    less, more = ("◀ A has less ", " A has more ▶") if drawn >= 26 else ("◀ less ", " more ▶")
    half = drawn // 2
    legend = f"{less:>{half}}{more:<{half}}  " if drawn else ""
    head = f"{'FIGURE':<{_NAME}}{'A':>{_VALUE}}{'B':>{_VALUE}}{'A VS B':>{_CHANGE}}  "
    return (Cell(f"{head}{legend}A IS", "dim"),)


def _metric_line(m: Metric, drawn: int, *, odd: bool) -> Line:
    word, role = _VERDICTS[m.verdict]
    role = "dim" if odd else role
    numbers = f"{figure(m, m.a):>{_VALUE}}{figure(m, m.b):>{_VALUE}}{change(m):>{_CHANGE}}  "
    arrow = (Cell(_arrow(m, drawn), role), Cell("  ")) if drawn else ()
    return (Cell(f"{m.name:<{_NAME}}"), Cell(numbers), *arrow, Cell(word, role))


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


# stations and data


def _slower_count(c: Comparison) -> str:
    return f"A slower than B by > {SLOWER_BY * 100:.0f}%: {len(c.slower)} of {len(c.stations)} stations"


def _in_short(c: Comparison, left: int, width: int, *, odd: bool) -> Line:
    """In one line: how many figures there was no room for, changed data, slower stations."""
    data = f"data changed in {len(c.changed):,} of {c.compared:,}" if c.changed else "same data"
    parts: list[Line] = [(Cell(data if c.compared else "no shared data", "bad" if c.changed else "text"),)]
    if left:
        parts.insert(0, (Cell(f"… {left} more", "dim"),))
    slower = f"A slower in {len(c.slower)} of {len(c.stations)}"
    parts.append((Cell(slower, "warn" if c.slower and not odd else "dim"),))
    return fit(parts, width, gap=2, rest="…")


def _tail(c: Comparison, names: Mapping[int, str], *, odd: bool) -> list[Line]:
    return [
        (Cell(f"{_slower_count(c)}  ", "dim"), Cell(", ".join(slower_words(c)), "dim" if odd else "warn")),
        _data_line(data_words(c, names), c),
    ]


def _data_line(words: str, c: Comparison) -> Line:
    return (Cell("data ", "dim"), Cell(words, "bad" if c.changed else "text"))


def _tables(c: Comparison, names: Mapping[int, str], width: int, spare: int, *, odd: bool) -> list[Line]:
    """The data first, for that is the graver news; then the stations."""
    slow, data = _tail(c, names, odd=odd)
    role = "dim" if odd else "warn"
    room = spare - 4 - bool(c.slower)  # two lines, each after a blank one, and the heading of a table
    if room < _least_rows(c):
        return [(), data, (), slow]
    changed = [_changed_line(x, names) for x in c.changed]
    if changed:
        data = _data_line(_changed_count(c), c)
    slower = [_slower_line(s, c.slower[0].change, width, role) for s in c.slower]
    of_data = min(len(changed), max(room // 2, room - len(slower)))
    lines: list[Line] = [(), data, *_most(changed, of_data), ()]
    if not slower:
        return [*lines, slow]
    head = f"{'  STATION':<{_STATION}}{'A':>{_VALUE}}{'B':>{_VALUE}}{'A VS B':>{_CHANGE}}   median attempt"
    lines += [(Cell(_slower_count(c), role),), (Cell(head, "dim"),)]
    return [*lines, *_most(slower, room - of_data)]


def _least_rows(c: Comparison) -> int:
    """Rows without which a table of changed data or of slower stations says less than a line of words."""
    return min(len(c.changed), _FEW) + min(len(c.slower), _FEW)


def _most(lines: list[Line], room: int) -> list[Line]:
    """As many as fit; the last line says how many do not."""
    if len(lines) <= room:
        return lines
    return [*lines[: room - 1], (Cell(f"  … {len(lines) - room + 1:,} more", "dim"),)]


def _changed_line(x: Changed, names: Mapping[int, str]) -> Line:
    where, when = pad(f"  {x.station:>3} {names.get(x.station, '')}", _STATION), f"{x.year} {x.interval}"
    return (Cell(f"{where}  {when}"), Cell(f"   contents A {x.a[:16]}…   B {x.b[:16]}…", "dim"))


def _slower_line(s: Slower, most: float, width: int, role: str) -> Line:
    name = pad(f"  {s.station:>3} {s.name}", _STATION)
    a, b, more = f"{units.ms(s.a_ms)} ms", f"{units.ms(s.b_ms)} ms", f"{s.change * 100:+.0f}%"
    room = width - _STATION - 2 * _VALUE - _CHANGE - 2
    drawn = "━" * (max(1, round(s.change / most * room)) - 1) + "▶" if room >= _LEAST_DRAWN else ""
    return (Cell(name), Cell(f"{a:>{_VALUE}}{b:>{_VALUE}}{more:>{_CHANGE}}  "), Cell(drawn, role))
