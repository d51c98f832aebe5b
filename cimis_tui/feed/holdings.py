"""Holdings: what the store of a data directory holds, read in a thread, each time at the price of what changed."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from cimis_engine.clock import Clock
from cimis_engine.errors import CimisError
from cimis_engine.model.items import Interval
from cimis_engine.model.period import ORIGIN
from cimis_engine.model.station import by_number
from cimis_engine.run.kept_directory import kept_directory
from cimis_engine.run.today import agency_today
from cimis_engine.store.catalog import Catalog
from cimis_engine.store.revisions import Revision
from cimis_engine.store.store import NoStoreError, Store
from cimis_engine.store.survey import Survey
from cimis_tui.view.coverage import Board, known_station, standings_of


class Holdings:
    """Of one interval. One thread at a time may `read`; the boards it returns are never changed again."""

    def __init__(self, data_dir: Path, interval: Interval, clock: Clock) -> None:
        self._data_dir, self._clock = data_dir, clock
        self._survey = Survey(interval)
        self._board = self.empty()

    def empty(self) -> Board:
        """A board that knows of nothing stored: what is shown until the first one is read."""
        this_year = agency_today(self._clock.time()).year
        return Board(self._survey.interval, range(ORIGIN.year, max(ORIGIN.year, this_year) + 1))

    def read(self, names: Mapping[int, tuple[str, str]]) -> Board:
        """The store as it is now. `names`: name and county of stations that are to be known in any case.

        What cannot be read is told in the board's `fault`, and it shows what was read before.
        """
        try:
            with contextlib.closing(Store.open(self._data_dir)) as store:
                board = self._refreshed(store.catalog, names)
        except NoStoreError:
            board = replace(self.empty(), read_at=self._clock.time())
        except (CimisError, OSError) as error:
            board = replace(self._board, fault=str(error))
        self._board = board
        return board

    def revisions(self, station: int, year: int) -> list[Revision]:
        """What the agency changed of one chunk. Raises `CimisError`, `OSError`."""
        with contextlib.closing(Store.open(self._data_dir)) as store:
            found = store.catalog.revisions(stations=[station], interval=self._survey.interval)
        return [r for r in found if r.year == year]

    def _refreshed(self, catalog: Catalog, names: Mapping[int, tuple[str, str]]) -> Board:
        survey, before, now = self._survey, self._board, self._clock.time()
        changed = survey.refresh(catalog)
        kept = kept_directory(self._data_dir)
        directory = by_number(kept.stations if kept else ())
        yesterday = agency_today(now) - timedelta(days=1)
        numbers = directory.keys() | names.keys() | {station for station, _ in survey.entries}
        stations = {n: known_station(n, *names.get(n, ("", "")), directory.get(n), yesterday) for n in sorted(numbers)}
        board = replace(
            self.empty(),
            read_at=now,
            stations=stations,
            entries=dict(survey.entries),
            revised=dict(survey.revised),
            near={key: row for key, row in before.near.copy().items() if key[:2] not in changed},
        )
        same = {n for n, known in stations.items() if before.years == board.years and before.stations.get(n) == known}
        if len(same) < len(stations):
            board = replace(board, near={key: row for key, row in board.near.items() if key[0] in same})
        years: dict[int, set[int]] = {}
        for station, year in changed:
            years.setdefault(station, set()).add(year)
        rows = {
            n: standings_of(board, n, years.get(n, ()), before.standings.get(n))
            if n in same
            else standings_of(board, n)
            for n in stations
        }
        return replace(board, standings=rows)
