"""Recorded CIMIS data: every value, flag and gap comes back, at the sizes the format promises."""

from __future__ import annotations

import pytest
from store_real import as_batch, real_data, real_records
from store_samples import same

from cimis_engine.model.items import Interval
from cimis_engine.store.chunk import decode_chunk, encode_chunk

FOLDER = real_data()
needs_data = pytest.mark.skipif(FOLDER is None, reason="no recorded CIMIS data: set CIMIS_REAL_DATA to its folder")
BYTES_A_RECORD = {Interval.DAILY: 11.6, Interval.HOURLY: 7.5}


@needs_data
def test_recorded_data_comes_back_exactly() -> None:
    assert FOLDER is not None
    stored = {interval: [0, 0, 0] for interval in Interval}
    values = 0
    for key, records in real_records(FOLDER).items():
        batch = as_batch(key, records)
        chunk = encode_chunk(batch)
        back = decode_chunk(chunk.data)
        assert same(back, batch)
        columns = {c.item.field: c for c in back.columns}
        for index, slot in enumerate(back.slots.tolist()):
            for field, (value, flag) in records[slot].items():
                assert columns[field].value(index) == value
                assert columns[field].qc[index] == flag
                values += 1
        if len(batch) >= (350 if batch.interval is Interval.DAILY else 8000):
            totals = stored[batch.interval]
            totals[:] = [totals[0] + len(batch), totals[1] + len(chunk.data), totals[2] + chunk.raw_bytes]
    assert values > 500_000
    for interval, (records_held, size, raw) in stored.items():
        assert size / records_held < BYTES_A_RECORD[interval]
        assert raw / size > 3.5
