"""Small unsigned numbers to bits and back, each under a class that says how large it is expected to be.

Classes 0 to 7 are for numbers that are mostly 0: of each class the gaps between the others are coded, and those others
by their size, whatever it is. Classes from 8 on are Rice codes. Codes are split by kind (all unary parts, then all
plain bits) so that numpy reads them at one go. Specified in `docs/format.md`, "Codec 2".
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cimis_engine.store.wire import ChunkError, Cursor

U64 = NDArray[np.uint64]
Ints = NDArray[np.int64]
Bits = NDArray[np.bool_]

SPARSE = 8
"""The first Rice class, which has one plain bit; a sparse class c has gaps with 7 - c plain bits."""
CLASSES = 48
LONGEST = 24
"""A unary part of this length stands for a number that is written in full, in 64 bits."""

_GAP_BITS = np.arange(SPARSE - 1, -1, -1)
_RICE_BITS = np.maximum(np.arange(CLASSES) - SPARSE + 1, 0)
_PRICE = 128
_BIT_PRICES = [(_PRICE * (gap + 1), _PRICE >> gap) for gap in _GAP_BITS.tolist()]
_NONE = np.empty(0, np.int64)


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
    costs = [one * ones + zero * zeros for one, zero in _BIT_PRICES]
    least = min(costs)
    return least, costs.index(least)


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
        some, rice = numbers != 0, classes >= SPARSE
        gaps, counts, few, theirs = [], [], some[~rice], classes[~rice]
        for at in range(SPARSE):
            places = few[theirs == at].nonzero()[0]
            counts.append(len(places))
            places[1:] -= places[:-1] + 1
            gaps.append(places)
        coded = rice | (np.concatenate(self._sized) & some)
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
    total = int(ends[-1]) if len(ends) else 0
    places = np.repeat(ends - 1, widths)
    places -= np.arange(total)
    bits = np.repeat(numbers, widths)
    bits >>= places.view(np.uint64)
    bits &= np.uint64(1)
    return np.packbits(bits.astype(np.uint8)).tobytes()


class SymbolReader:
    """Gives back what a `SymbolWriter` was given, in the same order, for the same classes.

    Arrays have an axis for blocks, the last: a reader begins with one block, and `together` makes one of many. What is
    asked for beyond the last number is 0 or not to be relied on; that it was is told by `end`.
    """

    def __init__(self, cursor: Cursor, counts: list[int], cells: int) -> None:
        """`cells` is the most numbers there can be: nothing larger than it and the bytes at hand is allocated."""
        *held, full, size = counts
        self._cursors = [cursor]
        total = sum(held)
        bits = np.unpackbits(np.frombuffer(cursor.take(size, "unary parts"), np.uint8))
        ones = bits.view(np.bool_).nonzero()[0]
        unary = np.zeros(len(ones) + 1, np.int64)
        unary[:-1] = ones
        unary[1:-1] -= ones[:-1] + 1
        if size * 8 - (int(ones[-1]) + 1 if len(ones) else 0) >= 8:
            raise cursor.error("unary parts go on after the last")
        if len(ones) < total or total > cells or full * 8 > cursor.left:
            raise cursor.error(f"{total} gaps and {full} numbers in full do not fit what is there")
        gaps, unary = unary[:total], unary[total:]
        if unary.max() > LONGEST or np.count_nonzero(unary == LONGEST) != full:
            raise cursor.error(f"unary parts do not stand for {full} numbers in full")
        rest = cursor.take(cursor.left - full * 8, "plain bits")
        if len(rest) > 8 * cells + 8:
            raise cursor.error(f"{len(rest)} bytes of plain bits are too many")
        self._unary = unary.view(np.uint64)
        self._at = np.zeros(1, np.int64)
        self._stop = np.array([len(unary) - 1])
        self._windows = np.ndarray((len(rest) + 1,), ">u8", rest + bytes(8), strides=(1,)).astype(np.uint64)
        self._bit = np.zeros(1, np.int64)
        self._bit_stop = np.array([len(rest) * 8])
        self._full = np.frombuffer(cursor.take(full * 8, "numbers in full") + bytes(8), "<u8")
        self._full_at = np.zeros(1, np.int64)
        self._sparse = self._places(held, gaps, cells)

    def _places(self, held: list[int], gaps: Ints, cells: int) -> _Sparse:
        """Of each sparse class, where in its row the numbers are that are not 0."""
        if not len(gaps):
            return _Sparse(_NONE, held, [0] * SPARSE)
        gap_bits = _GAP_BITS.repeat(held)
        steps = (gaps << gap_bits) + self._plain(gap_bits[:, None])[:, 0].view(np.int64) + 1
        sums = np.concatenate([[0], steps.cumsum()])[[0, *accumulate(held)]]
        ends = np.diff(sums).tolist()
        if max(ends) > cells:
            raise self._cursors[0].error(f"gaps reach {max(ends) - 1}, there are {cells} numbers at most")
        return _Sparse(steps, held, ends)

    @classmethod
    def together(cls, readers: Sequence[SymbolReader]) -> SymbolReader:
        """One reader for blocks that go on where theirs are."""
        if len(readers) == 1:
            return readers[0]
        one = cls.__new__(cls)
        one._cursors = [cursor for r in readers for cursor in r._cursors]
        one._sparse = _Sparse.together([r._sparse for r in readers])
        one._unary, (one._at, one._stop) = _joined([(r._unary, (r._at, r._stop)) for r in readers])
        one._full, (one._full_at,) = _joined([(r._full, (r._full_at,)) for r in readers])
        one._windows, (one._bit, one._bit_stop) = _joined(
            [(r._windows, (r._bit, r._bit_stop)) for r in readers], scale=8
        )
        return one

    def error(self, what: str, block: int = 0) -> ChunkError:
        return self._cursors[block].error(what)

    def _plain(self, widths: Ints) -> U64:
        """The next numbers of so many plain bits each."""
        places = np.empty((len(widths) + 1, widths.shape[1]), np.int64)
        places[0], places[1:] = self._bit, widths
        places.cumsum(axis=0, out=places)
        starts, self._bit = places[:-1], places[-1].copy()
        words: U64 = self._windows.take(starts >> 3, mode="clip")
        starts &= 7
        words <<= starts.view(np.uint64)
        words >>= (64 - widths).view(np.uint64)  # by 64: numpy makes it 0
        return words

    def take(self, classes: Ints, held: Bits | None = None) -> U64:
        """As many numbers as there are classes, shape (numbers, blocks); where not `held`, there is none: it is 0."""
        widths = classes - (SPARSE - 1)
        if classes.min(initial=SPARSE) >= SPARSE:
            some, coded = None, held
            numbers = unary = self._next_unary(len(classes), coded)
        else:
            sparse = classes < SPARSE
            some = self._sparse.take(classes, sparse if held is None else sparse & held)
            coded = ~sparse if held is None else held & ~sparse
            coded |= some
            unary = self._next_unary(len(classes), coded)
            size = unary != 0
            numbers = np.where(sparse, size, unary)
            np.copyto(widths, (unary - size).view(np.int64), where=sparse)
        if held is not None:
            widths *= held
        numbers = numbers << widths.view(np.uint64)
        numbers |= self._plain(widths)
        if len(self._full) > len(self._cursors):
            whole = unary == LONGEST
            places = whole.cumsum(axis=0) + (self._full_at - 1)
            self._full_at = places[-1] + 1
            numbers = np.where(whole, self._full.take(places, mode="clip"), numbers)
        if some is not None:
            numbers += some
        return numbers

    def _next_unary(self, count: int, coded: Bits | None) -> U64:
        if coded is None:
            places = np.arange(count)[:, None] + self._at
            self._at = self._at + count
            return self._unary.take(places, mode="clip")
        if len(self._at) == 1:
            total = np.count_nonzero(coded)
            found = self._unary[self._at[0] :][:total]
            if len(found) == total:
                self._at = self._at + total
                unary = np.zeros(coded.shape, np.uint64)
                unary[coded] = found
                return unary
        places = coded.cumsum(axis=0)
        places += self._at - 1
        self._at = places[-1] + 1
        return self._unary.take(places, mode="clip") * coded

    def bits(self, classes: list[int], count: int) -> Bits:
        """Of the only block: whether the next numbers, `count` of each of these sparse classes, are not 0: a row a
        class. It is all there is to tell of those that are not `sized`.
        """
        return self._sparse.rows(classes, count)

    def end(self) -> None:
        """Raises `ChunkError` unless everything has been taken, and no more, and the padding is 0."""
        spare = self._bit_stop - self._bit
        wrong = (self._at != self._stop) | self._sparse.left() | (spare < 0) | (spare >= 8)
        for block in wrong.nonzero()[0].tolist():
            raise self.error("numbers are missing, or left over, after the last column", block)
        last = self._windows.take(self._bit >> 3, mode="clip") << (self._bit & 7).view(np.uint64)
        for block in (last * (spare > 0)).nonzero()[0].tolist():
            raise self.error("padding is not 0", block)


class _Sparse:
    """Which numbers of the sparse classes are not 0: a row of flags a class and block, in `flags` one after another.

    A row ends after its last that is not 0, with a flag that stands for all that follow.
    """

    def __init__(self, steps: Ints, held: list[int], ends: list[int]) -> None:
        """`steps` from one number that is not 0 to the next, so many `held` in each row, which they bring to `ends`."""
        starts = [0, *accumulate(end + 1 for end in ends)]
        self.flags = np.zeros(starts[-1], np.bool_)
        places = steps.cumsum()  # one row's flag that stands for what follows makes the next begin a place later
        places += np.arange(-1, SPARSE - 1).repeat(held)
        self.flags[places] = True
        self.at = np.array([starts[:-1]], np.int64)
        self.stop = self.at + ends

    @classmethod
    def together(cls, several: Sequence[_Sparse]) -> _Sparse:
        one = cls.__new__(cls)
        one.flags, (one.at, one.stop) = _joined([(s.flags, (s.at, s.stop)) for s in several])
        return one

    def rows(self, classes: list[int], count: int) -> Bits:
        """The next of these classes, one after the other, of the first block."""
        at, stop, starts = self.at[0].tolist(), self.stop[0], []
        for sparse in classes:
            starts.append(at[sparse])
            at[sparse] += count
        self.at[0] = at
        places = np.array(starts)[:, None] + np.arange(count)
        np.minimum(places, stop[classes][:, None], out=places)
        return self.flags.take(places)

    def _run(self, at: int, count: int) -> Bits:
        """The next of one class, of the first block."""
        start, stop = int(self.at[0, at]), int(self.stop[0, at])
        self.at[0, at] = start + count
        if start + count <= stop:
            return self.flags[start : start + count]
        out = np.zeros(count, np.bool_)
        found = self.flags[start : max(stop, start)]
        out[: len(found)] = found
        return out

    def take(self, classes: Ints, held: Bits) -> Bits:
        """The next of the sparse ones among these classes, shape (numbers, blocks), where `held`."""
        out = np.zeros(classes.shape, np.bool_)
        for at in range(int(classes.min()), SPARSE):
            here = classes == at
            here &= held
            if not (total := int(np.count_nonzero(here))):
                continue
            if len(self.at) == 1:
                out[here] = self._run(at, total)
                continue
            places = here.cumsum(axis=0)
            places += self.at[:, at] - 1
            self.at[:, at] = places[-1] + 1
            np.minimum(places, self.stop[:, at], out=places)
            np.bitwise_and(here, self.flags.take(places), out=here)
            out |= here
        return out

    def left(self) -> Bits:
        """Of each block, whether a number that is not 0 has not been taken."""
        left: Bits = np.any(self.at < self.stop, axis=1)
        return left


def _joined(parts: Sequence[tuple[NDArray[Any], Sequence[Ints]]], scale: int = 1) -> tuple[NDArray[Any], list[Ints]]:
    """Arrays one after another, and places in them (in units of 1/`scale`) as places in the whole."""
    starts = [0, *accumulate(len(values) * scale for values, _ in parts)]
    moved = [
        np.concatenate([p + start for p, start in zip(places, starts, strict=False)])
        for places in zip(*(places for _, places in parts), strict=True)
    ]
    return np.concatenate([values for values, _ in parts]), moved
