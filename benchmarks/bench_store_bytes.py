"""Bytes a record and codec times on recorded CIMIS data: whole station-years, daily with 12 items, hourly with 13.

    python benchmarks/bench_store_bytes.py [MIN_SHARE]

MIN_SHARE (default 0.95) is the part of a year a chunk must hold to be counted. `CIMIS_REAL_DATA` names the folder of
recorded data. "fixed" is the fixed-width row: 4 B slot, 2 B station, 3 B an item; "ratio" is fixed over stored.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "store"))

from store_real import as_batch, real_data, real_records

from cimis_engine.model.batch import RecordBatch
from cimis_engine.model.items import Interval
from cimis_engine.model.period import slots_in_year
from cimis_engine.store.chunk import decode_chunk, encode_chunk
from cimis_engine.store.content import content_digest


def measure(batches: list[RecordBatch]) -> tuple[int, int, int, list[float]]:
    """Records, fixed-width and stored bytes, and median milliseconds to encode, decode and digest one chunk."""
    records = raw = stored = 0
    times: list[tuple[float, float, float]] = []
    for batch in batches:
        began = time.perf_counter()
        chunk = encode_chunk(batch)
        encoded = time.perf_counter()
        back = decode_chunk(chunk.data)
        decoded = time.perf_counter()
        assert content_digest(back) == chunk.digest
        times.append((encoded - began, decoded - encoded, time.perf_counter() - decoded))
        records, raw, stored = records + len(batch), raw + chunk.raw_bytes, stored + len(chunk.data)
    return records, raw, stored, [statistics.median(column) * 1000 for column in zip(*times, strict=True)]


def main() -> int:
    share = float(sys.argv[1]) if len(sys.argv) > 1 else 0.95
    folder = real_data()
    if folder is None:
        print("no recorded CIMIS data: set CIMIS_REAL_DATA to its folder")
        return 0
    batches = [as_batch(key, records) for key, records in real_records(folder).items()]
    encode_chunk(batches[0])
    print("interval  items  chunks  records  fixed B  V1 B/record  ratio  encode ms  decode ms  digest ms")
    for interval, items in ((Interval.DAILY, 12), (Interval.HOURLY, 13)):
        chosen = [
            b
            for b in batches
            if b.interval is interval and len(b.columns) == items and len(b) >= share * slots_in_year(interval, b.year)
        ]
        records, raw, stored, (encode_ms, decode_ms, digest_ms) = measure(chosen)
        print(
            f"{interval:8}  {items:5}  {len(chosen):6}  {records:7}  {raw / records:7.0f}  {stored / records:11.2f}"
            f"  {raw / stored:5.2f}  {encode_ms:9.2f}  {decode_ms:9.2f}  {digest_ms:9.2f}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
