"""The station directory: fetched, kept in the data directory for a week, used older where the API is out of reach."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from cimis_engine.clock import Clock, SystemClock
from cimis_engine.fetch.dialect import dialect_of
from cimis_engine.fetch.directory import parse_directory
from cimis_engine.fetch.page import ApiError
from cimis_engine.run.connect import get_document
from cimis_engine.run.kept_directory import Directory, is_fresh, keep_directory, kept_directory
from cimis_engine.run.spec import Settings

TRANSIENT = 4


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
    keep_directory(data_dir, settings.base_url, fetched)
    return fetched
