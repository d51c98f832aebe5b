"""Where a refused document goes wrong: hand-made documents with a mark, and the error must name that very byte."""

from __future__ import annotations

import json

import pytest
from fetch_documents import PageDecoder, cell, decode, document, record

from cimis_engine.fetch.decode_error import DecodeError, TruncatedError
from cimis_engine.fetch.exchange import excerpt
from cimis_engine.fetch.explain import broken_at, explain, place_of

FIRST, LAST = record(), record("2014-10-03")
RECORD = "Data.Providers[0].Records[1]"


def within(text: str) -> str:
    """A document whose second record is `text`; the third is good."""
    body = document(FIRST, "HERE", LAST).decode()
    return body.replace('"HERE"', text)


def changed(old: str, new: str) -> str:
    """A document whose second record has `new` in the place of `old`."""
    text = json.dumps(record("2014-10-02"))
    assert old in text
    return within(text.replace(old, new, 1))


def headed(old: str, new: str) -> str:
    body = document(FIRST, LAST).decode()
    assert old in body
    return body.replace(old, new, 1)


# ▶ stands before the byte that the error must name.
SCHEMA = [
    (changed('"7.18"', '▶"NaN"'), f"{RECORD}.DayEto.Value"),
    (changed('"7.18"', "▶7.18"), f"{RECORD}.DayEto.Value"),
    (changed('"7.18"', "▶[]"), f"{RECORD}.DayEto.Value"),
    (changed('" "', '▶"YY"'), f"{RECORD}.DayEto.Qc"),
    (changed('"daily", "DayEto": {"Value": "7.18"', '"DayEto", "DayEto": {"Value": ▶"x"'), f"{RECORD}.DayEto.Value"),
    (changed('"DayEto": {"Value": "7.18"', '"Day\\u0045to": {"Value": ▶"x"'), f"{RECORD}.DayEto.Value"),
    (
        changed('"DayEto": {"Value": "7.18"', '"x": {"DayEto": 1, "Value": "y"}, "DayEto": {"Value": ▶"z"'),
        f"{RECORD}.DayEto.Value",
    ),
    (changed('{"Value": "7.18", "Qc": " ", "Unit": "(mm)"}', '▶"7.18"'), f"{RECORD}.DayEto"),
    (changed('{"Value": "7.18", ', "▶{"), f"{RECORD}.DayEto"),
    (changed('{"Date": "2014-10-02", ', "▶{"), RECORD),
    (changed('"2014-10-02"', "▶null"), f"{RECORD}.Date"),
    (changed('"2014-10-02"', '▶"2014-02-30"'), f"{RECORD}.Date"),
    (changed('"6"', '▶"7"'), f"{RECORD}.Station"),
    (within('▶"x"'), RECORD),
    (within("▶5"), RECORD),
    (changed('"daily"', "[" * 59 + "▶[" + "[" * 10 + "]" * 70), f"{RECORD}.Scope[0][0][0][0][0][0]…"),
    ('▶{"data":{"providers":[]}}', "Data"),
    ('{"Data":▶{"providers":[]}}', "Data.Providers"),
    ('{"Data":{"Providers":[▶{"Name":"cimis"}]}}', "Data.Providers[0].Records"),
    ('{"Data":{"Providers":[{"Records":[]},▶"cimis"]}}', "Data.Providers[1]"),
    ('{"Data":{"Providers":[{"Name":"cimis","Records":▶{}}]}}', "Data.Providers[0].Records"),
    ('▶"[ERR9999-WHAT] x"', "$"),
    (headed('"Type"', '▶"Name": 1, "Type"'), "Data.Providers[0].Name"),
    (document(FIRST).decode().replace("}]}]}}", '}], ▶"Records": []}]}}'), "Data.Providers[0].Records"),
]
BROKEN = [
    (changed('"Qc": ', '"Qc" ▶'), f"{RECORD}.DayEto.Qc"),
    (changed('"Julian"', '▶}, "Julian"'), f"{RECORD}.Date"),
    (changed("2014-10-02", "2014\\▶q"), f"{RECORD}.Date"),
    (changed("daily", "da▶\nly"), f"{RECORD}.Scope"),
    (changed('"daily"', "tru▶}"), f"{RECORD}.Scope"),
    (changed('"daily"', "▶x"), f"{RECORD}.Scope"),
    (changed('"daily"', "0▶1"), f"{RECORD}.Scope"),
    (headed('}}, {"Date": "2014-10-03"', '}} ▶{"Date": "2014-10-03"'), "Data.Providers[0].Records[0]"),
    (headed('}}, {"Date": "2014-10-03"', '}, ▶{"Date": "2014-10-03"'), "Data.Providers[0].Records[0].DayEto"),
    (headed('"Name": ', '"Name" ▶'), "Data.Providers[0].Name"),
    (headed("}]}]}}", "}]▶;}]}}"), "Data.Providers[0].Records"),
    (headed("}]}]}}", "}]}]}}▶{}"), "$"),
    ("▶<html>", "$"),
    ("▶\ufeff{}", "$"),
]


def refusal(body: bytes) -> DecodeError:
    with pytest.raises(DecodeError) as caught:
        decode(PageDecoder, body)
    return caught.value


@pytest.mark.parametrize(("marked", "path"), SCHEMA + BROKEN, ids=range(len(SCHEMA + BROKEN)))
def test_the_place_is_right_to_the_byte(marked: str, path: str) -> None:
    before, _, after = marked.partition("▶")
    body, offset = (before + after).encode(), len(before.encode())
    refused = refusal(body)
    found = refused
    assert (found.offset, found.path, found.error_class) == (offset, path, refused.error_class)
    assert found.excerpt and excerpt(after.encode()).startswith(found.excerpt.rstrip("…"))


@pytest.mark.parametrize("bad", [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80"])
def test_what_is_not_utf8_is_found_to_the_byte(bad: bytes) -> None:
    for old in (b"daily", b"7.18", b"cimis"):
        body = document(FIRST, LAST)
        at = body.index(old)
        body = body[: at + 2] + bad + body[at + 2 :]
        found = explain(refusal(body), body)
        assert found.error_class == "malformed" and found.offset is not None
        # A surrogate is UTF-8 to ijson's lexer, and refused with the string it stands in.
        assert at - 1 <= found.offset <= at + 2 + len(bad)


@pytest.mark.parametrize("size", [0, 1500, 2040, 2047, 2048, 2049, 5000, 100_000])
def test_the_place_does_not_depend_on_where_slices_end(size: int) -> None:
    body = document(record(Note="x" * size), record("2014-10-02", DayEto=cell("9" * 3000)), LAST)
    assert (explain(refusal(body), body).offset or 0) == body.index(b'"999')
    body = document(record(Note="x" * size), LAST)[:-2] + b' "y'
    broken = broken_at(body + b'": 1')
    assert broken is not None and broken.offset == len(body) - 2


def test_records_left_out_are_counted_in() -> None:
    """A decoder keeps no records: offset and number are those of the body, not of what was kept of it."""
    body = document(*(record(f"2014-10-{n + 1:02d}") for n in range(20)), record("2014-10-21", DayEto=cell("x")))
    head, tail = body.index(b'[{"Date') + 1, body.index(b'{"Date": "2014-10-21"')
    kept = body[:head] + body[tail:]
    found = explain(refusal(body), kept, moved=[(head, tail)], first_record=20)
    assert found.path == "Data.Providers[0].Records[20].DayEto.Value" and found.offset == body.index(b'"x"')
    cut = explain(DecodeError("malformed", "not JSON"), kept[:-4] + b"?", moved=[(head, tail)], first_record=20)
    assert cut.offset == len(body) - 4 and cut.path == "Data.Providers[0].Records"


def test_what_the_reference_finds_nothing_in_stays_as_it_was() -> None:
    body = document(FIRST)
    for refused in (
        DecodeError("malformed", "x", offset=7),
        TruncatedError("the document ends early", 5),
        DecodeError("schema", "two records", path="Data.Providers[].Records"),
    ):
        assert explain(refused, body) is refused
    assert broken_at(body) is None and broken_at(body[:-9]) is None and broken_at(b"") is None
    assert place_of(b"", "Data") is None


def test_a_bomb_is_explained_at_its_first_level_too_many() -> None:
    found = broken_at(b"[" * 5_000_000)
    assert found is not None and found.offset == 65


@pytest.mark.timeout(20)
def test_a_long_token_is_not_read_again_for_every_byte() -> None:
    """Where a token of many slices is fed byte by byte, time grows with its square."""
    body = document(FIRST, LAST).replace(b'"7.18"', b"9" * 200_000, 1)
    place = place_of(body, "Data.Providers[0].Records[0].DayEto.Value")
    assert place is not None and place.offset == body.index(b'{"Value"'), "ijson refuses the number itself"
    body = document(record(Note="x" * 200_000), LAST)
    place = place_of(body, "Data.Providers[0].Records[1]")
    assert place is not None and place.offset == body.index(b'{"Date": "2014-10-03"')
