"""How a station stands, in words and numbers: its page, its records, its bytes, its tries, its chunks. Pure."""

from __future__ import annotations

from cimis_tui.view import units
from cimis_tui.view.attempts import dates
from cimis_tui.view.cells import Cell, Line, clip, fit
from cimis_tui.view.present import GLYPHS
from cimis_tui.view.station import StationFacts
from cimis_tui.view.trend import trend_strip

_DIGEST = 12


def state_title(facts: StationFacts | None) -> str:
    return "State"


def present_state(facts: StationFacts | None, width: int, height: int) -> tuple[Line, ...]:
    """As many lines as there is room for, what matters most first; chunks fill what is left."""
    if facts is None:
        return ((Cell("no station: the run has not told its plan yet", "dim"),),)
    lines = [_status(facts, width)]
    if facts.message:
        lines.append((Cell(f"{facts.message}" + (f": {facts.hint}" if facts.hint else ""), "bad"),))
    lines += [_records(facts, width), _tries(facts, width), _bytes(facts, width)]
    lines += _chunks(facts, width, height - len(lines))
    return tuple(clip(line, width) for line in lines[:height])


def present_state_strip(facts: StationFacts | None, width: int, height: int) -> tuple[Line, ...]:
    """The same without a frame around it and without chunks; the trend as a line."""
    if facts is None or not facts.good or height < 4:
        return present_state(facts, width, height)
    lines = present_state(facts, width, height)
    return (*lines[: height - 1], trend_strip(facts, width))


def _named(name: str) -> Cell:
    return Cell(f"{name:<9}", "dim")


def _status(f: StationFacts, width: int) -> Line:
    glyph, word, role = GLYPHS[f.status]
    flying = next((row for row in f.attempts if row.flying), None)
    waiting = next((row for row in f.attempts if row.wait_left_s is not None), None)
    on: Line = ()
    if flying is not None:
        on = (
            Cell("fetches ", "dim"),
            Cell(dates(flying.start, flying.end)),
            Cell(f" for {units.ms(flying.total_ms)} ms", "dim"),
        )
    elif waiting is not None:
        left = units.span(waiting.wait_left_s)
        on = (Cell("tries ", "dim"), Cell(dates(waiting.start, waiting.end)), Cell(f" again in {left}", "warn"))
    return fit(
        (
            (_named("state"), Cell(f"{glyph} {word}", role)),
            (Cell("pages ", "dim"), Cell(f"{f.pages_done} of {f.pages}")),
            on,
            (Cell("holds ", "dim"), Cell(units.size(f.held_bytes))) if f.held_bytes else (),
        ),
        width,
    )


def _records(f: StationFacts, width: int) -> Line:
    share = f" of {f.expected:,} ({f.records / f.expected:.0%})" if f.expected else ""
    missing = f"{f.missing:,} missing" + (f" in {f.gaps} gap{'s' if f.gaps > 1 else ''}" if f.gaps else "")
    return fit(
        (
            (_named("records"), Cell(f"{f.records:,}"), Cell(f"{share}", "dim")),
            (Cell(missing, "warn" if f.missing else "dim"),),
        ),
        width,
    )


def _tries(f: StationFacts, width: int) -> Line:
    last = next((row for row in f.attempts if row.wait_s is not None), None)
    cause: Line = ()
    if last is not None:
        at = units.of_day(last.began + last.total_ms / 1000)
        cause = (
            Cell("last ", "dim"),
            Cell(last.error_class, "warn"),
            Cell(f" at {at}, waited {last.wait_s:.1f} s", "dim"),
        )
    return fit(
        ((_named("attempts"), Cell(f"{f.tries}"), Cell(f", {f.retries} tried again", "dim")), cause),
        width,
    )


def _bytes(f: StationFacts, width: int) -> Line:
    inflated = f" ({f.decoded_bytes / f.wire_bytes:.1f}:1)" if f.wire_bytes else ""
    stored: Line = (Cell("stored ", "dim"), Cell(units.size(f.stored_bytes)), Cell(f" ({units.ratio(f.ratio)})", "dim"))
    return fit(
        (
            (_named("bytes"), Cell("wire ", "dim"), Cell(units.size(f.wire_bytes))),
            (Cell("decoded ", "dim"), Cell(units.size(f.decoded_bytes)), Cell(inflated, "dim")),
            stored if f.stored_bytes else (),
        ),
        width,
        gap=2,
    )


def _chunks(f: StationFacts, width: int, room: int) -> list[Line]:
    """The chunks stored, newest first: path, digest's start, size."""
    if room < 1:
        return []
    if not f.chunks:
        return [(_named("chunks"), Cell("none stored by this run yet", "dim"))]
    shown = f.chunks if len(f.chunks) <= room else f.chunks[: max(1, room - 1)]
    lines: list[Line] = []
    for n, chunk in enumerate(shown):
        lines.append(
            fit(
                (
                    (_named("chunks" if n == 0 else ""), Cell(chunk.path)),
                    (Cell(chunk.digest[:_DIGEST], "dim"),),
                    (Cell(units.size(chunk.stored_bytes), "dim"),),
                ),
                width,
                gap=2,
            )
        )
    if len(shown) < len(f.chunks) and len(lines) < room:
        lines.append((_named(""), Cell(f"and {len(f.chunks) - len(shown)} older", "dim")))
    return lines
