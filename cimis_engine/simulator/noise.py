"""Randomness without state: numbers that are functions of a key and an index, so any year can be made alone.

Hash: splitmix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014).
"""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_GOLDEN = 0x9E3779B97F4A7C15
_MASK = (1 << 64) - 1


def key(*parts: int | str) -> int:
    """One 64-bit key of several parts."""
    state = 0
    for part in parts:
        number = zlib.crc32(part.encode()) if isinstance(part, str) else part
        state = _mix_int((state ^ (number & _MASK)) + _GOLDEN & _MASK)
    return state


def _mix_int(z: int) -> int:
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & _MASK
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB & _MASK
    return z ^ (z >> 31)


def _hash(stream: int, index: NDArray[Any]) -> NDArray[np.uint64]:
    z = index.astype(np.int64).view(np.uint64) * np.uint64(_GOLDEN)
    z += np.uint64(_mix_int(stream & _MASK))
    z ^= z >> np.uint64(30)
    z *= np.uint64(0xBF58476D1CE4E5B9)
    z ^= z >> np.uint64(27)
    z *= np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return z


def uniform(stream: int, index: NDArray[Any]) -> Floats:
    """Numbers in [0, 1), one for each index (negative ones too), independent between streams."""
    return np.asarray((_hash(stream, index) >> np.uint64(11)).astype(np.float64) * 2.0**-53)


def normal(stream: int, index: NDArray[Any]) -> Floats:
    """Numbers of mean 0 and variance 1, near enough to normal for weather: sums of four uniform ones of 16 bits."""
    quarters = _hash(stream, index).view(np.uint16).reshape(-1, 4).astype(np.float64)
    return np.asarray((quarters @ np.ones(4) * 2.0**-16 - 2.0) * np.sqrt(3.0))


def persistent(stream: int, start: int, count: int, phi: float) -> Floats:
    """`count` values from index `start` of a stationary AR(1) process of unit variance.

    The process is the moving average of its innovations, cut where phi**k < 0.001, so that any stretch of it can be
    made alone and neighbouring stretches join.
    """
    reach = int(np.ceil(np.log(0.001) / np.log(phi)))
    kernel = phi ** np.arange(reach + 1)
    steps = normal(stream, np.arange(start - reach, start + count))
    return np.asarray(np.convolve(steps, kernel, mode="valid") / np.sqrt(np.sum(kernel**2)))
