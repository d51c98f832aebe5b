"""The selected station's phases: a small waterfall, or one line where there is no room. Pure."""

from __future__ import annotations

from cimis_tui.view import units
from cimis_tui.view.bars import spark, waterfall
from cimis_tui.view.cells import Cell, Line, clip, fit, width_of
from cimis_tui.view.frame import PhaseFacts
from cimis_tui.view.present import GLYPHS, SLOW_TTFB_MS

_LABEL = {"pool_wait": "WAIT"}
_ALWAYS = ("dns", "tcp", "tls", "ttfb", "read", "decode", "write")
"""The phases a short panel shows; a tall one shows all twelve."""


def phases_title(facts: PhaseFacts | None) -> str:
    return "Phases" if facts is None else f"Phases  {facts.station} {facts.name}"


def _status(f: PhaseFacts) -> Line:
    glyph, word, role = GLYPHS[f.status]
    return (Cell(f"{glyph} {word}", role),)


def _facts(f: PhaseFacts, width: int) -> Line:
    share = f" of {units.count(f.expected)}" if f.expected else ""
    return fit(
        (
            _status(f),
            (Cell("pages ", "dim"), Cell(f"{f.pages_done}/{f.pages}")),
            (Cell(f"{units.count(f.records)}{share}"), Cell(" records", "dim")),
            (Cell("try ", "dim"), Cell(f"{f.attempt}/{f.max_attempts}")) if f.attempt else (),
            (Cell(units.ratio(f.ratio)),) if f.ratio else (),
            (Cell("reused connection" if f.reused else "new connection", "dim"),) if f.total is not None else (),
        ),
        width,
    )


def _bars(f: PhaseFacts, width: int, names: tuple[str, ...]) -> list[Line]:
    known = dict(f.phases)
    busy = sum(v for v in known.values() if v is not None)
    span = max(busy, f.total or 0.0)
    room = width - 9 - 10
    lines: list[Line] = []
    start = 0.0
    for name, value in f.phases:
        if name in names:
            label = _LABEL.get(name, name.upper()).ljust(8)
            slow = name == "ttfb" and value is not None and value > SLOW_TTFB_MS
            drawn = waterfall(start / span, value / span, room) if value is not None and span > 0 else " " * room
            number = f"{units.ms(value):>7}" + (" ms" if value is not None else "   ")
            role = "warn" if slow else "bar"
            lines.append(
                (
                    Cell(label, "dim"),
                    Cell(drawn, role),
                    Cell(number, "warn" if slow else ("text" if value is not None else "dim")),
                    Cell("▲" if slow else " ", "warn"),
                )
            )
        start += value or 0.0
    return lines


def present_phases(f: PhaseFacts | None, width: int, height: int) -> tuple[Line, ...]:
    """The lines of the panel. Taller than 15 it shows all twelve phases."""
    if f is None:
        return ((Cell("no station selected: j and k move, / filters", "dim"),),)
    if height == 1:
        return (phase_strip(f, width),)
    lines: list[Line] = [_facts(f, width)]
    if f.total is None and not f.message:
        lines.append((Cell("no attempt has ended yet; phases come with the first", "dim"),))
    else:
        names = tuple(name for name, _ in f.phases) if height >= 15 else _ALWAYS
        lines += _bars(f, width, names)
    tail = [_histogram(f, width), _percentiles(f, width)]
    if f.message:
        tail.append(
            (Cell(f"{f.message}" + (f": {f.hint}" if f.hint else ""), "bad" if f.status == "failed" else "warn"),)
        )
    room = height - len(tail)
    lines = lines[:room] + [()] * max(0, min(1, room - len(lines))) + tail
    return tuple(clip(line, width) for line in lines)


def _histogram(f: PhaseFacts, width: int) -> Line:
    s = f.spread
    if not s.count:
        return (Cell("TTFB of all stations, last 2 min: no answer", "dim"),)
    room = max(8, min(len(s.counts), width - 38))
    return fit(
        (
            (
                Cell("all TTFB ", "dim"),
                Cell(f"{units.ms(s.low)} "),
                Cell(spark(s.counts, room).strip(), "spark"),
                Cell(f" {units.ms(s.high)} ms"),
            ),
            (Cell(f"n={units.count(s.count)} in 2 min", "dim"),),
        ),
        width,
        gap=2,
    )


def _percentiles(f: PhaseFacts, width: int) -> Line:
    names = ("p50", "p90", "p95", "p99", "max")
    parts: list[Line] = [(Cell("run TTFB ms", "dim"),)]
    parts += [(Cell(f"{n} ", "dim"), Cell(units.ms(v))) for n, v in zip(names, f.ttfb, strict=True)]
    roomy = sum(width_of(part) + 2 for part in parts) - 2 <= width
    return fit(parts, width, gap=2 if roomy else 1)


def phase_strip(f: PhaseFacts, width: int) -> Line:
    """Everything of the selected station in one line between rules."""
    known = dict(f.phases)
    shown: list[Line] = []
    for name in _ALWAYS:
        value = known.get(name)
        slow = name == "ttfb" and value is not None and value > SLOW_TTFB_MS
        label = {"decode": "dec", "write": "wr", "ttfb": "TTFB"}.get(name, name)
        tone = "warn" if slow else ("text" if value is not None else "dim")
        shown.append((Cell(f"{label} ", "dim"), Cell(units.ms(value) + (" ▲" if slow else ""), tone)))
    told: list[Cell] = []
    for n, part in enumerate(shown):
        told += [Cell("│", "track"), *part] if n else [*part]
    mem = (Cell("│", "track"), Cell("mem ", "dim"), Cell(units.size(f.held_bytes))) if f.held_bytes else ()
    ratio = (Cell("│", "track"), Cell("ratio ", "dim"), Cell(units.ratio(f.ratio))) if f.ratio else ()
    said = (Cell("ms ", "dim"), *told, *ratio, *mem)
    if width_of(said) + len(f"─ {f.station} {f.name} ─  ") + 1 > width:  # the table says ms, too
        said = (*told, *ratio[::2], *mem)
    # The numbers are what the line is for: the name takes what they leave.
    room = width - width_of(said) - len("─  ─ ") - 2
    head = (Cell("─ ", "track"), Cell(f"{f.station} {f.name}"[: max(room, len(str(f.station)))].rstrip(), "key"))
    left = clip((*head, Cell(" ─ ", "track"), *said, Cell(" ")), width - 1)
    return (*left, Cell("─" * (width - width_of(left)), "track"))
