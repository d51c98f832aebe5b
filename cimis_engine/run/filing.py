"""Filing: a finished job's pages become chunks in the store, and the job is done in the ledger. In that order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import numpy as np

from cimis_engine.errors import CimisError
from cimis_engine.model.batch import Covered, RecordBatch, empty_batch, item_mask, merge
from cimis_engine.model.completeness import Completeness, compare, count_slots
from cimis_engine.model.plan import JobSpec, Plan
from cimis_engine.run import events as ev
from cimis_engine.store.store import Store
from cimis_engine.store.writing import ChunkWritten

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
        """Write the chunks of a job's years as one group, taking their parts out of `batches`; what came of each.

        Raises `ChunkNotStoredError` at the first that fails; the years before it stay stored.
        """
        years = spec.span.years
        for year in years:
            self._emit(ev.ChunkStarted(job=spec.id, station=spec.station, year=year))
        parts = [batches.pop(year, []) for year in years]
        done, error = await self.on_disk(lambda: self._write(spec, parts))
        for event in done:
            self._emit(event)
        if error is None:
            return done
        failure = ChunkNotStoredError(years[len(done)], error)
        self._emit(
            ev.ChunkFailed(
                job=spec.id,
                station=spec.station,
                year=failure.year,
                error_class=failure.error_class,
                message=str(error),
                hint=error.hint,
            )
        )
        raise failure from error

    def _year_batch(self, spec: JobSpec, year: int, parts: list[RecordBatch]) -> RecordBatch:
        plan = self._plan
        if len(parts) == 1:
            return parts[0]
        return merge(parts) if parts else empty_batch(spec.station, plan.interval, year, plan.units)

    def _write(self, spec: JobSpec, parts: list[list[RecordBatch]]) -> tuple[list[ev.ChunkFinished], CimisError | None]:
        arrived = [self._arrived(spec, year, found) for year, found in zip(spec.span.years, parts, strict=True)]
        written, error = self._store.write_all([a.batch for a in arrived], self._run_id)
        return [a.event(spec.id, w) for a, w in zip(arrived, written, strict=False)], error

    def _arrived(self, spec: JobSpec, year: int, parts: list[RecordBatch]) -> _Arrived:
        """What of a year's records is to be stored, and how it compares with what was owed."""
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
        return _Arrived(batch, found, provisional=len(came) - len(batch))


@dataclass(frozen=True, slots=True)
class _Arrived:
    """`batch` is to be stored; `provisional` records came with it and are not."""

    batch: RecordBatch
    found: Completeness
    provisional: int

    def event(self, job: str, written: ChunkWritten) -> ev.ChunkFinished:
        batch, found = self.batch, self.found
        return ev.ChunkFinished(
            job=job,
            station=batch.station,
            year=batch.year,
            path=str(written.path),
            digest=written.digest,
            records=len(batch),
            expected=found.expected,
            missing=count_slots(found.missing),
            missing_slots=list(found.missing[:MISSING_RUNS]),
            unexpected=found.unexpected,
            provisional=self.provisional,
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
