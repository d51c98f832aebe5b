"""Seven days of an hourly year and a year of daily records: bytes read and time, beside Parquet and SQLite.

    python benchmarks/bench_query.py [--codec v1|v2] [--rounds N]

The records are the simulator's, or, where `CIMIS_REAL_DATA` names a folder of recorded data, those of the station-year
with the most records. "cold" is the first query of a fresh store object, "warm" the same query again through its cache;
the file is in the operating system's cache either way. Parquet (pyarrow, zstd, a file a station-year, row groups of
1,024) and SQLite (one table, primary key station and slot) hold the same values and flags; they are left out, saying
so, where the package is missing. Parquet's bytes are those of the row groups and the footer it must read, SQLite's the
pages of the rows. p50 and p95 of N rounds in milliseconds.
"""

from __future__ import annotations

import argparse
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "store"))

from store_real import as_batch, real_data, real_records
from store_samples import sample

from cimis_engine.model.batch import RecordBatch
from cimis_engine.model.items import Interval, UnitSystem
from cimis_engine.model.period import Span, moment_of, slots_in_year
from cimis_engine.store.chunk import decode_chunk, encode_chunk
from cimis_engine.store.formats import Format
from cimis_engine.store.frames import MissingPackageError, arrow_table, package
from cimis_engine.store.query import QueryResult, query
from cimis_engine.store.records import Piece, assembled
from cimis_engine.store.store import Store

Row = tuple[str, float, float, float, float]


def timed(work: Callable[[], Any], rounds: int) -> tuple[float, float]:
    """p50 and p95 of `work` in milliseconds."""
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        times.append((time.perf_counter() - began) * 1000)
    times.sort()
    return statistics.median(times), times[int(len(times) * 0.95)]


def fullest(interval: Interval) -> RecordBatch:
    """The largest station-year at hand."""
    folder = real_data()
    if folder is None:
        print("no recorded CIMIS data (CIMIS_REAL_DATA): made-up records, which compress otherwise")
        return sample(interval=interval, count=slots_in_year(interval, 2024), items=13)
    held = {k: r for k, r in real_records(folder).items() if k[1] is interval and k[3] is UnitSystem.METRIC}
    key = max(held, key=lambda k: len(held[k]))
    return as_batch(key, held[key])


def week_of(batch: RecordBatch) -> Span:
    """Seven days ten days after the middle record: of a whole year, days 193 to 199, which two blocks of V2 share."""
    middle, _ = moment_of(batch.interval, batch.year, int(batch.slots[len(batch) // 2]))
    return Span(middle + timedelta(days=10), middle + timedelta(days=16))


def ours(name: str, data: bytes, batch: RecordBatch, span: Span, home: Path, rounds: int) -> list[Row]:
    """The chunk in a store of its own, queried cold and warm."""
    store = Store.create(home)
    path = store.path(batch.station, batch.interval, batch.year)
    path.parent.mkdir(parents=True)
    path.write_bytes(data)

    def ask(where: Store) -> QueryResult:
        return query(where, [batch.station], batch.interval, span)

    def cold() -> None:
        fresh.cache = type(fresh.cache)(fresh.cache.budget)
        ask(fresh)

    fresh = Store.open(home)
    cost = ask(fresh).cost
    rows = [(f"{name}, cold", len(data), cost.bytes_read, *timed(cold, rounds))]
    ask(fresh)
    return [*rows, (f"{name}, warm", len(data), ask(fresh).cost.bytes_read, *timed(lambda: ask(fresh), rounds))]


def parquet(batch: RecordBatch, span: Span, home: Path, rounds: int) -> list[Row]:
    """The same records as Parquet: opened, filtered by slot and read into Arrow at each query."""
    pq, pa = package("pyarrow.parquet"), package("pyarrow")
    items = [c.item for c in batch.columns]
    table = arrow_table(assembled(batch.interval, [(Piece.of(batch), slice(0, len(batch)))], items, batch.units))
    table = table.append_column("slot", pa.array(batch.slots.astype("int32")))
    path = home / "records.parquet"
    pq.write_table(table, path, compression="zstd", compression_level=19, row_group_size=1024)
    slots = span.slot_range(batch.interval, batch.year)
    wanted = [("slot", ">=", slots.start), ("slot", "<", slots.stop)]

    def ask() -> Any:
        return pq.read_table(path, filters=wanted)

    assert ask().num_rows == len(slots)
    meta, at = pq.read_metadata(path), table.schema.names.index("slot")
    read = meta.serialized_size
    for number in range(meta.num_row_groups):
        group = meta.row_group(number)
        edges = group.column(at).statistics
        if edges.max >= slots.start and edges.min < slots.stop:
            read += sum(group.column(n).total_compressed_size for n in range(group.num_columns))
    return [("Parquet, zstd-19", path.stat().st_size, read, *timed(ask, rounds))]


def sqlite(batch: RecordBatch, span: Span, home: Path, rounds: int) -> list[Row]:
    """The same records as a table, values as integers (their decimals are one number a column) and flags."""
    path = home / "records.sqlite3"
    database = sqlite3.connect(path)
    names = [f"c{c.item.code}, q{c.item.code}" for c in batch.columns]
    database.execute(
        f"CREATE TABLE records (station, slot, {', '.join(names)}, PRIMARY KEY (station, slot)) WITHOUT ROWID"
    )
    columns = [
        column
        for c in batch.columns
        for column in (
            [v if p else None for v, p in zip(c.scaled.tolist(), c.present.tolist(), strict=True)],
            c.qc.tolist(),
        )
    ]
    rows = zip([batch.station] * len(batch), batch.slots.tolist(), *columns, strict=True)
    marks = ", ".join("?" * (2 + len(columns)))
    database.executemany(f"INSERT INTO records VALUES ({marks})", rows)
    database.commit()
    database.execute("VACUUM")
    slots = span.slot_range(batch.interval, batch.year)

    def ask() -> list[Any]:
        chosen = "SELECT * FROM records WHERE station = ? AND slot BETWEEN ? AND ?"
        return database.execute(chosen, (batch.station, slots.start, slots.stop - 1)).fetchall()

    assert len(ask()) == len(slots)
    stored = path.stat().st_size
    return [("SQLite table", stored, stored * len(slots) / len(batch), *timed(ask, rounds))]


def report(title: str, rows: list[Row]) -> None:
    print(f"\n{title}")
    print(f"{'':20}  {'file B':>8}  {'read B':>8}  {'p50 ms':>8}  {'p95 ms':>8}")
    for name, stored, read, middle, high in rows:
        print(f"{name:20}  {stored:8.0f}  {read:8.0f}  {middle:8.3f}  {high:8.3f}")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--codec", choices=[f.value for f in Format], default=Format.V2.value)
    parser.add_argument("--rounds", type=int, default=200)
    args = parser.parse_args()
    for interval, what in (
        (Interval.HOURLY, "seven days of an hourly year"),
        (Interval.DAILY, "a year of daily records"),
    ):
        batch = fullest(interval)
        data = encode_chunk(batch, Format(args.codec).codec).data
        whole = Span(date(batch.year, 1, 1), date(batch.year, 12, 31))
        span = week_of(batch) if interval is Interval.HOURLY else whole
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder)
            rows = ours(f"cimis {args.codec}", data, batch, span, home / "store", args.rounds)
            for other in (parquet, sqlite) if interval is Interval.HOURLY else ():
                try:
                    rows += other(batch, span, home, args.rounds)
                except MissingPackageError as error:
                    print(f"{other.__name__}: left out: {error}")
        title = f"{what}: station {batch.station}, {batch.year}, {len(batch)} records, {len(batch.columns)} items"
        report(title, rows)
        middle, high = timed(lambda data=data: decode_chunk(data), args.rounds)
        print(f"decode of the whole chunk, digest compared: p50 {middle:.3f} ms, p95 {high:.3f} ms")
    return 0


if __name__ == "__main__":
    sys.exit(main())
