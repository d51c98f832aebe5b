"""Recorded CIMIS data: every value, flag and gap comes back, at the sizes the format promises."""

from __future__ import annotations

import pytest
from store_real import as_batch, real_data, real_records
from store_samples import same

from cimis_engine.model.items import Interval
from cimis_engine.store.chunk import decode_chunk, encode_chunk

FOLDER = real_data()
needs_data = pytest.mark.skipif(FOLDER is None, reason="no recorded CIMIS data: set CIMIS_REAL_DATA to its folder")
BYTES_A_RECORD = {
    (1, Interval.DAILY): 11.6,
    (1, Interval.HOURLY): 7.5,
    (2, Interval.DAILY): 9.1,
    (2, Interval.HOURLY): 5.7,
}


@needs_data
def test_recorded_data_comes_back_exactly() -> None:
    assert FOLDER is not None
    stored = {kind: [0, 0, 0] for kind in BYTES_A_RECORD}
    values = 0
    for key, records in real_records(FOLDER).items():
        batch = as_batch(key, records)
        columns = {c.item.field: c for c in batch.columns}
        for index, slot in enumerate(batch.slots.tolist()):
            for field, (value, flag) in records[slot].items():
                assert columns[field].value(index) == value
                assert columns[field].qc[index] == flag
                values += 1
        for codec in (1, 2):
            chunk = encode_chunk(batch, codec)
            assert same(decode_chunk(chunk.data), batch)
            if len(batch) >= (350 if batch.interval is Interval.DAILY else 8000):
                totals = stored[codec, batch.interval]
                totals[:] = [totals[0] + len(batch), totals[1] + len(chunk.data), totals[2] + chunk.raw_bytes]
    assert values > 500_000
    for kind, (records_held, size, raw) in stored.items():
        assert size / records_held < BYTES_A_RECORD[kind]
        assert raw / size > 3.5
