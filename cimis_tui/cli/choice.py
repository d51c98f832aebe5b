"""`--stations` of the commands on what is stored: by the directory that is kept with the data; no one is asked."""

from __future__ import annotations

from pathlib import Path

from cimis_engine.errors import UsageError
from cimis_engine.model.choice import choose, needs_directory
from cimis_engine.run.kept_directory import kept_directory
from cimis_engine.store.store import Store


def stations_of(text: str, data_dir: Path) -> tuple[int, ...] | None:
    """The numbers that `2,5,10-20`, `active`, `county:NAME` name; None for `all`, whatever is stored.

    Raises `UsageError`, also where it takes a directory and there is none.
    """
    if text.strip().lower() == "all":
        return None
    kept = kept_directory(data_dir)
    if kept is None and needs_directory(text):
        raise UsageError(
            f"no station directory is stored in {data_dir} to tell who '{text}' is",
            hint="`cimis stations` fetches it; numbers need none: 2,5,10-20",
        )
    return choose(text, kept.stations if kept else (), strict=False).numbers


def held_stations(text: str, data_dir: Path, store: Store) -> tuple[int, ...] | None:
    """The same, for work on chunks: of one at least something must be stored, or a slip of the pen would pass for
    success. Raises `UsageError`."""
    numbers = stations_of(text, data_dir)
    if numbers is None:
        return None
    held = {key[0] for _, key in store.chunks(numbers)} | {e.station for e in store.catalog.entries()}
    if not held.intersection(numbers):
        raise UsageError(f"nothing of stations {text} is stored in {data_dir}", hint="`cimis coverage` lists what is")
    return numbers
