"""`stations`: the station directory, whole or in part, nearest first where a place is given."""

from __future__ import annotations

import asyncio
import os
import time
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cimis_engine.model.choice import of_county
from cimis_engine.model.geo import Point, distance_km, parse_point
from cimis_engine.model.station import Station
from cimis_engine.run.directory import load_directory
from cimis_engine.run.kept_directory import Directory, is_fresh, kept_directory
from cimis_engine.run.spec import Settings
from cimis_tui.cli.output import SCHEMA_VERSION, Output, counted, table
from cimis_tui.cli.settings import load_settings, read_key

_HEAD = ("station", "name", "county", "region", "connected", "disconnected", "ETo", "latitude", "longitude", "feet")


@dataclass(frozen=True, slots=True)
class Listed:
    """A station, and its distance from the place asked about: None without one, or where its own is unknown."""

    station: Station
    km: float | None


def stations(args: Namespace, output: Output) -> int:
    """Print the directory that the data directory keeps, fetched if it is older than a week or `--refresh` is given."""
    near = parse_point(args.near) if args.near else None
    settings, data_dir = load_settings(args, os.environ, folder=Path())
    directory = _directory(args, settings, data_dir)
    listed = select(directory.stations, active=args.active, county=args.county, near=near, limit=args.limit)
    now = time.time()
    if directory.warning:
        output.warn(directory.warning)
    output.detail(
        f"station directory of {settings.base_url}, {counted(int((now - directory.fetched_at) // 60), 'minute')} old"
    )
    if args.json:
        output.document(document(listed, directory, settings.base_url, now))
        return 0
    for line in lines(listed, with_distance=near is not None) if listed else ():
        output.data(line)
    if not listed:
        output.note("no such station")
    return 0


def _directory(args: Namespace, settings: Settings, data_dir: Path) -> Directory:
    """What is at hand needs no key."""
    kept = None if args.refresh else kept_directory(data_dir, settings.base_url)
    if kept is not None and is_fresh(kept, time.time()):
        return kept
    return asyncio.run(load_directory(data_dir, settings, read_key(os.environ), refresh=args.refresh))


def select(
    directory: Sequence[Station], *, active: bool, county: str | None, near: Point | None, limit: int | None
) -> list[Listed]:
    """The stations asked for, by number, or by distance from `near`. Raises `UsageError` for an unknown county."""
    chosen = of_county(directory, county) if county else tuple(directory)
    listed = [
        Listed(s, None if near is None or s.point is None else distance_km(near, s.point))
        for s in sorted(chosen, key=lambda s: s.number)
        if s.active or not active
    ]
    if near is not None:
        listed.sort(key=lambda one: float("inf") if one.km is None else one.km)
    return listed[:limit]


def lines(listed: Sequence[Listed], *, with_distance: bool) -> list[str]:
    """The table; elevation in feet, as the agency has it."""
    rows = [
        [
            str(s.number),
            s.name,
            s.county,
            s.region.removesuffix(" Region Office"),
            str(s.connect),
            str(s.disconnect or "–"),
            "yes" if s.eto else "no",
            "–" if s.latitude is None else f"{s.latitude:.4f}",
            "–" if s.longitude is None else f"{s.longitude:.4f}",
            str(s.elevation),
            *(["–" if one.km is None else f"{one.km:.1f}"] if with_distance else []),
        ]
        for one in listed
        for s in [one.station]
    ]
    return table([*_HEAD, *(["km"] if with_distance else [])], rows, left=7)


def document(listed: Sequence[Listed], directory: Directory, base_url: str, now: float) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "base_url": base_url,
        "fetched_at": datetime.fromtimestamp(directory.fetched_at, UTC).isoformat(timespec="seconds"),
        "age_seconds": round(now - directory.fetched_at),
        "warning": directory.warning or None,
        "stations": [
            {
                "station": s.number,
                "name": s.name,
                "city": s.city,
                "county": s.county,
                "region": s.region,
                "connect": str(s.connect),
                "disconnect": str(s.disconnect) if s.disconnect else None,
                "active": s.active,
                "eto": s.eto,
                "elevation_feet": s.elevation,
                "ground_cover": s.ground_cover,
                "latitude": s.latitude,
                "longitude": s.longitude,
                "zip_codes": list(s.zip_codes),
                "distance_km": None if one.km is None else round(one.km, 3),
            }
            for one in listed
            for s in [one.station]
        ],
    }
