"""One cell of the heat map in words: the strip beneath the map, and the whole story of its chunk. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from cimis_engine.model.completeness import SlotRange, range_texts, slot_ranges
from cimis_engine.model.items import Interval
from cimis_engine.store.coverage import Standing, YearCoverage, year_coverage
from cimis_tui.view import units
from cimis_tui.view.cells import Cell, Line, clip, fit, spread
from cimis_tui.view.coverage import FAILED, MARKS, PAUSED, RETRYING, RUNNING, UNDER_WAY, Board, Live, name_of
from cimis_tui.view.time_axis import Axis

if TYPE_CHECKING:
    from cimis_engine.store.catalog import ChunkEntry
    from cimis_engine.store.revisions import Revision

_DOING = {
    RUNNING: "its station is being fetched: enter shows it",
    RETRYING: "its station waits to try again: enter shows it",
    PAUSED: "its station is paused: enter shows it",
}
RANGES_TOLD = 12
"""Runs of slots named in the story; of more, how many there are."""
_KINDS = ("changed", "appeared", "vanished", "settled")


@dataclass(frozen=True, slots=True)
class CellFacts:
    """A cell: its station, the `period` in words, its mark, its slots by standing, and the chunk it belongs to."""

    number: int
    name: str
    county: str
    interval: Interval
    year: int
    period: str
    mark: int
    slots: dict[int, int]
    revised: int
    entry: ChunkEntry | None
    told: str
    planned: bool

    def count(self, *standings: Standing) -> int:
        return sum(self.slots.get(s, 0) for s in standings)

    @property
    def expected(self) -> int:
        return sum(n for s, n in self.slots.items() if s != Standing.OUTSIDE)

    @property
    def unasked_words(self) -> str:
        """What slots are that the store was never asked for: of a cell that the run marks, the run asked for them."""
        return "not got" if self.mark in (FAILED, *UNDER_WAY) else "never asked for"

    @property
    def kept(self) -> int:
        """Owed slots with a record; whether a revised one still has it, the chunk's entry tells."""
        return self.expected - self.count(Standing.MISSING, Standing.UNASKED)


def cell_facts(board: Board, live: Live, number: int, axis: Axis, column: int) -> CellFacts:
    """What is known of a cell."""
    year, _ = axis.at(column)
    slots = axis.slots(column)
    part = board.slots(number, year)[slots.start : slots.stop]
    name, county = name_of(number, board, live)
    cell = number, year
    return CellFacts(
        number=number,
        name=name,
        county=county,
        interval=board.interval,
        year=year,
        period=axis.name(column) + (" PST" if axis.zoom == "hours" else ""),
        mark=board.cells(number, axis, column, 1, live)[0],
        slots=dict(Counter(part.tolist())),
        revised=sum(values for slot, values in board.revised.get(cell, {}).items() if slot in slots),
        entry=board.entries.get(cell),
        told=live.told.get(cell, ""),
        planned=cell in live.planned,
    )


def present_cell(f: CellFacts, width: int) -> list[Line]:
    """The strip: what it is, its records, its chunk; and what the run says of it."""
    mark = MARKS[f.mark]
    state: Line = (Cell(f"{mark.glyph} {mark.word}" if f.mark else mark.word, mark.role),)
    head = (Cell(f"{f.number} {f.name}", "head"), Cell(f"  {f.period}", "key"), Cell(f"  {f.interval}", "dim"))
    lines: list[Line] = [spread(head, state, width)]
    lines += [line for line in (_run(f), _records(f, width), _chunk(f, width)) if line]
    return [clip(line, width) for line in lines]


def _counted(number: int, word: str, role: str = "text") -> Line:
    return (Cell(f"{number:,}", role if number else "dim"), Cell(f" {word}", "dim"))


def _records(f: CellFacts, width: int) -> Line:
    if not f.expected:
        return (Cell("the station owed nothing then: it was not there yet, or not any more", "dim"),)
    return fit(
        (
            (Cell(f"{f.kept:,} of {f.expected:,}"), Cell(" records", "dim")),
            _counted(f.count(Standing.MISSING), "missing at the agency"),
            _counted(f.count(Standing.UNASKED), f.unasked_words, "warn"),
            _counted(f.count(Standing.PROVISIONAL), "provisional", "key"),
            _counted(f.revised, "values revised", "key"),
        ),
        width,
    )


def _chunk(f: CellFacts, width: int) -> Line:
    entry = f.entry
    if entry is None:
        return (Cell("no chunk is stored", "dim"),) if f.expected and not f.told else ()
    return fit(
        (
            (Cell("chunk ", "dim"), Cell(units.size(entry.stored_bytes))),
            (Cell(bytes_a_record(entry)), Cell(" B a record", "dim")),
            (Cell("retrieved ", "dim"), Cell(moment(entry.written_at))),
            (Cell("digest ", "dim"), Cell(entry.digest[:12])),
            (Cell(f"{entry.items}"), Cell(" items", "dim")),
        ),
        width,
    )


def bytes_a_record(entry: ChunkEntry) -> str:
    return f"{entry.stored_bytes / entry.records:.1f}" if entry.records else units.ABSENT


def moment(t: float) -> str:
    return f"{datetime.fromtimestamp(t, UTC):%Y-%m-%d %H:%MZ}"


def _run(f: CellFacts) -> Line:
    if f.mark == FAILED:
        return (Cell(f.told or "failed", "bad"),)
    if f.mark in _DOING:
        return (Cell(_DOING[f.mark], MARKS[f.mark].role),)
    return (Cell("the run is still to ask for it", "dim"),) if f.planned else ()


def export_cell(f: CellFacts) -> dict[str, Any]:
    """A cell of a year for a file. Slots are counted, `revised` are values, `retrieved` is in Unix seconds."""
    return {
        "station": f.number,
        "name": f.name,
        "interval": f.interval.value,
        "year": f.year,
        "state": MARKS[f.mark].word,
        "expected": f.expected,
        "kept": f.kept,
        "missing": f.count(Standing.MISSING),
        "unasked": f.count(Standing.UNASKED),
        "provisional": f.count(Standing.PROVISIONAL),
        "revised": f.revised,
        "stored_bytes": f.entry.stored_bytes if f.entry else None,
        "digest": f.entry.digest if f.entry else None,
        "retrieved": f.entry.written_at if f.entry else None,
        "message": f.told,
    }


# the story


def present_story(
    f: CellFacts, board: Board, revisions: Sequence[Revision] | None, fault: str, width: int
) -> tuple[Line, ...]:
    """All that is known of the cell's year. `revisions` None: not read yet; `fault`: why they could not be."""
    known = board.stations.get(f.number)
    life = known.life if known else None
    year = year_coverage(f.number, f.interval, f.year, life, f.entry)
    lines: list[Line] = []
    lines += _section("Station", _station_facts(f, board), width)
    lines += _section(f"Records of {f.year}, {f.interval}", _year_facts(f, year), width)
    if f.entry is not None:
        lines += _section("Chunk", _chunk_facts(f.entry), width)
    lines += _section("Revisions by the agency", _revision_facts(f, board, revisions, fault), width)
    return tuple(lines)


def _section(title: str, facts: Sequence[tuple[str, str]], width: int) -> list[Line]:
    lines: list[Line] = [(Cell(title, "key"),)]
    lines += [clip((Cell(f"  {name:<20}", "dim"), Cell(text)), width) for name, text in facts]
    return [*lines, ()]


def _station_facts(f: CellFacts, board: Board) -> list[tuple[str, str]]:
    known = board.stations.get(f.number)
    facts = [("station", f"{f.number} {f.name}"), ("county", f.county or "not known")]
    if known is None or not known.sure:
        return [*facts, ("in the directory", "no: when it opened and closed is not known")]
    return [*facts, ("owes records of", str(known.life) if known.life else "no day yet")]


def _year_facts(f: CellFacts, year: YearCoverage) -> list[tuple[str, str]]:
    facts = [
        ("expected", f"{year.expected:,} records"),
        ("stored", f"{year.kept:,} records" + (f", and {year.unexpected:,} more than owed" if year.unexpected else "")),
        ("missing at agency", f"{year.missing:,}"),
        *_ranges(f, year.missing_slots),
        (f.unasked_words, f"{year.unasked:,}"),
        *_ranges(f, year.unasked_slots),
        ("provisional", f"{year.provisional:,} slots with a value flagged P"),
        ("null values", f"{year.nulls:,}"),
    ]
    if f.told:
        facts.append(("this run", f.told))
    elif f.planned:
        facts.append(("this run", "still to ask for it"))
    return facts


def _ranges(f: CellFacts, ranges: Sequence[SlotRange]) -> list[tuple[str, str]]:
    told = range_texts(f.interval, f.year, ranges[:RANGES_TOLD])
    facts = [("", one["first"] if one["first"] == one["last"] else f"{one['first']} to {one['last']}") for one in told]
    return facts + ([("", f"and {len(ranges) - len(told)} more runs")] if len(ranges) > len(told) else [])


def _chunk_facts(entry: ChunkEntry) -> list[tuple[str, str]]:
    ratio = entry.raw_bytes / entry.stored_bytes if entry.stored_bytes else None
    return [
        ("size", f"{entry.stored_bytes:,} B, {bytes_a_record(entry)} B a record"),
        ("compression", f"{units.ratio(ratio)} against fixed-width rows (4 B slot, 2 B station, 3 B an item)"),
        ("items", f"{entry.items} in {entry.units.standard} units"),
        ("codec", f"version {entry.codec}"),
        ("retrieved", moment(entry.written_at)),
        ("content digest", entry.digest),
        ("file SHA-256", entry.artifact_digest),
    ]


def _revision_facts(
    f: CellFacts, board: Board, revisions: Sequence[Revision] | None, fault: str
) -> list[tuple[str, str]]:
    if fault:
        return [("", fault)]
    if revisions is None:
        return [("", "reading…")]
    if not revisions:
        return [("", "none seen")]
    kinds = Counter(r.kind for r in revisions)
    facts = [(kind, f"{kinds[kind]:,} values") for kind in _KINDS if kinds[kind]]
    size = len(board.slots(f.number, f.year))
    touched = np.zeros(size, np.bool_)
    touched[[r.slot for r in revisions]] = True
    facts += [("slots", ""), *_ranges(f, slot_ranges(touched))]
    seen = sorted({r.seen_at for r in revisions})
    facts.append(("last seen", moment(seen[-1]) + (f", {len(seen)} times in all" if len(seen) > 1 else "")))
    return facts
