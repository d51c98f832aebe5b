"""What is stored of every station and year, and what the run does about it now: the cells of the heat map. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from cimis_engine.model.items import Interval
from cimis_engine.model.period import ORIGIN, Span
from cimis_engine.store.coverage import Standing, slot_standings, standings_together
from cimis_tui.view.present import GLYPHS
from cimis_tui.view.time_axis import Axis

if TYPE_CHECKING:
    from cimis_engine.model.station import Station
    from cimis_engine.run.state import RunState
    from cimis_engine.store.catalog import ChunkEntry

RUNNING, RETRYING, PAUSED, FAILED = 7, 8, 9, 10
"""What only a run knows of a cell; the other marks are `Standing`s."""
UNDER_WAY = (RUNNING, RETRYING, PAUSED)
"""Marks of cells whose job has begun: what its station does about them."""
_DOING = {"retrying": RETRYING, "paused": PAUSED}
"""A station's status → the mark of its cells that are under way, if it is not being fetched."""


class Mark(NamedTuple):
    glyph: str
    word: str
    short: str
    role: str
    solid: bool = False  # a block, that fills its cell


MARKS = (
    Mark("blank", "outside its life", "outside", "dim"),
    Mark("█", "whole", "whole", "calm", True),
    Mark("▓", "some missing at the agency", "missing", "calm", True),
    Mark("Δ", "revised", "revised", "key"),
    Mark("≈", "provisional", "provisional", "key"),
    Mark("▒", "partly asked for", "partly asked", "warn", True),
    Mark("·", "never asked for", "never asked", "dim"),
    Mark(GLYPHS["running"][0], "under way", "under way", GLYPHS["running"][2]),
    Mark(GLYPHS["retrying"][0], "retrying", "retrying", GLYPHS["retrying"][2]),
    Mark(GLYPHS["paused"][0], "paused", "paused", GLYPHS["paused"][2]),
    Mark(GLYPHS["failed"][0], "failed", "failed", GLYPHS["failed"][2]),
)
"""By number. The glyph and the word say it without the colour. `short` is a part of the `word`."""
LEGEND = (FAILED, RETRYING, RUNNING, PAUSED, 1, 2, 3, 4, 5, 6, 0)
"""The order of the legend."""

Cell = tuple[int, int]
"""Station and year."""


class Known(NamedTuple):
    """A station that may have a row. `life`: the days it owes, None if it owes none; `sure`: the directory says so."""

    number: int
    name: str
    county: str
    life: Span | None
    sure: bool


@dataclass(frozen=True, slots=True)
class Live:
    """What the run on screen says: marks of cells that no longer stand as the store was read, by station and year.

    `told`: what is wrong with a failed cell. `planned`: cells the run is still to ask for. `names`: name and county of
    its stations.
    """

    marks: Mapping[int, Mapping[int, int]] = field(default_factory=dict)
    told: Mapping[Cell, str] = field(default_factory=dict)
    planned: frozenset[Cell] = frozenset()
    names: Mapping[int, tuple[str, str]] = field(default_factory=dict)
    years: range = range(0)


def present_live(state: RunState, board: Board) -> Live:
    """What the fold says of a board's interval; results that the store had when it was read are left to it."""
    started = state.started
    names = {n: (s.ref.name, s.ref.county) for n, s in state.stations.items()}
    if started is None:
        return Live(names=names)
    years = range(int(started.start[:4]), int(started.end[:4]) + 1)
    if started.interval != board.interval.value:
        return Live(names=names, years=years)
    marks: dict[int, dict[int, int]] = defaultdict(dict)
    planned: set[Cell] = set()
    for cell, success, missing, revised in state.results.rows("success", "missing", "revised"):
        if success and cell not in board.entries:
            marks[cell[0]][cell[1]] = Standing.MISSING if missing else Standing.REVISED if revised else Standing.WHOLE
        elif success is None:
            planned.add(cell)
    told: dict[Cell, str] = {}
    for cell, result in state.failures.items():
        marks[cell[0]][cell[1]] = FAILED
        told[cell] = result.message + (f": {result.hint}" if result.hint else "")
    if state.finished_at is None:
        for cell in state.under_way():
            marks[cell[0]][cell[1]] = _DOING.get(state.stations[cell[0]].status, RUNNING)
            planned.discard(cell)
    return Live(marks, told, frozenset(planned), names, years)


@dataclass(frozen=True, slots=True)
class Board:
    """What a store held of one interval when it was read, at Unix time `read_at`; `fault` says why it could not be.

    `standings` has a station's standing year by year over `years`. `near` keeps the nearer columns once worked out.
    """

    interval: Interval
    years: range
    read_at: float | None = None
    stations: Mapping[int, Known] = field(default_factory=dict)
    entries: Mapping[Cell, ChunkEntry] = field(default_factory=dict)
    revised: Mapping[Cell, Mapping[int, int]] = field(default_factory=dict)
    standings: Mapping[int, bytes] = field(default_factory=dict)
    near: dict[tuple[int, int, str], bytes] = field(default_factory=dict)
    fault: str = ""

    def cells(self, station: int, axis: Axis, first: int, count: int, live: Live) -> bytes:
        """The marks of a station in `count` columns from `first` on, a byte each."""
        if axis.zoom == "years":
            return self._years(station, axis.years[first : first + count], live)
        found = bytearray()
        column, end = first, min(axis.count, first + count)
        while column < end:
            year, number = axis.at(column)
            take = min(end - column, axis.columns_of(year) - number)
            found += self._year(station, year, axis, live)[number : number + take]
            column += take
        return bytes(found)

    def _years(self, station: int, years: range, live: Live) -> bytes:
        row, marks = self.standings.get(station), live.marks.get(station)
        start = years[0] - self.years[0] if years else 0
        held = row[start : start + len(years)] if row else bytes((Standing.UNASKED,)) * len(years)
        if not marks:
            return held
        return bytes([marks.get(year, standing) for year, standing in zip(years, held, strict=True)])

    def _year(self, station: int, year: int, axis: Axis, live: Live) -> bytes:
        mark = live.marks.get(station, {}).get(year)
        stored = self._near(station, year, axis)
        if mark is None:
            return stored
        # What the run brings is what was not there: the rest is shown as it is stored.
        return bytes(mark if standing >= Standing.PARTIAL else standing for standing in stored)

    def _near(self, station: int, year: int, axis: Axis) -> bytes:
        key = station, year, axis.zoom
        found = self.near.get(key)
        if found is None:
            together = standings_together(self.slots(station, year), axis.starts(year))
            found = self.near[key] = together.tobytes()
        return found

    def slots(self, station: int, year: int) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
        """The standing of every slot of a cell (element 0 is no slot)."""
        known, cell = self.stations.get(station), (station, year)
        life = known.life if known else Span(ORIGIN, date(self.years[-1], 12, 31))
        return slot_standings(self.interval, year, life, self.entries.get(cell), self.revised.get(cell, ()))


def known_station(number: int, name: str, county: str, station: Station | None, yesterday: date) -> Known:
    """A station's row. One that the directory does not know is taken to have lived all along."""
    all_time = Span(ORIGIN, max(ORIGIN, yesterday))
    if station is None:
        return Known(number, name, county, all_time, False)
    return Known(number, station.name, station.county, all_time.clip(station.connect, station.disconnect), True)


def standings_of(
    board: Board, station: int, changed: Iterable[int] | None = None, before: bytes | None = None
) -> bytes:
    """A station's standing by year; with what it was `before`, only the `changed` years are worked out anew."""
    if before is None or changed is None:
        return bytes(_whole(board, station, year) for year in board.years)
    row = bytearray(before)
    for year in changed:
        if year in board.years:
            row[year - board.years[0]] = _whole(board, station, year)
    return bytes(row)


def _whole(board: Board, station: int, year: int) -> int:
    return int(standings_together(board.slots(station, year), [1])[0])


# what is shown of it


@dataclass(frozen=True, slots=True)
class Sight:
    """`stations`: the rows, in order; `years`: the range of the axis; `of`: rows there would be without the filter.

    `everything`: whether these are all there could be, or what is stored or asked for by the run.
    """

    stations: tuple[int, ...]
    years: range
    of: int
    everything: bool = False


def sight(board: Board, live: Live, *, everything: bool, text: str) -> Sight:
    """The rows and years worth showing: those stored or asked for by the run, or all there are.

    `text` filters the stations: words of number, name or county, `!word`, and `state:word` for rows with such a cell.
    """
    held = {station for station, _ in board.entries}
    stations = held | live.names.keys() | (board.stations.keys() if everything else set())
    years = board.years if everything or not stations else _span([y for _, y in board.entries], live.years, board.years)
    axis, words = Axis(board.interval, years), text.casefold().split()
    kept = tuple(n for n in sorted(stations) if all(_holds(word, n, axis, board, live) for word in words))
    return Sight(kept, years, len(stations), everything)


def _span(held: Sequence[int], run: range, all_years: range) -> range:
    wanted = [year for year in (*held, *run[:1], *run[-1:]) if year in all_years]
    return range(min(wanted), max(wanted) + 1) if wanted else all_years


def _holds(word: str, number: int, axis: Axis, board: Board, live: Live) -> bool:
    if word.startswith("!"):
        return len(word) == 1 or not _holds(word[1:], number, axis, board, live)
    if word.startswith("state:"):
        wanted = {n for n, mark in enumerate(MARKS) if any(w.startswith(word[6:]) for w in mark.word.split())}
        return not wanted.isdisjoint(board.cells(number, axis, 0, axis.count, live))
    return word in f"{number} {' '.join(name_of(number, board, live))}".casefold()


def name_of(number: int, board: Board, live: Live) -> tuple[str, str]:
    """Name and county of a station, empty if nobody told."""
    known = board.stations.get(number)
    return (known.name, known.county) if known and known.name else live.names.get(number, ("", ""))


def count_marks(seen: Sight, board: Board, live: Live) -> dict[int, int]:
    """How many cells of each mark the rows have."""
    axis = Axis(board.interval, seen.years)
    counts: Counter[int] = Counter()
    for number in seen.stations:
        counts.update(board.cells(number, axis, 0, axis.count, live))
    return dict(counts)
