"""Damage of a chunk, localised: which of its blocks are bad, which slots those held, what is left. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from cimis_engine.model.batch import Covered, RecordBatch
from cimis_engine.model.completeness import SlotRange
from cimis_engine.store.chunk import (
    Block,
    ChunkInfo,
    check_block,
    check_name,
    decode_as,
    decode_part,
    read_header,
)
from cimis_engine.store.content import canonical
from cimis_engine.store.paths import Key
from cimis_engine.store.wire import ChunkError, NewerFormatError


@dataclass(frozen=True, slots=True)
class BadBlock:
    """A block that is not what the index says: its number (from 1), the index's entry, and what is wrong."""

    number: int
    block: Block
    what: str

    @property
    def slots(self) -> SlotRange:
        return self.block.first, self.block.last


def examine(data: bytes, path: Path, key: Key, *, decode: bool) -> tuple[ChunkInfo, tuple[BadBlock, ...]]:
    """A chunk's own account of itself, and its bad blocks (none: it is sound).

    Every CRC is checked; with `decode` also that the blocks decode, and the content digest. Raises `NewerFormatError`,
    and `ChunkError` where the damage cannot be localised: header, index, footer, name, or a digest that differs though
    every block decodes.
    """
    info = read_header(data, path)
    check_name(info, path, key)
    bad = tuple(_bad_blocks(data, info, path, decode=False))
    if decode and not bad:
        try:
            decode_as(data, path, key)
        except NewerFormatError:
            raise
        except ChunkError:
            bad = tuple(_bad_blocks(data, info, path, decode=True))
            if not bad:
                raise
    return info, bad


def _bad_blocks(data: bytes, info: ChunkInfo, path: Path, *, decode: bool) -> Iterable[BadBlock]:
    for number, block in enumerate(info.blocks, 1):
        try:
            check_block(data, block, path)
            if decode:
                decode_part(data, info, [block], path)
        except ChunkError as error:
            yield BadBlock(number, block, error.what)


def salvage(data: bytes, path: Path, info: ChunkInfo, bad: Iterable[BadBlock]) -> RecordBatch | None:
    """The records of the good blocks, covering only what they tell of, canonical; None if no good block is left."""
    lost = tuple(b.slots for b in bad)
    good = [b for b in info.blocks if (b.first, b.last) not in lost]
    try:
        part = decode_part(data, info, good, path) if good else None
    except ChunkError:
        return None
    return canonical(replace(part, covered=without(info.covered, lost))) if part is not None else None


def without(covered: Iterable[Covered], lost: Iterable[SlotRange]) -> tuple[Covered, ...]:
    """Coverage less some ranges of slots, all ascending."""
    ranges = sorted(lost)
    left = []
    for c in covered:
        at = c.first
        for first, last in ranges:
            if last < at or first > c.last:
                continue
            if first > at:
                left.append(Covered(at, first - 1, c.mask))
            at = last + 1
        if at <= c.last:
            left.append(Covered(at, c.last, c.mask))
    return tuple(left)


def within(covered: Iterable[Covered], wanted: Iterable[SlotRange]) -> tuple[Covered, ...]:
    """The part of coverage inside some disjoint ranges of slots, all ascending."""
    return tuple(
        Covered(max(c.first, first), min(c.last, last), c.mask)
        for first, last in sorted(wanted)
        for c in covered
        if first <= c.last and last >= c.first
    )
