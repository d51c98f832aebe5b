"""How a station stands, in words and numbers: its page, its records, its bytes, its tries, its chunks. Pure."""

from __future__ import annotations

from cimis_engine.run.reason_words import reason_words
from cimis_tui.view import units
from cimis_tui.view.attempts import AttemptRow, dates, due_words
from cimis_tui.view.cells import Cell, Line, clip, fit, whole_words, width_of
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
    lines = [_status(facts, width), *_message(facts), _records(facts, width), _retries(facts, width)]
    lines.append(fit(_bytes(facts), width, gap=2))
    lines += _chunks(facts, width, height - len(lines))
    return tuple(clip(line, width) for line in lines[:height])


def present_state_strip(facts: StationFacts | None, width: int, height: int) -> tuple[Line, ...]:
    """The same in few lines: the trend is one of them, chunks come only after it."""
    if facts is None:
        return present_state(facts, width, height)
    lines = [_status(facts, width), *_message(facts), _records(facts, width), _retries(facts, width)]
    lines.append(fit((*_bytes(facts), _stored(facts)), width, gap=2))
    lines = lines[: height - 1] if height > 2 else lines
    if facts.good:
        lines.append(trend_strip(facts, width))
    lines += _chunks(facts, width, height - len(lines))
    return tuple(clip(line, width) for line in lines[:height])


def _named(name: str) -> Cell:
    return Cell(f"{name:<9}", "dim")


def _message(f: StationFacts) -> list[Line]:
    """Why it failed, and what to do."""
    return [(Cell(f.message + (f": {f.hint}" if f.hint else ""), "bad"),)] if f.message else []


def _status(f: StationFacts, width: int) -> Line:
    glyph, word, role = GLYPHS[f.status]
    flying = next((row for row in f.attempts if row.flying), None)
    waiting = next((row for row in f.attempts if row.wait_left_s is not None), None) or _overdue(f)
    on: Line = ()
    when: Line = ()
    if flying is not None:
        on = (Cell("now ", "dim"), Cell(_page(flying)))
        when = (Cell(f"for {flying.total_ms / 1000:.1f} s", "dim"),)
    elif waiting is not None:
        on = (Cell("next ", "dim"), Cell(_page(waiting)))
        when = (Cell(due_words(waiting), "warn"),)
    parts: tuple[Line, ...] = (
        (_named("state"), Cell(f"{glyph} {word}", role)),
        (Cell("pages ", "dim"), Cell(f"{f.pages_done}/{f.pages}")),
        on,
        when,
        (Cell("holds ", "dim"), Cell(units.size(f.held_bytes))) if f.held_bytes else (),
    )
    if when and sum(width_of(part) + 2 for part in parts[:4] if part) - 2 > width:
        # Without room for both, when is more than which dates: those are in the list of attempts.
        parts = (*parts[:2], (on[0], *when), (), *parts[4:])
    return fit(parts, width, gap=2)


def _overdue(f: StationFacts) -> AttemptRow | None:
    """The newest try whose wait is over, if none of its page came after it: the next waits for a free request."""
    newest: dict[int, AttemptRow] = {}
    for row in f.attempts if f.status == "retrying" else ():
        newest.setdefault(row.page, row)
    return next((row for row in newest.values() if row.due is not None), None)


def _page(row: AttemptRow) -> str:
    return dates(row.start, row.end) if row.start else f"page {row.page}"


def _records(f: StationFacts, width: int) -> Line:
    share = f" of {f.expected:,} ({int(f.records / f.expected * 100)}%)" if f.expected else ""
    return fit(
        (
            (_named("records"), Cell(f"{f.records:,}"), Cell(f"{share}", "dim")),
            (Cell(f"{f.missing:,} missing", "warn" if f.missing else "dim"),),
            (Cell(f"{f.gaps} gap{'s' if f.gaps > 1 else ''}", "warn"),) if f.gaps else (),
        ),
        width,
        gap=2,
    )


def _retries(f: StationFacts, width: int) -> Line:
    last = next((row for row in f.attempts if row.wait_s is not None), None)
    parts: list[Line] = [(_named("retries"), Cell(f"{f.retries}"), Cell(f" in {f.tries} tries", "dim"))]
    if last is not None:
        why = whole_words(reason_words(last.error_class), width - width_of(parts[0]) - len("  last "))
        parts += [
            (Cell("last ", "dim"), Cell(why, "warn")) if why else (),
            (Cell(f"wait {last.wait_s:.1f} s", "dim"),),
            (Cell(f"at {units.of_day(last.began + last.total_ms / 1000)}", "dim"),),
        ]
    return fit(parts, width, gap=2)


def _bytes(f: StationFacts) -> tuple[Line, ...]:
    inflated = f" ({f.decoded_bytes / f.wire_bytes:.1f}:1)" if f.wire_bytes else ""
    return (
        (_named("bytes"), Cell("wire ", "dim"), Cell(units.size(f.wire_bytes))),
        (Cell("decoded ", "dim"), Cell(units.size(f.decoded_bytes)), Cell(inflated, "dim")),
    )


def _stored(f: StationFacts) -> Line:
    if not f.stored_bytes:
        return ()
    return (Cell("stored ", "dim"), Cell(units.size(f.stored_bytes)), Cell(f" ({units.ratio(f.ratio)})", "dim"))


def _chunks(f: StationFacts, width: int, room: int) -> list[Line]:
    """How many chunks this run stored; then each, newest first: path, digest's start, size."""
    if room < 1:
        return []
    if not f.chunks:
        return [(_named("chunks"), Cell("none stored by this run yet", "dim"))]
    count: Line = (_named("chunks"), Cell(f"{len(f.chunks)}"), Cell(", the newest first" * (len(f.chunks) > 1), "dim"))
    lines = [fit((count, _stored(f)), width, gap=2)]
    for chunk in f.chunks[: room - 1]:
        parts: tuple[Line, ...] = (
            (Cell("  "), Cell(chunk.path)),
            (Cell(chunk.digest[:_DIGEST], "dim"),),
            (Cell(units.size(chunk.stored_bytes), "dim"),),
        )
        lines.append(fit(parts, width, gap=2))
    return lines
