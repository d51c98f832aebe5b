"""The retired dialect in front of the same API: requests in the words of 2026, numbers without trailing zeros."""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import urlencode

from cimis_engine.simulator import places, query
from cimis_engine.simulator.http import HttpRequest

DATA_PATH = "/api/data"
STATIONS_PATH = "/api/station"
_ZEROS = re.compile(rb'("Value":"-?\d+)(?:\.0+|(\.\d*[1-9])0+)"')


def is_known(path: str) -> bool:
    return path in (DATA_PATH, STATIONS_PATH) or path.startswith(f"{STATIONS_PATH}/")


def translated(request: HttpRequest) -> HttpRequest:
    """The request that asks the same of the 2026 API. Raises `ApiRefusalError` for targets of several kinds."""
    if request.path == STATIONS_PATH:
        return replace(request, path=query.STATIONS_PATH, query="")
    if request.path != DATA_PATH:
        number = request.path.rpartition("/")[2]
        return replace(request, path=query.STATION_PATH, query=urlencode({"stationNbr": number}))
    params = query.parameters(request.query)
    path, who = _target(params.get("targets", ""), params.get("prioritizescs", "Y"))
    hourly = any(name.startswith("hly-") for name in params.get("dataitems", "").lower().split(","))
    rest = {name: params[name] for name in ("startdate", "enddate", "unitofmeasure", "dataitems") if name in params}
    return replace(request, path=path, query=urlencode(who | {"ishourly": str(hourly).lower()} | rest))


def _target(text: str, prioritize: str) -> tuple[str, dict[str, str]]:
    lowered = text.lower()
    if lowered.startswith("lat="):
        return places.COORDINATES_PATH, {"coordinates": text}
    if lowered.startswith("addr-name="):
        return places.ADDRESSES_PATH, {"addresses": text}
    parts = [p.strip() for p in text.split(",")]
    zips = [len(p) == 5 and p.isdigit() for p in parts]
    if any(zips) and not all(zips):
        raise query.refusal(400, 2006, "INVALID TARGET", f"The targets [{text}] are of several kinds.")
    if not any(zips):
        return query.DATA_PATH, {"stationnbrs": text}
    prefer = "SCS" if prioritize.upper() == "Y" else "WSN"
    return places.GEO_ZIPS_PATH, {"zipcodes": text, "prefer": prefer}


def without_zeros(body: bytes) -> bytes:
    """Values as the retired API printed them: `7` for 7.0, `4.5` for 4.50."""
    return _ZEROS.sub(rb'\1\2"', body)
