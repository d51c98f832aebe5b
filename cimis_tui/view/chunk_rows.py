"""The stored chunks as rows of a table: cells, values to sort and filter by, and what they come to together. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cimis_engine.model.completeness import range_texts
from cimis_engine.store.catalog import ChunkEntry
from cimis_engine.store.formats import format_of
from cimis_engine.store.paths import Key
from cimis_engine.store.verify import Finding
from cimis_tui.view import units
from cimis_tui.view.cells import Cell
from cimis_tui.view.columns import Column
from cimis_tui.view.order import Filter, Language, in_order
from cimis_tui.view.present import Value

CHECKS = {
    "sound": ("✓", "sound", "ok"),
    "damaged": ("✗", "damage", "bad"),
    "lagging": ("▲", "catalog", "warn"),
    "unchecked": ("·", "unchecked", "dim"),
}
"""What verifying found → glyph, word, role."""

CHUNK_COLUMNS = (
    Column("check", "", 2, right=False),
    Column("station", "ID", 3, help="station number"),
    Column("name", "NAME", 10, 80, right=False, help="station name", most=24),
    Column("interval", "INTERVAL", 8, right=False, help="daily or hourly records"),
    Column("year", "YEAR", 4, help="of its records"),
    Column("format", "FMT", 3, help="format of its blocks"),
    Column("records", "RECORDS", 7, help="records stored"),
    Column("expected", "OF", 5, 80, help="slots that were asked for"),
    Column("bytes", "BYTES", 7, help="size of the file"),
    Column("each", "B/REC", 5, help="bytes of the file a record"),
    Column("ratio", "RATIO", 6, help="fixed-width row bytes over stored bytes"),
    Column("generations", "GEN", 3, 100, help="earlier generations kept"),
    Column("missing", "MISSING", 7, 150, help="slots that were asked for and the agency has not"),
    Column("items", "ITEMS", 5, 150, help="data items of its records"),
    Column("nulls", "NULLS", 6, 150, help="values without a number"),
    Column("asked", "ASKED FOR", 24, 180, right=False, help="dates that were asked for"),
    Column("digest", "DIGEST", 12, 100, right=False, help="beginning of the content digest"),
    Column("written", "WRITTEN", 17, 120, right=False, help="when the file was written, UTC"),
    Column("state", "VERIFIED", 9, 120, right=False, help="what verifying found"),
    Column("finding", "FINDING", 12, 155, right=False, help="what is wrong, in words", most=60),
)


@dataclass(frozen=True, slots=True)
class ChunkRow:
    """A chunk of the catalog. `check` is a key of `CHECKS`; `finding`: what is wrong with it."""

    entry: ChunkEntry
    name: str
    generations: int
    check: str = "unchecked"
    finding: Finding | None = None

    @property
    def key(self) -> Key:
        return self.entry.key

    @property
    def each(self) -> float | None:
        return self.entry.stored_bytes / self.entry.records if self.entry.records else None

    @property
    def ratio(self) -> float:
        return self.entry.raw_bytes / self.entry.stored_bytes

    @property
    def format(self) -> str:
        return format_of(self.entry.codec).value

    @property
    def asked(self) -> str:
        """From the first to the last date that was asked for."""
        entry = self.entry
        if not entry.covered:
            return ""
        (whole,) = range_texts(entry.interval, entry.year, [(entry.covered[0].first, entry.covered[-1].last)])
        return f"{whole['first'][:10]} to {whole['last'][:10]}"

    @property
    def found(self) -> str:
        return self.finding.what if self.finding else ""


VALUES: dict[str, Callable[[ChunkRow], Value]] = {
    "station": lambda row: row.entry.station,
    "name": lambda row: row.name.casefold(),
    "interval": lambda row: row.entry.interval.value,
    "year": lambda row: row.entry.year,
    "format": lambda row: row.format,
    "records": lambda row: row.entry.records,
    "expected": lambda row: row.entry.expected,
    "bytes": lambda row: row.entry.stored_bytes,
    "each": lambda row: row.each,
    "ratio": lambda row: row.ratio,
    "generations": lambda row: row.generations,
    "missing": lambda row: row.entry.missing,
    "items": lambda row: row.entry.items,
    "nulls": lambda row: row.entry.nulls,
    "asked": lambda row: row.asked,
    "digest": lambda row: row.entry.digest,
    "written": lambda row: row.entry.written_at,
    "state": lambda row: ("damaged", "lagging", "unchecked", "sound").index(row.check),
    "finding": lambda row: row.found or None,
}
"""What each column sorts by."""
_TEXTS = frozenset(("name", "interval", "format", "asked", "digest", "state", "finding"))
HIGH_FIRST = frozenset(("records", "bytes", "each", "generations", "missing", "nulls", "written"))
"""Columns that are asked for with the largest first."""

CHUNKS: Language[ChunkRow] = Language(
    numbers={key: value for key, value in VALUES.items() if key not in _TEXTS},
    try_these="year, records, bytes, each, ratio, missing",
    states={key: word for key, (_, word, _) in CHECKS.items()},
    state=lambda row: row.check,
    text=lambda row: (
        f"{row.entry.station:03d} {row.name.casefold()} {row.entry.interval.value} {row.entry.year} {row.format}"
        f" {row.entry.digest}"
    ),
)
"""What the filter of the table speaks of."""


def arranged(rows: Sequence[ChunkRow], by: str, *, reverse: bool, keep: Filter[ChunkRow]) -> list[ChunkRow]:
    """The rows that `keep` lets through, sorted by a column; ties by station, interval and year."""
    kept = sorted((row for row in rows if keep.matches(row)), key=lambda row: row.key)
    return in_order(kept, VALUES[by], reverse=reverse)


def cells_of(row: ChunkRow) -> tuple[Cell, ...]:
    """A cell for each of `CHUNK_COLUMNS`."""
    entry, (glyph, word, role) = row.entry, CHECKS[row.check]
    whole = "dim" if entry.records == entry.expected else "text"
    return (
        Cell(glyph, role),
        Cell(f"{entry.station}"),
        Cell(row.name),
        Cell(entry.interval.value),
        Cell(str(entry.year)),
        Cell(row.format),
        Cell(units.grouped(entry.records)),
        Cell(units.grouped(entry.expected), whole),
        Cell(units.size(entry.stored_bytes)),
        Cell(units.ABSENT if row.each is None else f"{row.each:.1f}"),
        Cell(units.ratio(row.ratio)),
        Cell(str(row.generations) if row.generations else units.ABSENT, "text" if row.generations else "dim"),
        Cell(units.grouped(entry.missing) if entry.missing else units.ABSENT, "text" if entry.missing else "dim"),
        Cell(str(entry.items)),
        Cell(units.grouped(entry.nulls) if entry.nulls else units.ABSENT, "text" if entry.nulls else "dim"),
        Cell(row.asked or units.ABSENT, "dim"),
        Cell(entry.digest[:12], "dim"),
        Cell(moment(entry.written_at), "dim"),
        Cell(word, role),
        Cell(row.found, role),
    )


def moment(t: float) -> str:
    """A Unix time as `2025-11-20 00:53Z`."""
    return f"{datetime.fromtimestamp(t, UTC):%Y-%m-%d %H:%M}Z"


def export_chunk(row: ChunkRow) -> Mapping[str, Any]:
    """A row for a file: every column's value in full."""
    return {
        "station": row.entry.station,
        "name": row.name,
        "interval": row.entry.interval.value,
        "year": row.entry.year,
        "format": row.format,
        "records": row.entry.records,
        "expected": row.entry.expected,
        "missing": row.entry.missing,
        "stored_bytes": row.entry.stored_bytes,
        "bytes_per_record": row.each,
        "compression_ratio": row.ratio,
        "generations": row.generations,
        "digest": row.entry.digest,
        "written": moment(row.entry.written_at),
        "verified": row.check,
        "finding": row.found,
    }
