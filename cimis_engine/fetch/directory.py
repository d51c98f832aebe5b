"""The body of a station directory, to stations: the same in both dialects."""

from __future__ import annotations

from typing import Any

import msgspec

from cimis_engine.fetch.decode_error import DecodeError
from cimis_engine.fetch.exchange import excerpt
from cimis_engine.model.station import Station, parse_station


class _Directory(msgspec.Struct):
    stations: list[dict[str, Any]] = msgspec.field(name="Stations")


def parse_directory(body: bytes) -> tuple[Station, ...]:
    """The stations of a directory body. Raises `DecodeError`, or `StationDirectoryError` for an unreadable entry."""
    try:
        directory = msgspec.json.decode(body, type=_Directory)
    except msgspec.ValidationError as error:
        raise DecodeError("schema", f"not a station directory ({error})", path="Stations") from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise DecodeError("malformed", "the station directory is not JSON", excerpt=excerpt(body)) from None
    return tuple(parse_station(entry) for entry in directory.stations)
