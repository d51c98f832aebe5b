"""Small documents of the API, the decoders run on them, and what came of it in comparable form."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from cimis_engine.fetch import decode as fast_module
from cimis_engine.fetch.decode import DecodedPage, PageDecoder
from cimis_engine.fetch.decode_ijson import IjsonPageDecoder
from cimis_engine.model.items import DataItem, Interval, UnitSystem, items_of
from cimis_engine.model.period import Span

Decoders = type[PageDecoder] | type[IjsonPageDecoder]
Flat = dict[tuple[int, int], dict[str, tuple[Decimal | None, str | None]]]
BOTH = pytest.mark.parametrize("kind", [PageDecoder, IjsonPageDecoder])
SPAN = Span(date(2014, 10, 1), date(2015, 9, 30))
STATION = 6


def make(
    kind: Decoders,
    interval: Interval = Interval.DAILY,
    span: Span = SPAN,
    station: int = STATION,
    units: str = "M",
    items: Sequence[DataItem] | None = None,
    **more: Any,
) -> Any:
    """A decoder of a page with these expectations; `items` None: all of the interval."""
    wanted = items_of(interval) if items is None else items
    return kind(interval=interval, units=UnitSystem(units), items=wanted, span=span, station=station, **more)


def decode(kind: Decoders, body: bytes, slices: Sequence[int] = (), **options: Any) -> DecodedPage:
    """The page of `body`, fed in slices of the given sizes, then the rest."""
    decoder = make(kind, **options)
    at = 0
    for size in slices:
        decoder.feed(body[at : at + size])
        at += size
    decoder.feed(body[at:])
    page: DecodedPage = decoder.finish()
    return page


def flatten(page: DecodedPage) -> Flat:
    """Every reported cell by (year, slot) and field, exactly."""
    return {
        (b.year, int(slot)): {c.item.field: (c.value(i), c.flag(i)) for c in b.columns if c.qc[i] != 255}
        for b in page.batches
        for i, slot in enumerate(b.slots)
    }


def facts(page: DecodedPage) -> tuple[object, ...]:
    """All that a page says, comparable: counts, names, and every array to the bit with its width and exponent."""
    batches = [(b.station, b.interval, b.year, b.units, b.slots.tolist(), b.covered) for b in page.batches]
    columns = [
        (c.item.field, c.exponent, c.scaled.dtype.str, c.scaled.tolist(), c.present_bits.tolist(), c.qc.tolist())
        for b in page.batches
        for c in b.columns
    ]
    return batches, columns, page.records, page.unexpected, page.nulls, page.unexpected_fields


@contextlib.contextmanager
def small_batches(size: int) -> Iterator[None]:
    """Let the fast decoder cut its batches after so few bytes that a small document has many."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fast_module, "BATCH_BYTES", size)
        yield


def record(day: str = "2014-10-01", **fields: Any) -> dict[str, Any]:
    base = {"Date": day, "Julian": "274", "Station": "6", "Standard": "metric", "ZipCodes": "9, 8", "Scope": "daily"}
    return base | {"DayEto": {"Value": "7.18", "Qc": " ", "Unit": "(mm)"}} | fields


def document(*records: Any) -> bytes:
    provider = {"Name": "cimis", "Type": "station", "Owner": "water.ca.gov", "Records": list(records)}
    return json.dumps({"Data": {"Providers": [provider]}}, ensure_ascii=False).encode()


def cell(value: Any, flag: Any = " ") -> dict[str, Any]:
    return {"Value": value, "Qc": flag, "Unit": "(mm)"}
