"""The catalog: what chunks there are, in SQLite. Derived from the files, never ahead of them, and can be rebuilt."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

from cimis_engine.model.batch import Covered, RecordBatch
from cimis_engine.model.completeness import SlotRange, absent_slots, count_slots, pending_slots
from cimis_engine.model.items import DataItem, Interval, UnitSystem
from cimis_engine.store import revisions
from cimis_engine.store.chunk import read_header
from cimis_engine.store.database import database_errors, ensure_schema, schema_version
from cimis_engine.store.paths import Key
from cimis_engine.store.revisions import Revision, Superseded

VERSION = 2
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
    absent TEXT NOT NULL,
    pending TEXT NOT NULL,
    written_at REAL NOT NULL,
    PRIMARY KEY (station, interval, year)
) STRICT;
"""


@dataclass(frozen=True, slots=True)
class ChunkEntry:
    """One chunk as the catalog knows it. `items` counts columns, slots are 0 in a chunk without records.

    `digest` is of the content, `artifact_digest` SHA-256 of the file's bytes. `absent` slots were asked for and have no
    record, `pending` ones have a value flagged P. `written_at` is in Unix seconds.
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
    absent: tuple[SlotRange, ...]
    pending: tuple[SlotRange, ...]
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
        return count_slots(self.absent)


def entry_of(data: bytes, batch: RecordBatch, path: Path, written_at: float) -> ChunkEntry:
    """The catalog entry of a chunk file's bytes, and of the records they decode to. Raises `ChunkError`."""
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
        absent=absent_slots(batch),
        pending=pending_slots(batch),
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
    *facts, covered, absent, pending, written_at = astuple(entry)
    return (*facts, *(json.dumps(ranges, separators=(",", ":")) for ranges in (covered, absent, pending)), written_at)


def _entry(row: tuple[Any, ...]) -> ChunkEntry:
    held: dict[str, Any] = dict(zip(_NAMES, row, strict=True))
    held["interval"], held["units"] = Interval(held["interval"]), UnitSystem(held["units"])
    held["covered"] = tuple(Covered(*span) for span in json.loads(held["covered"]))
    for name in ("absent", "pending"):
        held[name] = tuple((first, last) for first, last in json.loads(held[name]))
    return ChunkEntry(**held)


class Catalog:
    """One connection, guarded by a lock of its own: any thread may call. Raises `DatabaseError`.

    The revisions live beside the chunks because they are committed with them. `outdated`: the table was of an older
    program and is empty now; being derived, it is to be made again from the files, which `replace_all` ends.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self._guard = threading.RLock()
        with self._using():
            self.outdated = (schema_version(connection, "catalog") or VERSION) < VERSION
            if self.outdated:
                connection.executescript(f"DROP TABLE IF EXISTS chunks;{_SCHEMA}")
            else:
                ensure_schema(connection, "catalog", VERSION, _SCHEMA)
            revisions.prepare(connection)

    @contextmanager
    def _using(self) -> Iterator[sqlite3.Connection]:
        with self._guard, database_errors("catalog"):
            yield self._db

    def commit(self, entries: Iterable[ChunkEntry], superseded: Iterable[Superseded] = ()) -> None:
        """Add or replace chunks and add what they revised, in one transaction, durably. Only after their files are."""
        with self._using() as db, db:
            db.executemany(_INSERT, [_row(entry) for entry in entries])
            revisions.insert(db, superseded)

    def replace_all(self, entries: Iterable[ChunkEntry], superseded: Iterable[Superseded] = ()) -> None:
        """The catalog anew, in one transaction. Revisions are added to those there are."""
        rows = [_row(e) for e in entries]
        with self._using() as db, db:
            db.execute("DELETE FROM chunks")
            db.executemany(_INSERT, rows)
            db.execute("UPDATE schema SET version = ? WHERE name = 'catalog'", (VERSION,))
            revisions.insert(db, superseded)
        self.outdated = False

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

    def stations(self, interval: Interval | None = None) -> tuple[int, ...]:
        """The stations that have chunks, or chunks of an interval, ascending."""
        with self._using() as db:
            rows = db.execute(
                "SELECT DISTINCT station FROM chunks WHERE interval = coalesce(?, interval) ORDER BY station",
                (interval.value if interval else None,),
            ).fetchall()
        return tuple(number for (number,) in rows)

    def has_revisions(self, key: Key) -> bool:
        """Whether any earlier generation of a chunk is known."""
        with self._using() as db:
            return revisions.recorded(db, key)

    def revisions(
        self,
        *,
        stations: Sequence[int] = (),
        interval: Interval | None = None,
        item: DataItem | None = None,
        since: float | None = None,
        run_id: str | None = None,
    ) -> list[Revision]:
        """Revisions by chunk, when they were seen, slot and item; all, or those of the filters given."""
        with self._using() as db:
            return list(
                revisions.select(db, stations=stations, interval=interval, item=item, since=since, run_id=run_id)
            )

    def digests(self, interval: Interval) -> dict[tuple[int, int], str]:
        """The file digest of every chunk of an interval by (station, year): tells cheaply which changed."""
        query = "SELECT station, year, artifact_digest FROM chunks WHERE interval = ?"
        with self._using() as db:
            return {(station, year): digest for station, year, digest in db.execute(query, (interval.value,))}

    def newest_revision(self) -> int:
        """A number that grows with every revision recorded."""
        with self._using() as db:
            return revisions.newest(db)

    def revised_slots(self, interval: Interval, after: int = 0) -> list[tuple[int, int, int, int]]:
        """(station, year, slot, values) that the agency changed in revisions numbered above `after`."""
        with self._using() as db:
            return list(revisions.count_by_slot(db, interval, after))

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
