"""The ledger: the durable table of jobs. State, attempts, lease, last error. Resuming a run is reading this table.

A job whose page used up its attempts is `failed`: a dead letter, kept with its cause. No run takes it up by itself. The
same command plans it again (what is not stored is planned), and so does `cimis retry`. An error stays on record until
the job is done, so a `queued` job with an error is one that is being given another chance.

Times are Unix seconds. Every method is one transaction; call them from one thread.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from cimis_engine.model.plan import JobSpec
from cimis_engine.store.database import ensure_schema

LEASE_SECONDS = 60.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY,
    station INTEGER NOT NULL,
    interval TEXT NOT NULL,
    start TEXT NOT NULL,
    end TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'leased', 'done', 'failed', 'cancelled')),
    attempts INTEGER NOT NULL DEFAULT 0,
    run_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    lease_until REAL,
    error_class TEXT,
    error TEXT,
    updated_at REAL NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS jobs_by_run ON jobs (run_id, state, position);
"""


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One job as the ledger knows it."""

    id: str
    state: str
    attempts: int
    run_id: str
    error_class: str | None
    error: str | None
    updated_at: float


STATES = ("queued", "leased", "done", "failed", "cancelled")
GIVEN_UP = ("failed", "cancelled")
_COLUMNS = "id, state, attempts, run_id, error_class, error, updated_at"


class Ledger:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        ensure_schema(connection, "ledger", 1, _SCHEMA)

    def enqueue(self, jobs: Sequence[JobSpec], run_id: str, now: float) -> None:
        """The plan's jobs, queued for this run in their order; whatever an earlier run left of them is taken over."""
        with self._db:
            self._db.executemany(
                "INSERT INTO jobs (id, station, interval, start, end, state, run_id, position, updated_at)"
                " VALUES (?, ?, ?, ?, ?, 'queued', ?, ?, ?)"
                " ON CONFLICT (id) DO UPDATE SET state = 'queued', run_id = excluded.run_id,"
                " position = excluded.position, lease_until = NULL, updated_at = excluded.updated_at",
                [
                    (j.id, j.station, j.interval.value, str(j.span.start), str(j.span.end), run_id, n, now)
                    for n, j in enumerate(jobs)
                ],
            )

    def claim(self, run_id: str, count: int, now: float) -> list[str]:
        """Lease the next jobs of this run: ids in plan order, fewer than `count` when the queue runs out."""
        with self._db:
            rows = self._db.execute(
                "UPDATE jobs SET state = 'leased', lease_until = ?, updated_at = ? WHERE id IN"
                " (SELECT id FROM jobs WHERE run_id = ? AND state = 'queued' ORDER BY position LIMIT ?)"
                " RETURNING position, id",
                (now + LEASE_SECONDS, now, run_id, count),
            ).fetchall()
        return [job for _, job in sorted(rows)]

    def heartbeat(self, run_id: str, now: float) -> None:
        with self._db:
            self._db.execute(
                "UPDATE jobs SET lease_until = ? WHERE run_id = ? AND state = 'leased'", (now + LEASE_SECONDS, run_id)
            )

    def finish(self, job: str, attempts: int, now: float) -> None:
        """The job's chunks are on disk and in the catalog."""
        self._settle(job, "done", attempts, None, None, now)

    def fail(self, job: str, attempts: int, error_class: str, error: str, now: float) -> None:
        state = "cancelled" if error_class == "cancelled" else "failed"
        self._settle(job, state, attempts, error_class, error, now)

    def requeue(self, jobs: Iterable[str], now: float) -> None:
        """Failed or cancelled jobs back into the queue of their run."""
        with self._db:
            self._db.executemany(
                "UPDATE jobs SET state = 'queued', lease_until = NULL, updated_at = ? WHERE id = ?",
                [(now, job) for job in jobs],
            )

    def release(self, run_id: str, now: float) -> None:
        """Give back what the run leased and did not finish."""
        with self._db:
            self._db.execute(
                "UPDATE jobs SET state = 'queued', lease_until = NULL, updated_at = ?"
                " WHERE run_id = ? AND state = 'leased'",
                (now, run_id),
            )

    def rows(self, run_id: str | None = None, states: Collection[str] = STATES) -> list[LedgerRow]:
        """The jobs of a run, or all, that are in one of `states`, in the order of their plans."""
        marks = ", ".join("?" for _ in states)
        return self._select(f"run_id = coalesce(?, run_id) AND state IN ({marks})", run_id, *states)

    def to_retry(self) -> list[LedgerRow]:
        """What `cimis retry` takes: jobs given another chance and not done yet; if none, those that failed last.

        A killed run leaves such jobs leased. Those that failed last are of the newest run that left any.
        """
        redriven = self._select("state IN ('queued', 'leased') AND error_class IS NOT NULL")
        return redriven or self._select(
            "state = 'failed' AND run_id ="
            " (SELECT run_id FROM jobs WHERE state = 'failed' ORDER BY updated_at DESC, position LIMIT 1)"
        )

    def drop(self, jobs: Iterable[str]) -> None:
        """Forget jobs. What they stored stays; what they did not is planned again by whoever asks for it."""
        with self._db:
            self._db.executemany("DELETE FROM jobs WHERE id = ?", [(job,) for job in jobs])

    def _select(self, where: str, *args: object) -> list[LedgerRow]:
        query = f"SELECT {_COLUMNS} FROM jobs WHERE {where} ORDER BY run_id, position, id"
        return [LedgerRow(*row) for row in self._db.execute(query, args)]

    def _settle(
        self, job: str, state: str, attempts: int, error_class: str | None, error: str | None, now: float
    ) -> None:
        with self._db:
            self._db.execute(
                "UPDATE jobs SET state = ?, attempts = attempts + ?, error_class = ?, error = ?, lease_until = NULL,"
                " updated_at = ? WHERE id = ?",
                (state, attempts, error_class, error, now, job),
            )
