"""Filing: a finished job's pages become chunks in the store, and the job is done in the ledger. In that order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TypeVar

import numpy as np

from cimis_engine.errors import CimisError
from cimis_engine.model.batch import Covered, RecordBatch, empty_batch, item_mask, merge
from cimis_engine.model.completeness import compare, count_slots
from cimis_engine.model.plan import JobSpec, Plan
from cimis_engine.run import events as ev
from cimis_engine.store.store import ChunkWritten, Store

T = TypeVar("T")
MISSING_RUNS = 50
"""Runs of missing slots that an event tells of: a station that was down for a summer has one, not two thousand."""


class ChunkNotStoredError(CimisError):
    """A chunk could not be written; what was stored before is untouched. `year` says which, `error_class` why."""

    def __init__(self, year: int, cause: CimisError) -> None:
        super().__init__(str(cause), hint=cause.hint)
        self.year, self.exit_code = year, cause.exit_code
        self.error_class = "integrity" if cause.exit_code == 6 else "store"


class Filing:
    """Writes on one thread of its own, so that a slow disk stalls no download and SQLite sees one caller."""

    def __init__(self, plan: Plan, store: Store, emit: Callable[[ev.Event], None], run_id: str) -> None:
        self._plan, self._store, self._emit, self._run_id = plan, store, emit, run_id
        self._stations = {s.number: s for s in plan.stations}
        self._thread = ThreadPoolExecutor(1, "store")

    async def on_disk(self, work: Callable[[], T]) -> T:
        """Run `work` on the store thread, in order of calls."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def close(self) -> None:
        self._thread.shutdown()

    async def file(self, spec: JobSpec, batches: dict[int, list[RecordBatch]]) -> list[ev.ChunkFinished]:
        """Write a chunk for each year of the job, taking its parts out of `batches`; what came of each.

        Raises `ChunkNotStoredError` at the first that fails; the years before it stay stored.
        """
        done: list[ev.ChunkFinished] = []
        for year in spec.span.years:
            self._emit(ev.ChunkStarted(job=spec.id, station=spec.station, year=year))
            parts = batches.get(year, [])
            try:
                event = await self.on_disk(lambda y=year, p=parts: self._write(spec, y, p))  # type: ignore[misc]
            except CimisError as error:
                failure = ChunkNotStoredError(year, error)
                self._emit(
                    ev.ChunkFailed(
                        job=spec.id,
                        station=spec.station,
                        year=year,
                        error_class=failure.error_class,
                        message=str(error),
                        hint=error.hint,
                    )
                )
                raise failure from error
            batches.pop(year, None)
            done.append(event)
            self._emit(event)
        return done

    def _year_batch(self, spec: JobSpec, year: int, parts: list[RecordBatch]) -> RecordBatch:
        plan = self._plan
        if len(parts) == 1:
            return parts[0]
        return merge(parts) if parts else empty_batch(spec.station, plan.interval, year, plan.units)

    def _write(self, spec: JobSpec, year: int, parts: list[RecordBatch]) -> ev.ChunkFinished:
        plan, station, interval = self._plan, self._stations[spec.station], self._plan.interval
        came = self._year_batch(spec, year, parts)
        # Today's records are provisional: they are neither stored nor covered, so a later run asks for them again.
        asked = spec.span.clip(None, plan.today - timedelta(days=1))
        assert asked is not None
        slots = asked.slot_range(interval, year)
        settled = np.asarray(came.slots < slots.stop)
        batch = came if settled.all() else came.select(settled)
        batch = batch.with_covered([Covered(slots[0], slots[-1], item_mask(plan.items))])
        life = asked.clip(station.connect, station.disconnect)
        owed = life.slot_range(interval, year) if life else range(0)
        found = compare(owed, batch.slots, interval, year)
        written: ChunkWritten = self._store.write(batch, self._run_id)
        return ev.ChunkFinished(
            job=spec.id,
            station=spec.station,
            year=year,
            path=str(written.path),
            digest=written.digest,
            records=len(batch),
            expected=found.expected,
            missing=count_slots(found.missing),
            missing_slots=list(found.missing[:MISSING_RUNS]),
            unexpected=found.unexpected,
            provisional=len(came) - len(batch),
            revised=written.revised,
            nulls=batch.nulls,
            chunk_records=written.records,
            raw_bytes=written.raw_bytes,
            stored_bytes=written.stored_bytes,
            changed=written.changed,
            encode_ms=written.encode_ms,
            write_ms=written.write_ms if written.changed else None,
            verify_ms=written.verify_ms if written.changed else None,
            commit_ms=written.commit_ms,
            batch_bytes=batch.nbytes,
        )
