"""The fast decoder: a response body, as it comes, to columns, in constant memory.

Records are cut out of the byte stream without tokenising it: in the buffered bytes take the last `},{`, and decode
what is before it, in the API's very shape by `regular`, in any other as a typed list. JSON tokenises from left to
right, so a slice that parses ends at a true boundary; a cut inside a string or a nested object cannot parse, and the
boundary before it is tried. What is not records forms a skeleton of a few hundred bytes, checked at the end. It must
never be laxer than `decode_ijson`, the reference.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Any, Protocol

import msgspec
import numpy as np

from cimis_engine.fetch.columns import ABSENT, BadFieldError, DecodedPage, PageColumns, RawBatch, cell_arrays
from cimis_engine.fetch.decode_error import DecodeError, TruncatedError
from cimis_engine.fetch.explain import explain
from cimis_engine.fetch.regular import RegularReader, UnusualError
from cimis_engine.fetch.skeleton import MAX_DEPTH, check_skeleton
from cimis_engine.model.items import DataItem, Interval, UnitSystem
from cimis_engine.model.period import Span

__all__ = ["DecodeError", "DecodedPage", "Decoder", "PageDecoder", "TruncatedError"]

BATCH_BYTES = 256 << 10
MAX_BUFFER = 2 << 20
MAX_SKELETON = 64 << 10
MAX_BODY_BYTES = 256 << 20
_TRIES = 64
_LEVELS_ABOVE = 3
"""Of nesting, above the array of records: `skeleton.MAX_DEPTH` counts from the members of the document."""
_RECORDS = re.compile(rb'"Records"\s*:\s*\[')
_SPACE = b" \t\r\n"
_SPLIT_TAIL = 64
"""Bytes kept back while looking for `"Records": [`, which may arrive in pieces."""
_PLACE = re.compile(r"(?:- )?at `\$\[(\d+)\]\.?([^`]*)`")


class Decoder(Protocol):
    """What the pipeline drives: bytes in, one page out. Both methods raise `DecodeError`."""

    def feed(self, data: bytes) -> None: ...

    def finish(self) -> DecodedPage: ...

    @property
    def held_bytes(self) -> int: ...


class _Cell(msgspec.Struct, gc=False, eq=False):
    Value: str | None
    Qc: str | None = None


_NO_CELL = _Cell(None, ABSENT)


@functools.lru_cache(maxsize=8)
def _record_decoder(items: tuple[DataItem, ...]) -> msgspec.json.Decoder[list[Any]]:
    fields: list[tuple[str, Any] | tuple[str, Any, Any]] = [("Date", str), ("Station", str), ("Standard", str)]
    fields += [("Hour", str | None, None)]
    fields += [(i.field, _Cell | None, None) for i in items]
    return msgspec.json.Decoder(list[msgspec.defstruct("Record", fields, gc=False, eq=False)])  # type: ignore[misc]


class PageDecoder:
    """Decodes one page. `feed` inflated bytes in any slices, then `finish`; the columns do not depend on the slices.

    Both raise `DecodeError`, after which the decoder is of no more use.
    """

    def __init__(
        self,
        *,
        interval: Interval,
        units: UnitSystem,
        items: Sequence[DataItem],
        span: Span,
        station: int,
        max_bytes: int = MAX_BODY_BYTES,
    ) -> None:
        self._columns = PageColumns(interval, units, items, span, station)
        self._regular = RegularReader(interval, units, self._columns.items, span, station)
        self._decoder = _record_decoder(self._columns.items)
        self._getters = [attrgetter(i.field) for i in self._columns.items]
        self._max_bytes = max_bytes
        self._buffer = bytearray()
        self._skeleton = bytearray()
        self._consumed = 0
        self._moved: list[tuple[int, int]] = []
        self._arrays = 0
        self._in_records = False
        self._first_in_page = True
        self._in_array = 0
        self._looked = 0
        self._threshold = BATCH_BYTES

    @property
    def held_bytes(self) -> int:
        return len(self._buffer) + len(self._skeleton) + self._columns.nbytes

    def feed(self, data: bytes) -> None:
        self._buffer += data
        if self._consumed + len(self._buffer) > self._max_bytes:
            raise DecodeError("too_large", f"more than {self._max_bytes} bytes", offset=self._max_bytes)
        try:
            while self._step():
                pass
        except DecodeError as refused:
            raise self._explained(refused) from None

    def finish(self) -> DecodedPage:
        size = self._consumed + len(self._buffer)
        try:
            if self._in_records:
                raise self._unfinished(size)
            check_skeleton(bytes(self._skeleton + self._buffer), self._arrays, size)
            return self._columns.finish()
        except DecodeError as refused:
            raise self._explained(refused) from None

    def _explained(self, refused: DecodeError) -> DecodeError:
        """The refusal with its place, from what is still at hand: the skeleton and the bytes not yet taken."""
        document = bytes(self._skeleton + self._buffer)
        moved = [*self._moved, (len(self._skeleton), self._consumed)]
        return explain(refused, document, moved=moved, first_record=self._in_array)

    def _step(self) -> bool:
        """Take one thing off the buffer; False if more bytes are needed."""
        return self._records_step() if self._in_records else self._outside_step()

    def _outside_step(self) -> bool:
        match = _RECORDS.search(self._buffer)
        if match is None:
            if len(self._skeleton) + len(self._buffer) > MAX_SKELETON:
                raise DecodeError("schema", "no records where they should be", path="Data.Providers[0].Records")
            return False
        self._skeleton += self._buffer[: match.end()]
        self._arrays += 1
        self._in_records, self._in_array, self._looked = True, 0, 0
        self._drop(match.end())
        return True

    def _records_step(self) -> bool:
        if self._close_array():
            return True
        if len(self._buffer) < self._threshold:
            return False
        for cut in self._boundaries():
            if self._decode(cut):
                comma = self._buffer.index(b",", cut)
                self._drop(comma + 1)
                self._threshold = BATCH_BYTES
                return True
        self._threshold = 2 * len(self._buffer)
        if len(self._buffer) > MAX_BUFFER:
            raise self._unfinished(self._consumed + len(self._buffer))
        return False

    def _close_array(self) -> bool:
        """Find the `]` that ends the records, if it is here. Every one that follows a `}` is tried once."""
        tries = 0
        while (end := self._buffer.find(b"]", self._looked)) >= 0:
            before = self._buffer[max(0, end - 256) : end].rstrip(_SPACE) or self._buffer[:end].rstrip(_SPACE)
            if before[-1:] == b"}" and self._decode(end):
                self._leave_array(end)
                return True
            if not before and self._in_array == 0:
                self._leave_array(end)
                return True
            self._looked = end + 1
            tries += 1
            if tries > 100 * _TRIES:
                raise DecodeError("schema", "too many brackets within the records", offset=self._consumed + end)
        self._looked = len(self._buffer)
        return False

    def _leave_array(self, end: int) -> None:
        self._in_records = False
        self._drop(end)
        mark = f'"#{self._arrays - 1}"'.encode()
        self._moved.append((len(self._skeleton), self._consumed - len(mark)))
        self._skeleton += mark

    def _boundaries(self) -> Iterator[int]:
        """Ends (exclusive) of what may be whole records: the places before `},{`, from the last."""
        at, found = len(self._buffer), 0
        while found < _TRIES and (at := self._buffer.rfind(b"{", 0, at)) > 0:
            head = self._buffer[max(0, at - 64) : at].rstrip(_SPACE)
            if head[-1:] != b",":
                continue
            body = head[:-1].rstrip(_SPACE)
            if body[-1:] == b"}":
                found += 1
                yield max(0, at - 64) + len(body)

    def _drop(self, count: int) -> None:
        del self._buffer[:count]
        self._consumed += count
        self._looked = 0

    def _decode(self, end: int) -> bool:
        """Decode and keep the records of `buffer[:end]`; False if the cut is not a boundary. Raises `DecodeError`."""
        try:
            with memoryview(self._buffer) as buffer, buffer[:end] as records:
                found = self._regular.read(records)
        except UnusualError:
            return self._decode_unusual(end)
        self._columns.add(found.keys, found.cells)
        self._note(found.names)
        self._in_array += len(found.keys)
        return True

    def _decode_unusual(self, end: int) -> bool:
        piece = b"[%b]" % bytes(self._buffer[:end])
        records = self._records(piece)
        if records is None:
            return False
        self._check_bytes(piece, records)
        try:
            self._columns.add_raw(self._lists(records))
        except BadFieldError as bad:
            raise DecodeError("schema", bad.message, path=self._path(bad.index, bad.field)) from None
        if self._first_in_page:
            self._note(msgspec.json.decode(piece, type=list[dict[str, msgspec.Raw]])[0])
        self._in_array += len(records)
        return True

    def _note(self, names: Iterable[str]) -> None:
        if self._first_in_page:
            self._first_in_page = False
            self._columns.note_fields(names)

    def _records(self, piece: bytes) -> list[Any] | None:
        """Records in any shape JSON allows; None if they do not end where the piece does. Raises `DecodeError`."""
        try:
            return self._decoder.decode(piece)
        except msgspec.ValidationError as error:
            raise self._wrong_type(str(error)) from None
        except msgspec.DecodeError:
            return None
        except UnicodeDecodeError:
            raise DecodeError("malformed", "not UTF-8", offset=self._consumed) from None
        except RecursionError:
            raise DecodeError("schema", f"nested deeper than {MAX_DEPTH}") from None

    def _lists(self, records: list[Any]) -> RawBatch:
        values: list[list[str | None]] = []
        flags: list[list[str | None]] = []
        for getter in self._getters:
            cells = [c if c is not None else _NO_CELL for c in map(getter, records)]
            values.append([c.Value for c in cells])
            flags.append([c.Qc for c in cells])
        return RawBatch(
            dates=[r.Date for r in records],
            hours=[r.Hour for r in records],
            stations=[r.Station for r in records],
            standards=[r.Standard for r in records],
            cells=cell_arrays(self._columns.items, values, flags),
        )

    def _check_bytes(self, piece: bytes | bytearray, records: list[Any]) -> None:
        """What the typed decode does not look at in fields it skips: UTF-8 and depth."""
        if not piece.isascii():
            try:
                piece.decode()
            except UnicodeDecodeError as error:
                raise DecodeError("malformed", "not UTF-8", offset=self._consumed + error.start - 1) from None
        # Without arrays, and with no more objects than records and their cells, nothing can be deep.
        if piece.count(b"[") > 1 or piece.count(b"{") > len(records) * (1 + len(self._getters)):
            chars = np.frombuffer(piece, np.uint8)
            opening = (chars == 0x5B) | (chars == 0x7B)
            closing = (chars == 0x5D) | (chars == 0x7D)
            if int(np.cumsum(opening.astype(np.int32) - closing).max()) > MAX_DEPTH - _LEVELS_ABOVE:
                raise DecodeError("schema", f"nested deeper than {MAX_DEPTH}")

    def _path(self, index: int, field: str) -> str:
        tail = f".{field}" if field else ""
        return f"Data.Providers[{self._arrays - 1}].Records[{self._in_array + index}]{tail}"

    def _wrong_type(self, message: str) -> DecodeError:
        place = _PLACE.search(message)
        path = self._path(int(place[1]), place[2]) if place else self._path(0, "")
        return DecodeError("schema", message.split(" - at ", maxsplit=1)[0], path=path)

    def _unfinished(self, size: int) -> DecodeError:
        """Why what is left in the buffer is not records: cut off, or broken."""
        try:
            self._decoder.decode(b"[" + self._buffer)
        except msgspec.ValidationError as error:
            return self._wrong_type(str(error))
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            if "truncated" in str(error) and len(self._buffer) <= MAX_BUFFER:
                return TruncatedError("the body ends within a record", size)
        return DecodeError("malformed", "not JSON")
