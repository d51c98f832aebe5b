"""Volume caps: what the API refused is remembered in the store, so that the next run plans with it.

A learned cap counts for 30 days from the refusal that taught it. Then the full size is tried once more: if nothing has
changed that costs one refused request, and the cap is learned anew. A `cap_daily` or `cap_hourly` in the settings
is planned with as it stands; within the run the API's word counts all the same.
"""

from __future__ import annotations

import sqlite3

from cimis_engine.fetch.dialect import dialect_of
from cimis_engine.model.items import Interval
from cimis_engine.run.spec import Settings
from cimis_engine.store.database import database_errors, ensure_schema
from cimis_engine.store.store import Store

CAP_SECONDS = 30 * 86400.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS caps (
    base_url TEXT NOT NULL,
    interval TEXT NOT NULL CHECK (interval IN ('daily', 'hourly')),
    records INTEGER NOT NULL,
    learned_at REAL NOT NULL,
    PRIMARY KEY (base_url, interval)
) STRICT;
"""


class CapTable:
    """The learned caps of a data directory, by API and interval. Call it from one thread. Raises `DatabaseError`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        with database_errors("caps"):
            ensure_schema(connection, "caps", 1, _SCHEMA)

    def get(self, base_url: str, interval: Interval, now: float) -> int | None:
        """Records a request may ask for, None where no refusal of the last 30 days (before Unix time `now`) says."""
        with database_errors("caps"):
            row = self._db.execute(
                "SELECT records FROM caps WHERE base_url = ? AND interval = ? AND learned_at > ?",
                (base_url, interval.value, now - CAP_SECONDS),
            ).fetchone()
        return int(row[0]) if row else None

    def learn(self, base_url: str, interval: Interval, records: int, now: float) -> None:
        with database_errors("caps"), self._db as db:
            db.execute("DELETE FROM caps WHERE learned_at <= ?", (now - CAP_SECONDS,))
            db.execute("INSERT OR REPLACE INTO caps VALUES (?, ?, ?, ?)", (base_url, interval.value, records, now))


def planned_cap(settings: Settings, interval: Interval, store: Store | None, now: float) -> int:
    """Records a page of a new plan may ask for: of the settings, else learned, else the dialect's documented cap."""
    if given := settings.cap(interval):
        return given
    documented = dialect_of(settings.api, settings.base_url).caps[interval]
    learned = CapTable(store.database).get(settings.base_url, interval, now) if store else None
    return min(learned or documented, documented)
