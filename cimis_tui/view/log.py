"""The log: lines out of the fold, a small language to choose among them, and a bounded book of those shown. Pure."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, NamedTuple

from cimis_engine.run.state import LOG_LINES, RunState
from cimis_engine.run.tallies import LogLine
from cimis_tui.view import units
from cimis_tui.view.cells import Cell, Line, clip
from cimis_tui.view.order import FilterError

LEVELS = (("INFO", "dim"), ("WARN", "warn"), ("ERROR", "bad"))
"""Each level's word and role, the least serious first."""
_ALIGNED, _STATION = 90, 20
"""Columns from which on there is room for a column of stations in the whole log, and how wide that is at most."""
_LEVEL = {word: n for n, (word, _) in enumerate(LEVELS)}
_TERM = re.compile(r"^(!?)(?:(\w+)(:|[<>]=?|=)(.*)|(.+))$")


class LogRow(NamedTuple):
    """One line. `t` is Unix seconds, `level` the place in `LEVELS`, `station` None for the run as a whole."""

    seq: int
    t: float
    level: int
    text: str
    station: int | None = None


def present_log(line: LogLine, without: str = "") -> LogRow:
    """A line, `without` what it may begin with."""
    return LogRow(line.seq, line.t, _LEVEL.get(line.level, 0), line.text.removeprefix(without), line.station)


def news(state: RunState, *, after: int, station: int | None = None, most: int = LOG_LINES) -> tuple[LogRow, ...]:
    """The lines of events after number `after`, of one station or of all, at most `most`, oldest first.

    Those of one station do not say again which it is.
    """
    fresh: list[LogLine] = []
    who = f"{station} {state.stations[station].ref.name}  " if station in state.stations else ""
    for line in reversed(state.log):
        if line.seq <= after or len(fresh) >= most:
            break
        if station is None or line.station == station:
            fresh.append(line)
    return tuple(present_log(line, who) for line in reversed(fresh))


def log_record(row: LogRow) -> dict[str, Any]:
    """A line for a file."""
    time = datetime.fromtimestamp(row.t, UTC).isoformat(timespec="milliseconds")
    return {"time": time, "level": LEVELS[row.level][0], "station": row.station, "text": row.text}


def log_line(row: LogRow, width: int, *, here: bool | None = None, named: int = 0) -> Line:
    """A line on screen; `here` says whether the cursor is on it, None where there is no cursor.

    `named`: columns that the longest of the stations' names takes (`LogBook.named`).
    """
    word, role = LEVELS[row.level]
    mark = () if here is None else (Cell("> " if here else "  ", "key"),)
    told = role if row.level == len(LEVELS) - 1 else "head" if here else "text"
    text = _aligned(row, named) if here is not None and width >= _ALIGNED else row.text
    cells = (*mark, Cell(f"{units.of_day(row.t)} ", "dim"), Cell(f"{word:<5} ", role), Cell(text, told))
    return clip(cells, width)


def _aligned(row: LogRow, named: int) -> str:
    """A station's number and name in a column of their own, so that what is said of it starts in the next."""
    who = _who(row)
    return who.ljust(min(named, _STATION)) + row.text[len(who.lstrip()) :] if who else row.text


def _who(row: LogRow) -> str:
    """Number and name of the station that a line begins with, the number at the right of three columns."""
    who, gap, _ = row.text.partition("  ")
    told = row.station is not None and gap and who.startswith(f"{row.station} ")
    return f"{' ' * (3 - len(str(row.station)))}{who}" if told else ""


Test = Callable[[LogRow], bool]


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Terms joined by and. `text` is what the person wrote."""

    text: str = ""
    tests: tuple[Test, ...] = ()

    def matches(self, row: LogRow) -> bool:
        return all(test(row) for test in self.tests)


def parse_log_filter(text: str) -> LogFilter:
    """`429 !cancelled station:62` → all of it must hold. Raises `FilterError`."""
    return LogFilter(text.strip(), tuple(_term(word) for word in text.split()))


def _term(word: str) -> Test:
    match = _TERM.match(word)
    assert match is not None  # the last alternative takes anything but an empty word
    negated, name, sign, value, plain = match.groups()
    if name and name.casefold() == "station" and sign == ":":
        test = _station(value)
    elif name and sign == ":" and not value.startswith("/") and not name.isdigit():
        raise FilterError(f"log lines have no '{name}'; try text, !text, station:62")
    else:
        test = _text((plain or f"{name}{sign}{value}").casefold())
    return (lambda row: not test(row)) if negated else test


def _station(value: str) -> Test:
    if not value.isdecimal():
        raise FilterError(f"'{value}' is no station's number; try station:62")
    number = int(value)
    return lambda row: row.station == number


def _text(text: str) -> Test:
    return lambda row: text in row.text.casefold()


class LogBook:
    """The newest lines (`LOG_LINES` of them), and of these the ones at a level and through a filter.

    Lines shown have a place that stays theirs while the old ones go: `first` is that of the oldest still shown, `end`
    the one after the newest. `told` counts all lines ever added, by level; `named` is how many columns the longest of
    their stations' names took: it only grows, lest a log that moves on moves sideways, too.
    """

    def __init__(self) -> None:
        self._rows: deque[LogRow] = deque(maxlen=LOG_LINES)
        self._shown: deque[LogRow] = deque()
        self.first = 0
        self.told = [0] * len(LEVELS)
        self.named = 0
        self.level = 0
        self.filter = LogFilter()

    @property
    def end(self) -> int:
        return self.first + len(self._shown)

    @property
    def narrowed(self) -> bool:
        """Whether lines are left out, as far as level and filter go."""
        return self.level > 0 or bool(self.filter.text)

    @property
    def held(self) -> int:
        """How many lines there are, shown or not."""
        return len(self._rows)

    def clear(self) -> None:
        self._rows.clear()
        self._shown.clear()
        self.first, self.told, self.named = 0, [0] * len(LEVELS), 0

    def add(self, rows: Iterable[LogRow]) -> None:
        for row in rows:
            self.told[row.level] += 1
            self.named = max(self.named, len(_who(row)))
            self._rows.append(row)
            if self._keeps(row):
                self._shown.append(row)
        while self._shown and self._shown[0].seq < self._rows[0].seq:
            self._shown.popleft()
            self.first += 1

    def choose(self, *, level: int | None = None, keep: LogFilter | None = None) -> None:
        """Show what is at least at this level, what passes this filter; places are counted anew from 0."""
        self.level = self.level if level is None else min(len(LEVELS) - 1, max(0, level))
        self.filter = self.filter if keep is None else keep
        self._shown = deque(row for row in self._rows if self._keeps(row))
        self.first = 0

    def _keeps(self, row: LogRow) -> bool:
        return row.level >= self.level and self.filter.matches(row)

    def at(self, place: int) -> LogRow:
        return self._shown[place - self.first]

    def lines(self, start: int, stop: int) -> list[LogRow]:
        """The lines shown from one place up to another, as far as they are there."""
        return list(islice(self._shown, max(0, start - self.first), max(0, stop - self.first)))

    def place_of(self, seq: int) -> int:
        """The place of the newest line shown that is of this event or an older one; `first` when there is none."""
        after = sum(1 for row in self._shown if row.seq <= seq)
        return self.first + max(0, after - 1)

    def seek(self, place: int, step: int, level: int) -> int | None:
        """The nearest line at `level` or above, from `place` on in the direction of `step` (1 or -1)."""
        at = place + step
        while self.first <= at < self.end:
            if self.at(at).level >= level:
                return at
            at += step
        return None
