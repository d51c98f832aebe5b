"""The table "Bad input" of the fetch design, a test a row: each ends in its typed verdict, through the real pipeline.

That nothing of them is stored either is shown in `test_fetch_bad_input_stored`.
"""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from fetch_documents import BOTH, Decoders, PageDecoder, cell, document, flatten, make, record
from fetch_pipeline import judged, running, through

from cimis_engine.fetch.decode_error import DecodeError
from cimis_engine.fetch.inflate import Inflater

GOOD = document(record(), record("2014-10-02"))
ZIPPED = pytest.mark.parametrize("zipped", [False, True])
VALUE = "Data.Providers[0].Records[1].DayEto.Value"


def second(**fields: Any) -> bytes:
    """A good record, then one with these fields."""
    return document(record(), record("2014-10-02", **fields))


@pytest.mark.asyncio
@BOTH
async def test_truncated_at_every_byte(kind: Decoders) -> None:
    for cut in range(1, len(GOOD)):
        verdict, page, _ = await judged(kind, GOOD[:cut])
        assert (page, verdict.kind, verdict.error_class) == (None, "retry", "truncated"), cut
        assert f"byte {cut}" in verdict.reason
    verdict, page, _ = await judged(kind, b"")
    assert (page, verdict.kind, verdict.error_class) == (None, "retry", "cold_start")


@pytest.mark.asyncio
@BOTH
async def test_compressed_bytes_cut_at_every_byte(kind: Decoders) -> None:
    wire = gzip.compress(GOOD)
    async with running() as pipeline:
        for cut in range(1, len(wire)):
            session = pipeline.open(make(kind))
            with pytest.raises(DecodeError) as caught:
                await through(session, 200, {"content-encoding": "gzip"}, [wire[:cut]])
            assert caught.value.error_class == "truncated"


HTML = b"<html><head><title>Request Rejected</title></head><body>support ID: 1234567890</body></html>"


@pytest.mark.asyncio
@ZIPPED
@pytest.mark.parametrize("status", [200, 403])
@pytest.mark.parametrize("body", [HTML, b"\xef\xbb\xbf \n<!DOCTYPE html><p>maintenance", b" " * 3000 + HTML])
async def test_html_in_place_of_data(body: bytes, status: int, zipped: bool) -> None:
    verdict, page, _ = await judged(PageDecoder, body, status=status, zipped=zipped)
    if body.startswith(b"   "):
        # A page that hides behind more blank than is looked at is no data either.
        assert page is None and verdict.kind in ("retry", "stop_run")
        return
    assert (page, verdict.kind, verdict.error_class) == (None, "blocked", "blocked")
    assert verdict.hint


@pytest.mark.asyncio
@BOTH
@pytest.mark.parametrize("status", [200, 400])
async def test_data_volume_violation(kind: Decoders, status: int) -> None:
    body = b'"[ERR2112-DATA VOLUME VIOLATION] The request exceeds the maximum data volume."'
    verdict, page, _ = await judged(kind, body, status=status)
    assert (page, verdict.kind, verdict.error_class) == (None, "split", "volume")


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("status", "body"),
    [
        (403, b'"[ERR1006-INVALID APP KEY] Invalid application key [x]."'),
        (200, b'"[ERR1006-INVALID APP KEY] Invalid application key [x]."'),
        (401, b'{"statusCode":401,"message":"Access denied due to invalid subscription key."}'),
        (403, b'{"statusCode":403,"message":"no"}'),
    ],
)
async def test_rejected_keys(status: int, body: bytes) -> None:
    verdict, page, _ = await judged(PageDecoder, body, status=status)
    assert (page, verdict.kind, verdict.error_class) == (None, "stop_run", "auth")


@pytest.mark.asyncio
@BOTH
@ZIPPED
@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b'{"data":{"providers":[{"records":[]}]}}', "Data"),
        (b'{"Data":{"providers":[]}}', "Data.Providers"),
        (b'{"Data":{"Providers":{}}}', "Data.Providers"),
        (b'{"Data":{"Providers":[{"Name":"cimis"}]}}', "Data.Providers[0].Records"),
        (b'{"Data":{"Providers":[{"Records":{}}]}}', "Data.Providers[0].Records"),
        (b"[]", "$"),
        (document("x"), "Data.Providers[0].Records[0]"),
        (second(Station="7"), "Data.Providers[0].Records[1].Station"),
        (second(Standard="english"), "Data.Providers[0].Records[1].Standard"),
        (second(Date="10/2/2014"), "Data.Providers[0].Records[1].Date"),
        (second(Hour="0100"), "Data.Providers[0].Records[1].Hour"),
        (second(DayEto="7.18"), "Data.Providers[0].Records[1].DayEto"),
        (second(DayEto=cell(7.18)), VALUE),
        (second(DayEto=cell("1", "YY")), "Data.Providers[0].Records[1].DayEto.Qc"),
    ],
)
async def test_another_schema_is_named_by_its_path(kind: Decoders, body: bytes, path: str, zipped: bool) -> None:
    verdict, page, _ = await judged(kind, body, zipped=zipped)
    assert (page, verdict.kind, verdict.error_class) == (None, "fail_job", "schema")
    assert f"at {path}" in verdict.reason and verdict.hint


@pytest.mark.asyncio
@BOTH
@ZIPPED
@pytest.mark.parametrize("body", [b'{"Data":{"Providers":[]}}', document(), document().replace(b"[]", b"[ \n]")])
async def test_no_data_is_a_normal_answer(kind: Decoders, body: bytes, zipped: bool) -> None:
    verdict, page, _ = await judged(kind, body, zipped=zipped)
    assert verdict.kind == "empty" and page is not None
    assert (page.records, page.batches) == (0, ())


@pytest.mark.asyncio
@BOTH
async def test_a_missing_day_is_no_record(kind: Decoders) -> None:
    verdict, page, _ = await judged(kind, document(record(), record("2014-10-03")))
    assert verdict.kind == "ok" and page is not None
    assert [b.slots.tolist() for b in page.batches] == [[274, 276]]


@pytest.mark.asyncio
@BOTH
@pytest.mark.parametrize(
    "value", ["NaN", "nan", "inf", "-inf", "Infinity", "null", "", "1e5", "0x10", "1_0", "١", "--"]
)
async def test_values_that_only_look_like_numbers(kind: Decoders, value: str) -> None:
    verdict, page, _ = await judged(kind, second(DayEto=cell(value)))
    assert (page, verdict.kind, verdict.error_class) == (None, "fail_job", "schema")
    assert f"at {VALUE}" in verdict.reason


@pytest.mark.asyncio
@BOTH
async def test_bare_nan_is_no_json(kind: Decoders) -> None:
    body = second().replace(b'{"Value": "7.18", "Qc": " ", "Unit": "(mm)"}}]', b'{"Value": NaN}}]')
    verdict, page, _ = await judged(kind, body)
    assert page is None and verdict.error_class in ("malformed", "schema")


@pytest.mark.asyncio
@BOTH
async def test_nulls_are_counted(kind: Decoders) -> None:
    verdict, page, _ = await judged(kind, second(DayEto=cell(None, "M")))
    assert verdict.kind == "ok" and page is not None
    assert page.nulls == 1


BOMB = """
import json, resource, sys
sys.path.insert(0, sys.argv[1])
from fetch_documents import IjsonPageDecoder, PageDecoder, decode
from cimis_engine.fetch.decode_error import DecodeError
head = {"records": b'{"Data":{"Providers":[{"Records":[{"x":', "head": b'{"x":'}[sys.argv[3]]
kind = {"fast": PageDecoder, "ijson": IjsonPageDecoder}[sys.argv[2]]
body = head + (b"[" if sys.argv[4] == "array" else b'{"a":') * (8 << 20)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    decode(kind, body, [65536] * (len(body) // 65536))
except DecodeError as error:
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(json.dumps({"class": error.error_class, "grown": grown * (1 if sys.platform == "darwin" else 1024)}))
"""


@pytest.mark.parametrize("decoder", ["fast", "ijson"])
@pytest.mark.parametrize("where", ["records", "head"])
@pytest.mark.parametrize("brackets", ["array", "object"])
def test_a_nesting_bomb_costs_little_memory(decoder: str, where: str, brackets: str) -> None:
    here = str(Path(__file__).parent)
    done = subprocess.run(
        [sys.executable, "-c", BOMB, here, decoder, where, brackets], capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout)
    assert found["class"] in ("schema", "malformed")
    assert found["grown"] < 32 << 20, "of a bomb of 8 million levels"


@pytest.mark.asyncio
@BOTH
@pytest.mark.parametrize("levels", [1, 59, 60, 61, 62, 63, 64, 65, 200])
async def test_depth_is_bounded_to_the_level(kind: Decoders, levels: int) -> None:
    """A record is on level 5 of a document, so 59 more make 64."""
    verdict, page, _ = await judged(kind, second(Extra=json.loads("[" * levels + "]" * levels)))
    assert (page is not None) == (levels <= 59)
    assert verdict.error_class == ("" if levels <= 59 else "schema")


@pytest.mark.asyncio
@BOTH
@pytest.mark.parametrize("digits", [4301, 100_000])
async def test_a_huge_integer(kind: Decoders, digits: int) -> None:
    number = b"9" * digits
    verdict, page, _ = await judged(kind, second().replace(b'"7.18"', number))
    assert page is None and verdict.error_class in ("schema", "malformed")
    verdict, page, _ = await judged(kind, second(DayEto=cell("9" * digits)))
    assert (page, verdict.error_class) == (None, "schema")


@pytest.mark.asyncio
@BOTH
@pytest.mark.parametrize(
    ("head", "tail"),
    [(b"", GOOD), (b'{"Data":{"Providers":[{"Records":[', b"]}]}}"), (GOOD[:-4], GOOD[-4:]), (GOOD, b"")],
    ids=["before", "no records", "within", "after"],
)
async def test_a_gzip_bomb_is_not_inflated_to_its_end(kind: Decoders, head: bytes, tail: bytes) -> None:
    size = 40 << 20
    verdict, page, session = await judged(kind, head + b" " * size + tail, zipped=True)
    if kind is PageDecoder:
        # To the classifier a body whose beginning is blank is an empty one.
        assert page is None and verdict.error_class in ("schema", "malformed", "cold_start")
        assert session.decoded_bytes < size / 8
    else:
        assert session.held_bytes < 1 << 20, "the reference reads blank for ever, but keeps none of it"


@pytest.mark.asyncio
async def test_inflating_has_a_cap_of_its_own() -> None:
    inflater = Inflater("gzip", max_bytes=1 << 20)
    with pytest.raises(DecodeError) as caught:
        for piece in inflater.pieces(gzip.compress(b" " * (8 << 20))):
            assert len(piece) <= 64 << 10
    assert caught.value.error_class == "too_large" and inflater.out <= (1 << 20) + (64 << 10)


@pytest.mark.asyncio
@BOTH
async def test_a_decoder_has_a_cap_of_its_own(kind: Decoders) -> None:
    decoder = make(kind, max_bytes=len(GOOD) - 1)
    with pytest.raises(DecodeError) as caught:
        decoder.feed(GOOD)
    assert caught.value.error_class == "too_large"


@pytest.mark.asyncio
@BOTH
@pytest.mark.parametrize("name", ["Data", "Providers", "Name", "Records"])
async def test_a_name_that_comes_twice(kind: Decoders, name: str) -> None:
    quoted = f'"{name}":'.encode()
    other = b"[]" if name in ("Records", "Providers") else b"{}"
    for twice in (
        GOOD.replace(quoted, quoted + other + b"," + quoted, 1),
        GOOD.replace(b'"Type":', quoted + other + b',"Type":', 1) if name in ("Records", "Name") else b"",
    ):
        if twice:
            verdict, page, _ = await judged(kind, twice)
            assert (page, verdict.kind, verdict.error_class) == (None, "fail_job", "schema")


@pytest.mark.asyncio
@BOTH
async def test_two_records_for_one_slot(kind: Decoders) -> None:
    verdict, page, _ = await judged(kind, document(record(), record("2014-10-02"), record()))
    assert (page, verdict.kind, verdict.error_class) == (None, "fail_job", "schema")
    assert "slot 274 of 2014" in verdict.reason


EXACT = [
    ["-7999", "7.18", "7"],
    ["1529", "1.5"],
    ["999999999", "-999999999"],
    ["999999999.999999999", "-0.000000001"],
    ["73.0", "73.00", "73"],
    ["4.05", "4.1", "4"],
    ["1.234", "-1.2", "0.5", "100"],
    ["-0.0", "0", "-0"],
    ["32767", "32768", "-32768", "-32769"],
    ["214748364.7", "214748364.8"],
]


@pytest.mark.asyncio
@BOTH
@pytest.mark.parametrize("values", EXACT, ids=lambda v: v[0])
async def test_values_of_any_width_and_scale_are_exact(kind: Decoders, values: list[str]) -> None:
    body = document(*(record(f"2014-10-{n + 1:02d}", DayEto=cell(v)) for n, v in enumerate(values)))
    verdict, page, _ = await judged(kind, body)
    assert verdict.kind == "ok" and page is not None
    assert [c["DayEto"][0] for c in flatten(page).values()] == [Decimal(v) for v in values]


@pytest.mark.asyncio
@BOTH
async def test_a_value_too_large_for_any_column_is_refused(kind: Decoders) -> None:
    for value in ("1000000000", "0.0000000001"):
        verdict, page, _ = await judged(kind, second(DayEto=cell(value)))
        assert (page, verdict.error_class) == (None, "schema")
