"""Room on the disk: what a plan will take of it, and the refusal to begin a run that could not end."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from cimis_engine.errors import CimisError
from cimis_engine.model.items import Interval
from cimis_engine.model.plan import Plan
from cimis_engine.store.catalog import ChunkEntry

BYTES_AN_ITEM = {Interval.DAILY: 11.5 / 14, Interval.HOURLY: 7.0 / 13}
"""Stored bytes an item of a record, for a store that holds nothing yet: format V1 on recorded CIMIS data took 11.5 B a
daily record of 14 items and 7.0 B an hourly one of 13."""
CHUNK_OVERHEAD = 8192
"""Bytes a chunk costs beside its records: 4 KiB for its last, half-empty block on the disk, 4 KiB for its lines in the
journal, the report and the database (about 3 KiB in runs of this program)."""
MARGIN_BYTES, MARGIN_SHARE = 50_000_000, 0.1


@dataclass(frozen=True, slots=True)
class Space:
    """Bytes: what a plan will take, what is free, and what must be (with a margin of 10 % and 50 MB).

    `bytes_a_record` is of the store's own chunks where `measured`.
    """

    estimated: int
    free: int
    bytes_a_record: float
    measured: bool

    @property
    def needed(self) -> int:
        return round(self.estimated * (1 + MARGIN_SHARE)) + MARGIN_BYTES if self.estimated else 0

    @property
    def enough(self) -> bool:
        return self.free >= self.needed


class DiskSpaceError(CimisError):
    """The disk has not the room for a plan. `needed` (margin included) and `free` in bytes; nothing was begun."""

    exit_code = 5

    def __init__(self, data_dir: Path, space: Space) -> None:
        super().__init__(
            f"not enough room in {data_dir}: about {_megabytes(space.needed)} needed, {_megabytes(space.free)} free",
            hint="free some, name a --data-dir on another disk, or ask for fewer stations or years",
        )
        self.data_dir, self.needed, self.free = data_dir, space.needed, space.free


def _megabytes(count: int) -> str:
    return f"{count / 1e6:,.0f} MB"


def free_bytes(path: Path) -> int:
    """What a user may still write on the disk of a directory, or of where it would be made."""
    while not path.exists() and path != path.parent:
        path = path.parent
    return shutil.disk_usage(path).free


def space_for(plan: Plan, stored: Iterable[ChunkEntry], free: int) -> Space:
    """The room a plan needs, by the bytes a record and item of the chunks `stored` so far, else by `BYTES_AN_ITEM`."""
    like = [e for e in stored if e.interval is plan.interval and e.records]
    cells = sum(e.records * e.items for e in like)
    an_item = sum(e.stored_bytes for e in like) / cells if cells else BYTES_AN_ITEM[plan.interval]
    a_record = an_item * len(plan.items)
    estimated = round(plan.expected * a_record) + plan.chunks * CHUNK_OVERHEAD
    return Space(estimated, free, a_record, bool(cells))


def require_space(
    plan: Plan, stored: Iterable[ChunkEntry], data_dir: Path, free_at: Callable[[Path], int] = free_bytes
) -> None:
    """Raises `DiskSpaceError` unless the disk of `data_dir` has room for the plan, and a margin."""
    space = space_for(plan, stored, free_at(data_dir))
    if not space.enough:
        raise DiskSpaceError(data_dir, space)
