"""The station directory: fetched, kept in the data directory for a week, used older where the API is out of reach."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from cimis_engine.clock import Clock, SystemClock
from cimis_engine.fetch.dialect import dialect_of
from cimis_engine.fetch.directory import parse_directory
from cimis_engine.fetch.page import ApiError
from cimis_engine.model.station import Station
from cimis_engine.run.connect import get_document
from cimis_engine.run.spec import Settings

MAX_AGE = 7 * 86400.0
TRANSIENT = 4
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


async def load_directory(
    data_dir: Path, settings: Settings, key: str, clock: Clock | None = None, *, refresh: bool = False
) -> Directory:
    """The directory of the API at `settings.base_url`: the one kept if it is fresh, else fetched, and kept.

    With `refresh` it is always fetched. Where the API cannot be reached, the one kept is used whatever its age, with a
    warning. Raises `ApiError` where there is none, where a refresh was asked for, or where the key was not accepted.
    """
    clock = clock or SystemClock()
    kept = None if refresh else kept_directory(data_dir, settings.base_url)
    if kept is not None and is_fresh(kept, clock.time()):
        return kept
    request = dialect_of(settings.api, settings.base_url).stations_request()
    try:
        stations = await get_document(settings, key, clock, request, parse_directory, "the station directory")
    except ApiError as error:
        if kept is None or error.exit_code != TRANSIENT:
            raise
        days = (clock.time() - kept.fetched_at) / 86400
        return replace(kept, warning=f"{error}; using the station directory of {days:.0f} days ago")
    fetched = Directory(stations, clock.time())
    with contextlib.suppress(OSError):  # it saves a request, no more
        _keep(data_dir, _Kept(settings.base_url, fetched.fetched_at, stations))
    return fetched


def _keep(data_dir: Path, kept: _Kept) -> None:
    if data_dir.is_dir():
        temp = data_dir / f".{_FILE}.{os.getpid()}.tmp"
        temp.write_bytes(msgspec.json.encode(kept))
        temp.replace(data_dir / _FILE)
