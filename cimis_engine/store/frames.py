"""Records as Arrow tables: column names, types and metadata, the same in memory and in Parquet files.

| column | type | what |
|---|---|---|
| `station` | int16 | its number; left out of a hive tree's files, whose folders name it |
| `date` | date32 | the agency's date |
| `hour`, `time` | int8, timestamp[ms, Etc/GMT+8] | hourly only: 1 to 24, and the moment that hour ends |
| `converted` | bool | only where units were asked for: the record was stored in the other system |
| `day_eto` … | float64 | an item's slug with `_` for `-`; null where missing |
| `day_eto_qc` … | string | its QC flag as the agency gave it, `" "` good, null where it gave none |
| `day_eto_mark` … | string | only where marks were asked for: `range`, `jump`, `range+jump`, or null |

Values are float64, not decimals: every tool computes with them at full speed, one schema fits all files whatever
decimals their values have, and nothing is lost: the shortest text of such a number, of up to 15 digits, is the agency's
own. Units, slugs and labels are in each field's metadata. `Etc/GMT+8` is Pacific Standard Time all year.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cimis_engine.errors import UsageError
from cimis_engine.model.items import DataItem, Interval, UnitSystem
from cimis_engine.store.records import Records

TIME_ZONE = "Etc/GMT+8"
_UTC_AHEAD = np.timedelta64(8, "h")


class MissingPackageError(UsageError):
    """An optional package is needed: `package`."""

    def __init__(self, package: str) -> None:
        super().__init__(f"this needs the package '{package}', which is not installed", hint=f"pip install {package}")
        self.package = package


def package(name: str) -> Any:
    """An optional package, imported. Raises `MissingPackageError`."""
    try:
        return importlib.import_module(name)
    except ImportError:
        raise MissingPackageError(name) from None


def arrow_schema(
    interval: Interval,
    units: UnitSystem | None,
    items: Sequence[DataItem],
    *,
    with_converted: bool = False,
    with_marks: bool = False,
    with_station: bool = True,
) -> Any:
    """The `pyarrow.Schema` of such a table; see the module's text. Raises `MissingPackageError`."""
    pa = package("pyarrow")
    fields = [pa.field("station", pa.int16(), False)] if with_station else []
    fields.append(pa.field("date", pa.date32(), False))
    if interval is Interval.HOURLY:
        fields += [pa.field("hour", pa.int8(), False), pa.field("time", pa.timestamp("ms", TIME_ZONE), False)]
    if with_converted:
        fields.append(pa.field("converted", pa.bool_(), False))
    for item in items:
        name = item.slug.replace("-", "_")
        told = {"slug": item.slug, "label": item.label, "unit": item.unit(units) if units else ""}
        fields.append(pa.field(name, pa.float64(), metadata=told))
        fields.append(pa.field(f"{name}_qc", pa.string()))
        if with_marks:
            fields.append(pa.field(f"{name}_mark", pa.string()))
    told = {"interval": interval.value, "units": units.value if units else "", "time_zone": "PST, UTC-8 all year"}
    return pa.schema(fields, metadata=told)


def arrow_table(records: Records, *, with_converted: bool = False, with_station: bool = True) -> Any:
    """Records as a `pyarrow.Table`. Raises `MissingPackageError`."""
    pa = package("pyarrow")
    with_marks = any(column.marks is not None for column in records.columns)
    items = [column.item for column in records.columns]
    schema = arrow_schema(
        records.interval,
        records.units,
        items,
        with_converted=with_converted,
        with_marks=with_marks,
        with_station=with_station,
    )
    arrays = [pa.array(records.stations)] if with_station else []
    arrays.append(pa.array(records.dates))
    if records.hours is not None:
        moments = (records.times + _UTC_AHEAD).astype("datetime64[ms]")
        arrays += [pa.array(records.hours), pa.array(moments, schema.field("time").type)]
    if with_converted:
        arrays.append(pa.array(records.converted))
    for column in records.columns:
        arrays += [pa.array(column.values, mask=~column.present), _words(pa, column.qc, column.flags)]
        if column.marks is not None:
            arrays.append(_words(pa, column.marks, column.mark_words))
    return pa.table(arrays, schema=schema)


def _words(pa: Any, codes: NDArray[np.uint8], texts: NDArray[Any]) -> Any:
    """A string array of few different words: one look at each word, not at each record."""
    _, first, places = np.unique(codes, return_index=True, return_inverse=True)
    words = pa.array(texts[first].tolist(), pa.string())
    return words.take(pa.array(places))
