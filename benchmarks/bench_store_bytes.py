"""Bytes a record and codec times on recorded CIMIS data: water years, daily with 12 items, hourly with 13.

    python benchmarks/bench_store_bytes.py [--own-tables]

`CIMIS_REAL_DATA` names the folder of recorded data. Codec 2 is measured with prediction tables fitted on the other
stations (some minutes); `--own-tables` takes those the package ships, which have seen the data. Others are measured
where installed (`pip install pyarrow pcodec blosc2`), all on the same records: slots, values, missing values and flags
of every item; but the row of 16 bytes keeps five items and no flags. "fixed" is the fixed-width row: 4 B slot, 2 B
station, 3 B an item.
"""

from __future__ import annotations

import contextlib
import io
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from itertools import pairwise

import numpy as np
import zstandard
from fit_prediction import fit, frames_of
from store_real import as_batch, file_batches, real_data, real_records

from cimis_engine.model.batch import RecordBatch, sheet_of
from cimis_engine.model.items import Interval, UnitSystem
from cimis_engine.store import codec_v1, codec_v2
from cimis_engine.store.chunk import decode_chunk, encode_chunk, read_header
from cimis_engine.store.content import raw_bytes
from cimis_engine.store.tables import Table, newest_table, parse_table
from cimis_engine.store.wire import Cursor

INDEX_ENTRY = 15
WEEK = 7 * 24
KINDS = ((Interval.DAILY, 12, 300), (Interval.HOURLY, 13, 8000))
Size = Callable[[RecordBatch], int]


def zstd(data: bytes, level: int = 19) -> int:
    return len(zstandard.ZstdCompressor(level=level).compress(data))


def fixed_row(batch: RecordBatch) -> int:
    return raw_bytes(len(batch), len(batch.columns))


def lossy_row(batch: RecordBatch) -> int:
    """The predecessor's: 4 B time, 2 B station, five items of 2 B, missing ones 0; zstd -3."""
    rows = np.zeros(len(batch), [("time", "<u4"), ("station", "<u2"), ("items", "<i2", 5)])
    rows["time"], rows["station"] = batch.slots, batch.station
    rows["items"] = np.stack([c.scaled for c in batch.columns[:5]], axis=1)
    return zstd(rows.tobytes(), 3)


def parquet(batch: RecordBatch) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {"slot": pa.array(batch.slots)}
    for c in batch.columns:
        columns[c.item.slug] = pa.array(c.scaled, mask=~c.present)
        columns[c.item.slug + "-qc"] = pa.array(c.qc)
    sink = io.BytesIO()
    flags = [c.item.slug + "-qc" for c in batch.columns]
    pq.write_table(
        pa.table(columns),
        sink,
        compression="zstd",
        compression_level=19,
        use_dictionary=flags,
        write_statistics=False,
        store_schema=False,
    )
    return len(sink.getvalue())


def _besides(batch: RecordBatch) -> bytes:
    """Slots, missing values and flags, for those that only know numbers."""
    sheet = sheet_of(batch.columns, len(batch))
    return batch.slots.tobytes() + np.packbits(sheet.present, axis=1).tobytes() + sheet.qc.tobytes()


def pcodec(batch: RecordBatch) -> int:
    from pcodec import ChunkConfig, standalone

    config = ChunkConfig(compression_level=12)
    numbers = [c.scaled[c.present] for c in batch.columns if c.present.any()]
    return zstd(_besides(batch)) + sum(len(standalone.simple_compress(n, config)) for n in numbers)


def blosc(batch: RecordBatch) -> int:
    import blosc2

    how = {"codec": blosc2.Codec.ZSTD, "clevel": 9, "filters": [blosc2.Filter.BITSHUFFLE]}
    sheet = sheet_of(batch.columns, len(batch))
    numbers = np.diff(sheet.scaled, prepend=0, axis=1).astype(np.int16)
    assert np.array_equal(np.cumsum(numbers, axis=1, dtype=np.int64), sheet.scaled)
    return zstd(_besides(batch)) + len(blosc2.compress2(np.ascontiguousarray(numbers), typesize=2, **how))


def one_block(batch: RecordBatch) -> int:
    return len(codec_v1.encode_block(batch.slots, batch.columns)) + INDEX_ENTRY


def predicted(tables: dict[int, Table], slots: int = 0) -> Size:
    """Codec 2, with a table a station; a block for all or for so many slots."""

    def size(batch: RecordBatch) -> int:
        table = tables[batch.station]
        at = (batch.slots.astype(int) - 1) // slots if slots else np.zeros(len(batch), int)
        edges = [*np.unique(at, return_index=True)[1].tolist(), len(batch)]
        cuts = [slice(*edge) for edge in pairwise(edges)]
        blocks = codec_v2.encode_blocks(batch.slots, batch.columns, cuts, table)
        return sum(len(block) + INDEX_ENTRY for block in blocks)

    return size


def sizes(batches: list[RecordBatch], tables: dict[int, Table]) -> Iterator[tuple[str, Size]]:
    yield "fixed-width row", fixed_row
    yield "lossy row of 16 B + zstd -3", lossy_row
    for name, module, size in (
        ("Parquet + zstd, a file each", "pyarrow", parquet),
        ("blosc2: delta, bitshuffle, zstd", "blosc2", blosc),
        ("pcodec", "pcodec", pcodec),
    ):
        if find_spec(module):
            yield name, size
    yield "codec 1, one block", one_block
    yield "codec 2, one block", predicted(tables)
    if batches[0].interval is Interval.HOURLY:
        yield "codec 2, blocks of 336 h", predicted(tables, 336)


def tables_for(batches: list[RecordBatch], own: bool) -> dict[int, Table]:
    """A table for each station, fitted on the others."""
    interval, stations = batches[0].interval, sorted({b.station for b in batches})
    if own:
        return dict.fromkeys(stations, newest_table(interval, UnitSystem.METRIC))
    folder = real_data()
    assert folder is not None
    frames, tables = frames_of(folder, interval), {}
    for station in stations:
        print(f"fitting {interval} tables without station {station} ...", file=sys.stderr)
        with contextlib.redirect_stderr(io.StringIO()):
            others = [frame for frame in frames if frame.station != station]
            tables[station] = parse_table(fit(others, interval, UnitSystem.METRIC))
    return tables


def times(batches: list[RecordBatch], codec: int) -> tuple[float, float]:
    """Median milliseconds to encode and to decode a block of a year; decoding at best of five."""
    encoding, decoding = [], []
    for batch in batches:
        items, edges = [c.item for c in batch.columns], (int(batch.slots[0]), int(batch.slots[-1]), len(batch))
        table, whole = newest_table(batch.interval, batch.units), [slice(0, len(batch))]
        began = time.perf_counter()
        if codec == 1:
            block = codec_v1.encode_block(batch.slots, batch.columns)
        else:
            (block,) = codec_v2.encode_blocks(batch.slots, batch.columns, whole, table)
        encoding.append(time.perf_counter() - began)
        tries = []
        for _ in range(5):
            began = time.perf_counter()
            if codec == 1:
                codec_v1.decode_block(block, items, *edges, Cursor(b""))
            else:
                codec_v2.decode_blocks([codec_v2.Part(Cursor(block), *edges)], items)
            tries.append(time.perf_counter() - began)
        decoding.append(min(tries))
    return statistics.median(encoding) * 1000, statistics.median(decoding) * 1000


def week_bytes(data: bytes) -> int:
    """The most that is read of a chunk for seven days: header, index, footer and the blocks that overlap."""
    info = read_header(data)
    rest = len(data) - sum(b.size for b in info.blocks)
    spans = [(b.first, b.last, b.size) for b in info.blocks]
    starts = range(1, info.blocks[-1].last - WEEK, 24)
    return rest + max(sum(size for a, b, size in spans if a < s + WEEK and b >= s) for s in starts)


def whole_files(batches: list[RecordBatch]) -> None:
    for codec in (1, 2):
        files = [encode_chunk(b, codec).data for b in batches]
        for data in files:
            decode_chunk(data)
        records = sum(map(len, batches))
        line = f"  whole files, calendar years, codec {codec}, own tables: {sum(map(len, files)) / records:.2f}"
        if batches[0].interval is Interval.HOURLY:
            line += f"; read for seven days at most {max(map(week_bytes, files)):,} B"
        print(line)


def main() -> int:
    folder = real_data()
    if folder is None:
        print("no recorded CIMIS data: set CIMIS_REAL_DATA to its folder")
        return 0
    water_years = [b for _, b in file_batches(folder) if b.units is UnitSystem.METRIC]
    calendar = [as_batch(key, records) for key, records in real_records(folder).items()]
    for interval, items, least in KINDS:
        fits = [b for b in water_years if b.interval is interval and len(b.columns) == items and len(b) >= least]
        records = sum(map(len, fits))
        print(f"{interval}, {items} items, {len(fits)} water years, {records:,} records: bytes a record")
        for name, size in sizes(fits, tables_for(fits, "--own-tables" in sys.argv)):
            total = sum(map(size, fits))
            print(f"  {name:32} {total / records:6.2f}  {records * (6 + 3 * items) / total:5.2f}:1", flush=True)
        whole_files([b for b in calendar if b.interval is interval and len(b) > least // 2 and len(b.columns) == items])
        for codec in (1, 2):
            encode_ms, decode_ms = times(fits, codec)
            print(f"  codec {codec}: encode {encode_ms:.2f} ms, decode {decode_ms:.2f} ms a year in one block")
    return 0


if __name__ == "__main__":
    sys.exit(main())
