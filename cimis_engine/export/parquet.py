"""Parquet files of records: the columns of `store.frames`, compressed with zstd, in row groups of about 100,000."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any

from cimis_engine.export.aside import aside
from cimis_engine.store.frames import package

_ROW_GROUP = 100_000
_OPTIONS: dict[str, Any] = {"compression": "zstd", "compression_level": 9}


class ParquetFile:
    """A Parquet file being written; tables are gathered into row groups, so memory is bounded by one of those."""

    def __init__(self, path: Path, schema: Any) -> None:
        """Raises `MissingPackageError`, OSError."""
        package("pyarrow")
        self._writer = package("pyarrow.parquet").ParquetWriter(path, schema, **_OPTIONS)
        self._held: list[Any] = []
        self._rows = 0

    def write(self, table: Any) -> None:
        self._held.append(table)
        self._rows += table.num_rows
        if self._rows >= _ROW_GROUP:
            self._flush()

    def _flush(self) -> None:
        if self._rows:
            self._writer.write_table(package("pyarrow").concat_tables(self._held), row_group_size=_ROW_GROUP)
        self._held, self._rows = [], 0

    def __enter__(self) -> ParquetFile:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if error is None:
            self._flush()
        self._writer.close()


def write_parquet(target: Path, table: Any) -> int:
    """One `pyarrow.Table` as a file, whole or not at all; its bytes. Raises as `aside` does, `MissingPackageError`."""
    with aside(target) as beside:
        with ParquetFile(beside, table.schema) as file:
            file.write(table)
        return beside.stat().st_size
