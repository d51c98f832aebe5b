"""Where things are in a data directory. Names are made from checked integers and enums only, never from text."""

from __future__ import annotations

import re
from pathlib import Path

from cimis_engine.model.items import Interval
from cimis_engine.model.station import MAX_STATION

Key = tuple[int, Interval, int]
"""Station, interval, year: what names a chunk."""

_CHUNK = re.compile(r"([0-9]{3,4})/([0-9]{4})_(daily|hourly)\.zst")
_GENERATION = re.compile(r"([0-9]{3,4})/\.gen/([0-9]{4})_(daily|hourly)\.([0-9a-f]{8})(?:\.(v[0-9]))?\.zst")
_ASIDE = re.compile(r"([0-9]{3,4})/\.gen/([0-9]{4})_(daily|hourly)\.[0-9a-f]{8}\.damaged")
_TEMP = re.compile(r"\..+\.[0-9]+\.[0-9a-f]+\.tmp")


def stations_dir(root: Path) -> Path:
    return root / "stations"


def database_path(root: Path) -> Path:
    return root / "metadata.sqlite3"


def lock_path(root: Path) -> Path:
    return root / ".lock"


def chunk_path(root: Path, station: int, interval: Interval, year: int) -> Path:
    """`stations/002/2024_daily.zst`. Raises ValueError for numbers that cannot name a chunk (a bug of the caller)."""
    if not 0 < station <= MAX_STATION or not 0 < year <= 9999:
        raise ValueError(f"no chunk can be named after station {station}, year {year}")
    return stations_dir(root) / f"{station:03d}" / f"{year:04d}_{Interval(interval).value}.zst"


def parse_chunk_path(root: Path, path: Path) -> Key | None:
    """What a path names, or None unless it is exactly the path `chunk_path` would give."""
    try:
        match = _CHUNK.fullmatch(path.relative_to(stations_dir(root)).as_posix())
    except ValueError:
        return None
    if match is None:
        return None
    key = (int(match[1]), Interval(match[3]), int(match[2]))
    try:
        return key if chunk_path(root, *key) == path else None
    except ValueError:
        return None


def generations_dir(root: Path, station: int) -> Path:
    return stations_dir(root) / f"{station:03d}" / ".gen"


def generation_path(root: Path, key: Key, digest: str, format: str | None) -> Path:
    """`stations/002/.gen/2024_daily.0a1b2c3d.v1.zst`: an earlier chunk, by the first eight digits of its content's
    digest (hex) and its format. Programs before there were two formats left the format (None) out."""
    chunk = chunk_path(root, *key)
    ending = f".{format}.zst" if format else ".zst"
    return generations_dir(root, key[0]) / f"{chunk.stem}.{digest[:8]}{ending}"


def parse_generation_path(root: Path, path: Path) -> tuple[Key, str] | None:
    """The chunk and the eight digits a path names, or None unless it is what `generation_path` would give."""
    found = _parse_kept(_GENERATION, root, path)
    if found is None:
        return None
    key, match = found
    return (key, match[4]) if generation_path(root, key, match[4], match[5]) == path else None


def aside_path(root: Path, key: Key, artifact_digest: str) -> Path:
    """`stations/002/.gen/2024_daily.0a1b2c3d.damaged`: a damaged chunk, by the SHA-256 of its bytes."""
    return generations_dir(root, key[0]) / f"{chunk_path(root, *key).stem}.{artifact_digest[:8]}.damaged"


def parse_aside_path(root: Path, path: Path) -> Key | None:
    """What chunk a file that was set aside as damaged had been; None if the path is none of `aside_path`'s."""
    found = _parse_kept(_ASIDE, root, path)
    return found[0] if found else None


def _parse_kept(pattern: re.Pattern[str], root: Path, path: Path) -> tuple[Key, re.Match[str]] | None:
    try:
        match = pattern.fullmatch(path.relative_to(stations_dir(root)).as_posix())
    except ValueError:
        return None
    if match is None:
        return None
    key = (int(match[1]), Interval(match[3]), int(match[2]))
    try:
        chunk_path(root, *key)
    except ValueError:
        return None
    return (key, match) if generations_dir(root, key[0]) == path.parent else None


def temp_name(name: str, pid: int, random: str) -> str:
    return f".{name}.{pid}.{random}.tmp"


def is_temp(path: Path) -> bool:
    return _TEMP.fullmatch(path.name) is not None
