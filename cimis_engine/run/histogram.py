"""Bounded memory of numbers over time: log-bucket histograms, and rings of one-second counters over two minutes.

All are keyed by the time stamps of events, never by a clock of their own, so a replay shows what live showed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from math import log2 as _log2

RING_SECONDS = 120
_LOWEST = 0.01
_PER_OCTAVE = 16
_BUCKETS = 432
"""Bucket `i` holds values from `_LOWEST * 2**(i/16)` on; 432 of them reach 1.3 million (21 minutes in ms)."""


def _bucket(value: float) -> int:
    if value <= _LOWEST:
        return 0
    bucket = int(_log2(value / _LOWEST) * _PER_OCTAVE)
    return bucket if bucket < _BUCKETS else _BUCKETS - 1


def _middle(bucket: int) -> float:
    return float(_LOWEST * 2.0 ** ((bucket + 0.5) / _PER_OCTAVE))


def _percentile(counts: Iterable[tuple[int, int]], total: int, q: float) -> float:
    """Nearest rank over (bucket, count) pairs in bucket order; `total` >= 1."""
    rank = max(1, math.ceil(q * total))
    seen = 0
    for bucket, count in counts:
        seen += count
        if seen >= rank:
            return _middle(bucket)
    raise ValueError(f"{total} values counted, {seen} found")


class Histogram:
    """Counts in fixed log buckets: any number of values in constant memory, percentiles within 2.2 %."""

    __slots__ = ("_counts", "count", "least", "most", "sum")

    def __init__(self) -> None:
        self._counts = [0] * _BUCKETS
        self.count = 0
        self.sum = 0.0
        self.least = math.inf
        self.most = -math.inf

    def add(self, value: float) -> None:
        self._counts[_bucket(value)] += 1
        self.count += 1
        self.sum += value
        if value < self.least:
            self.least = value
        if value > self.most:
            self.most = value

    def merge(self, other: Histogram) -> None:
        """Count what `other` counted, too."""
        if not other.count:
            return
        self._counts = [mine + theirs for mine, theirs in zip(self._counts, other._counts, strict=True)]
        self.count += other.count
        self.sum += other.sum
        self.least, self.most = min(self.least, other.least), max(self.most, other.most)

    def percentile(self, q: float) -> float | None:
        """The value at quantile `q` (0..1), nearest rank, within 2.2 % and within what was added; None when empty."""
        if not self.count:
            return None
        return min(self.most, max(self.least, _percentile(enumerate(self._counts), self.count, q)))


class Ring:
    """One number a second for the last `RING_SECONDS`: a counter (`add`), or a gauge (`put`: a second's last wins)."""

    __slots__ = ("_seconds", "_values")

    def __init__(self) -> None:
        self._seconds = [-1] * RING_SECONDS
        self._values = [0.0] * RING_SECONDS

    def _place(self, t: float) -> int | None:
        """The index of the second of `t`, emptied if it held an older one; None if a newer one already has it."""
        second = int(t)
        at = second % RING_SECONDS
        if self._seconds[at] > second:
            return None
        if self._seconds[at] < second:
            self._seconds[at], self._values[at] = second, 0.0
        return at

    def add(self, t: float, amount: float = 1.0) -> None:
        at = self._place(t)
        if at is not None:
            self._values[at] += amount

    def put(self, t: float, value: float) -> None:
        at = self._place(t)
        if at is not None:
            self._values[at] = value

    def series(self, now: float, seconds: int = RING_SECONDS) -> list[float | None]:
        """The last `seconds` seconds up to that of `now`, oldest first; None where nothing was put or added."""
        last = int(now)
        return [
            self._values[s % RING_SECONDS] if self._seconds[s % RING_SECONDS] == s else None
            for s in range(last - min(seconds, RING_SECONDS) + 1, last + 1)
        ]

    def total(self, now: float, seconds: int) -> float:
        last = int(now)
        before = last - min(seconds, RING_SECONDS)
        return sum(v for s, v in zip(self._seconds, self._values, strict=True) if before < s <= last)


class HistogramRing:
    """A sparse histogram a second for the last `RING_SECONDS`: percentiles of a recent window."""

    __slots__ = ("_counts", "_seconds")

    def __init__(self) -> None:
        self._seconds = [-1] * RING_SECONDS
        self._counts: list[dict[int, int]] = [{} for _ in range(RING_SECONDS)]

    def add(self, t: float, value: float) -> None:
        second = int(t)
        at = second % RING_SECONDS
        if self._seconds[at] > second:
            return
        if self._seconds[at] < second:
            self._seconds[at], self._counts[at] = second, {}
        bucket = _bucket(value)
        self._counts[at][bucket] = self._counts[at].get(bucket, 0) + 1

    def _at(self, second: int) -> dict[int, int]:
        at = second % RING_SECONDS
        return self._counts[at] if self._seconds[at] == second else {}

    def window(self, now: float, seconds: int) -> dict[int, int]:
        """Counts by bucket over the last `seconds` seconds."""
        merged: dict[int, int] = {}
        last = int(now)
        before = last - min(seconds, RING_SECONDS)
        for second, counts in zip(self._seconds, self._counts, strict=True):
            if before < second <= last:
                for bucket, count in counts.items():
                    merged[bucket] = merged.get(bucket, 0) + count
        return merged

    def count(self, now: float, seconds: int) -> int:
        return sum(self.window(now, seconds).values())

    def percentile(self, q: float, now: float, seconds: int) -> float | None:
        """As `Histogram.percentile`, of the last `seconds` seconds."""
        found = self.percentiles((q,), now, seconds)
        return found[0] if found else None

    def percentiles(self, quantiles: Iterable[float], now: float, seconds: int) -> list[float]:
        """As `percentile`, several at once; nothing where none was added."""
        counts = sorted(self.window(now, seconds).items())
        total = sum(count for _, count in counts)
        return [_percentile(counts, total, q) for q in quantiles] if total else []

    def series(self, q: float, now: float, seconds: int = RING_SECONDS) -> list[float | None]:
        """The quantile of each of the last `seconds` seconds, oldest first; None where a second is empty."""
        last = int(now)
        cells = (self._at(s) for s in range(last - min(seconds, RING_SECONDS) + 1, last + 1))
        return [_percentile(sorted(c.items()), sum(c.values()), q) if c else None for c in cells]
