"""A least-recently-used cache with a budget of bytes, safe to share between threads."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class ByteLru(Generic[T]):
    """Values by key; the longest unused go when the sizes told to `put` exceed `budget`."""

    def __init__(self, budget: int) -> None:
        self._budget, self._used = budget, 0
        self._entries: OrderedDict[Hashable, tuple[T, int]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> T | None:
        with self._lock:
            if key not in self._entries:
                return None
            self._entries.move_to_end(key)
            return self._entries[key][0]

    def put(self, key: Hashable, value: T, size: int) -> None:
        with self._lock:
            if key in self._entries:
                self._used -= self._entries.pop(key)[1]
            self._entries[key] = (value, size)
            self._used += size
            while self._used > self._budget and len(self._entries) > 1:
                self._used -= self._entries.popitem(last=False)[1][1]
