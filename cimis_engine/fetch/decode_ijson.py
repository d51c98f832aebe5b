"""The reference decoder: every token seen, nothing skipped. Slow and strict; what `decode` is measured against."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

import ijson

from cimis_engine.fetch.columns import ABSENT, BadFieldError, DecodedPage, PageColumns, RawBatch, cell_arrays
from cimis_engine.fetch.decode_error import DecodeError, TruncatedError
from cimis_engine.fetch.skeleton import MAX_DEPTH
from cimis_engine.model.items import DataItem, Interval, UnitSystem
from cimis_engine.model.period import Span

_SLICE = 2 << 10
_BATCH = 256
_MAX_BODY_BYTES = 256 << 20
_MISSING = object()


class IjsonPageDecoder:
    """As `decode.PageDecoder`, on ijson. Both methods raise `DecodeError`."""

    def __init__(
        self,
        *,
        interval: Interval,
        units: UnitSystem,
        items: Sequence[DataItem],
        span: Span,
        station: int,
        max_bytes: int = _MAX_BODY_BYTES,
    ) -> None:
        self._columns = PageColumns(interval, units, items, span, station)
        self._max_bytes = max_bytes
        self._size = 0
        self._batch: list[dict[str, Any]] = []
        self._in_array = 0
        self._provider = -1
        self._complete = False
        self._first_in_page = True
        events = self._events()
        next(events)
        # use_float: the default mode of the C back end crashes on integers of thousands of digits.
        self._parser = ijson.basic_parse_coro(events, use_float=True)

    @property
    def held_bytes(self) -> int:
        return self._columns.nbytes

    def feed(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > self._max_bytes:
            raise DecodeError("too_large", f"more than {self._max_bytes} bytes", offset=self._max_bytes)
        for start in range(0, len(data), _SLICE):
            self._send(data[start : start + _SLICE])

    def finish(self) -> DecodedPage:
        try:
            self._parser.close()
        except ijson.IncompleteJSONError:
            raise TruncatedError("the document ends early", self._size) from None
        except ijson.JSONError as error:
            raise DecodeError("malformed", f"not JSON ({_first_line(error)})", offset=self._size) from None
        if not self._complete:
            raise TruncatedError("the document ends early", self._size)
        return self._columns.finish()

    def _send(self, piece: bytes) -> None:
        try:
            self._parser.send(piece)
        except (ijson.JSONError, UnicodeDecodeError, ValueError) as error:
            raise DecodeError("malformed", f"not JSON ({_first_line(error)})", offset=self._size) from None
        except StopIteration:
            raise DecodeError("malformed", "bytes after the end of the document", offset=self._size) from None

    def _events(self) -> Generator[None, tuple[str, Any], None]:
        """Receives the parser's events; walks `Data.Providers[].Records[]`."""
        event, _ = yield
        if event != "start_map":
            raise DecodeError("schema", "expected an object", path="$", offset=self._size)
        providers = yield from self._members("Data", ("Data",), self._data)
        if not providers:
            raise DecodeError("schema", "missing", path="Data")
        self._complete = True
        while True:
            yield

    def _members(self, path: str, wanted: tuple[str, ...], handler: Any) -> Generator[None, tuple[str, Any], bool]:
        """The members of an open object: `wanted` goes to `handler`, once; the rest is read and dropped."""
        found: set[str] = set()
        while True:
            event, key = yield
            if event == "end_map":
                return found.issuperset(wanted)
            if key in found:
                raise DecodeError("schema", f"the key {key} comes twice in one object", path=path, offset=self._size)
            if key in wanted:
                yield from handler()
            else:
                yield from self._value(3)
            found.add(key)

    def _data(self) -> Generator[None, tuple[str, Any], None]:
        yield from self._expect("start_map", "Data")
        if not (yield from self._members("Data", ("Providers",), self._providers)):
            raise DecodeError("schema", "missing", path="Data.Providers")

    def _providers(self) -> Generator[None, tuple[str, Any], None]:
        yield from self._expect("start_array", "Data.Providers")
        while True:
            event, _ = yield
            if event == "end_array":
                return
            self._provider += 1
            self._in_array = 0
            path = f"Data.Providers[{self._provider}]"
            if event != "start_map":
                raise DecodeError("schema", "expected an object", path=path, offset=self._size)
            if not (yield from self._members(path, ("Records",), self._records)):
                raise DecodeError("schema", "missing", path=f"{path}.Records")

    def _records(self) -> Generator[None, tuple[str, Any], None]:
        path = f"Data.Providers[{self._provider}].Records"
        yield from self._expect("start_array", path)
        while True:
            event, value = yield
            if event == "end_array":
                self._flush()
                return
            record = yield from self._rest(event, value, 5)
            if not isinstance(record, dict):
                at = f"{path}[{self._in_array + len(self._batch)}]"
                raise DecodeError("schema", "expected an object", path=at, offset=self._size)
            self._batch.append(record)
            if len(self._batch) == _BATCH:
                self._flush()

    def _expect(self, wanted: str, path: str) -> Generator[None, tuple[str, Any], None]:
        event, _ = yield
        if event != wanted:
            kind = "object" if wanted == "start_map" else "array"
            raise DecodeError("schema", f"expected an {kind}", path=path, offset=self._size)

    def _value(self, depth: int) -> Generator[None, tuple[str, Any], Any]:
        event, value = yield
        return (yield from self._rest(event, value, depth))

    def _rest(self, event: str, value: Any, depth: int) -> Generator[None, tuple[str, Any], Any]:
        """The value that `event` begins; of repeated keys the last one counts."""
        if event not in ("start_map", "start_array"):
            return value
        if depth > MAX_DEPTH:
            raise DecodeError("schema", f"nested deeper than {MAX_DEPTH}", offset=self._size)
        if event == "start_array":
            array: list[Any] = []
            while True:
                event, value = yield
                if event == "end_array":
                    return array
                array.append((yield from self._rest(event, value, depth + 1)))
        members: dict[str, Any] = {}
        while True:
            event, key = yield
            if event == "end_map":
                return members
            members[key] = yield from self._value(depth + 1)

    def _flush(self) -> None:
        if not self._batch:
            return
        try:
            self._columns.add_raw(self._lists(self._batch))
        except BadFieldError as bad:
            path = f"Data.Providers[{self._provider}].Records[{self._in_array + bad.index}].{bad.field}"
            raise DecodeError("schema", bad.message, path=path, offset=self._size, excerpt=bad.found) from None
        self._in_array += len(self._batch)
        self._batch.clear()

    def _lists(self, records: list[dict[str, Any]]) -> RawBatch:
        values: list[list[str | None]] = [[] for _ in self._columns.items]
        flags: list[list[str | None]] = [[] for _ in self._columns.items]
        for index, record in enumerate(records):
            for item, value, flag in zip(self._columns.items, values, flags, strict=True):
                cell = record.get(item.field)
                if cell is None:
                    value.append(None)
                    flag.append(ABSENT)
                    continue
                if not isinstance(cell, dict):
                    raise BadFieldError(index, item.field, "expected an object", cell)
                value.append(_text(cell, "Value", index, f"{item.field}.Value", None, required=True))
                flag.append(_text(cell, "Qc", index, f"{item.field}.Qc", None))
        if self._first_in_page:
            self._first_in_page = False
            self._columns.note_fields(records[0])
        return RawBatch(
            dates=[_required(r, "Date", i) for i, r in enumerate(records)],
            hours=[_text(r, "Hour", i, "Hour", None) for i, r in enumerate(records)],
            stations=[_required(r, "Station", i) for i, r in enumerate(records)],
            standards=[_required(r, "Standard", i) for i, r in enumerate(records)],
            cells=cell_arrays(self._columns.items, values, flags),
        )


def _text(
    members: dict[str, Any], name: str, index: int, path: str, default: str | None, *, required: bool = False
) -> str | None:
    value = members.get(name, _MISSING)
    if value is _MISSING:
        if required:
            raise BadFieldError(index, path, "missing", members)
        return default
    if value is not None and not isinstance(value, str):
        raise BadFieldError(index, path, "expected a string or null", value)
    return value


def _required(record: dict[str, Any], name: str, index: int) -> str:
    value = _text(record, name, index, name, None, required=True)
    if value is None:
        raise BadFieldError(index, name, "expected a string", value)
    return value


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
