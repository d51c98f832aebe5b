"""Export of stored chunks, one after the other: into one file, or a tree `station=2/year=2024/daily.parquet`.

Chunks are read whole, every checksum and the content digest compared. Memory is bounded: by a chunk, and for Parquet by
a row group.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from cimis_engine.errors import UsageError
from cimis_engine.export import agency
from cimis_engine.export.aside import aside
from cimis_engine.export.parquet import ParquetFile
from cimis_engine.model.items import DataItem, Interval, UnitSystem
from cimis_engine.store.frames import arrow_schema, arrow_table, package
from cimis_engine.store.paths import Key
from cimis_engine.store.query import MixedUnitsError, chunk_info
from cimis_engine.store.records import Piece, Records, assembled, in_units
from cimis_engine.store.store import Store


class Form(StrEnum):
    PARQUET = "parquet"
    CSV = "csv"


class NothingToExportError(UsageError):
    """Of what was asked for, nothing is stored."""

    def __init__(self, interval: Interval) -> None:
        super().__init__(
            f"no such {interval} records are stored", hint="`cimis stats` says what is; --hourly chooses hourly records"
        )


@dataclass(frozen=True, slots=True)
class Survey:
    """What an export will write: chunks in order, the items of any of them, their records, the units written in."""

    interval: Interval
    chunks: tuple[Key, ...]
    items: tuple[DataItem, ...]
    records: int
    units: UnitSystem
    with_converted: bool
    """Units were asked for: records say whether they were converted."""


@dataclass(frozen=True, slots=True)
class Exported:
    """Done so far, and in the end. `bytes` of the files."""

    chunks: int
    records: int
    files: int
    bytes: int


def survey(
    store: Store,
    interval: Interval,
    *,
    stations: Sequence[int],
    years: range | None = None,
    items: Sequence[DataItem] | None = None,
    units: UnitSystem | None = None,
) -> Survey:
    """Look at the indexes of the chunks there are. `items` None: all that are stored; `units` None: as they are stored.

    Raises `NothingToExportError`, `MixedUnitsError`, `ChunkError`, `MissingChunkError`, `StoreReadError`.
    """
    chosen = set(stations)
    keys = [
        entry.key
        for entry in store.catalog.entries(interval=interval)
        if entry.station in chosen and (years is None or entry.year in years)
    ]
    found: set[DataItem] = set()
    chunks: list[Key] = []
    records, first = 0, None
    for key in keys:
        info = chunk_info(store, key)
        if info is None or not info.records:
            continue
        first = first or info.units
        if units is None and info.units is not first:
            raise MixedUnitsError(info.station, info.year, info.units, first)
        found.update(info.items)
        chunks.append(key)
        records += info.records
    if first is None:
        raise NothingToExportError(interval)
    wanted = tuple(sorted(found, key=lambda item: item.code)) if items is None else tuple(items)
    return Survey(interval, tuple(chunks), wanted, records, units or first, units is not None)


def export(
    store: Store,
    plan: Survey,
    form: Form,
    target: Path,
    *,
    hive: bool = False,
    names: Mapping[int, str] | None = None,
    progress: Callable[[Exported], None] = lambda done: None,
) -> Exported:
    """Write what was surveyed to a file, or with `hive` into a folder; `names` are the stations', for CSV.

    `progress` is told after every chunk. Whole or not at all. Raises as `aside` does, `MissingPackageError`,
    `OutOfRangeError`, `ChunkError`, `StoreReadError`.
    """
    if form is Form.PARQUET:
        package("pyarrow")
    chunks = records = size = 0
    with aside(target, folder=hive) as beside:
        with contextlib.ExitStack() as stack:
            file = None if hive else stack.enter_context(_opened(beside, plan, form, names, hive=False))
            for key in plan.chunks:
                found = _records(store, plan, key)
                if file is not None:
                    file.write(found)
                else:
                    path = beside / f"station={key[0]}" / f"year={key[2]}" / f"{plan.interval}.{form}"
                    path.parent.mkdir(parents=True)
                    with _opened(path, plan, form, names, hive=True) as one:
                        one.write(found)
                    size += path.stat().st_size
                chunks, records = chunks + 1, records + len(found)
                progress(Exported(chunks, records, chunks if hive else 1, size if hive else beside.stat().st_size))
        return Exported(chunks, records, chunks if hive else 1, size if hive else beside.stat().st_size)


class _Sink(Protocol):
    def write(self, records: Records, /) -> None: ...


@contextlib.contextmanager
def _opened(path: Path, plan: Survey, form: Form, names: Mapping[int, str] | None, *, hive: bool) -> Iterator[_Sink]:
    if form is Form.PARQUET:
        shape = {"with_converted": plan.with_converted, "with_station": not hive}
        with ParquetFile(path, arrow_schema(plan.interval, plan.units, plan.items, **shape)) as parquet:
            yield _ParquetSink(parquet, shape)
    else:
        with path.open("w", encoding="utf-8", newline="") as file:
            file.write(agency.header(plan.interval, plan.items, plan.units, with_converted=plan.with_converted))
            yield _CsvSink(file.write, plan, names or {})


@dataclass(frozen=True, slots=True)
class _ParquetSink:
    file: ParquetFile
    shape: dict[str, bool]

    def write(self, records: Records) -> None:
        self.file.write(arrow_table(records, **self.shape))


@dataclass(frozen=True, slots=True)
class _CsvSink:
    out: Callable[[str], int]
    plan: Survey
    names: Mapping[int, str]

    def write(self, records: Records) -> None:
        self.out(agency.rows(records, self.names, with_converted=self.plan.with_converted))


def _records(store: Store, plan: Survey, key: Key) -> Records:
    """A chunk's records in the plan's items and units."""
    batch = store.read(*key)
    if batch is None:  # since the survey
        store.require_no_loss(key)
    parts = [] if batch is None else [(Piece.of(batch), slice(0, len(batch)))]
    units = plan.units if batch is None else batch.units
    return in_units(assembled(plan.interval, parts, plan.items, units), plan.units)
