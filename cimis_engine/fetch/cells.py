"""Cells, remembered by their text.

A cell is one item of one record: `"DayEto":{"Value":"7.18","Qc":" ","Unit":"(mm)"}`. A station's record says the same
few thousand cells again and again, so each distinct text is read once and afterwards looked up, which costs a sixth of
decoding it into objects and strings.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cimis_engine.fetch.decimals import MAX_WHOLE
from cimis_engine.model import qc as qc_flags
from cimis_engine.model.batch import MAX_EXPONENT

MAX_CELLS = 1 << 15
"""Texts kept at most, about 8 MB. A station-year of 14 hourly items has some 7,000, and stations share most of them."""
FIELDS = ("Date", "Station", "Standard", "Hour")
"""Members of a record that are no items, and must be read as what they are."""
# One whole member, but for the brace that ends it. No string in it has an escape, so what it says is what it reads.
_CELL = re.compile(
    rb'"(\w+)":\{"Value":(?:null|"(-?[0-9]{1,%d})(?:\.([0-9]{1,%d}))?"),"Qc":"([^"\\\x00-\x1f\x7f-\xff]*)",'
    rb'"Unit":"([^"\\\x00-\x1f]*)"' % (MAX_WHOLE, MAX_EXPONENT)
)


class UnusualError(Exception):
    """The text is not in the shape the API writes. It may still be right: whoever reads every token decides."""


@dataclass(frozen=True, slots=True)
class CellArrays:
    """Cells as arrays of shape (items, records). `exponents` is a cell's own: value = scaled / 10**exponent.

    `scaled` and `exponents` are 0 where no value is present; `flags` are stored QC bytes (see `model.qc`).
    """

    scaled: NDArray[np.int64]
    exponents: NDArray[np.uint8]
    present: NDArray[np.bool_]
    flags: NDArray[np.uint8]


class CellTable:
    """Up to `MAX_CELLS` known cells. Safe to share by all decoders of a thread; then each profits from the others."""

    def __init__(self) -> None:
        self._known = _Known()

    def look_up(self, texts: Sequence[bytes], width: int) -> tuple[list[str], CellArrays]:
        """Cells of whole records, `width` a record: item names, and arrays of shape (`width`, records).

        A text is a cell without its closing brace. Raises `UnusualError` where one is not a plain cell, or where the
        records do not have the same distinct items in the same order.
        """
        if len(self._known) > MAX_CELLS:
            self._known = _Known()
        known = self._known
        codes = np.fromiter(map(known.__getitem__, texts), np.intp, len(texts)).reshape(-1, width)
        numbers = known.names[codes]
        first = numbers[0].tolist()
        if len(set(first)) != width or not (numbers == numbers[0]).all():
            raise UnusualError
        codes = np.ascontiguousarray(codes.T)
        arrays = CellArrays(known.scaled[codes], known.exponents[codes], known.present[codes], known.flags[codes])
        return [known.fields[n] for n in first], arrays


class _Known(dict[bytes, int]):
    """Text → row of the arrays. A text that is not there yet is parsed and added by `[]`."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: list[str] = []
        self._numbers: dict[str, int] = {}
        self._grow(1 << 10)

    def _grow(self, size: int) -> None:
        def longer(name: str, dtype: type[np.generic]) -> None:
            array = np.zeros(size, dtype)
            array[: len(self)] = getattr(self, name)[: len(self)] if self else 0
            setattr(self, name, array)

        longer("names", np.int16)
        longer("scaled", np.int64)
        longer("exponents", np.uint8)
        longer("present", np.bool_)
        longer("flags", np.uint8)

    names: NDArray[np.int16]
    scaled: NDArray[np.int64]
    exponents: NDArray[np.uint8]
    present: NDArray[np.bool_]
    flags: NDArray[np.uint8]

    def __missing__(self, text: bytes) -> int:
        match = _CELL.fullmatch(text)
        if match is None:
            raise UnusualError
        field, whole, places, flag, unit = match.groups()
        code = qc_flags.flag_code(flag.decode())
        name = field.decode()
        if code is None or name in FIELDS or not (unit.isascii() or _is_utf8(unit)):
            raise UnusualError
        row = len(self)
        if row == len(self.names):
            self._grow(2 * row)
        if name not in self._numbers:
            self._numbers[name] = len(self.fields)
            self.fields.append(name)
        self.names[row], self.flags[row] = self._numbers[name], code
        if whole is not None:
            places = places or b""
            self.scaled[row], self.exponents[row], self.present[row] = int(whole + places), len(places), True
        self[text] = row
        return row


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True
