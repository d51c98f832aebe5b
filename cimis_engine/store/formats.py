"""The formats a chunk can be written in. All of them are read, for ever; a block says itself which it is."""

from __future__ import annotations

from enum import StrEnum


class Format(StrEnum):
    """`v1` is plain and never goes away: the way round a fault of a later one."""

    V1 = "v1"
    V2 = "v2"

    @property
    def codec(self) -> int:
        """The codec id of its blocks."""
        return int(self.value[1:])


DEFAULT_FORMAT = Format.V2
"""What is written where nobody chose."""


def format_of(codec: int) -> Format:
    """The format of a decoded chunk, by the codec of its blocks."""
    return Format(f"v{codec}")
