"""What a chunk says, apart from how it is written: canonical form and its digest, a chunk's identity.

Two chunks with the same digest hold the same records, whichever codec, encoder or libzstd wrote them.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cimis_engine.model.batch import Covered, RecordBatch, Sheet, columns_of, sheet_of, union_covered
from cimis_engine.model.items import Interval
from cimis_engine.model.period import slots_in_year
from cimis_engine.model.station import MAX_STATION

INTERVAL_CODE = {Interval.DAILY: 0, Interval.HOURLY: 1}
_DOMAIN = b"CIMIS chunk content 1\n"
_FACTS = struct.Struct("<BBHHIIB")
COVERED = struct.Struct("<HHI")


@dataclass(frozen=True, slots=True)
class Told:
    """What a block says, before canonical form: exponents need not be the smallest, nor missing values 0."""

    slots: NDArray[np.uint16]
    exponents: tuple[int, ...]
    sheet: Sheet


def canonical(batch: RecordBatch) -> RecordBatch:
    """The same records with columns in code order and canonical form, and canonical coverage.

    Raises ValueError for what no chunk can hold: slots not ascending or outside the year, an item twice or of the
    other interval, coverage outside the year (bugs of the caller).
    """
    size = slots_in_year(batch.interval, batch.year)
    slots = batch.slots.astype(np.int64)
    if len(slots) and (slots[0] < 1 or slots[-1] > size or np.any(np.diff(slots) <= 0)):
        raise ValueError(f"slots of {batch.year} must ascend within 1..{size}")
    if not 0 < batch.station <= MAX_STATION:
        raise ValueError(f"no such station: {batch.station}")
    if any(not 1 <= c.first <= c.last <= size for c in batch.covered):
        raise ValueError(f"coverage outside 1..{size}")
    columns = sorted(batch.columns, key=lambda c: c.item.code)
    codes = [c.item.code for c in columns]
    if len(set(codes)) != len(codes) or any(c.item.interval is not batch.interval for c in columns):
        raise ValueError("an item occurs twice, or belongs to the other interval")
    if any(len(c.scaled) != len(slots) or len(c.qc) != len(slots) for c in columns):
        raise ValueError("columns and slots differ in length")
    sheet = sheet_of(columns, len(slots))
    exponents = [c.exponent for c in columns]
    return replace(
        batch,
        slots=np.ascontiguousarray(batch.slots, np.uint16),
        columns=columns_of([c.item for c in columns], exponents, sheet.scaled, sheet.present, sheet.qc),
        covered=union_covered(batch.interval, batch.year, batch.covered),
    )


def pack_covered(covered: tuple[Covered, ...]) -> bytes:
    return b"".join(COVERED.pack(c.first, c.last, c.mask) for c in covered)


def _column_bytes(batch: RecordBatch) -> memoryview:
    """Column after column: code, exponent, flags, presence bits, values. One array, so that it is hashed at one go."""
    count, packed = len(batch), (len(batch) + 7) // 8
    out = np.empty((len(batch.columns), 2 + count + packed + 8 * count), np.uint8)
    if batch.columns:
        out[:, :2] = [(c.item.code, c.exponent) for c in batch.columns]
        values = np.empty((len(batch.columns), count), "<i8")
        for row, mine, column in zip(out, values, batch.columns, strict=True):  # np.stack takes half as long again
            row[2 : 2 + count], row[2 + count : 2 + count + packed] = column.qc, column.present_bits
            mine[:] = column.scaled
        out[:, 2 + count + packed :] = values.view(np.uint8)
    return out.reshape(-1).data


def digest_of_canonical(batch: RecordBatch) -> bytes:
    """SHA-256 over a batch that is already canonical; the layout is in `docs/format.md`, "Content digest"."""
    sha = hashlib.sha256(_DOMAIN)
    sha.update(
        _FACTS.pack(
            INTERVAL_CODE[batch.interval],
            ord(batch.units.value),
            batch.station,
            batch.year,
            len(batch.covered),
            len(batch),
            len(batch.columns),
        )
    )
    sha.update(pack_covered(batch.covered))
    sha.update(batch.slots.astype("<u2").tobytes())
    sha.update(_column_bytes(batch))
    return sha.digest()


def content_digest(batch: RecordBatch) -> str:
    """The identity of a batch's content, as lower-case hex."""
    return digest_of_canonical(canonical(batch)).hex()


def raw_bytes(records: int, items: int) -> int:
    """Fixed-width bytes: 4 B slot, 2 B station, 3 B an item, per record. The numerator of every ratio we quote."""
    return records * (4 + 2 + 3 * items)
