"""The lists a plot's series are picked from: items of an interval, and what may be a second curve. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

from cimis_engine.model.items import DataItem, UnitSystem
from cimis_tui.view.cells import Cell
from cimis_tui.view.columns import Column
from cimis_tui.view.curve import unit_words

ITEM_COLUMNS = (
    Column("slug", "ITEM", 17, right=False),
    Column("unit", "UNIT", 6, right=False),
    Column("label", "MEANING", 25, right=False, most=30),
    Column("stored", "STORED", 12, right=False),
)
OTHER_COLUMNS = (
    Column("kind", "CURVE", 12, right=False),
    Column("unit", "UNIT", 6, right=False),
    Column("label", "WHAT", 40, right=False, most=48),
)
Rows = Sequence[tuple[Hashable, tuple[Cell, ...]]]


def _unit(item: DataItem, units: UnitSystem | None) -> str:
    return unit_words(item, units) if units else ""


def item_rows(every: Sequence[DataItem], stored: Sequence[DataItem], units: UnitSystem | None) -> Rows:
    """Every item of an interval by its slug, those that are stored first."""
    there = set(stored)
    rows = []
    for item in sorted(every, key=lambda item: item not in there):
        role = "text" if item in there else "dim"
        word = Cell("✓ stored", "ok") if item in there else Cell("– not stored", "dim")
        rows.append((item.slug, (Cell(item.slug, role), Cell(_unit(item, units), role), Cell(item.label, role), word)))
    return rows


def other_rows(
    others: Mapping[Hashable, tuple[int, DataItem] | None],
    item: DataItem,
    station: int,
    names: Mapping[int, str],
    units: UnitSystem | None,
) -> Rows:
    """A row for each possible second curve; the one that is None takes the second curve away."""
    rows = []
    for key, other in others.items():
        if other is None:
            cells = (Cell("none", "dim"), Cell(""), Cell("only the first curve", "dim"))
        elif other[0] == station:
            cells = (Cell("item", "key"), Cell(_unit(other[1], units)), Cell(f"{other[1].label}  {other[1].slug}"))
        else:
            what = f"{other[0]} {names.get(other[0], '')}".rstrip()
            cells = (Cell("station", "run"), Cell(_unit(item, units)), Cell(what))
        rows.append((key, cells))
    return rows
