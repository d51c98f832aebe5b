"""Any document of the API, in every dress JSON allows, and the same after small accidents.

Everything is drawn from one `random.Random`, so a plain seed or Hypothesis (`st.randoms`) can drive it.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from fetch_documents import STATION

from cimis_engine.model.items import DataItem, Interval, UnitSystem, items_of
from cimis_engine.model.period import Span

NASTY = (
    *("},", "},{", "}", "{", "],[", "]}", '"Records": [', '"', "\\", '\\"', "/", "\n", "\t", "\x00", "\x1f", "\x7f"),
    *("é", "°", "º", "\u2028", "😀", '{"Date":"2014-10-01"},{', "}]}]}}", "null", '"},{"', "\\u007d,{", "<html>", " "),
)
"""What stands in strings and names to mislead whoever cuts at bytes."""
SPACES = ("", "", "", "", " ", "\n", "\r\n  ", "\t", "  ")
FLAGS = (" ", " ", " ", " ", "", None, "Y", "M", "S", "R", "~", "K")
VALUES = ("0", "-0", "-0.0", "73.0", "4.05", "-7999", "1529", "999999999", "-999999999.123456789", "0.000000001", "007")


@dataclass(frozen=True)
class Asked:
    """What the page was asked for, and the decoder expects."""

    interval: Interval
    span: Span
    units: str
    items: tuple[DataItem, ...]

    def options(self) -> dict[str, Any]:
        return {"interval": self.interval, "span": self.span, "units": self.units, "items": self.items}


class Writer:
    """Writes JSON of given values in a dress of its own: white space, escapes. `rng` decides."""

    def __init__(self, rng: random.Random, plain: bool) -> None:
        self.rng = rng
        if plain:
            self.escapes, self.spaces = 0.0, ("",)
            return
        self.escapes = rng.choice((0.0, 0.0, 0.02, 0.3))
        self.spaces = rng.choice((("",), ("", " "), SPACES, SPACES, ("\n    ",)))

    def space(self) -> str:
        if self.spaces is SPACES and self.rng.random() < 0.004:
            return " " * self.rng.choice((63, 64, 65, 100, 200))
        return self.rng.choice(self.spaces)

    def text(self, value: str, escapes: float | None = None) -> str:
        chance = self.escapes if escapes is None else escapes
        return '"' + "".join(self._char(c, chance) for c in value) + '"'

    def _char(self, char: str, chance: float) -> str:
        if self.rng.random() >= chance:
            if char in '"\\':
                return "\\" + char
            return char if char >= " " else f"\\u{ord(char):04x}"
        if char == "/":
            return "\\/"
        units = char.encode("utf-16-be")
        codes = (int.from_bytes(units[at : at + 2], "big") for at in range(0, len(units), 2))
        form = self.rng.choice(("\\u{:04x}", "\\u{:04X}"))
        return "".join(form.format(code) for code in codes)

    def value(self, value: Any) -> str:
        if isinstance(value, Raw):
            return value.text
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Members):
            inner = ",".join(f"{self.space()}{self.name(k)}{self.space()}:{self.element(v)}" for k, v in value.pairs)
            return "{" + (inner or self.space()) + "}"
        if isinstance(value, dict):
            return self.value(Members(list(value.items())))
        if isinstance(value, list):
            return "[" + (",".join(map(self.element, value)) or self.space()) + "]"
        return json.dumps(value)

    def element(self, value: Any) -> str:
        return f"{self.space()}{self.value(value)}{self.space()}"

    def name(self, name: str) -> str:
        # The names of the way to the records are written plainly: the fast decoder looks for one of them by its bytes.
        return self.text(name, 0.0 if name in ("Data", "Providers", "Records") else None)


@dataclass
class Members:
    """An object as its members in order, so that a name may come twice."""

    pairs: list[tuple[str, Any]]


@dataclass
class Raw:
    """A value as its bytes in the document, whatever they are."""

    text: str


def asked(rng: random.Random) -> Asked:
    interval = rng.choice((Interval.DAILY, Interval.DAILY, Interval.HOURLY))
    start = date(2014, 1, 1) + timedelta(days=rng.choice((0, 273, 360, 364)))
    span = Span(start, start + timedelta(days=rng.choice((0, 3, 40, 800))))
    every = items_of(interval)
    items = rng.sample(every, rng.choice((1, 2, 3, 6, len(every))))
    return Asked(interval, span, rng.choice("ME"), tuple(items))


def any_extra(rng: random.Random, depth: int = 0) -> Any:
    kind = rng.randrange(10 if depth < 4 else 6)
    if kind < 3:
        return any_text(rng)
    if kind < 6:
        return rng.choice((None, True, False, 0, -1.5, 1e300, 0.1, -0.0, 5e-324))
    if kind < 8:
        return [any_extra(rng, depth + 1) for _ in range(rng.randrange(4))]
    return {any_name(rng, n): any_extra(rng, depth + 1) for n in range(rng.randrange(4))}


def any_text(rng: random.Random) -> str:
    return "".join(rng.choice(NASTY) for _ in range(rng.randrange(6)))


def any_name(rng: random.Random, number: int) -> str:
    """A name that is no name of ours, distinct by `number`."""
    return f"{rng.choice(('x', 'Day', 'DayNew', 'Recordsx', '}'))}{any_text(rng)}{number}".replace('Records"', "")


def any_value(rng: random.Random) -> str | None:
    kind = rng.randrange(8)
    if kind == 0:
        return None
    if kind == 1:
        return rng.choice(VALUES)
    places = rng.choice((0, 1, 1, 2, 3))
    return f"{rng.uniform(-99, 999):.{places}f}"


def any_cell(rng: random.Random, odd: float) -> Any:
    """A cell; `odd` is the chance of each thing that the API does not do."""
    if rng.random() < odd / 4:
        return None
    pairs: list[tuple[str, Any]] = [("Value", any_value(rng)), ("Qc", rng.choice(FLAGS)), ("Unit", "(°)")]
    if rng.random() < odd / 2:
        pairs.pop(rng.choice((1, 2)))
    if rng.random() < odd / 2:
        pairs += [(any_name(rng, 0), any_extra(rng))]
    if rng.random() < odd:
        rng.shuffle(pairs)
    return Members(pairs)


def any_record(rng: random.Random, want: Asked, day: date, hour: int, odd: float) -> Members:
    pairs: list[tuple[str, Any]] = [("Date", day.isoformat()), ("Julian", str(day.timetuple().tm_yday))]
    if want.interval is Interval.HOURLY:
        pairs += [("Hour", f"{hour:02d}00")]
    elif rng.random() < odd / 4:
        pairs += [("Hour", None)]
    pairs += [("Station", str(STATION)), ("Standard", UnitSystem(want.units).standard)]
    pairs += [("ZipCodes", "93624, 93648" if rng.random() > odd else any_text(rng)), ("Scope", want.interval.value)]
    pairs += [(item.field, any_cell(rng, odd)) for item in want.items if rng.random() > odd / 3]
    if rng.random() < odd:
        pairs += [(any_name(rng, n), any_extra(rng)) for n in range(rng.randrange(1, 3))]
    if rng.random() < odd / 2:
        pairs += [("DayNew", any_cell(rng, odd))]
    if rng.random() < odd:
        rng.shuffle(pairs)
    return Members(pairs)


def any_document(rng: random.Random) -> tuple[bytes, Asked]:
    """A document that every decoder must take, and what it was asked for.

    Anything goes but two things: the name `Records` appears once a provider and nowhere else, and the three names on
    the way to the records are written without escapes.
    """
    want = asked(rng)
    first = want.span.start - timedelta(days=2)
    hours = (1, 2, 24) if want.interval is Interval.HOURLY else (0,)
    places = [(first + timedelta(days=d), h) for d in range(12) for h in hours]
    chosen = rng.sample(places, rng.choice((0, 1, 2, 5, 12)))
    plain = rng.random() < 0.5
    if plain or rng.random() < 0.6:
        chosen.sort()
    odd = rng.choice((0.0, 0.02)) if plain else 0.2
    records = [any_record(rng, want, *place, odd) for place in chosen]
    providers, at = [], 0
    for number in range(rng.choice((1, 1, 1, 1, 2, 3))):
        upto = rng.randrange(at, len(records) + 1) if number else rng.choice((len(records), len(records) // 2))
        providers.append(records[at:upto])
        at = upto
    tree = {"Data": {"Providers": [_provider(rng, some) for some in providers]}}
    if rng.random() < 0.1:
        tree = {"x": any_extra(rng), "Data": {"y": any_extra(rng), **tree["Data"], "z": any_extra(rng)}, "w": 1}
    writer = Writer(rng, plain)
    return writer.element(tree).encode(), want


def _provider(rng: random.Random, records: list[Members]) -> Members:
    pairs: list[tuple[str, Any]] = [("Name", "cimis"), ("Type", "station"), ("Owner", any_text(rng))]
    pairs.insert(rng.choice((3, 3, 3, 0, 1)), ("Records", records))
    return Members(pairs)


# -- the same, broken ----------------------------------------------------------------------------------------------

BITS = (
    *(b"", b",", b"}", b"]", b'"', b"{", b"[", b":", b"\\", b"},", b"},{", b"}]", b"]}", b"\xff", b"\xc3", b"\x00"),
    *(b"x", b"0", b"-", b".", b"null", b"{}", b"[]", b'""', b"1e999", b"9" * 400, b"NaN", b"\xef\xbb\xbf", b"\\ud800"),
    *(b"\xed\xa0\x80", b"\\u00", b"\n", b"\x0b", b"\xc2\xa0", b'"Records":[],', b'"Value":"1",', b'"Value":5,'),
    *(b'"Qc":"YY",', b'"Date":"2014-10-05",', b'"Data":{},', b'"DayEto":null,', b"/**/", b"'", b"tru", b"01", b"+1"),
)
"""Small things that change what a document means, or break it."""


def broken(rng: random.Random, body: bytes) -> bytes:
    """`body` after one to three small accidents; it may well be valid still."""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        body = rng.choice(_ACCIDENTS)(rng, body)
    return body


def _flip(rng: random.Random, body: bytes) -> bytes:
    at = _place(rng, body)
    return body[:at] + bytes([body[at] ^ (1 << rng.randrange(8))]) + body[at + 1 :] if at < len(body) else body


def _replace(rng: random.Random, body: bytes) -> bytes:
    at = _place(rng, body)
    return body[:at] + rng.choice(BITS) + body[at + rng.choice((0, 0, 1, 1, 2, 5)) :]


def _truncate(rng: random.Random, body: bytes) -> bytes:
    return body[: _place(rng, body)]


def _swap(rng: random.Random, body: bytes) -> bytes:
    """Two short pieces change places."""
    a, b = sorted((_place(rng, body), _place(rng, body)))
    size = rng.choice((1, 1, 2, 4, 12))
    if b < a + size:
        return body
    return body[:a] + body[b : b + size] + body[a + size : b] + body[a : a + size] + body[b + size :]


def _double(rng: random.Random, body: bytes) -> bytes:
    """A piece comes twice."""
    at, size = _place(rng, body), rng.choice((1, 2, 10, 60, 200))
    return body[:at] + body[at : at + size] + body[at:]


def _lose(rng: random.Random, body: bytes) -> bytes:
    at, size = _place(rng, body), rng.choice((1, 1, 2, 10, 60, 200))
    return body[:at] + body[at + size :]


def _place(rng: random.Random, body: bytes) -> int:
    """Anywhere, or beside a character that means something."""
    if rng.random() < 0.4:
        return rng.randrange(len(body) + 1)
    at = body.find(
        rng.choice((b"}", b"{", b",", b'"', b"]", b"[", b":", b"Value", b"Qc")), rng.randrange(len(body) + 1)
    )
    return rng.randrange(len(body) + 1) if at < 0 else at + rng.choice((0, 0, 1))


_ACCIDENTS: tuple[Callable[[random.Random, bytes], bytes], ...] = (
    _flip,
    _replace,
    _replace,
    _truncate,
    _swap,
    _double,
    _lose,
)
