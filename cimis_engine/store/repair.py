"""Repair: what can be saved of a damaged chunk stays or is put back; what cannot is told, to be fetched again.

The damaged file is first copied to `.gen/….damaged`, durably, so that nothing is ever thrown away here. Then the best
there is takes its place: an artifact in `.gen` of the very content that the catalog names, else the records of the
blocks that are sound, else nothing. Slots that were lost are no longer covered, so every later plan asks for them.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from cimis_engine.errors import CimisError
from cimis_engine.model.batch import Covered, RecordBatch
from cimis_engine.model.items import Interval, UnitSystem, items_of
from cimis_engine.model.period import Span, moment_of
from cimis_engine.model.plan import JobKey
from cimis_engine.store import gate, generations, paths
from cimis_engine.store.atomic import StoreWriteError
from cimis_engine.store.chunk import ChunkInfo
from cimis_engine.store.content import digest_of_canonical
from cimis_engine.store.damage import BadBlock, examine, salvage, within
from cimis_engine.store.paths import Key
from cimis_engine.store.store import Store
from cimis_engine.store.verify import Finding, Kind, VerifyReport
from cimis_engine.store.wire import ChunkError
from cimis_engine.store.writing import make_ready, put_in_place


@dataclass(frozen=True, slots=True)
class Repair:
    """What was done about a finding. `how`: restored (from `.gen`), salvaged (`records` of the sound blocks), refetch
    (nothing was left), catalogued, set-aside (an earlier generation: it cannot be fetched again), or failed (`error`).

    `jobs` are to be fetched, to make it whole.
    """

    finding: Finding
    how: str
    records: int = 0
    jobs: tuple[JobKey, ...] = ()
    error: CimisError | None = None


def repair(store: Store, report: VerifyReport) -> list[Repair]:
    """Do for every finding what can be done without fetching. Hold the store's lock; never raises for one chunk."""
    found = []
    for finding in report.findings:
        work = _WORK.get(finding.kind)
        if work is None or finding.key is None:
            continue
        try:
            found.append(work(store, finding, finding.key))
        except CimisError as error:
            found.append(Repair(finding, "failed", error=error))
    return found


def _catalogued(store: Store, finding: Finding, key: Key) -> Repair:
    store.adopt(finding.path, key)
    return Repair(finding, "catalogued")


def _generation(store: Store, finding: Finding, key: Key) -> Repair:
    _set_aside(store, finding, key)
    _remove(store, finding)
    return Repair(finding, "set-aside")


def _chunk(store: Store, finding: Finding, key: Key) -> Repair:
    """A damaged or missing chunk."""
    data = _set_aside(store, finding, key) if finding.kind is Kind.DAMAGED else None
    told = _readable(data, finding, key)
    known = store.catalog.get(*key)
    digest = told.info.digest if told else known.digest if known else None
    if digest is not None and (former := _former(store, key, digest)) is not None:
        _put(store, former)
        return Repair(finding, "restored", records=len(former))
    rest = salvage(data, finding.path, told.info, told.bad) if data is not None and told else None
    if rest is not None:
        _put(store, rest)
    elif data is not None:
        _remove(store, finding)  # the catalog's entry stays: it alone knows what was there
    owner = told.info if told else known
    if owner is None or not owner.covered:
        raise UnknownContentError(finding)
    lost = within(owner.covered, [b.slots for b in told.bad]) if told and rest is not None else owner.covered
    how = "refetch" if rest is None else "salvaged"
    return Repair(finding, how, 0 if rest is None else len(rest), tuple(jobs_for(key, owner.units, lost)))


@dataclass(frozen=True, slots=True)
class _Told:
    """What a damaged chunk can still say of itself."""

    info: ChunkInfo
    bad: tuple[BadBlock, ...]


def _readable(data: bytes | None, finding: Finding, key: Key) -> _Told | None:
    if data is not None:
        with contextlib.suppress(ChunkError):
            return _Told(*examine(data, finding.path, key, decode=True))
    return None


_WORK = {
    Kind.DAMAGED: _chunk,
    Kind.MISSING_FILE: _chunk,
    Kind.DAMAGED_GENERATION: _generation,
    Kind.UNCATALOGUED: _catalogued,
}


class UnknownContentError(CimisError):
    """A chunk is lost and neither the file nor the catalog says what it held."""

    exit_code = 6

    def __init__(self, finding: Finding) -> None:
        station, interval, year = finding.key or (0, "", 0)
        hourly = " --hourly" if interval is Interval.HOURLY else ""
        super().__init__(
            f"{finding.path}: nothing says what it held",
            hint=f"`cimis backfill --stations {station} --years {year}{hourly}` fetches it again",
        )


def _former(store: Store, key: Key, digest: str) -> RecordBatch | None:
    """The records of an artifact in `.gen` with exactly this content."""
    for path in generations.kept(store.root, key):
        named = paths.parse_generation_path(store.root, path)
        if named is None or not digest.startswith(named[1]):
            continue
        with contextlib.suppress(ChunkError, OSError):
            batch, full = generations.read_generation(store.fs, path, key, named[1])
            if full == digest:
                return batch
    return None


def _set_aside(store: Store, finding: Finding, key: Key) -> bytes:
    """Copy a damaged file into `.gen`, durably; its bytes. Raises `StoreReadError`, `StoreWriteError`."""
    data = store.chunk_bytes(finding.path) or b""
    aside = paths.aside_path(store.root, key, hashlib.sha256(data).hexdigest())
    generations.put_aside(store.fs, aside, data, store.durable)
    return data


def _put(store: Store, whole: RecordBatch) -> None:
    """Put a canonical batch in the place of a chunk that cannot be read, through the gate, then into the catalog."""
    path = store.path(whole.station, whole.interval, whole.year)
    encoded = gate.encode(whole, digest_of_canonical(whole), store.format, path)
    ready = make_ready(store.fs, store.clock, path, whole, encoded, store.format, store.durable)
    put_in_place(store.fs, [ready], store.durable)
    store.catalog.commit([ready.entry])


def _remove(store: Store, finding: Finding) -> None:
    try:
        store.fs.unlink(finding.path)
        store.fs.sync_dir(finding.path.parent)
    except OSError as error:
        raise StoreWriteError(finding.path, "remove", error) from error


def jobs_for(key: Key, units: UnitSystem, lost: Iterable[Covered]) -> Iterable[JobKey]:
    """The jobs that ask again for lost slots: whole days, adjoining ones of the same items as one."""
    station, interval, year = key
    for mask, span in _joined((c.mask, _days(interval, year, c)) for c in lost):
        items = tuple(i for i in items_of(interval) if mask >> i.code & 1)
        if items:
            yield JobKey(station, interval, span, units, items)


def _days(interval: Interval, year: int, covered: Covered) -> Span:
    first, last = (moment_of(interval, year, slot)[0] for slot in (covered.first, covered.last))
    return Span(first, last)


def _joined(parts: Iterable[tuple[int, Span]]) -> list[tuple[int, Span]]:
    joined: list[tuple[int, Span]] = []
    for mask, span in parts:
        if joined and joined[-1][0] == mask and (span.start - joined[-1][1].end).days <= 1:
            span = Span(joined.pop()[1].start, span.end)
        joined.append((mask, span))
    return joined
