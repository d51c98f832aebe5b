"""Survey: what a store holds of one interval, kept up to date by reading only what changed since the last look."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from cimis_engine.model.items import Interval
from cimis_engine.store.catalog import Catalog, ChunkEntry

_ONE_BY_ONE = 200
"""Chunks changed; from more than so many the whole catalog is read at once."""

Cell = tuple[int, int]
"""Station and year."""


@dataclass(slots=True)
class Survey:
    """`entries`: the chunks by station and year. `revised`: how many values the agency changed, by slot."""

    interval: Interval
    entries: dict[Cell, ChunkEntry] = field(default_factory=dict)
    revised: dict[Cell, dict[int, int]] = field(default_factory=dict)
    _newest: int = 0

    def refresh(self, catalog: Catalog) -> set[Cell]:
        """Read what changed; the cells that did. Raises `DatabaseError`."""
        digests = catalog.digests(self.interval)
        changed = {c for c, d in digests.items() if c not in self.entries or self.entries[c].artifact_digest != d}
        gone = self.entries.keys() - digests.keys()
        if len(changed) > _ONE_BY_ONE:
            found = {(e.station, e.year): e for e in catalog.entries(interval=self.interval)}
        else:
            read = ((c, catalog.get(c[0], self.interval, c[1])) for c in changed)
            found = {c: e for c, e in read if e is not None}
        for cell in gone:
            del self.entries[cell]
        self.entries.update(found)
        return changed | gone | self._refresh_revised(catalog)

    def _refresh_revised(self, catalog: Catalog) -> set[Cell]:
        newest = catalog.newest_revision()
        before: set[Cell] = set()
        if newest < self._newest:  # another database took its place
            before, self.revised, self._newest = set(self.revised), {}, 0
        fresh: dict[Cell, dict[int, int]] = defaultdict(dict)
        if newest > self._newest:
            for station, year, slot, values in catalog.revised_slots(self.interval, self._newest):
                fresh[station, year][slot] = values
        for cell, slots in fresh.items():
            known = self.revised.get(cell, {})
            self.revised[cell] = {s: known.get(s, 0) + slots.get(s, 0) for s in known.keys() | slots.keys()}
        self._newest = newest
        return before | fresh.keys()
