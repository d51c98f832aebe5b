"""Records in the very shape the API writes, read by arithmetic on their bytes: no object is made for a value.

The first record of a piece is taken apart by regular expressions and becomes a template. All others must be equal to it
byte for byte, but for the digits of date and hour, and each item's value and flag; those are then read, all at once,
from 64-bit words. Nothing is assumed: whatever differs from the template anywhere raises `UnusualError`, and the piece
is left to the decoder that reads every token.

Decimal digits in a word: D. Lemire, "Quickly parsing eight digits" (2018), after J. Kankovec.
"""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from cimis_engine.fetch.columns import Cells, record_key
from cimis_engine.model import qc as qc_flags
from cimis_engine.model.items import DataItem, Interval, UnitSystem
from cimis_engine.model.period import HOURS, Span

Bytes = NDArray[np.uint8]
Words = NDArray[np.uint64]
Places = NDArray[np.intp]

_WINDOW = 32
_PAD = b"," + bytes(_WINDOW)
"""After the last record as after all others a comma; then room for a window that begins on the last byte."""
_DATE_AT, _FRONT = len('{"Date":"'), len('{"Date":"2024-01-31","Julian":"')
_DATE_DIGITS = tuple(_DATE_AT + n for n in (0, 1, 2, 3, 5, 6, 8, 9))
_HEAD = re.compile(
    rb'\{"Date":"[0-9]{4}-[0-9]{2}-[0-9]{2}","Julian":"[0-9]{1,3}(",(?:"Hour":"[0-9]{2}00",)?[^{}\[\]\\]*,)', re.DOTALL
)
_HOUR_AT = len('","Hour":"')
# A cell without the brace that ends it. No string in it has an escape, so what it says is what it reads.
_CELL = re.compile(
    rb'("(\w+)":\{"Value":)(?:null|"[^"\\]*")(,"Qc":"[^"\\\x00-\x1f\x7f-\xff]","Unit":"[^"\\\x00-\x1f]*")'
)
_FLAG_AT = len(',"Qc":"')
_FIELDS = frozenset(("Date", "Station", "Standard", "Hour"))
"""Members of a record that are no items, and must be read as what they are."""
_QUOTE, _BRACE, _MINUS, _BACKSLASH = b'"}-\\'
_NULL = np.uint64(int.from_bytes(b"null", "little"))
_MAX_TEXT = 8


def _repeated(byte: int) -> np.uint64:
    return np.uint64(int.from_bytes(bytes([byte]) * 8, "little"))


_ASCII_ZEROS, _DOTS, _LOW, _HIGH = _repeated(0x30), _repeated(ord(".") ^ 0x30), _repeated(0x7F), _repeated(0x80)
_TEN = _repeated(0x80 - 10)
_PAIRS = tuple(
    (np.uint64(mask), np.uint64(factor), np.uint64(shift))
    for mask, factor, shift in (
        (0x0F0F0F0F0F0F0F0F, 10 << 8 | 1, 8),
        (0x00FF00FF00FF00FF, 100 << 16 | 1, 16),
        (0x0000FFFF0000FFFF, 10_000 << 32 | 1, 32),
    )
)
_ALL = (1 << 64) - 1
_TOP = np.array([_ALL << 8 * (8 - n) & _ALL for n in range(9)], np.uint64)
"""The last n bytes of a word."""
_ABOVE = np.array([_ALL << 8 * (n + 1) & _ALL for n in range(8)] + [0], np.uint64)
_BELOW = np.array([(1 << 8 * n) - 1 for n in range(9)], np.uint64)
"""The bytes after, and before, byte n of a word (8: there is no such byte)."""


class UnusualError(Exception):
    """The text is not in the shape the API writes. It may still be right: whoever reads every token decides."""


@dataclass(frozen=True, slots=True)
class RegularRecords:
    """`keys` (see `columns.record_key`) and cells of some records; `names`: the members of each, items and others."""

    keys: NDArray[np.int32]
    cells: Cells
    names: tuple[str, ...]


class _Head(msgspec.Struct, gc=False, eq=False):
    Date: str
    Station: str
    Standard: str
    Hour: str | None = None


@dataclass(frozen=True, slots=True)
class _Template:
    """What is the same in all records. `back`: the head from behind its Julian day; of each cell, what is before and
    behind its value. Masks are 0 where bytes may differ."""

    names: tuple[str, ...]
    fields: tuple[str, ...]
    hourly: bool
    back: bytes
    before: tuple[bytes, ...]
    behind: tuple[bytes, ...]


class RegularReader:
    """Reads the records of one page: a station's, of the dates of `span`."""

    def __init__(
        self, interval: Interval, units: UnitSystem, items: Sequence[DataItem], span: Span, station: int
    ) -> None:
        self._hourly, self._standard, self._station = interval is Interval.HOURLY, units.standard, str(station)
        self._fields = [item.field for item in items]
        self._known: _Template | None = None
        days = np.arange(np.datetime64(span.start), np.datetime64(span.end) + np.timedelta64(1))
        months = days.astype("M8[M]")
        years = months.astype("M8[Y]")
        year, month, day = years.astype(int) + 1970, (months - years).astype(int), (days - months).astype(int)
        self._dates = year * 10_000 + (month + 1) * 100 + day + 1
        self._keys = record_key(year, (days - years).astype(int) + 1, 1 if self._hourly else None)

    def read(self, records: memoryview) -> RegularRecords:
        """Whole records, comma separated, at least one. Raises `UnusualError`."""
        piece = b"".join((records, _PAD))
        data = np.frombuffer(piece, np.uint8)
        cuts = np.flatnonzero((data[:-1] == _BRACE) & (data[1:] == ord(",")))
        lasts = np.flatnonzero(data[cuts - 1] == _BRACE)
        if not lasts.size or cuts[-1] != len(records) - 1 or cuts[0] < _WINDOW:
            raise UnusualError
        width, count = int(lasts[0]) + 1, len(lasts)
        if len(cuts) != width * count or not np.array_equal(lasts, np.arange(width - 1, len(cuts), width)):
            raise UnusualError
        ends = cuts.reshape(count, width)
        starts = np.empty_like(ends)
        starts[:, 1:] = ends[:, :-1] + 2
        begins = np.concatenate(([0], ends[:-1, -1] + 2))
        ends[:, -1] -= 1  # the last cell's own brace is before the record's
        if self._known is not None:
            with contextlib.suppress(UnusualError):
                return self._read(data, begins, starts, ends, self._known)
        self._known = self._template(piece, ends[0].tolist(), starts[0].tolist())
        return self._read(data, begins, starts, ends, self._known)

    def _read(self, data: Bytes, begins: Places, starts: Places, ends: Places, template: _Template) -> RegularRecords:
        # A head is shorter than its record, whatever it says: no window reaches beyond the padding.
        if len(template.before) != ends.shape[1] or (begins + _FRONT + 3 + len(template.back) > ends[:, 0]).any():
            raise UnusualError
        starts[:, 0], keys = self._read_heads(data, begins, template)
        cells = _read_cells(data, np.ascontiguousarray(starts.T), np.ascontiguousarray(ends.T), template)
        return RegularRecords(keys, self._asked_for(template.names, cells), template.fields + template.names)

    def _template(self, piece: bytes, ends: list[int], starts: list[int]) -> _Template:
        starts[0] = piece.rfind(b",", 0, max(0, piece.rfind(b"{", 0, ends[0]))) + 1
        head = _HEAD.fullmatch(piece, 0, starts[0])
        matches = [_CELL.fullmatch(piece, start, end) for start, end in zip(starts, ends, strict=True)]
        if head is None or not all(matches):
            raise UnusualError
        text = head[0]
        try:
            members = msgspec.json.decode(text[:-1] + b"}", type=dict[str, msgspec.Raw])
            said = msgspec.json.decode(text[:-1] + b"}", type=_Head)
            names, before, behind = zip(*((m[2].decode(), m[1], m[3]) for m in matches if m), strict=True)
            b"".join((text, *behind)).decode()
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise UnusualError from None
        if len({*members, *names}) != text.count(b'":') + len(names) or not _FIELDS.isdisjoint(names):
            raise UnusualError  # a member comes twice
        hourly = head[1].startswith(b'","Hour":')
        if (said.Station, said.Standard, hourly) != (self._station, self._standard, self._hourly):
            raise UnusualError
        if hourly is not (said.Hour is not None) or max(map(len, (*before, *behind))) > _WINDOW:
            raise UnusualError
        return _Template(names, tuple(members), hourly, head[1], before, behind)

    def _read_heads(self, data: Bytes, begins: Places, template: _Template) -> tuple[Places, NDArray[np.int32]]:
        """Where each record's first cell starts, and its key."""
        front = _windows(data, begins)
        bytes_of = front.view(np.uint8).reshape(len(begins), _WINDOW)
        _same(front, b'{"Date":"    -  -  ","Julian":"', except_for=_DATE_DIGITS)
        digits = bytes_of[:, _DATE_DIGITS] - np.uint8(ord("0"))
        if digits.max() > 9:
            raise UnusualError
        dates = digits.astype(np.intp) @ (10 ** np.arange(7, -1, -1))
        days = np.searchsorted(self._dates, dates)
        days[days == len(self._dates)] = 0
        if not np.array_equal(self._dates[days], dates):
            raise UnusualError  # outside the span, or no date at all
        julian = begins + _FRONT
        length = np.where(data[julian + 1] == _QUOTE, 1, np.where(data[julian + 2] == _QUOTE, 2, 3))
        for at in range(3):
            if ((data[julian + at] - np.uint8(ord("0")) > 9) & (length > at)).any():
                raise UnusualError
        rest = julian + length
        for at in range(0, len(template.back), _WINDOW):
            hour = (_HOUR_AT, _HOUR_AT + 1) if template.hourly and not at else ()
            _same(_windows(data, rest + at), template.back[at : at + _WINDOW], except_for=hour)
        starts = rest + len(template.back)
        if not template.hourly:
            return starts, self._keys[days]
        tens, units = (data[rest + _HOUR_AT + n].astype(np.intp) - ord("0") for n in (0, 1))
        hours = tens * 10 + units
        if ((tens < 0) | (units < 0) | (units > 9) | (hours < 1) | (hours > HOURS)).any():
            raise UnusualError
        return starts, (self._keys[days] + hours - 1).astype(np.int32)

    def _asked_for(self, names: tuple[str, ...], cells: Cells) -> Cells:
        """The cells of the page's items in their order; an item that the records do not carry is absent."""
        place = {name: row for row, name in enumerate(names)}
        rows = [place.get(field, -1) for field in self._fields]
        if rows == list(range(len(names))):
            return cells
        absent = [row for row, found in enumerate(rows) if found < 0]
        chosen = Cells(cells.scaled[rows], cells.exponents[rows], cells.present[rows], cells.flags[rows])
        for array in (chosen.scaled, chosen.exponents, chosen.present):
            array[absent] = 0
        chosen.flags[absent] = qc_flags.NOT_REPORTED
        return chosen


def _windows(data: Bytes, places: Places) -> Words:
    """The 32 bytes from each place on, as four little-endian words: shape (*places, 4)."""
    windows: Any = np.ndarray((len(data) - _WINDOW + 1,), f"V{_WINDOW}", data, strides=(1,))
    return np.asarray(windows[places].view("<u8").reshape(*places.shape, 4))


def _words(data: Bytes, places: Places) -> Words:
    """The 8 bytes from each place on, as a little-endian word."""
    words: Any = np.ndarray((len(data) - 7,), "V8", data, strides=(1,))
    return np.asarray(words[places].view("<u8"))


@functools.lru_cache(maxsize=1024)
def _constant(text: bytes, *, at_end: bool = False, except_for: tuple[int, ...] = ()) -> tuple[Words, Words]:
    """Mask and value of a window that begins (or ends) with `text`."""
    mask, value = np.zeros(_WINDOW, np.uint8), np.zeros(_WINDOW, np.uint8)
    start = _WINDOW - len(text) if at_end else 0
    value[start : start + len(text)] = np.frombuffer(text, np.uint8)
    mask[start : start + len(text)] = 0xFF
    mask[[start + n for n in except_for]] = 0
    value &= mask
    return mask.view("<u8"), value.view("<u8")


@functools.lru_cache(maxsize=64)
def _constants(texts: tuple[bytes, ...], *, at_end: bool = False, except_for: tuple[int, ...] = ()) -> list[Words]:
    """Masks and values of the windows of several items, each of shape (items, 1, 4)."""
    pairs = [_constant(text, at_end=at_end, except_for=except_for) for text in texts]
    return [np.stack(part)[:, None] for part in zip(*pairs, strict=True)]


def _same(windows: Words, text: bytes, *, except_for: tuple[int, ...] = ()) -> None:
    mask, value = _constant(text, except_for=except_for)
    if not ((windows & mask) == value).all():
        raise UnusualError


def _read_cells(data: Bytes, starts: Places, ends: Places, template: _Template) -> Cells:
    """Cells from where they start and end (on their brace); shape (items, records)."""
    fronts = _constants(template.before)
    backs = _constants(template.behind, at_end=True, except_for=(_FLAG_AT,))
    for windows, (masks, values) in ((_windows(data, starts), fronts), (_windows(data, ends - _WINDOW), backs)):
        windows &= masks
        if not (windows == values).all():
            raise UnusualError
    value_starts = starts + np.array([[len(text)] for text in template.before])
    value_ends = ends - np.array([[len(text)] for text in template.behind])
    flags = data[value_ends + _FLAG_AT]
    if ((flags < ord(" ")) | (flags > ord("~")) | (flags == _QUOTE) | (flags == _BACKSLASH)).any():
        raise UnusualError
    first = data[value_starts]
    present = first == _QUOTE
    lengths = value_ends - value_starts
    null = (lengths == len(b"null")) & (_words(data, value_starts) & np.uint64(0xFFFFFFFF) == _NULL)
    quoted = present & (data[value_ends - 1] == _QUOTE) & (lengths >= 3) & (lengths <= _MAX_TEXT + 2)
    if not (null | quoted).all():
        raise UnusualError
    scaled, exponents = _numbers(
        _words(data, value_ends - 9), np.where(present, lengths - 2, 0), data[value_starts + 1] == _MINUS, present
    )
    return Cells(scaled, exponents, present, flags)


def _numbers(
    words: Words, lengths: Places, minus: NDArray[np.bool_], present: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Scaled integers and decimals of the texts that end words; 0 where not `present`. Raises `UnusualError`."""
    minus = minus & present
    digits = (words ^ _ASCII_ZEROS) & _TOP[lengths - minus]
    dots = digits ^ _DOTS
    found = ~(((dots & _LOW) + _LOW) | dots | _LOW)  # 0x80 in each byte that is a dot
    if (found & (found - np.uint64(1))).any():
        raise UnusualError
    # The dot's byte, 8 where there is none: the bits below the lowest set one, counted.
    dot = np.bitwise_count(found - np.uint64(1)) >> 3
    pointed = dot < 8
    decimals = np.where(pointed, 7 - dot, 0)
    digits = np.where(pointed, digits & _ABOVE[dot] | (digits & _BELOW[dot]) << np.uint64(8), digits)
    whole = lengths - minus - decimals - pointed
    too_big = (digits & _LOW) + _TEN | digits  # bit 7 of each byte that is no digit
    if ((too_big & _HIGH) != 0).any() or (present & (whole < 1) | pointed & (decimals < 1)).any():
        raise UnusualError
    for mask, factor, shift in _PAIRS:
        digits = ((digits & mask) * factor) >> shift
    scaled = digits.astype(np.int64)
    np.negative(scaled, out=scaled, where=minus)
    return scaled, decimals.astype(np.uint8)
