"""One run in detail: what was asked, how it ended, what came of it, and where its time went. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import zip_longest

from cimis_engine.run.events import RunFinished, RunStarted
from cimis_engine.run.figures import Account, Figures, StationSum
from cimis_engine.run.reason_words import reason_words
from cimis_tui.view import units
from cimis_tui.view.cells import Cell, Line, clip, fit, pad, width_of
from cimis_tui.view.header import PHASES
from cimis_tui.view.runs import CUT, RunFacts

_LABEL = 10
_WIDE = 70
"""Columns from which on there are three blanks between the parts of a line, not two."""
_BETWEEN = 4
_LEAST_HALF = 50
"""Columns that each of two runs side by side must have."""
_LEAST_ROWS, _ROOM_FOR_WORDS = 3, 7
"""Rows of a table of stations without which there is none; lines from which on words stand above it."""
_UNITS = {"M": "metric", "E": "English"}


def run_title(facts: RunFacts | None) -> str:
    return f"Run {facts.run_id}" if facts else "Run"


def present_run(facts: RunFacts | None, width: int, height: int) -> tuple[Line, ...]:
    """A line a question; below them, where there is room, a row a station. What is not known has no line."""
    if facts is None:
        return ((Cell("no run is under the cursor", "dim"),),)
    lines = _answers(facts, width - _LABEL)
    lines += _stations(facts, width, height - len(lines))
    return tuple(clip(line, width) for line in lines[:height])


def pair_height(a: RunFacts, b: RunFacts, width: int) -> int:
    """Lines that `present_pair` has without the stations; 0 where there are too few columns."""
    room = _half(width) - _LABEL
    return 1 + max(len(_answers(run, room)) for run in (a, b)) if _half(width) >= _LEAST_HALF else 0


def present_pair(a: RunFacts, b: RunFacts, width: int, height: int) -> tuple[Line, ...]:
    """The same questions about two runs, A at the left, B at the right; below them their stations."""
    half = _half(width)
    left, right = ([_head(letter, run), *_answers(run, half - _LABEL)] for letter, run in (("A", a), ("B", b)))
    above = max(len(left), len(right))
    for side, run in ((left, a), (right, b)):
        side += [()] * (above - len(side))
        side += _stations(run, half, height - above)
    lines = []
    for one, other in zip_longest(left, right, fillvalue=()):
        one = clip(one, half)
        lines.append((*one, Cell(" " * (half + _BETWEEN - width_of(one))), *clip(other, half)))
    return tuple(lines[:height])


def _half(width: int) -> int:
    return (width - _BETWEEN) // 2


def _head(letter: str, facts: RunFacts) -> Line:
    return (Cell(letter.ljust(_LABEL), "key"), Cell(facts.run_id, "head"))


def _answers(facts: RunFacts, room: int) -> list[Line]:
    return [
        *_asked(facts.started_by, room),
        *_ended(facts, room),
        *_when(facts, room),
        *_came_of_it(facts, room),
        *_errors(facts, room),
        *_speed(facts.figures, room),
        *_bytes(facts.figures, room),
        *_folder(facts),
    ]


def _named(name: str, *cells: Cell) -> Line:
    return (Cell(name.ljust(_LABEL), "dim"), *cells)


def _fit(name: str, parts: Iterable[Line], room: int) -> Line:
    return _named(name, *fit(parts, room, gap=3 if room >= _WIDE else 2, rest="…"))


def _told(number: str, words: str, role: str = "text") -> Line:
    return (Cell(number, role), Cell(f" {words}", "dim"))


def _many(number: int, noun: str) -> str:
    return f"{noun}{'s' * (number != 1)}"


# what was asked


def _asked(told: RunStarted | None, room: int) -> list[Line]:
    if told is None:
        return [_named("asked", Cell("not known: its journal does not tell how it began", "dim"))]
    asked: list[Line] = [
        (Cell(told.command, "head"),),
        (Cell(f"{told.start} to {told.end}"), Cell(f" {told.interval}", "dim")),
        _told(str(told.items), f"{_many(told.items, 'item')} in {_UNITS.get(told.units, told.units)} units"),
    ]
    if told.stored:
        asked.append(_told(units.grouped(told.stored), f"{_many(told.stored, 'station-year')} stored before"))
    how: list[Line] = [
        _told(str(told.concurrency), f"{_many(told.concurrency, 'request')} at once"),
        _told(str(told.max_attempts), f"{_many(told.max_attempts, 'attempt')} a page"),
        (Cell("from ", "dim"), Cell(told.base_url)),
        (Cell(f"cimis {told.version}", "dim"),),
    ]
    which = number_ranges([station.number for station in told.stations])
    count = Cell(units.grouped(len(told.stations)), "head")
    return [
        _fit("asked", asked, room),
        _named("stations", count, Cell(": ", "dim"), *_whole_words(which, room - len(count.text) - 2)),
        _fit("how", how, room),
    ]


def _whole_words(words: str, room: int) -> Line:
    """A list as far as there is room for, cut between two of its parts."""
    if len(words) <= room:
        return (Cell(words),)
    kept = words[: max(0, room - len(" and more"))].rpartition(", ")[0]
    return (Cell(kept), Cell(" and more", "dim"))


def number_ranges(numbers: list[int]) -> str:
    """`2, 5–7, 12`."""
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(f"{a}" if a == b else f"{a}, {b}" if b == a + 1 else f"{a}–{b}" for a, b in runs)


# how it ended


def _ended(facts: RunFacts, room: int) -> list[Line]:
    glyph, word, role = PHASES.get(facts.state, CUT)
    parts = [clip((Cell(f"{glyph} {word.lower()}", role), Cell(f": {_why(facts)}")), room)]
    if facts.finished is not None:
        parts.append((Cell(f"exit code {facts.finished.exit_code}", "dim"),))
    lines = [_fit("now" if facts.live else "ended", parts, room)]
    advice = _advice(facts)
    return [*lines, _named("next", *clip((Cell(advice, "head"),), room))] if advice else lines


def _why(facts: RunFacts) -> str:
    finished, account = facts.finished, facts.account
    if facts.live:
        return _progress(account) if account else "it goes on"
    if finished is None:
        at = f" at {_moment(facts.last)}" if facts.last is not None else ""
        return f"its engine died{at}, without ending the run"
    if finished.message:
        return finished.message
    if finished.outcome == "done":
        return "all that was asked for is stored"
    if finished.outcome == "interrupted":
        return "it was told to stop"
    failed = account.failed if account else 0
    return f"{units.grouped(failed)} {_many(failed, 'station-year')} failed" if failed else "not all of it is stored"


def _progress(account: Account) -> str:
    return f"{units.grouped(account.undecided)} {_many(account.undecided, 'station-year')} to go"


def _advice(facts: RunFacts) -> str:
    """What to do about it: empty where there is nothing to do."""
    if facts.live:
        return ""
    finished: RunFinished | None = facts.finished
    if finished is None or finished.resumable:
        command = facts.started_by.command if facts.started_by else ""
        again = f"`cimis {command}` with the same options" if command else "the same command"
        return f"{again} resumes"
    if facts.account and facts.account.failed:
        return "`cimis retry` fetches what failed once more"
    return ""


def _when(facts: RunFacts, room: int) -> list[Line]:
    if facts.started is None:
        return []
    ended, began = (None if facts.live else facts.last), _moment(facts.started)
    end = _moment(ended)
    if end[:10] == began[:10]:
        began, end = began[:-1], end[11:]  # the day, and that it is UTC, is said once
    parts: list[Line] = [(Cell(began), Cell(f" to {end}" if ended is not None else ""))]
    if facts.took is not None:
        parts.append((Cell("for " if facts.live else "took ", "dim"), Cell(units.clock(facts.took))))
    return [_fit("started" if ended is None else "when", parts, room)]


def _moment(t: float | None) -> str:
    return units.ABSENT if t is None else f"{datetime.fromtimestamp(t, UTC):%Y-%m-%d %H:%M:%S}Z"


# what came of it


def _came_of_it(facts: RunFacts, room: int) -> list[Line]:
    f, account = facts.figures, facts.account
    if f is None:
        return [_named("stored", Cell("not known: the run left neither a report nor a journal", "dim"))]
    parts: list[Line] = []
    if account is not None:
        # What the figures count was fetched: a page that was verified is not stored before its station-year is whole.
        stored = sum(station.records for station in account.stations)
        parts.append(_told(units.grouped(stored), _many(stored, "record"), "head"))
        if f.records != stored:
            parts.append(_told(units.grouped(f.records), "fetched"))
        years = account.done + account.failed + account.undecided
        parts.append(_told(f"{units.grouped(account.done)} of {units.grouped(years)}", _many(years, "station-year")))
        if account.failed:
            parts.append(_told(f"✗ {units.grouped(account.failed)}", "failed", "bad"))
        if account.missing:
            parts.append(_told(units.grouped(account.missing), "missing at the agency"))
    parts.append(_told(f"{units.grouped(f.stations_done)} of {units.grouped(f.stations)}", "stations"))
    return [_fit("stored", parts, room)]


def _errors(facts: RunFacts, room: int) -> list[Line]:
    f, account = facts.figures, facts.account
    if f is None:
        return []
    tried = f"{units.grouped(f.attempts)} {_many(f.attempts, 'attempt')} begun"
    if not f.attempts_failed and not (account and account.faults):
        return [_named("errors", Cell("none"), Cell(f" in {tried}", "dim"))]
    share = f" ({units.percent(f.error_rate)})" if f.error_rate is not None else ""
    parts: list[Line] = [
        (
            Cell(f"▲ {units.grouped(f.attempts_failed)}", "warn"),
            Cell(f" of {tried}{share}", "dim"),
        )
    ]
    if account is not None:
        faults = sorted(account.faults.items(), key=lambda fault: (-fault[1], fault[0]))
        parts += [(Cell(f"{reason_words(cause)} × {number:,}"),) for cause, number in faults]
        if account.retries is not None:
            number = account.retries
            parts.append(_told(units.grouped(number), "retry" if number == 1 else "retries"))
    return [_fit("errors", parts, room)]


def _speed(f: Figures | None, room: int) -> list[Line]:
    if f is None:
        return []
    parts: list[Line] = []
    if f.records_per_s is not None:
        parts.append(_told(units.grouped(round(f.records_per_s)), "records/s", "head"))
    parts += [
        _percentiles("TTFB", p50=f.ttfb_p50_ms, p95=f.ttfb_p95_ms, p99=f.ttfb_p99_ms),
        _percentiles("attempt", p50=f.total_p50_ms, p95=f.total_p95_ms),
    ]
    return [_fit("speed", parts, room)] if any(parts) else []


def _percentiles(of: str, **values: float | None) -> Line:
    """`TTFB p50 434  p95 796 ms`; nothing where none is known."""
    if all(value is None for value in values.values()):
        return ()
    cells: list[Cell] = []
    for name, value in values.items():
        cells += [Cell(f"{'  ' if cells else of + ' '}{name} ", "dim"), Cell(units.ms(value))]
    return (*cells, Cell(" ms", "dim"))


def _bytes(f: Figures | None, room: int) -> list[Line]:
    if f is None:
        return []
    parts = [_told(units.size(f.wire_bytes), "on the wire"), _told(units.size(f.stored_bytes), "stored")]
    if f.ratio is not None:
        parts.append(_told(units.ratio(f.ratio), "of plain rows"))
    if f.rss_peak_bytes is not None:
        parts.append(_told(units.size(f.rss_peak_bytes), "peak memory"))
    return [_fit("bytes", parts, room)]


def _folder(facts: RunFacts) -> list[Line]:
    if facts.folder is None:
        return []
    size = f"   {units.size(facts.disk)}" if facts.disk is not None else ""
    return [_named("folder", Cell(f"{facts.folder.parent}/", "dim"), Cell(facts.folder.name), Cell(size, "dim"))]


# its stations

_COLUMNS = (
    ("YEARS", 7, 0),
    ("FAILED", 8, 66),
    ("RECORDS", 10, 0),
    ("MISSING", 9, 82),
    ("ON WIRE", 10, 0),
    ("STORED", 10, 92),
    ("BUSY", 10, 0),
)
"""Heading, width, and from which width of the panel on it is shown."""
_NUMBER, _NAME, _LEAST_NAME = 3, 22, 8


def _stations(facts: RunFacts, width: int, room: int) -> list[Line]:
    """After a blank line: a heading and as many rows as there is room for; how many there are beside those."""
    rows = facts.account.stations if facts.account else ()
    worded = room >= _ROOM_FOR_WORDS
    room -= 2 + worded  # a blank line, perhaps what these are, the heading
    columns = [n for n, (_, _, since) in enumerate(_COLUMNS) if width >= since]
    used = _NUMBER + 2 + sum(_COLUMNS[n][1] for n in columns)
    wide = min(_NAME, width - used)
    if not rows or room < min(_LEAST_ROWS, len(rows)) or wide < _LEAST_NAME:
        return []
    names = {ref.number: ref.name for ref in facts.started_by.stations} if facts.started_by else {}
    shown = rows if len(rows) <= room else rows[: room - 1]
    drawn = width - used - wide - 2
    heading = f"{'':{_NUMBER}}  {'STATION':<{wide}}" + "".join(_COLUMNS[n][0].rjust(_COLUMNS[n][1]) for n in columns)
    first = "failed ones first, then the busiest" if rows[0].failed else "busiest first"
    what = (f"stations, {first}", "YEARS stored", "BUSY: attempts and storing, added up")
    longest = max(row.busy_ms for row in rows)
    lines: list[Line] = [()]
    if worded:
        lines.append(fit([(Cell(words, "dim"),) for words in what], width))
    lines.append((Cell(heading, "dim"),))
    for row in shown:
        texts = [_texts(row)[n] for n in columns]
        cells = [
            Cell(f"{row.number:>{_NUMBER}}  ", "dim"),
            Cell(pad(names.get(row.number, ""), wide)),
            *(
                Cell(text.rjust(_COLUMNS[n][1]), "bad" if n == 1 and row.failed else "text")
                for n, text in zip(columns, texts, strict=True)
            ),
        ]
        lines.append((*cells, *_tail(row, longest, drawn)))
    if len(shown) < len(rows):
        left = len(rows) - len(shown)
        lines.append((Cell(f"… {units.grouped(left)} more: a taller window shows them", "dim"),))
    return lines


def _texts(row: StationSum) -> tuple[str, ...]:
    return (
        units.grouped(row.done),
        units.grouped(row.failed) if row.failed else units.ABSENT,
        units.grouped(row.records),
        units.grouped(row.missing) if row.missing else units.ABSENT,
        units.size(row.wire_bytes) if row.wire_bytes else units.ABSENT,
        units.size(row.stored_bytes) if row.stored_bytes else units.ABSENT,
        f"{row.busy_ms / 1000:.1f} s" if row.busy_ms else units.ABSENT,
    )


def _tail(row: StationSum, longest: float, drawn: int) -> Line:
    """Why it failed; else how long it was busy, drawn."""
    if drawn < 6:
        return ()
    if row.why:
        return (Cell("  "), *clip((Cell(f"✗ {row.why}", "bad"),), drawn))
    length = max(1, round(row.busy_ms / longest * drawn)) if row.busy_ms else 0
    return (Cell("  "), Cell("━" * length, "bar"))
