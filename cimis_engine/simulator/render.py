"""From numbers to the agency's words: records as JSON text in the exact shape of the API, and whole bodies.

Every scalar is a string; numbers keep their trailing zeros, as the 2026 API prints them. Each distinct value of an
item is formatted once, so a page of 40,000 values costs some milliseconds.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from functools import cache

import numpy as np
from numpy.typing import NDArray

from cimis_engine.model.items import DataItem, Interval, UnitSystem
from cimis_engine.model.period import HOURS
from cimis_engine.model.qc import flag_text
from cimis_engine.model.station import Station
from cimis_engine.simulator.noise import Floats
from cimis_engine.simulator.weather import OCTANTS, Column

# Decimals by unit as the new API prints them: metric, English.
_DECIMALS = {
    "(C)": (1, 1),
    "(mm)": (2, 2),
    "(%)": (0, 0),
    "(W./sq.m)": (0, 0),
    "(kPa)": (2, 1),
    "(m/s)": (2, 2),
    "(km)": (1, 1),
    "(°)": (0, 0),
}
# English = metric * factor + offset. A Langley a day is 0.484583 W/m².
_ENGLISH = {
    "(C)": (1.8, 32.0),
    "(mm)": (1.0 / 25.4, 0.0),
    "(%)": (1.0, 0.0),
    "(W./sq.m)": (1.0 / 0.484583, 0.0),
    "(kPa)": (10.0, 0.0),
    "(m/s)": (2.2369363, 0.0),
    "(km)": (1.0 / 1.609344, 0.0),
    "(°)": (1.0, 0.0),
}
_RUNS = frozenset(f"day-wind-{name}" for name in OCTANTS)
_NULL = -(1 << 52)


def _quantity(item: DataItem) -> str:
    """What the value really is: directional wind runs are lengths, although their unit reads as a speed."""
    return "(km)" if item.slug in _RUNS else item.unit_metric


def decimals_of(item: DataItem, units: UnitSystem) -> int:
    metric, english = _DECIMALS[_quantity(item)]
    return metric if units is UnitSystem.METRIC else english


def scaled(item: DataItem, units: UnitSystem, values: Floats) -> NDArray[np.int64]:
    """Metric values in the unit system asked for, times ten to the power of their decimals, as integers."""
    if units is UnitSystem.ENGLISH:
        factor, offset = _ENGLISH[_quantity(item)]
        values = values * factor + offset
    return np.asarray(np.rint(values * 10.0 ** decimals_of(item, units)).astype(np.int64))


class _Texts(dict[int, str]):
    """The fragment of each value and flag of an item, written when first needed. As many as an item has values."""

    def __init__(self, item: DataItem, units: UnitSystem) -> None:
        super().__init__()
        self._head, self._tail = f'"{item.field}":{{"Value":', f'","Unit":"{item.unit(units)}"}}'
        self._decimals = decimals_of(item, units)

    def __missing__(self, combined: int) -> str:
        value, flag = divmod(combined, 256)
        text = "null" if value == _NULL else f'"{value / 10**self._decimals:.{self._decimals}f}"'
        made = self[combined] = f'{self._head}{text},"Qc":"{flag_text(flag)}{self._tail}'
        return made


@cache
def _texts(item: DataItem, units: UnitSystem) -> _Texts:
    return _Texts(item, units)


def fragments(item: DataItem, units: UnitSystem, column: Column) -> list[str]:
    """`"DayPrecip":{"Value":"0.00","Qc":" ","Unit":"(mm)"}` of each slot."""
    keys = np.where(column.present, scaled(item, units, column.values), _NULL) * 256 + column.flags
    return list(map(_texts(item, units).__getitem__, keys.tolist()))


def station_tail(station: Station, interval: Interval, units: UnitSystem) -> str:
    """What follows the moment in a station's records."""
    return (
        f'"Station":"{station.number}","Standard":"{units.standard}",'
        f'"ZipCodes":"{", ".join(station.zip_codes)}","Scope":"{interval.value}",'
    )


def place_tail(members: Iterable[tuple[str, str]], units: UnitSystem) -> str:
    """What follows the moment in spatial records: no station, but what names the place."""
    names = "".join(f'"{name}":{json.dumps(text, ensure_ascii=False)},' for name, text in members)
    return f'{names}"Standard":"{units.standard}","Scope":"daily",'


def heads(interval: Interval, year: int, tail: str) -> list[str]:
    """What stands before the items, of each slot of the year."""
    first, days = date(year, 1, 1), (date(year + 1, 1, 1) - date(year, 1, 1)).days
    texts = [f'{{"Date":"{first + timedelta(days=n)}","Julian":"{n + 1}",' for n in range(days)]
    if interval is Interval.DAILY:
        return [text + tail for text in texts]
    hours = [f'"Hour":"{hour:02d}00",{tail}' for hour in range(1, HOURS + 1)]
    return [text + hour for text in texts for hour in hours]


def records(heads: Sequence[str], columns: Sequence[Sequence[str]]) -> list[str]:
    """Whole records from their heads and the fragments of their items."""
    joined = map(",".join, zip(*columns, strict=True))
    return [f"{head}{items}}}" for head, items in zip(heads, joined, strict=True)]


def body(providers: Iterable[tuple[str, Iterable[str]]]) -> bytes:
    """The document around the records, UTF-8. A provider is its type (`station`, `spatial`) and its records."""
    texts = (
        f'{{"Name":"cimis","Type":"{kind}","Owner":"water.ca.gov","Records":[{",".join(records)}]}}'
        for kind, records in providers
    )
    return f'{{"Data":{{"Providers":[{",".join(texts)}]}}}}'.encode()


def gzip(data: bytes) -> bytes:
    """The same bytes for the same data: fastest level, no time stamp."""
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    return packer.compress(data) + packer.flush()


def gunzip(data: bytes) -> bytes:
    return zlib.decompress(data, 31)
