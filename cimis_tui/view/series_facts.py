"""What stands beside a plot: its numbers, and the chunk its cursor is in; and the line above it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from cimis_engine.errors import CimisError
from cimis_engine.model.period import Span
from cimis_engine.store.catalog import ChunkEntry
from cimis_engine.store.formats import format_of
from cimis_tui.view import units
from cimis_tui.view.attempts import dates
from cimis_tui.view.bars import bar
from cimis_tui.view.cells import Cell, Line, clip, fit, pad, width_of
from cimis_tui.view.curve import Curve, Summary, slot_words
from cimis_tui.view.plot import CURVE_ROLES, whose
from cimis_tui.view.plot_lines import Plot, told_apart
from cimis_tui.view.quality import GRADES
from cimis_tui.view.window import RANGES, word_of

_LABEL = 9
_BRIEF = {", average": " avg", ", maximum": " max", ", minimum": " min", "Relative humidity": "Rel humidity"}
_KEYS = 14
"""Columns of the ranges' keys with the blanks around them."""
_NAME = 8
"""Columns that an item's name has at least."""
_RANGED = 80
"""Columns below which the keys of the ranges are left out: bare letters would say nothing."""
SHORT = 4
"""Up to so many lines the facts are told side by side."""


@dataclass(frozen=True, slots=True, eq=False)
class SeriesFacts:
    """What is shown, with summaries of the curves and the chunk at the cursor (None: there is none).

    `extent`: from the first to the last day stored. `reading`: more, or something else, is being read.
    """

    plot: Plot
    summaries: tuple[Summary, ...]
    extent: Span
    chunk: ChunkEntry | None
    reading: bool
    hide_severe: bool


def facts_title(facts: SeriesFacts | None) -> str:
    return "Numbers of this window" if facts is None or facts.plot.whole else f"Numbers from {facts.plot.since} on"


def present_choice(facts: SeriesFacts | None, width: int, height: int) -> tuple[Line, ...]:
    """The line above a plot: what is shown, every part of it a button for choosing another."""
    if facts is None:
        return ()
    curves, span = facts.plot.curves, facts.plot.span
    head, now = curves[0], word_of(span, facts.extent)
    name, when = _named_and_dated(head, span, width)
    parts: list[Line] = [
        (Cell(whose(head), "head", "station(1)"),),
        (Cell(name, "key", "item"),),
        (Cell(head.item.interval.value, "key", "interval"),),
        (Cell(when, "text", "date"),),
        (Cell("reading…", "warn"),) if facts.reading else (),
        (Cell("✗ hidden", "bad", "severe"),) if facts.hide_severe else (),
    ]
    room = width - 2 - sum(width_of(part) + 2 for part in parts if part)
    told = (True, False) if width >= _RANGED else ()
    ranges: Line = next((line for words in told if width_of(line := _ranges(now, words)) <= room), ())
    other = curves[1] if len(curves) > 1 else None
    named = () if other is None else (Cell(f"+ {other.item.label if other.station == head.station else whose(other)}"),)
    return ((Cell(" "), *fit((*parts, ranges, named), width - 1, gap=2)),)


def _named_and_dated(head: Curve, span: Span, width: int) -> tuple[str, str]:
    """The item's name and the dates, in full where there is room; then in fewer words; at last the name cut off."""
    label = head.item.label
    room = width - 1 - sum(len(word) + 2 for word in (whose(head), head.item.interval.value))
    for when in (f"{span.start} to {span.end}", dates(str(span.start), str(span.end))) if width >= _RANGED else ():
        if len(label) + 2 + len(when) + _KEYS <= room:
            return label, when  # and the keys of the ranges beside them
    if len(label) + 2 + len(when := f"{span.start} to {span.end}") <= room:
        return label, when
    when = dates(str(span.start), str(span.end))
    for word, short in _BRIEF.items():
        label = label if len(label) + 2 + len(when) <= room else label.replace(word, short)
    return pad(label, min(len(label), max(_NAME, room - 2 - len(when)))), when


def _ranges(now: str, words: bool) -> Line:
    """The keys of the ranges, with their words or without; the one in sight in brackets."""
    line: list[Cell] = []
    for key, word in RANGES.items():
        name, chosen = f"{key} {word}" if words else key, word == now
        line += [Cell("  " if words else " ")] if line else []
        line.append(Cell(f"[{name}]" if chosen else name, "key" if chosen else "dim", f"range('{word}')"))
    return tuple(line)


def present_facts(facts: SeriesFacts | None, width: int, height: int) -> tuple[Line, ...]:
    """The numbers in a column, or in `SHORT` lines or fewer side by side."""
    if facts is None:
        return ()
    if height <= SHORT:
        return _short(facts, width, height)
    lines: list[Line] = []
    curves = facts.plot.curves
    names = told_apart(curves) if len(curves) > 1 else ()
    for n, (curve, summary) in enumerate(zip(curves, facts.summaries, strict=True)):
        if names:
            lines.append((Cell(("⠒⠒ ", "⠂⠂ ")[n], CURVE_ROLES[n]), Cell(names[n], "head")))
        lines += _numbers(curve, summary)
        lines.append(())
    lines += _chunk(facts.chunk)
    for more in (_spread(facts.plot.curves[0], facts.summaries[0], width), _meanings()):
        if more and len(lines) + len(more) < height:
            lines += [(), *more]
    return tuple(clip(line, width) for line in lines[:height])


def _spread(curve: Curve, summary: Summary, width: int) -> list[Line]:
    """How often values lie where: a bar for each step, of the longest one's length."""
    steps = summary.steps
    if steps is None:
        return []
    most = max(summary.spread)
    labels = [f"{steps.label(low)}–{steps.label(low + steps.step)}" for low in steps.ticks[:-1]]
    wide, numbers = max(map(len, labels)), max(len(units.grouped(n)) for n in summary.spread)
    room = width - wide - numbers - 3
    lines: list[Line] = [(Cell(f"how many values lie where, {curve.unit}", "dim"),)]
    for label, count in reversed(list(zip(labels, summary.spread, strict=True))):
        filled, rest = bar(count / most, room)
        told = Cell(f"  {units.grouped(count):>{numbers}}", "text" if count else "dim")
        lines.append((Cell(f"{label:>{wide}} ", "dim"), Cell(filled, "bar"), Cell(" " * len(rest)), told))
    return lines


def _meanings() -> list[Line]:
    """What each grade of flags is."""
    lines: list[Line] = [(Cell("what the flags say", "dim"),)]
    for grade in reversed(GRADES[1:]):
        lines += [(Cell(f"{grade.glyph} {grade.word}".ljust(12), grade.role), Cell(grade.help, "dim"))]
    return lines


def _named(name: str, *cells: Cell) -> Line:
    return (Cell(name.ljust(_LABEL), "dim"), *cells)


def _numbers(curve: Curve, summary: Summary) -> list[Line]:
    interval = curve.item.interval
    lines = []
    for name, extreme in (("min", summary.least), ("max", summary.greatest)):
        if extreme is None:
            lines.append(_named(name, Cell(units.ABSENT, "dim")))
            continue
        when = slot_words(interval, extreme.slot)
        lines.append(
            _named(name, Cell(f"{curve.number(extreme.value)} {curve.unit}", "head"), Cell(f"  {when}", "dim"))
        )
    mean = "of directions has no meaning" if summary.count and summary.mean is None else None
    lines.append(
        _named("mean", Cell(mean, "dim"))
        if mean
        else _named("mean", Cell(_with_unit(curve, summary.mean, 1), "head" if summary.count else "dim"))
    )
    if summary.total is not None:
        lines.append(_named("sum", Cell(_with_unit(curve, summary.total), "head")))
    whole = units.grouped(summary.count + summary.missing)
    lines.append(
        _named(
            "values", Cell(units.grouped(summary.count), "text"), Cell(f"  of {whole} {units.slots(interval)}", "dim")
        )
    )
    none = Cell(units.grouped(summary.missing), "warn" if summary.missing else "text")
    lines.append(_named("no value", none, Cell(f" {units.slots(interval, summary.missing)}", "dim")))
    flagged = _flagged(summary)
    lines += [
        _named("flagged" if n == 0 else "", *cells) for n, cells in enumerate(flagged or [(Cell("none", "dim"),)])
    ]
    return lines


def _with_unit(curve: Curve, value: Decimal | float | None, more: int = 0) -> str:
    return units.ABSENT if value is None else f"{curve.number(value, more)} {curve.unit}"


def _flagged(summary: Summary) -> list[Line]:
    """Each grade that there is, gravest first."""
    counts = list(zip(GRADES[1:], summary.flagged, strict=True))[::-1]
    return [
        (Cell(f"{grade.glyph} {units.grouped(count)} {grade.word}", grade.role),) for grade, count in counts if count
    ]


def _chunk(chunk: ChunkEntry | None) -> list[Line]:
    if chunk is None:
        return [_named("chunk", Cell("none of the year at the cursor", "dim"))]
    each = chunk.stored_bytes / chunk.records
    return [
        _named("chunk", Cell(f"{chunk.year} {chunk.interval}", "head"), Cell("  at cursor", "dim")),
        _named("records", Cell(units.grouped(chunk.records), "text"), Cell(f"  {chunk.items} items each", "dim")),
        _named("bytes", Cell(f"{each:.1f} B a record", "text"), Cell(f"  {units.size(chunk.stored_bytes)}", "dim")),
        _named(
            "ratio", Cell(units.ratio(chunk.raw_bytes / chunk.stored_bytes), "text"), Cell("  of plain rows", "dim")
        ),
        _named("digest", Cell(chunk.digest[:12], "text")),
        _named("format", Cell(format_of(chunk.codec).value, "text"), Cell(f"  units {chunk.units.standard}", "dim")),
        _named("written", Cell(f"{datetime.fromtimestamp(chunk.written_at, UTC):%Y-%m-%d %H:%M}Z", "text")),
    ]


def _short(facts: SeriesFacts, width: int, height: int) -> tuple[Line, ...]:
    lines = []
    for n, (curve, summary) in enumerate(zip(facts.plot.curves, facts.summaries, strict=True)):
        sample = (Cell(("⠒⠒", "⠂⠂")[n], CURVE_ROLES[n]),) if len(facts.plot.curves) > 1 else ()
        parts: list[Line] = [sample]
        for name, extreme in (("min", summary.least), ("max", summary.greatest)):
            if extreme is not None:
                when = slot_words(curve.item.interval, extreme.slot)
                told = Cell(f"{name} {curve.number(extreme.value)} {curve.unit}", "head")
                parts.append((told, Cell(f" {when}", "dim")))
        if summary.mean is not None:
            parts.append((Cell(f"mean {_with_unit(curve, summary.mean, 1)}", "head"),))
        if summary.total is not None:
            parts.append((Cell(f"sum {_with_unit(curve, summary.total)}", "head"),))
        lines.append(fit(parts, width, gap=2))
    first, slots = facts.summaries[0], units.slots(facts.plot.curves[0].item.interval)
    values: Line = (
        *((Cell("⠒⠒  ", CURVE_ROLES[0]),) if len(facts.plot.curves) > 1 else (Cell("values ", "dim"),)),
        Cell(units.grouped(first.count), "warn" if first.missing else "text"),
        Cell(f" of {units.grouped(first.count + first.missing)} {slots}", "dim"),
    )
    counts: list[Line] = [
        values,
        *_flagged(first),
    ]
    chunk = facts.chunk
    about: list[Line] = []
    if chunk is not None:
        each = chunk.stored_bytes / chunk.records
        words = f"chunk {chunk.year}: {each:.1f} B a record  {format_of(chunk.codec).value}  digest {chunk.digest[:8]}"
        about = [(Cell(words, "dim"),)]
    if height > len(lines) + 1:
        lines += [fit(counts, width, gap=2, rest="…"), fit(about, width)]
    else:
        lines.append(fit((*counts, *about), width, gap=2, rest="…"))
    return tuple(lines[:height])


def no_data(error: CimisError | None, station: int | None, *, read: bool, others: bool) -> tuple[Line, ...]:
    """What stands in place of a plot, and what to do. `read`: the store has been looked at; `others`: it has data."""
    if error is not None:
        return ((Cell(f" ✗ {error}", "bad"),), (Cell(f"   {error.hint}", "text"),))
    if not read:
        return ((Cell(" reading…", "dim"),),)
    if station is None or not others:
        return (
            (Cell(" Nothing is stored yet.", "head"),),
            (Cell(" The first chunk that is written is shown here.", "dim"),),
            (Cell(" 1 shows how the run stands.", "dim"),),
        )
    return (
        (Cell(f" Nothing is stored of station {station} yet.", "head"),),
        (Cell(" It is shown as soon as its first chunk is written.", "dim"),),
        (Cell(" ] and [ go to stations that have data.", "dim"),),
    )
