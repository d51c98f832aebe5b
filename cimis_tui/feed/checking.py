"""Verifying the store from the console: in a thread, told file by file, and stopped between two of them."""

from __future__ import annotations

import threading
from collections.abc import Collection

from cimis_engine.store import paths
from cimis_engine.store.paths import Key
from cimis_engine.store.store import Store
from cimis_engine.store.verify import Finding, VerifyReport, walk
from cimis_tui.view.store_facts import CHECK_OF, Progress


class Checking:
    """`run` in a thread, all else on any. Data is decoded and compared with its digest, nothing is changed."""

    def __init__(self, store: Store, keys: Collection[Key] | None) -> None:
        """`keys`: only these chunks; None: all there is under the data directory."""
        self._store, self._keys = store, keys
        self._report = VerifyReport()
        self._done = self._total = 0
        self._ended = False
        self._stop = threading.Event()
        self._told: list[tuple[Key, str, Finding | None]] = []  # only ever longer: the thread may be adding to it
        self._taken = 0

    def run(self) -> None:
        """Raises `DatabaseError`."""
        store, report = self._store, self._report
        try:
            if self._keys is None:
                catalogued, files = store.catalog.entries(), store.files()
            else:
                catalogued = [entry for key in self._keys if (entry := store.catalog.get(*key))]
                files = [path for key in self._keys if (path := store.path(*key)).exists()]
            self._total, seen = len(files), 0
            for path in walk(store, files, catalogued, report, read_data=True):
                key, found = paths.parse_chunk_path(store.root, path), report.findings[seen:]
                seen += len(found)
                if key is not None:
                    self._tell(key, found[0] if found else None)
                self._done += 1
                if self._stop.is_set():
                    return
            for finding in report.findings[seen:]:  # in the catalog and not on disk
                if finding.key is not None:
                    self._tell(finding.key, finding)
        finally:
            self._ended = True

    def _tell(self, key: Key, finding: Finding | None) -> None:
        self._told.append((key, "sound" if finding is None else CHECK_OF[finding.kind], finding))

    def stop(self) -> None:
        """End after the file that is being read."""
        self._stop.set()

    @property
    def progress(self) -> Progress:
        return Progress(self._done, self._total, self._report, self._ended, self._ended and self._stop.is_set())

    def take(self) -> list[tuple[Key, str, Finding | None]]:
        """Chunks whose result was not taken yet: key, check, and what is wrong."""
        told = self._told[self._taken :]
        self._taken += len(told)
        return told
