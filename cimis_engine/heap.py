"""Memory given back to the operating system, where its allocator can be asked to."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any


@cache
def _trim() -> Any:
    """glibc's `malloc_trim` (malloc_trim(3)); None elsewhere."""
    try:
        return ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError, TypeError):
        return None


def give_back() -> None:
    """Give freed pages back. Work that takes many megabytes and frees them again would else leave them torn: kept by
    the process for good, and too scattered for what comes next."""
    trim = _trim()
    if trim is not None:
        trim(0)
