"""The station directory as the data directory keeps it: read without a thought of the network, and written."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

import msgspec

from cimis_engine.model.station import Station

MAX_AGE = 7 * 86400.0
_FILE = "stations.json"


@dataclass(frozen=True, slots=True)
class Directory:
    """`fetched_at`: Unix time. `warning`: why it is older than a week, in words; else empty."""

    stations: tuple[Station, ...]
    fetched_at: float
    warning: str = ""


class _Kept(msgspec.Struct, frozen=True):
    base_url: str
    fetched_at: float
    stations: tuple[Station, ...]


def kept_directory(data_dir: Path, base_url: str | None = None) -> Directory | None:
    """What the data directory holds, however old, if it is of the API at `base_url` (None: of whichever)."""
    try:
        kept = msgspec.json.decode((data_dir / _FILE).read_bytes(), type=_Kept)
    except (OSError, msgspec.DecodeError):
        return None
    return Directory(kept.stations, kept.fetched_at) if base_url in (None, kept.base_url) else None


def is_fresh(directory: Directory, now: float) -> bool:
    return now - directory.fetched_at < MAX_AGE


def keep_directory(data_dir: Path, base_url: str, directory: Directory) -> None:
    """Keep it for the next time, where there is a data directory. It saves a request, no more: errors are let pass."""
    with contextlib.suppress(OSError):
        if data_dir.is_dir():
            temp = data_dir / f".{_FILE}.{os.getpid()}.tmp"
            temp.write_bytes(msgspec.json.encode(_Kept(base_url, directory.fetched_at, directory.stations)))
            temp.replace(data_dir / _FILE)
