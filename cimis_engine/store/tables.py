"""Prediction tables of codec 2: fixed integers, fitted offline (`benchmarks/fit_prediction.py`), one file a table.

A file is named by the SHA-256 of its content; a block carries the first bytes of that hash, so every block names the
table it needs. Files are never changed and never deleted: stored blocks need them. The layout is in `docs/format.md`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cimis_engine.model.items import Interval, UnitSystem

Floats = NDArray[np.float64]
TAG_SIZE = 4
LIMIT = float(1 << 23)
"""What is seen is held to ± this."""
HALF = 1 << 15
"""Half of a weight of 1."""

NEWEST = {
    (Interval.DAILY, UnitSystem.METRIC): "f8c82875",
    (Interval.DAILY, UnitSystem.ENGLISH): "db1cb67c",
    (Interval.HOURLY, UnitSystem.METRIC): "e1504758",
    (Interval.HOURLY, UnitSystem.ENGLISH): "31c41a89",
}
"""The table new blocks are written with: the beginning of its file's name."""


@dataclass(frozen=True, slots=True)
class Pass:
    """How the values of one pass over the column are predicted, and how far off the prediction is expected to be.

    `weights`, shape (3, rows), are those of `rows` (items and derived columns) before, here and after; `own` those of
    the column itself: one, 0 or 1, in the first pass, four in the others. `spread_*` weigh what is known of errors.
    `constant` has the half that rounds.

    The rest is the same as `predict` multiplies by it: `matrix`, shape (3 or 4, rows gathered), gives of the rows
    `gathered` the parts before, here and after, and the expected error; `own_weights` and `unrest_weights` are in order
    of time. Where the expected error is the same for all records, `quarters` says it as `predict` does, and `matrix`
    has no part for it.
    """

    constant: int
    rows: NDArray[np.intp]
    weights: Floats
    own: tuple[int, ...]
    spread: float
    spread_rows: NDArray[np.intp]
    spread_weights: Floats
    spread_own: tuple[int, ...]
    gathered: NDArray[np.intp]
    matrix: Floats
    own_weights: Floats
    unrest_weights: Floats
    quarters: int | None


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """One way to predict an item. `needs` are the item codes it cannot do without.

    `rows` are those its predictions multiply, `asks` the items whose errors it asks for. If it has one pass only, with
    the same expected error for all records, that is `quarters`: the classes of its numbers are known from the head.
    """

    needs: frozenset[int]
    passes: tuple[Pass, ...]
    rows: frozenset[int]
    asks: frozenset[int]

    @property
    def quarters(self) -> int | None:
        return self.passes[0].quarters if len(self.passes) == 1 else None


@dataclass(frozen=True, slots=True)
class Derived:
    """A column computed from others: `op` is `lookup`, `product`, `ratio`, `less` or `where`."""

    op: str
    of: tuple[int, ...]
    number: int
    needs: frozenset[int]


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """`order` is the order of coding, in item codes; `models` and `exponents` are by item code.

    Rows, in predictions, are item codes, after those places in `derived`, then (from `error_row`) the items' errors.
    `completed` are rows and derived columns by the item with which the last that they are made of is known. `steady`:
    whether all models have `quarters`.
    """

    tag: bytes
    stride: int
    exponents: tuple[int, ...]
    order: tuple[int, ...]
    models: tuple[tuple[Model, ...], ...]
    lookups: tuple[tuple[int, Floats], ...]
    derived: tuple[Derived, ...]
    completed: dict[int, list[tuple[int, Derived]]]
    steady: bool

    @property
    def error_row(self) -> int:
        return len(self.exponents) + len(self.derived)

    def derivable(self, held: frozenset[int]) -> frozenset[int]:
        """The rows of the derived columns that can be made of these items."""
        return frozenset(at for at, d in enumerate(self.derived, len(self.exponents)) if d.needs <= held)

    def wanted(self, models: Iterable[Model]) -> frozenset[int]:
        """The rows these models use, and those that derived ones of them are made of."""
        return _wanted(self, frozenset(models))

    def choices(self, item: int, held: frozenset[int]) -> list[int]:
        """Which models an encoder tries: the first that has all it needs, and those that need nothing."""
        models = self.models[item]
        first = next(at for at, model in enumerate(models) if model.needs <= held)
        return sorted({first, *(at for at, model in enumerate(models) if not model.needs)})


@lru_cache(maxsize=256)
def _wanted(table: Table, models: frozenset[Model]) -> frozenset[int]:
    rows = set[int]().union(*(model.rows for model in models))
    for at in range(table.error_row - 1, len(table.exponents) - 1, -1):
        if at in rows:
            rows.update(table.derived[at - len(table.exponents)].of)
    return frozenset(rows)


def _pass(said: dict[str, Any], error_row: int) -> Pass:
    terms, spread = said["terms"], said["spread"]
    rows = np.array([row for row, *_ in terms], np.intp)
    weights = np.array([weights for _, *weights in terms], np.float64).reshape(-1, 3).T.copy()
    spread_rows = np.array([row for row, _ in spread["terms"]], np.intp)
    spread_weights = np.array([weight for _, weight in spread["terms"]], np.float64)
    steady = not len(spread_rows) and not any(spread["own"])
    matrix = np.zeros((4, len(rows) + len(spread_rows)))
    matrix[:3, : len(rows)], matrix[3, len(rows) :] = weights, spread_weights
    left, right, far_left, far_right = said["own"] if len(said["own"]) == 4 else [0] * 4
    near, _, far = spread["own"]
    return Pass(
        constant=said["constant"] + HALF,
        rows=rows,
        weights=weights,
        own=tuple(said["own"]),
        spread=float(spread["constant"]),
        spread_rows=spread_rows,
        spread_weights=spread_weights,
        spread_own=tuple(spread["own"]),
        gathered=np.concatenate([rows, spread_rows + error_row]),
        matrix=matrix[:3] if steady else matrix,
        own_weights=np.array([far_left, left, right, far_right], np.float64),
        unrest_weights=np.array([far, near, far], np.float64),
        quarters=int(np.float64(max(spread["constant"], 1)).view(np.int64)) >> 50 if steady else None,
    )


def parse_table(content: bytes) -> Table:
    """A table from its file's bytes."""
    said = json.loads(content)
    items = len(said["exponents"])
    derived: list[Derived] = []

    def needs(rows: Iterable[int]) -> frozenset[int]:
        return frozenset().union(*({r} if r < items else derived[r - items].needs for r in rows))

    for op, *of, number in said["derived"]:
        derived.append(Derived(op, tuple(of), number, needs(of)))
    completed: dict[int, list[tuple[int, Derived]]] = {}
    for at, one in enumerate(derived, items):
        completed.setdefault(max(one.needs, key=said["order"].index), []).append((at, one))
    error_row = items + len(derived)
    models = []
    for choices in said["models"]:
        held = []
        for passes in choices:
            rows = frozenset(row for p in passes for row, *_ in p["terms"])
            asks = frozenset(row for p in passes for row, _ in p["spread"]["terms"])
            held.append(Model(needs(rows | asks), tuple(_pass(p, error_row) for p in passes), rows, asks))
        models.append(tuple(held))
    return Table(
        hashlib.sha256(content).digest()[:TAG_SIZE],
        said["stride"],
        tuple(said["exponents"]),
        tuple(said["order"]),
        tuple(models),
        tuple((first, np.clip(np.array(values, np.float64), -LIMIT, LIMIT)) for first, values in said["lookups"]),
        tuple(derived),
        completed,
        all(model.quarters is not None for held in models for model in held),
    )


@cache
def table_named(tag: bytes) -> Table | None:
    """The table whose hash begins with `tag`, or None if this program does not have it."""
    folder = resources.files(__package__) / "tables"
    for file in sorted(folder.iterdir(), key=lambda f: f.name):
        if file.name.startswith(tag.hex()) and file.name.endswith(".json"):
            table = parse_table(file.read_bytes())
            if table.tag == tag:
                return table
    return None


@cache
def newest_table(interval: Interval, units: UnitSystem) -> Table:
    """The table to write new blocks with."""
    table = table_named(bytes.fromhex(NEWEST[interval, units]))
    assert table is not None, "the package's own table is missing or changed"
    return table
