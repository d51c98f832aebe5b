"""Recorded responses of the real API, served again: values and flags in the very text of the files.

Reads every `*.json` that is an API body, every hourly `*.csv` (columns `<Field>Value`, `<Field>Qc`, an empty value is
null), and `stations/*.json` as the directory. Where JSON and CSV both hold a record, JSON wins.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from cimis_engine.errors import CimisError
from cimis_engine.model.items import HOURLY_ITEMS, DataItem, Interval, UnitSystem
from cimis_engine.simulator.places import SpatialQuery
from cimis_engine.simulator.query import DataQuery
from cimis_engine.simulator.source import Now

_Series = tuple[int, str, str]
"""Station, scope (`daily`, `hourly`), standard (`metric`, `english`)."""


class RecordingError(CimisError):
    """A file of the recorded folder is not what its name says."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"{path}: {problem}", hint="--recorded takes a folder of API bodies (*.json) and hourly *.csv")
        self.path, self.problem = path, problem


@dataclass(frozen=True, slots=True)
class _Recorded:
    """`items` are fragments by field, JSON text."""

    head: str
    fields: tuple[str, ...]
    fragments: tuple[str, ...]


class RecordedSource:
    """A folder read once, at the start. `fallback` is the directory where the folder has none."""

    def __init__(self, folder: Path, fallback: Mapping[int, dict[str, Any]]) -> None:
        if not folder.is_dir():
            raise RecordingError(folder, "not a folder")
        self._intern: dict[str, str] = {}
        self._directory = _directory(folder) or dict(fallback)
        self._series: dict[_Series, dict[tuple[date, str], _Recorded]] = {}
        for path in sorted(folder.rglob("*.csv")):
            self._read_csv(path)
        for path in sorted(folder.rglob("*.json")):
            self._read_json(path)
        for key, series in self._series.items():
            self._series[key] = dict(sorted(series.items()))

    @property
    def directory(self) -> Mapping[int, dict[str, Any]]:
        return self._directory

    def records(self, query: DataQuery, now: Now) -> list[str]:
        """Records of the recorded unit system only; those of the future of `now` are never asked for."""
        wanted = {item.field for item in query.items}
        found: list[str] = []
        for number in query.stations:
            series = self._series.get((number, query.interval.value, query.units.standard), {})
            for (day, _), record in series.items():
                if query.span.start <= day <= query.span.end:
                    pairs = zip(record.fields, record.fragments, strict=True)
                    found.append(record.head + "".join(f",{text}" for field, text in pairs if field in wanted) + "}")
        return found

    def spatial(self, query: SpatialQuery, now: Now) -> list[str]:
        """None: a folder of stations' responses has no map."""
        return []

    def _add(self, head: dict[str, Any], fields: tuple[str, ...], fragments: Iterable[str]) -> None:
        key = (int(head["Station"]), head["Scope"], head["Standard"])
        slot = (date.fromisoformat(head["Date"]), head.get("Hour", ""))
        self._series.setdefault(key, {})[slot] = _Recorded(_json(head)[:-1], fields, tuple(fragments))

    def _read_json(self, path: Path) -> None:
        for record in _records(path):
            items = {name: value for name, value in record.items() if isinstance(value, dict)}
            head = {name: value for name, value in record.items() if name not in items}
            texts = (f"{_json(name)}:{_json(value)}" for name, value in items.items())
            self._add(head, tuple(items), (self._intern.setdefault(text, text) for text in texts))

    def _read_csv(self, path: Path) -> None:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.reader(file)
            place = {name: number for number, name in enumerate(next(reader, []))}
            if not {"Station", "Date", "Hour"} <= set(place):
                raise RecordingError(path, "no columns Station, Date and Hour")
            items = [item for item in HOURLY_ITEMS if f"{item.field}Value" in place]
            fields = tuple(item.field for item in items)
            cells = [(_Cells(item), place[f"{item.field}Value"], place[f"{item.field}Qc"]) for item in items]
            for line in reader:
                head = self._csv_head(*(line[place[name]] for name in ("Station", "Date", "Hour")))
                self._add(head, fields, [texts[line[value], line[flag]] for texts, value, flag in cells])

    def _csv_head(self, station: str, day: str, hour: str) -> dict[str, Any]:
        return {
            "Date": day,
            "Julian": str(date.fromisoformat(day).timetuple().tm_yday),
            "Hour": hour,
            "Station": station,
            "Standard": UnitSystem.METRIC.standard,
            "ZipCodes": ", ".join(self._directory.get(int(station), {}).get("ZipCodes", ())),
            "Scope": Interval.HOURLY.value,
        }


class _Cells(dict[tuple[str, str], str]):
    """The fragment of each value and flag of a CSV column; they repeat, and there are a million of them."""

    def __init__(self, item: DataItem) -> None:
        super().__init__()
        self._item = item

    def __missing__(self, cell: tuple[str, str]) -> str:
        value = {"Value": cell[0] or None, "Qc": cell[1], "Unit": self._item.unit_metric}
        made = self[cell] = f"{_json(self._item.field)}:{_json(value)}"
        return made


_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _document(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except ValueError as error:
        raise RecordingError(path, f"not JSON ({error})") from error


def _records(path: Path) -> Iterator[dict[str, Any]]:
    """The records of a file, none where it is JSON of another kind."""
    document = _document(path)
    if isinstance(document, dict) and isinstance(document.get("Data"), dict):
        for provider in document["Data"].get("Providers", ()):
            yield from provider.get("Records", ())


def _directory(folder: Path) -> dict[int, dict[str, Any]]:
    entries: dict[int, dict[str, Any]] = {}
    for path in sorted((folder / "stations").glob("*.json")):
        entries |= {int(entry["StationNbr"]): entry for entry in _document(path).get("Stations", ())}
    return entries
