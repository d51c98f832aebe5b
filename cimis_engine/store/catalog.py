"""The catalog: what chunks there are, in SQLite. Derived from the files, never ahead of them, and can be rebuilt."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

from cimis_engine.model.batch import Covered
from cimis_engine.model.items import Interval, UnitSystem
from cimis_engine.store.chunk import read_header
from cimis_engine.store.database import database_errors, ensure_schema
from cimis_engine.store.paths import Key

_SCHEMA = """
CREATE TABLE IF NOT EXISTS chunks (
    station INTEGER NOT NULL,
    interval TEXT NOT NULL CHECK (interval IN ('daily', 'hourly')),
    year INTEGER NOT NULL,
    units TEXT NOT NULL CHECK (units IN ('M', 'E')),
    codec INTEGER NOT NULL,
    items INTEGER NOT NULL,
    records INTEGER NOT NULL,
    nulls INTEGER NOT NULL,
    first_slot INTEGER NOT NULL,
    last_slot INTEGER NOT NULL,
    raw_bytes INTEGER NOT NULL,
    stored_bytes INTEGER NOT NULL,
    digest TEXT NOT NULL,
    artifact_digest TEXT NOT NULL,
    covered TEXT NOT NULL,
    written_at REAL NOT NULL,
    PRIMARY KEY (station, interval, year)
) STRICT;
"""


@dataclass(frozen=True, slots=True)
class ChunkEntry:
    """One chunk as the catalog knows it. `items` counts columns, slots are 0 in a chunk without records.

    `digest` is of the content, `artifact_digest` SHA-256 of the file's bytes. `written_at` is in Unix seconds.
    """

    station: int
    interval: Interval
    year: int
    units: UnitSystem
    codec: int
    items: int
    records: int
    nulls: int
    first_slot: int
    last_slot: int
    raw_bytes: int
    stored_bytes: int
    digest: str
    artifact_digest: str
    covered: tuple[Covered, ...]
    written_at: float

    @property
    def key(self) -> Key:
        return self.station, self.interval, self.year

    @property
    def expected(self) -> int:
        """Slots that were asked for and answered."""
        return sum(c.last - c.first + 1 for c in self.covered)

    @property
    def missing(self) -> int:
        """Slots that were asked for and have no record at the agency."""
        return max(0, self.expected - self.records)


def entry_of(data: bytes, path: Path, written_at: float) -> ChunkEntry:
    """The catalog entry of a chunk file's bytes. Raises `ChunkError`."""
    info = read_header(data, path)
    return ChunkEntry(
        station=info.station,
        interval=info.interval,
        year=info.year,
        units=info.units,
        codec=info.codec,
        items=len(info.items),
        records=info.records,
        nulls=info.nulls,
        first_slot=info.blocks[0].first,
        last_slot=info.blocks[-1].last,
        raw_bytes=info.raw_bytes,
        stored_bytes=len(data),
        digest=info.digest,
        artifact_digest=hashlib.sha256(data).hexdigest(),
        covered=info.covered,
        written_at=written_at,
    )


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over the catalog. `ratio` is fixed-width bytes over stored bytes, None for an empty store."""

    chunks: int
    stations: int
    records: int
    nulls: int
    raw_bytes: int
    stored_bytes: int

    @property
    def ratio(self) -> float | None:
        return self.raw_bytes / self.stored_bytes if self.stored_bytes else None


_NAMES = [f.name for f in fields(ChunkEntry)]
_COLUMNS, _MARKS = ", ".join(_NAMES), ", ".join("?" for _ in _NAMES)
_INSERT = f"INSERT OR REPLACE INTO chunks ({_COLUMNS}) VALUES ({_MARKS})"


def _row(entry: ChunkEntry) -> tuple[object, ...]:
    *facts, covered, written_at = astuple(entry)
    return (*facts, json.dumps(covered, separators=(",", ":")), written_at)


def _entry(row: tuple[Any, ...]) -> ChunkEntry:
    held: dict[str, Any] = dict(zip(_NAMES, row, strict=True))
    held["interval"], held["units"] = Interval(held["interval"]), UnitSystem(held["units"])
    held["covered"] = tuple(Covered(*span) for span in json.loads(held["covered"]))
    return ChunkEntry(**held)


class Catalog:
    """One connection, guarded by a lock of its own: any thread may call. Raises `DatabaseError`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self._guard = threading.RLock()
        with self._using():
            ensure_schema(connection, "catalog", 1, _SCHEMA)

    @contextmanager
    def _using(self) -> Iterator[sqlite3.Connection]:
        with self._guard, database_errors("catalog"):
            yield self._db

    def commit(self, entry: ChunkEntry) -> None:
        """Add or replace one chunk, durably. Only after its file is."""
        with self._using() as db, db:
            db.execute(_INSERT, _row(entry))

    def replace_all(self, entries: Iterable[ChunkEntry]) -> None:
        """The catalog anew, in one transaction."""
        rows = [_row(e) for e in entries]
        with self._using() as db, db:
            db.execute("DELETE FROM chunks")
            db.executemany(_INSERT, rows)

    def delete(self, station: int, interval: Interval, year: int) -> None:
        with self._using() as db, db:
            db.execute(
                "DELETE FROM chunks WHERE station = ? AND interval = ? AND year = ?", (station, interval.value, year)
            )

    def get(self, station: int, interval: Interval, year: int) -> ChunkEntry | None:
        found = self._select("station = ? AND interval = ? AND year = ?", station, interval.value, year)
        return found[0] if found else None

    def entries(self, *, station: int | None = None, interval: Interval | None = None) -> list[ChunkEntry]:
        """All chunks, or those of a station or an interval, ordered by station, interval and year."""
        return self._select(
            "station = coalesce(?, station) AND interval = coalesce(?, interval)",
            station,
            interval.value if interval else None,
        )

    def totals(self) -> Totals:
        with self._using() as db:
            row = db.execute(
                "SELECT count(*), count(DISTINCT station), coalesce(sum(records), 0), coalesce(sum(nulls), 0),"
                " coalesce(sum(raw_bytes), 0), coalesce(sum(stored_bytes), 0) FROM chunks"
            ).fetchone()
        return Totals(*row)

    def _select(self, where: str, *args: object) -> list[ChunkEntry]:
        query = f"SELECT {_COLUMNS} FROM chunks WHERE {where} ORDER BY station, interval, year"
        with self._using() as db:
            return [_entry(row) for row in db.execute(query, args).fetchall()]
