"""Both decoders: exact on real data, and every refusal typed. Where they must agree: `test_fetch_decode_fuzz`."""

from __future__ import annotations

import json
import os
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from fetch_documents import BOTH, Decoders, cell, decode, document, flatten, record

from cimis_engine.fetch.decode import DecodeError, PageDecoder, TruncatedError
from cimis_engine.model.items import Interval, items_of
from cimis_engine.model.period import Span, slot_of

DATA = Path(os.environ.get("CIMIS_REAL_DATA", Path(__file__).parents[2] / ".." / "shared" / "data"))


def _real() -> list[Path]:
    return sorted(p for d in ("daily", "hourly", "english") for p in (DATA / d).glob("*.json"))


@pytest.mark.skipif(not DATA.is_dir(), reason="no real CIMIS responses beside the checkout (CIMIS_REAL_DATA)")
@BOTH
def test_real_responses_are_decoded_exactly(kind: Decoders) -> None:
    assert _real()
    for path in _real():
        body = path.read_bytes()
        records = json.loads(body)["Data"]["Providers"][0]["Records"]
        interval = Interval(records[0]["Scope"])
        span = Span(date.fromisoformat(records[0]["Date"]), date.fromisoformat(records[-1]["Date"]))
        units = "M" if records[0]["Standard"] == "metric" else "E"
        page = decode(kind, body, interval=interval, span=span, station=int(records[0]["Station"]), units=units)
        expected = {}
        for r in records:
            day = date.fromisoformat(r["Date"])
            slot = slot_of(day, int(r["Hour"]) // 100 if "Hour" in r else None)
            expected[day.year, slot] = {
                i.field: (None if r[i.field]["Value"] is None else Decimal(r[i.field]["Value"]), r[i.field]["Qc"])
                for i in items_of(interval)
                if i.field in r
            }
        assert flatten(page) == expected, path.name
        assert page.records == len(records)


GOOD = document(record(), record("2014-10-02"))


@BOTH
@pytest.mark.parametrize("cut", range(1, len(GOOD), 7))
def test_every_truncation_is_typed(kind: Decoders, cut: int) -> None:
    with pytest.raises(TruncatedError) as caught:
        decode(kind, GOOD[:-cut])
    assert caught.value.offset == len(GOOD) - cut


BAD = {
    "html": (b"<html>Request Rejected</html>", "", None),
    "json string": (b'"[ERR2112-DATA VOLUME VIOLATION] too much"', "$", "schema"),
    "wrong schema": (b'{"data":{"providers":[]}}', "Data", "schema"),
    "no records": (b'{"Data":{"Providers":[{"Name":"cimis"}]}}', "Data.Providers[0].Records", "schema"),
    "NaN": (
        document(record(), record("2014-10-02", DayEto=cell("NaN"))),
        "Data.Providers[0].Records[1].DayEto.Value",
        "schema",
    ),
    "inf": (document(record(DayEto=cell("inf"))), "Data.Providers[0].Records[0].DayEto.Value", "schema"),
    "null string": (document(record(DayEto=cell("null"))), "Data.Providers[0].Records[0].DayEto.Value", "schema"),
    "exponent": (document(record(DayEto=cell("1e5"))), "Data.Providers[0].Records[0].DayEto.Value", "schema"),
    "number": (document(record(DayEto=cell(7.18))), "Data.Providers[0].Records[0].DayEto.Value", "schema"),
    "huge": (document(record(DayEto=cell("9" * 5000))), "Data.Providers[0].Records[0].DayEto.Value", "schema"),
    "flag": (document(record(DayEto=cell("1", "YY"))), "Data.Providers[0].Records[0].DayEto.Qc", "schema"),
    "date": (document(record("20141001")), "Data.Providers[0].Records[0].Date", "schema"),
    "station": (document(record(Station="7")), "Data.Providers[0].Records[0].Station", "schema"),
    "units": (document(record(Standard="english")), "Data.Providers[0].Records[0].Standard", "schema"),
    "same slot": (document(record(), record()), "Data.Providers[].Records", "schema"),
    "trailing": (GOOD + b"{}", "", "malformed"),
    "nesting": (document(record(Extra=json.loads("[" * 70 + "]" * 70))), "", "schema"),
    "bomb": (b'{"Data":' + b"[" * 50_000, "", None),
    "two Records": (GOOD.replace(b'"Name"', b'"Records": [], "Name"'), "", "schema"),
    "huge integer": (GOOD.replace(b'"7.18"', b"9" * 5000), "", None),
}


@BOTH
@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_by_name_and_place(kind: Decoders, name: str) -> None:
    body, path, error_class = BAD[name]
    with pytest.raises(DecodeError) as caught:
        decode(kind, body)
    if path:
        assert caught.value.path == path
    if error_class:
        assert caught.value.error_class == error_class
    assert len(caught.value.excerpt) <= 80


def test_the_offset_of_a_bad_value_points_at_it() -> None:
    body = document(record(), record("2014-10-02", DayEto=cell("NaN")))
    with pytest.raises(DecodeError) as caught:
        decode(PageDecoder, body)
    assert body[caught.value.offset :].startswith(b'"NaN"')


@BOTH
def test_empty_is_normal_and_outside_is_counted(kind: Decoders) -> None:
    assert decode(kind, b'{"Data":{"Providers":[]}}').batches == ()
    assert decode(kind, document()).records == 0
    page = decode(kind, document(record("2014-09-30"), record("2015-01-02"), record("2014-12-31", DayNew=cell("1"))))
    assert (page.records, page.unexpected) == (2, 1)
    assert [(b.year, b.slots.tolist()) for b in page.batches] == [(2014, [365]), (2015, [2])]


@BOTH
def test_unknown_items_are_named_and_order_is_restored(kind: Decoders) -> None:
    body = document(record("2014-12-31", DayNew=cell("1"), Other=1), record("2014-12-30", DayEto=cell(None, "M")))
    page = decode(kind, body)
    assert page.unexpected_fields == ("DayNew",)
    assert page.nulls == 1
    assert flatten(page) == {(2014, 364): {"DayEto": (None, "M")}, (2014, 365): {"DayEto": (Decimal("7.18"), " ")}}
