"""Flags and missing values as marks: a small number for each record and item, nearly always 0.

Marks come together: a record that is odd in one item is often odd in others. So first goes which records are odd at
all, then, for those only, which items are, and last by which mark, where there is a choice. Specified in
`docs/format.md`, "Codec 2".
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cimis_engine.store.gamma import GammaReader
from cimis_engine.store.symbols import CLASSES, SPARSE, SymbolReader, SymbolWriter, bits_price, prices

Marks = NDArray[np.int64]
Flags = NDArray[np.uint8]
Bits = NDArray[np.bool_]

COMMON = b" YRNMHISAQPTE"
_FLAGS = np.array([*COMMON, *(b for b in range(256) if b not in COMMON)], np.uint8)
"""Flag bytes by how common they are in recorded data, then the others."""
_RANKS = np.argsort(_FLAGS)
_MISSING = ord("M")
_PRICES = prices(np.arange(256, dtype=np.uint64)).astype(np.float64)


def write_flags(flags: Flags, head: list[int], writer: SymbolWriter) -> None:
    """Flags, shape (columns, records): for each column the flags it has, the most frequent (its mark is 0) first."""
    marks, most = np.empty(flags.shape, np.int64), []
    for row, column in enumerate(_RANKS[flags]):
        counts = np.bincount(column, minlength=256)
        held = counts.nonzero()[0]
        held = held[np.argsort(-counts[held], kind="stable")]
        place = np.zeros(256, np.int64)
        place[held] = np.arange(len(held))
        marks[row] = place[column]
        most.append(len(held) - 1)
        head += [len(held) - 1, *held.tolist()]
    _write(marks, most, head, writer)


def write_missing(present: Bits, flags: Flags, head: list[int], writer: SymbolWriter) -> None:
    """A mark is 1 where presence is not what the flag lets one expect: missing with `M`, present with any other."""
    marks = (present == (flags == _MISSING)).astype(np.int64)
    most = marks.max(axis=1, initial=0).tolist()
    head += most
    _write(marks, most, head, writer)


def _write(marks: Marks, most: list[int], head: list[int], writer: SymbolWriter) -> None:
    """Marks of 0 to `most` of each column."""

    def put(bits: Bits) -> int:
        _, best = bits_price(bits)
        writer.put(bits.astype(np.uint64), np.full(len(bits), best), sized=False)
        return best

    rows = [row for row, top in enumerate(most) if top]
    if not rows:
        return
    codes = marks[rows]
    steps = np.diff(codes, prepend=0, axis=1) % (np.array(most)[rows, None] + 1)
    modes = np.count_nonzero(steps, axis=1) < np.count_nonzero(codes, axis=1)
    codes = np.where(modes[:, None], steps, codes)
    head += modes.astype(int).tolist()
    if len(rows) > 1:
        odd: Bits = np.any(codes > 0, axis=0)
        turns: Bits = np.diff(odd, prepend=np.False_)
        mode = int(bits_price(turns) < bits_price(odd))
        head += [mode, put(turns if mode else odd)]
        codes = codes[:, odd]
    head += [put(column > 0) for column in codes]
    for row, column in zip(rows, codes, strict=True):
        if most[row] > 1:
            which = (column[column > 0] - 1).astype(np.uint64)
            best = int((_PRICES @ np.bincount(which.view(np.int64), minlength=256)).argmin())
            writer.put(which, np.full(len(which), best))
            head.append(best)


class _Plan:
    """What the head says of marks of 0 to `most` of each column; `marks` then reads them."""

    def __init__(self, head: GammaReader, most: list[int]) -> None:
        self.rows = [row for row, top in enumerate(most) if top]
        if not self.rows:
            return
        self._most = np.array(most)[self.rows][:, None]
        self._modes = np.flatnonzero(head.numbers(len(self.rows), 1, "mode of marks"))
        self._odd = None
        if len(self.rows) > 1:
            self._odd = head.number(1, "mode of odd records"), head.number(SPARSE - 1, "class of odd records")
        self._classes = head.numbers(len(self.rows), SPARSE - 1, "class of marks")
        sized = [at for at, row in enumerate(self.rows) if most[row] > 1]
        self._which = list(zip(sized, head.numbers(len(sized), CLASSES - 1, "class of marks"), strict=True))

    def marks(self, reader: SymbolReader, count: int) -> Marks:
        """Of the columns `rows`, those that have any."""
        odd = np.arange(count)
        if self._odd:
            mode, best = self._odd
            (bits,) = reader.bits([best], count)
            odd = (np.bitwise_xor.accumulate(bits) if mode else bits).nonzero()[0]
        some = reader.bits(self._classes, len(odd))
        codes = some.astype(np.int64)
        if self._which:
            rows, classes = np.array(self._which).T
            place, record = some[rows].nonzero()
            if len(place):
                numbers = reader.take(classes[place][:, None])[:, 0]
                rows = rows[place]
                if (numbers >= self._most[rows, 0].view(np.uint64)).any():
                    raise reader.error("a mark is above the most its column has")
                codes[rows, record] += numbers.view(np.int64)
        marks = np.zeros((len(self.rows), count), np.int64)
        marks[:, odd] = codes
        if len(self._modes):
            sums = np.zeros((len(self._modes), len(odd) + 1), np.int64)
            codes[self._modes].cumsum(axis=1, out=sums[:, 1:])
            sums %= self._most[self._modes] + 1
            upto = np.zeros(count, np.int64)
            upto[odd] = 1
            marks[self._modes] = sums.take(upto.cumsum(), axis=1)
        return marks


class FlagPlan:
    """The head's part on flags; `read` gives them, shape (columns, `count`)."""

    def __init__(self, head: GammaReader, columns: int) -> None:
        self._palettes = []
        for _ in range(columns):
            size = head.number(255, "number of flags") + 1
            self._palettes.append(_FLAGS.take(head.numbers(size, 255, "flag")))
        self._plan = _Plan(head, [len(palette) - 1 for palette in self._palettes])

    def read(self, reader: SymbolReader, count: int) -> Flags:
        flags = np.empty((len(self._palettes), count), np.uint8)
        for row, palette in enumerate(self._palettes):
            flags[row] = palette[0]
        if self._plan.rows:
            for row, marks in zip(self._plan.rows, self._plan.marks(reader, count), strict=True):
                self._palettes[row].take(marks, out=flags[row], mode="clip")  # none is beyond its palette
        return flags


class MissingPlan:
    """The head's part on missing values; `read` gives which are present, of columns with these `flags`."""

    def __init__(self, head: GammaReader, columns: int) -> None:
        self._plan = _Plan(head, head.numbers(columns, 1, "missing values"))

    def read(self, reader: SymbolReader, flags: Flags) -> Bits:
        present: Bits = flags != _MISSING
        if self._plan.rows:
            present[self._plan.rows] ^= self._plan.marks(reader, flags.shape[1]) > 0
        return present
