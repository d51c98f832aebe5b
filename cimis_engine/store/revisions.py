"""Revisions: what the agency changed of values that were stored already. The difference of two batches, and its table.

Only a cell (a slot's item) that was known can be revised: one that had been asked for, or had a value. A record where
the agency had none before has appeared, one that is gone has vanished; both are revisions of all their items. A slot
asked for the first time is none.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cimis_engine.model.batch import Column, RecordBatch, coverage_array
from cimis_engine.model.items import DataItem, Interval, UnitSystem, items_of
from cimis_engine.model.period import slots_in_year
from cimis_engine.model.qc import NOT_REPORTED, PENDING, flag_text
from cimis_engine.store.database import ensure_schema
from cimis_engine.store.paths import Key

_SCHEMA = """
CREATE TABLE IF NOT EXISTS generations (
    id INTEGER PRIMARY KEY,
    station INTEGER NOT NULL,
    interval TEXT NOT NULL CHECK (interval IN ('daily', 'hourly')),
    year INTEGER NOT NULL,
    units TEXT NOT NULL CHECK (units IN ('M', 'E')),
    digest TEXT NOT NULL,
    seen_at REAL NOT NULL,
    run_id TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS generations_by_chunk ON generations (station, interval, year);
CREATE TABLE IF NOT EXISTS revisions (
    generation INTEGER NOT NULL REFERENCES generations (id),
    slot INTEGER NOT NULL,
    item INTEGER NOT NULL,
    old_value TEXT,
    old_flag INTEGER,
    new_value TEXT,
    new_flag INTEGER,
    PRIMARY KEY (generation, slot, item)
) STRICT, WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Change:
    """One cell before and after: item by its code, exact value (None: null), QC flag as its stored byte.

    A flag of None: there was no record.
    """

    slot: int
    item: int
    old_value: Decimal | None
    old_flag: int | None
    new_value: Decimal | None
    new_flag: int | None


@dataclass(frozen=True, slots=True)
class Superseded:
    """A generation of a chunk that the agency revised: its content's digest (hex), and every change the next brought.

    `seen_at` in Unix seconds. `run_id` is None where the run that saw it died before it could say so.
    """

    key: Key
    units: UnitSystem
    digest: str
    changes: tuple[Change, ...]
    seen_at: float
    run_id: str | None


@dataclass(frozen=True, slots=True)
class Revision:
    """One row of the table. Values are in the chunk's `units`; flags as the response gave them (None: null).

    `kind`: appeared (there was no record), vanished (there is none any more), settled (the same value, no longer
    pending: the expected end of every flag P) or changed.
    """

    station: int
    interval: Interval
    year: int
    units: UnitSystem
    slot: int
    item: DataItem
    kind: str
    old_value: Decimal | None
    old_flag: str | None
    new_value: Decimal | None
    new_flag: str | None
    seen_at: float
    run_id: str | None


@dataclass(frozen=True, slots=True)
class _Cells:
    """One item of a batch by slot (element 0 is no slot)."""

    told: NDArray[np.bool_]
    present: NDArray[np.bool_]
    flags: NDArray[np.uint8]
    scaled: NDArray[Any]
    exponent: int

    def value(self, slot: int) -> Decimal | None:
        return Decimal(int(self.scaled[slot])).scaleb(-self.exponent) if self.present[slot] else None


def _cells(batch: RecordBatch, item: DataItem, size: int) -> _Cells:
    column: Column | None = batch.column_of(item)
    present, scaled = np.zeros(size + 1, np.bool_), np.zeros(size + 1, np.int64)
    flags = np.full(size + 1, NOT_REPORTED, np.uint8)
    if column is not None:
        present[batch.slots], scaled[batch.slots] = column.present, column.scaled
        flags[batch.slots] = column.qc
    return _Cells(present | (flags != NOT_REPORTED), present, flags, scaled, column.exponent if column else 0)


def changes_between(old: RecordBatch, new: RecordBatch) -> tuple[Change, ...]:
    """Every known cell of `old` that is another in `new`, by slot and item. Both are of one chunk, as merged.

    Empty means that `new` still says everything `old` said: it is the same, or `old` extended.
    """
    size = slots_in_year(old.interval, old.year)
    asked = coverage_array(size, old.covered)
    had, has = np.zeros(size + 1, np.bool_), np.zeros(size + 1, np.bool_)
    had[old.slots], has[new.slots] = True, True
    found: list[Change] = []
    for item in items_of(old.interval):
        was, now = _cells(old, item, size), _cells(new, item, size)
        known = was.told | ((asked & np.uint32(1 << item.code)) > 0)
        other = (was.flags != now.flags) | (was.present != now.present) | _differ(was, now)
        for slot in np.flatnonzero(known & other).tolist():
            old_flag = int(was.flags[slot]) if had[slot] else None
            new_flag = int(now.flags[slot]) if has[slot] else None
            found.append(Change(slot, item.code, was.value(slot), old_flag, now.value(slot), new_flag))
    return tuple(sorted(found, key=lambda c: (c.slot, c.item)))


def _differ(was: _Cells, now: _Cells) -> NDArray[np.bool_]:
    """Where the values are not equal; absent ones count as 0. Exact, whatever the exponents and the width."""
    exponent = max(was.exponent, now.exponent)
    return np.asarray(_raised(was, exponent) != _raised(now, exponent), np.bool_)


def _raised(cells: _Cells, exponent: int) -> NDArray[Any]:
    factor = 10 ** (exponent - cells.exponent)
    widest = max(-int(cells.scaled.min()), int(cells.scaled.max()))
    # Python's integers where 64 bits would overflow: never in CIMIS's data, but a chunk can hold it.
    wide = cells.scaled if widest * factor < 1 << 63 else cells.scaled.astype(object)
    return np.asarray(wide * factor)


def insert(db: sqlite3.Connection, superseded: Iterable[Superseded]) -> None:
    """Add to the tables, within the caller's transaction."""
    for one in superseded:
        station, interval, year = one.key
        row = db.execute(
            "INSERT INTO generations (station, interval, year, units, digest, seen_at, run_id)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (station, interval.value, year, one.units.value, one.digest, one.seen_at, one.run_id),
        )
        db.executemany(
            "INSERT INTO revisions (generation, slot, item, old_value, old_flag, new_value, new_flag)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (row.lastrowid, c.slot, c.item, _text(c.old_value), c.old_flag, _text(c.new_value), c.new_flag)
                for c in one.changes
            ],
        )


def prepare(db: sqlite3.Connection) -> None:
    """Make the tables if they are not there. Raises `SchemaVersionError`."""
    ensure_schema(db, "revisions", 1, _SCHEMA)


def recorded(db: sqlite3.Connection, key: Key) -> bool:
    """Whether the tables know any earlier generation of a chunk."""
    station, interval, year = key
    where = "station = ? AND interval = ? AND year = ?"
    query = f"SELECT 1 FROM generations WHERE {where} LIMIT 1"
    return db.execute(query, (station, interval.value, year)).fetchone() is not None


def select(
    db: sqlite3.Connection,
    *,
    stations: Sequence[int] = (),
    interval: Interval | None = None,
    item: DataItem | None = None,
    since: float | None = None,
    run_id: str | None = None,
) -> Iterator[Revision]:
    """Revisions by station, interval, year, when they were seen, slot and item; all, or those of the filters given."""
    tests, values = ["1"], list[object]()
    if stations:
        tests.append(f"station IN ({', '.join('?' for _ in stations)})")
        values += stations
    for test, value in (
        ("interval = ?", item.interval.value if item else interval.value if interval else None),
        ("item = ?", item.code if item else None),
        ("seen_at >= ?", since),
        ("run_id = ?", run_id),
    ):
        if value is not None:
            tests.append(test)
            values.append(value)
    rows = db.execute(
        "SELECT station, interval, year, units, slot, item, old_value, old_flag, new_value, new_flag, seen_at, run_id"
        f" FROM revisions JOIN generations ON generation = id WHERE {' AND '.join(tests)}"
        " ORDER BY station, interval, year, seen_at, id, slot, item",
        values,
    )
    return map(_revision, rows)


def newest(db: sqlite3.Connection) -> int:
    """The number of the last generation recorded, 0 if there is none."""
    return int(db.execute("SELECT coalesce(max(id), 0) FROM generations").fetchone()[0])


def count_by_slot(db: sqlite3.Connection, interval: Interval, after: int) -> Iterator[tuple[int, int, int, int]]:
    """(station, year, slot, values changed) of the generations numbered above `after`.

    A value that only lost its flag P is no change worth a mark: see `Revision.kind`.
    """
    rows = db.execute(
        "SELECT station, year, slot, count(*) FROM revisions JOIN generations ON generation = id"
        " WHERE id > ? AND interval = ? AND NOT (old_flag IS ? AND new_flag IS NOT NULL"
        " AND CAST(old_value AS REAL) IS CAST(new_value AS REAL))"
        " GROUP BY station, year, slot",
        (after, interval.value, PENDING),
    )
    return iter(rows.fetchall())


def _revision(row: tuple[Any, ...]) -> Revision:
    station, interval, year, units, slot, item, old_text, old_flag, new_text, new_flag, seen_at, run_id = row
    old, new = (None if text is None else Decimal(text) for text in (old_text, new_text))
    return Revision(
        station=station,
        interval=Interval(interval),
        year=year,
        units=UnitSystem(units),
        slot=slot,
        item=items_of(Interval(interval))[item],
        kind=_kind(old, old_flag, new, new_flag),
        old_value=old,
        old_flag=None if old_flag is None else flag_text(old_flag),
        new_value=new,
        new_flag=None if new_flag is None else flag_text(new_flag),
        seen_at=seen_at,
        run_id=run_id,
    )


def _kind(old: Decimal | None, old_flag: int | None, new: Decimal | None, new_flag: int | None) -> str:
    if old_flag is None:
        return "appeared"
    if new_flag is None:
        return "vanished"
    return "settled" if old_flag == PENDING and old == new else "changed"


def _text(value: Decimal | None) -> str | None:
    return None if value is None else format(value, "f")
