"""The SQLite file of a data directory: the tables of catalog and ledger, each with a schema version of its own."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

from cimis_engine.errors import CimisError

_BUSY_SECONDS = 10.0
_SCHEMA = "CREATE TABLE IF NOT EXISTS schema (name TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT"


_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_UNUSABLE = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY})


class DatabaseError(CimisError):
    """SQLite refused: the file is damaged, locked for long, or the disk is full. `path` is the database."""

    def __init__(self, path: Path | str, error: sqlite3.Error) -> None:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the primary code of an extended one
        hint = "chunks are not affected; run the same command again"
        if code in _DAMAGED:
            self.exit_code = 6
            hint = "chunks are not affected; move it away, and the next command makes it again from them"
        elif code == sqlite3.SQLITE_FULL:
            self.exit_code = 5
            hint = "the disk is full: free some space and run the same command again"
        elif code in _UNUSABLE:
            self.exit_code = 2
            hint = "wait for whoever uses it, or check its owner"
        super().__init__(f"{path}: {error}", hint=hint)
        self.path, self.cause = path, str(error)


class SchemaVersionError(CimisError):
    """The tables of `name` were made by a newer program (`found`) than this one (`known`)."""

    exit_code = 2

    def __init__(self, name: str, found: int, known: int) -> None:
        super().__init__(
            f"the {name} tables have schema version {found}, this program knows {known}",
            hint="use the newer program, or another --data-dir",
        )
        self.name, self.found, self.known = name, found, known


@contextlib.contextmanager
def database_errors(path: Path | str) -> Iterator[None]:
    """SQLite's errors as `DatabaseError`."""
    try:
        yield
    except sqlite3.Error as error:
        raise DatabaseError(path, error) from error


def open_database(path: Path) -> sqlite3.Connection:
    """A connection in WAL mode, every commit synced. Usable from any thread, by one at a time.

    Raises `DatabaseError`.
    """
    with database_errors(path):
        connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA fullfsync = ON")
            with connection:
                connection.execute(_SCHEMA)
        except sqlite3.Error:
            connection.close()
            raise
        return connection


def open_copy(path: Path) -> sqlite3.Connection:
    """The database as it is now, copied into memory, without writing to its directory. Empty if there is none.

    Raises `DatabaseError`.
    """
    copy = sqlite3.connect(":memory:", check_same_thread=False)
    with database_errors(path), contextlib.ExitStack() as held:
        if path.exists():
            held.enter_context(contextlib.closing(_as_it_is(path, held))).backup(copy)
        with copy:
            copy.execute(_SCHEMA)
    return copy


def _as_it_is(path: Path, held: contextlib.ExitStack) -> sqlite3.Connection:
    """Connections to a database in WAL mode want to write `-wal` and `-shm` beside it, unless there is nothing in them.

    Without a log the file is complete, and is read as one that does not change. With log and index, someone writes or
    died writing: SQLite reads both. A log without its index (a backup, perhaps) needs a place where that can be made.
    """
    log, index = (path.with_name(path.name + ending) for ending in ("-wal", "-shm"))
    if not log.exists() or not log.stat().st_size:
        return sqlite3.connect(f"{path.absolute().as_uri()}?immutable=1", uri=True, timeout=_BUSY_SECONDS)
    if index.exists():
        return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_BUSY_SECONDS)
    folder = Path(held.enter_context(tempfile.TemporaryDirectory()))
    for file in (path, log):
        shutil.copyfile(file, folder / file.name)
    return sqlite3.connect(folder / path.name)


def ensure_schema(connection: sqlite3.Connection, name: str, version: int, script: str) -> None:
    """Make the tables of `name` if they are not there. Raises `SchemaVersionError` if they are of another version."""
    found = schema_version(connection, name)
    if found is None:
        # executescript commits by itself; IF NOT EXISTS in the scripts makes a repeat after a crash harmless.
        connection.executescript(script)
        with connection:
            connection.execute("INSERT OR IGNORE INTO schema (name, version) VALUES (?, ?)", (name, version))
    elif found != version:
        raise SchemaVersionError(name, found, version)


def schema_version(connection: sqlite3.Connection, name: str) -> int | None:
    """The version of the tables of `name`, None if there are none."""
    row = connection.execute("SELECT version FROM schema WHERE name = ?", (name,)).fetchone()
    return None if row is None else int(row[0])
