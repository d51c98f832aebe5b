"""A cache that keeps what was used last, within a budget of bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class CacheFigures:
    """Since the cache was made, but for `bytes`: what is in it now."""

    hits: int
    misses: int
    evictions: int
    bytes: int


class ByteLru(Generic[T]):
    """`put` drops the entries not used for longest until all fit in `budget` bytes. Any thread may call."""

    def __init__(self, budget: int) -> None:
        self.budget = budget
        self._held: OrderedDict[Hashable, tuple[T, int]] = OrderedDict()
        self._guard = threading.Lock()
        self._bytes = self._hits = self._misses = self._evictions = 0

    def get(self, key: Hashable) -> T | None:
        with self._guard:
            found = self._held.get(key)
            if found is None:
                self._misses += 1
                return None
            self._hits += 1
            self._held.move_to_end(key)
            return found[0]

    def put(self, key: Hashable, value: T, size: int) -> None:
        """What is larger than the whole budget is not kept, and displaces nothing."""
        if size > self.budget:
            return
        with self._guard:
            if key in self._held:
                self._bytes -= self._held.pop(key)[1]
            self._held[key] = (value, size)
            self._bytes += size
            while self._bytes > self.budget:
                _, (_, dropped) = self._held.popitem(last=False)
                self._bytes -= dropped
                self._evictions += 1

    @property
    def figures(self) -> CacheFigures:
        with self._guard:
            return CacheFigures(self._hits, self._misses, self._evictions, self._bytes)
