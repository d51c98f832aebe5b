"""Where a document goes wrong, to the byte: what the fast decoder refused is read once more by the reference, ijson.

Slow on purpose, and only run on the few kilobytes around an error: a refused document ends its attempt anyway. ijson
does not tell offsets, so it is fed slice by slice up to the slice in question, and that one byte by byte.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import ijson

from cimis_engine.fetch.decode_error import DecodeError
from cimis_engine.fetch.exchange import excerpt
from cimis_engine.fetch.skeleton import MAX_DEPTH

_SLICE = 2 << 10
_FINE = 2 * _SLICE
"""How much is fed byte by byte, at most: ijson looks at an unfinished token again with every byte it is given."""
_MAX_DOCUMENT = 256 << 10
"""A fault that comes later stays where the fast decoder put it."""
_EXCERPT_BYTES = 320
_RECORD_LEVEL = 5
_MAX_STEPS = 12
_BETWEEN = re.compile(rb"[ \t\r\n,:]*")
_PART = re.compile(r"\[(\d+)\]|([^.\[\]]+)")
_RECORD = re.compile(r"\.Records\[(\d+)\]")
Steps = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """`offset` into a document, and the JSON path of the value there."""

    offset: int
    path: str


class _BrokenError(Exception):
    """The bytes from `offset`, fed last, cannot stand where they stand."""

    def __init__(self, offset: int) -> None:
        super().__init__(offset)
        self.offset = offset


def explain(
    refused: DecodeError, document: bytes, *, moved: Sequence[tuple[int, int]] = (), first_record: int = 0
) -> DecodeError:
    """The same refusal with the place of its cause: offset, path, and an excerpt of what is there.

    `document` is the body from its beginning up to where it was refused, except that records taken before may be left
    out: `moved` has a pair (offset in `document`, offset in the body) for every piece, ascending, and `first_record`
    says which number the first record of the last array had. Offset and path stay as they were if the reference finds
    nothing wrong: the fast decoder may be stricter.
    """
    if refused.error_class in ("truncated", "too_large", "encoding"):
        return refused
    document = document[:_MAX_DOCUMENT]
    if "[]" in refused.path:
        return refused  # it is about all records, and no single place
    if refused.path and refused.error_class != "malformed":
        place, path = place_of(document, _renumbered(refused.path, -first_record)), refused.path
    else:
        place = broken_at(document)
        path = _renumbered(place.path, first_record) if place else ""
    if place is None:
        return refused
    before, real = max(pair for pair in [(0, 0), *moved] if pair[0] <= place.offset)
    upto = min([pair[0] for pair in moved if pair[0] > place.offset], default=len(document))
    return DecodeError(
        refused.error_class,
        refused.message,
        path=path,
        offset=real + place.offset - before,
        excerpt=excerpt(document[place.offset : min(upto, place.offset + _EXCERPT_BYTES)]),
    )


def broken_at(document: bytes) -> Place | None:
    """The first token or byte that cannot stand where it stands; None if there is none.

    That is also what opens a level too many, and a name that comes twice in one object outside the records.

    A document that only ends early has none.
    """
    broken = _broken(document, len(document))
    return _broken(document, broken.offset) if broken else None


def place_of(document: bytes, path: str) -> Place | None:
    """Where the value at `path` begins; where it is missing, the innermost value on the way there that exists.

    What comes after it is not looked at, and may be broken.
    """
    wanted = tuple(int(number) if number else name for number, name in _PART.findall(path.removeprefix("$")))
    found = _find(document, wanted, len(document))
    return _find(document, wanted, found.offset) if found else None


def _broken(document: bytes, fine_from: int) -> Place | None:
    walk = _Walk(document, fine_from)
    try:
        for _ in walk:
            pass
    except _BrokenError as broken:
        return Place(broken.offset, _text(walk.steps))
    return None


def _find(document: bytes, wanted: Steps, fine_from: int) -> Place | None:
    walk = _Walk(document, fine_from)
    best: Steps | None = None
    place: Place | None = None
    try:
        for at, opened in walk:
            here = tuple(walk.steps)
            if opened and here == wanted[: len(here)]:
                best, place = here, Place(at, _text(here))
            if best == wanted or (not opened and best == here):
                break
    except _BrokenError:
        pass
    return place


class _Walk:
    """Iterates over a document's values: (offset of its first byte, True) as one begins, (…, False) as one ends.

    `steps` is the way to that value. In the fine zone that begins at `fine_from`, a multiple of the slice size, offsets
    are exact. Elsewhere they are those of the slice in which what stands before the value ended: where the fine zone
    of the next walk should begin. Raises `_BrokenError`.
    """

    def __init__(self, document: bytes, fine_from: int) -> None:
        self._document, self._fine_from = document, fine_from
        self.steps: list[str | int] = []
        self._names: set[Steps] = set()

    def __iter__(self) -> Iterator[tuple[int, bool]]:
        before = end = 0
        for event, value, begin, upto in self._events():
            start = self._first_byte(end) if self._fine(before) else before
            if event == "broken":
                # A token in a wrong place is noticed where it ends; bytes that are no token, where they are not.
                if value == "token":
                    begin = min(begin, start) if self._fine(begin) else start
                raise _BrokenError(begin)
            if event == "map_key":
                self.steps[-1] = value
                if self._repeats():
                    raise _BrokenError(start)
            elif event in ("end_map", "end_array"):
                self.steps.pop()
                yield begin, False
            else:
                if self.steps and isinstance(self.steps[-1], int):
                    self.steps[-1] += 1
                yield start, True
                if event not in ("start_map", "start_array"):
                    yield begin, False
                elif len(self.steps) > MAX_DEPTH:
                    raise _BrokenError(start)
                else:
                    self.steps.append(-1 if event == "start_array" else "")
            # A number ends where something else begins, which is what brings it forth.
            before, end = begin, begin if event == "number" else upto

    def _repeats(self) -> bool:
        """Whether the name just read was there before. Within records, of which there are many, nobody asks."""
        if len(self.steps) > _RECORD_LEVEL and self.steps[3] == "Records":
            return False
        here = tuple(self.steps)
        known = here in self._names
        self._names.add(here)
        return known

    def _fine(self, at: int) -> bool:
        return self._fine_from <= at < self._fine_from + _FINE

    def _first_byte(self, at: int) -> int:
        between = _BETWEEN.match(self._document, at)
        assert between is not None
        return between.end()

    def _events(self) -> Iterator[tuple[str, Any, int, int]]:
        """ijson's events, each with begin and end of the bytes that brought it forth. The last may be `broken`."""
        events = ijson.sendable_list()
        parser = ijson.basic_parse_coro(events, use_float=True)
        at, broken = 0, ""
        while at < len(self._document) and not broken:
            upto = at + (1 if self._fine(at) else _SLICE)
            try:
                parser.send(self._document[at:upto])
            except (ijson.JSONError, ValueError, StopIteration) as error:
                whole = isinstance(error, UnicodeDecodeError) or "parse error" in str(error)
                broken = "token" if whole else "bytes"
            for event, value in events:
                yield event, value, at, upto
            events.clear()
            if broken:
                yield "broken", broken, at, upto
            at = upto


def _text(steps: Sequence[str | int]) -> str:
    """A path such as `Data.Providers[0]`. A container that was only just opened has no step yet."""
    if steps and steps[-1] in ("", -1):
        steps = steps[:-1]
    text = "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in steps[:_MAX_STEPS])
    return (text.removeprefix(".") or "$") + ("…" if len(steps) > _MAX_STEPS else "")


def _renumbered(path: str, by: int) -> str:
    return _RECORD.sub(lambda found: f".Records[{int(found[1]) + by}]", path, count=1)
