"""Which bias makes the numbers of a column cheapest: a search that looks prices up, in integers throughout. Pure.

The choice is not always the very best (any bias decodes), but the same on every machine.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cimis_engine.store.predict import I64, ONE
from cimis_engine.store.symbols import CLASSES, U64, Bits, prices

LEAST, MOST = -128, 127
_STEPS = (8, 4, 2, 1)
_LOWEST, _HIGHEST = LEAST >> 2, (4 * 53 + MOST) >> 2
_CLASSES = np.clip(np.arange(_LOWEST, _HIGHEST + 1), 0, CLASSES - 1)
_WIDTH = len(_CLASSES)
_LESS = ONE + 28
"""A number + 1 is so many quarter octaves below its expected error in 256ths, on average."""
_TELLING = 8
"""Sizes, in eighth octaves, below which neither number nor expectation says how large others should be."""


def classes_of(quarters: I64, bias: I64) -> I64:
    """The classes of numbers whose errors are expected to be of so many quarter octaves (see `predict`)."""
    found = quarters + (bias - ONE)
    found >>= 2
    np.maximum(found, 0, out=found)
    np.minimum(found, CLASSES - 1, out=found)
    return found


def _sizes(numbers: U64) -> I64:
    """How large numbers are in eighth octaves of number + 1: 0 to 14 are exact, above are eight to the octave."""
    sizes: I64 = (numbers.astype(np.float64) + 1).view(np.int64) >> 49
    return sizes - 2 * ONE


def _price_table() -> NDArray[np.int64]:
    """Prices by size and class; the last row, all 0, is for what is not written."""
    middles = 2.0 ** (np.arange(_UNWRITTEN) // 8) * (1 + (np.arange(_UNWRITTEN) % 8 + 0.5) / 8)
    table = prices(np.minimum(middles - 1, 2.0**63).astype(np.uint64)).T
    return np.concatenate([table, np.zeros((1, CLASSES), np.int64)])


_UNWRITTEN = 65 * 8
_PRICE = _price_table()
_PRICES = _PRICE[:, _CLASSES].reshape(-1)
"""Prices by size and by (quarters + bias) >> 2 from `_LOWEST`."""
_PRICE_SUMS = _PRICE.astype(np.float64)
"""Exact as they are: no sum of prices of a block leaves 2**53."""


def cheapest(numbers: U64, quarters: I64, held: Bits | None) -> tuple[I64, I64]:
    """(price, bias) of numbers with these expected sizes, shape (…, numbers, blocks) → (…, blocks).

    The price is in 128ths of a bit. Where not `held`, there is no number.
    """
    sizes = _sizes(numbers)
    far = np.maximum(sizes, _TELLING) - np.maximum(2 * (quarters - _LESS), _TELLING)
    if held is not None:
        sizes[..., ~held] = _UNWRITTEN
        far *= held
        count = np.maximum(np.count_nonzero(held, axis=0), 1)
    else:
        count = np.int64(numbers.shape[-2])
    bias = np.clip(far.sum(axis=-2) // (2 * count), LEAST + 15, MOST - 15)
    quarters = quarters - ONE
    sizes *= _WIDTH
    sizes -= _LOWEST

    def price(bias: I64) -> I64:
        at = quarters + bias[..., None, :]
        at >>= 2
        at += sizes
        total: I64 = _PRICES.take(at).sum(axis=-2)
        return total

    least = price(bias)
    for step in _STEPS:
        for other in (bias - step, bias + step):
            found = price(other)
            better = found < least
            least, bias = np.where(better, found, least), np.where(better, other, bias)
    return least, bias


def cheapest_class(numbers: U64, quarters: I64, held: Bits | None) -> tuple[I64, I64]:
    """`cheapest` where all numbers of a block have the same expected size, shape (…, blocks or 1): the very best.

    All numbers are of one class then, and what they cost in each follows from how many there are of each size. `held`
    has the shape of `numbers`, or one that is broadcast to it.
    """
    sizes = _sizes(numbers)
    if held is not None:
        np.copyto(sizes, _UNWRITTEN, where=~held)
    shape = *numbers.shape[:-2], numbers.shape[-1]
    rows = int(np.prod(shape))
    sizes += (np.arange(rows) * len(_PRICE)).reshape(shape)[..., None, :]
    counts = np.bincount(sizes.reshape(-1), minlength=rows * len(_PRICE)).reshape(rows, len(_PRICE))
    sums = (counts.astype(np.float64) @ _PRICE_SUMS).astype(np.int64)
    least = 4 * np.arange(CLASSES) - (quarters[..., None] - ONE)
    biases = np.broadcast_to(np.minimum(np.maximum(least, 0), least + 3), (*shape, CLASSES)).reshape(rows, CLASSES)
    sums[(biases < LEAST) | (biases > MOST)] = np.iinfo(np.int64).max
    best = np.arange(rows), sums.argmin(axis=1)
    return sums[best].reshape(shape), biases[best].reshape(shape)
