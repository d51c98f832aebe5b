"""Small unsigned numbers to bits and back, each under a class that says how large it is expected to be.

Classes 0 to 7 are for numbers that are mostly 0: of each class the gaps between the others are coded, and those others
by their size, whatever it is. Classes from 8 on are Rice codes. Codes are split by kind (all unary parts, then all
plain bits) so that numpy reads them at one go. Specified in `docs/format.md`, "Codec 2".
"""

from __future__ import annotations

from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from cimis_engine.store.wire import Cursor

U64 = NDArray[np.uint64]
Ints = NDArray[np.int64]

SPARSE = 8
"""The first Rice class, which has one plain bit; a sparse class c has gaps with 7 - c plain bits."""
CLASSES = 48
LONGEST = 24
"""A unary part of this length stands for a number that is written in full, in 64 bits."""

_GAP_BITS = np.arange(SPARSE - 1, -1, -1)
_RICE_BITS = np.maximum(np.arange(CLASSES) - SPARSE + 1, 0)
_PRICE = 128


def _lengths(numbers: U64) -> Ints:
    """`int.bit_length` of each, but at most `LONGEST`."""
    return np.minimum(np.frexp(np.minimum(numbers, np.uint64(1 << LONGEST)).astype(np.float64))[1], LONGEST).astype(
        np.int64
    )


def prices(numbers: U64) -> NDArray[np.int64]:
    """What each number costs in each class, in 128ths of a bit: shape (`CLASSES`, numbers). Exact, so choices are too.

    A zero of a sparse class has its share of the next gap's code.
    """
    out = np.empty((CLASSES, len(numbers)), np.int64)
    some = numbers != 0
    unary = _lengths(numbers - some)
    magnitude = _PRICE * (unary + 1 + np.maximum(unary - 1, 0) + 64 * (unary == LONGEST))
    for at, gap in enumerate(_GAP_BITS.tolist()):
        out[at] = np.where(some, magnitude + _PRICE * (gap + 1), _PRICE >> gap)
    longest = int(numbers.max(initial=0)).bit_length()
    for at, plain in enumerate(_RICE_BITS[SPARSE:].tolist(), SPARSE):
        if plain > longest + 1:  # no unary part is left: one bit more than in the class before
            np.add(out[at - 1], _PRICE, out=out[at])
            continue
        unary = np.minimum(numbers >> np.uint64(plain), np.uint64(LONGEST)).astype(np.int64)
        out[at] = _PRICE * (unary + 1 + plain + 64 * (unary == LONGEST))
    return out


def bits_price(bits: NDArray[np.bool_]) -> tuple[int, int]:
    """(price, class) of the sparse class in which these bits cost least, in 128ths of a bit."""
    ones = int(np.count_nonzero(bits))
    zeros = len(bits) - ones
    return min((_PRICE * (gap + 1) * ones + (_PRICE >> gap) * zeros, at) for at, gap in enumerate(_GAP_BITS.tolist()))


class SymbolWriter:
    """Collects numbers with their classes; `finish` gives the counts a reader must be told, and the bytes."""

    def __init__(self) -> None:
        self._numbers: list[U64] = [np.empty(0, np.uint64)]
        self._classes: list[Ints] = [np.empty(0, np.int64)]
        self._sized: list[NDArray[np.bool_]] = [np.empty(0, np.bool_)]

    def put(self, numbers: U64, classes: Ints, *, sized: bool = True) -> None:
        """`sized=False`: numbers of sparse classes that are 0 or 1, so that the 1 need not be told."""
        self._numbers.append(numbers)
        self._classes.append(classes)
        self._sized.append(np.full(len(numbers), sized))

    def finish(self) -> tuple[list[int], bytes]:
        """(numbers that are not 0 of each sparse class, numbers in full, bytes of unary parts), and all parts."""
        numbers, classes = np.concatenate(self._numbers), np.concatenate(self._classes)
        gaps, counts = [], []
        for at in range(SPARSE):
            places = np.flatnonzero(numbers[classes == at])
            gaps.append(np.diff(places, prepend=-1) - 1)
            counts.append(len(places))
        coded = (classes >= SPARSE) | (np.concatenate(self._sized) & (numbers != 0))
        numbers, classes = numbers[coded], classes[coded]
        sparse = classes < SPARSE
        plain = numbers - sparse
        bits = _RICE_BITS[classes]
        unary = np.minimum(plain >> bits.astype(np.uint64), np.uint64(LONGEST)).astype(np.int64)
        unary[sparse] = _lengths(plain[sparse])
        bits[sparse] = np.maximum(unary[sparse] - 1, 0)
        full = plain[unary == LONGEST]
        gap, gap_bits = np.concatenate(gaps), np.repeat(_GAP_BITS, counts)
        ones = np.cumsum(np.concatenate([gap >> gap_bits, unary]) + 1) - 1
        marks = np.zeros(int(ones[-1]) + 1 if len(ones) else 0, np.uint8)
        marks[ones] = 1
        packed = np.packbits(marks).tobytes()
        rest = _pack(np.concatenate([gap.astype(np.uint64), plain]), np.concatenate([gap_bits, bits]))
        return [*counts, len(full), len(packed)], packed + rest + full.astype("<u8").tobytes()


def _pack(numbers: U64, widths: Ints) -> bytes:
    """The low `widths` bits of each number, the highest first, one after the other."""
    ends = np.cumsum(widths)
    bits = np.zeros(int(ends[-1]) if len(ends) else 0, np.uint8)
    for at in range(int(widths.max(initial=0))):
        wide = widths > at
        bits[ends[wide] - 1 - at] = (numbers[wide] >> np.uint64(at)) & np.uint64(1)
    return np.packbits(bits).tobytes()


class SymbolReader:
    """Gives back what a `SymbolWriter` was given, in the same order, for the same classes.

    `cells` is the most numbers there can be. Nothing larger than it and the bytes at hand is allocated.
    """

    def __init__(self, cursor: Cursor, counts: list[int], cells: int) -> None:
        *held, full, size = counts
        self.error = cursor.error
        total = sum(held)
        ones = np.flatnonzero(np.unpackbits(np.frombuffer(cursor.take(size, "unary parts"), np.uint8)))
        unary = np.diff(ones, prepend=-1)
        unary -= 1
        if size * 8 - (int(ones[-1]) + 1 if len(ones) else 0) >= 8:
            raise cursor.error("unary parts go on after the last")
        if len(unary) < total or total > cells or full * 8 > cursor.left:
            raise cursor.error(f"{total} gaps and {full} numbers in full do not fit what is there")
        if np.count_nonzero(unary[total:] >= LONGEST) != full or np.any(unary[total:] > LONGEST):
            raise cursor.error(f"unary parts do not stand for {full} numbers in full")
        rest = cursor.take(cursor.left - full * 8, "plain bits")
        self._bits, self._end = len(rest) * 8, 0
        padded = rest + bytes(8)
        self._windows = np.ndarray((len(rest) + 1,), ">u8", padded, strides=(1,))
        self._full, self._full_at = np.frombuffer(cursor.take(full * 8, "numbers in full"), "<u8"), 0
        self._unary, self._unary_at = unary, total
        self._used = [0] * SPARSE
        self._flags = np.zeros((SPARSE, cells), np.bool_)
        self._last = [0] * SPARSE
        if total:
            self._scatter(held, unary[:total], cells)

    def _scatter(self, held: list[int], unary: Ints, cells: int) -> None:
        gap_bits = np.repeat(_GAP_BITS, held)
        steps = (unary << gap_bits) + self._plain(gap_bits).astype(np.int64) + 1
        ends = list(accumulate(held))
        for at, (count, end) in enumerate(zip(held, ends, strict=True)):
            if count:
                places = np.cumsum(steps[end - count : end]) - 1
                if places[-1] >= cells:
                    raise self.error(f"gaps reach {places[-1]}, there are {cells} numbers at most")
                self._flags[at, places] = True
                self._last[at] = int(places[-1]) + 1

    def _plain(self, widths: Ints) -> U64:
        """The next numbers of so many plain bits each."""
        if not len(widths):
            return np.empty(0, np.uint64)
        starts = widths.cumsum()
        starts += self._end
        end = int(starts[-1])
        if end > self._bits:
            raise self.error(f"plain bits end at {self._bits}, needed are {end}")
        self._end = end
        starts -= widths
        words: U64 = self._windows[starts >> 3].astype(np.uint64)
        words <<= (starts & 7).view(np.uint64)
        words >>= np.uint64(1)
        words >>= (63 - widths).view(np.uint64)
        return words

    def take(self, classes: Ints) -> U64:
        """As many numbers as there are classes. Raises `ChunkError` where there are not so many."""
        sparse = (classes < SPARSE).nonzero()[0]
        if not len(sparse):  # as nearly always with daily values
            return self._coded(classes - (SPARSE - 1), None)
        numbers = np.zeros(len(classes), np.uint64)
        coded = np.ones(len(classes), np.bool_)
        coded[sparse] = self.take_bits(classes[sparse])
        classes = classes[coded]
        numbers[coded] = self._coded(_RICE_BITS[classes], classes < SPARSE)
        return numbers

    def take_bits(self, classes: Ints) -> NDArray[np.bool_]:
        """For the next numbers of sparse classes: which are not 0. All there is to tell of those not `sized`."""
        out = np.empty(len(classes), np.bool_)
        for at in range(SPARSE):
            here = (classes == at).nonzero()[0]
            if len(here):
                used = self._used[at]
                found = self._flags[at, used : used + len(here)]
                if len(found) < len(here):
                    raise self.error("more numbers asked for than there can be")
                out[here], self._used[at] = found, used + len(here)
        return out

    def _coded(self, widths: Ints, sparse: NDArray[np.bool_] | None) -> U64:
        """The next numbers that have a code: Rice codes of so many plain bits, or `sparse` ones (and then not 0)."""
        begin, end = self._unary_at, self._unary_at + len(widths)
        unary = self._unary[begin:end]
        if len(unary) < len(widths):
            raise self.error(f"{len(widths)} numbers needed, {len(unary)} unary parts are left")
        self._unary_at = end
        numbers = unary.astype(np.uint64)
        if sparse is not None:
            tails = np.maximum(unary[sparse] - 1, 0)
            widths[sparse] = tails
            numbers[sparse] = unary[sparse] > 0
        numbers <<= widths.view(np.uint64)
        numbers |= self._plain(widths)
        if len(self._full):
            whole = np.flatnonzero(unary == LONGEST)
            numbers[whole] = self._full[self._full_at : self._full_at + len(whole)]
            self._full_at += len(whole)
        return numbers if sparse is None else numbers + sparse

    def end(self) -> None:
        """Raises `ChunkError` unless everything has been taken and the padding is 0."""
        if (
            self._unary_at != len(self._unary)
            or any(last > used for last, used in zip(self._last, self._used, strict=True))
            or self._bits - self._end >= 8
        ):
            raise self.error("numbers are left over after the last column")
        spare = self._bits - self._end
        if spare and int(self._windows[-2] >> np.uint64(56)) & ((1 << spare) - 1):
            raise self.error("padding is not 0")
