"""Headless engine: stations and years in, verified chunks on disk out, typed events on the way.

Importing this package loads no dashboard code; the rooms are imported by name (`cimis_engine.model`,
`cimis_engine.fetch`, `cimis_engine.store`, `cimis_engine.run`). `open_store` is the door for other programs.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cimis_engine.store.store import Store

__version__ = "0.1.0"


def open_store(data_dir: str | Path) -> Store:
    """The store of a data directory, to query. Raises `NoStoreError`, `DatabaseError`."""
    from cimis_engine.store.store import Store  # so that `cimis --version` need not load numpy

    return Store.open(Path(data_dir))
