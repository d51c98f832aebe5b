"""The facts of one station for its screen: the fold in, frozen values out. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cimis_engine.run.results import ResultState
from cimis_engine.run.state import CHUNK_PHASES, RunState
from cimis_engine.run.tallies import StationState
from cimis_tui.view.attempts import ATTEMPT_PHASES, AttemptRow, present_attempt
from cimis_tui.view.present import SLOW_TTFB_MS, status_of


@dataclass(frozen=True, slots=True)
class PhaseStats:
    """Times of one phase over the attempts kept, ms; None where it never happened. `share` of all phases, 0..1."""

    name: str
    last: float | None
    p50: float | None
    p90: float | None
    p95: float | None
    p99: float | None
    most: float | None
    share: float | None

    @property
    def slow(self) -> bool:
        return self.name == "ttfb" and (self.p95 or 0.0) > SLOW_TTFB_MS


@dataclass(frozen=True, slots=True)
class StoredChunk:
    """`path` is relative to the data directory."""

    year: int
    path: str
    digest: str
    records: int
    stored_bytes: int


@dataclass(frozen=True, slots=True)
class StationFacts:
    """One station as it stands. `attempts` are those kept, newest first; `stats` the twelve phases and the total.

    `fleet_ttfb_ms`: p50 of all stations' good attempts. `gaps` counts runs of missing slots in the chunks
    of this run, `missing` their records.
    """

    number: int
    name: str
    county: str
    status: str
    attempts: tuple[AttemptRow, ...]
    stats: tuple[PhaseStats, ...]
    fleet_ttfb_ms: float | None
    pages_done: int
    pages: int
    records: int
    expected: int
    missing: int
    gaps: int
    tries: int
    retries: int
    wire_bytes: int
    decoded_bytes: int
    stored_bytes: int
    held_bytes: int
    ratio: float | None
    chunks: tuple[StoredChunk, ...]  # the newest year first
    message: str
    hint: str

    @property
    def good(self) -> tuple[AttemptRow, ...]:
        """The attempts that brought an answer, newest first."""
        return tuple(row for row in self.attempts if row.ok)


def present_station(state: RunState, number: int | None, now: float) -> StationFacts | None:
    """The station at Unix time `now`; None where the run knows none of that number."""
    station = state.stations.get(number) if number is not None else None
    if station is None:
        return None
    attempts = tuple(present_attempt(attempt, now) for attempt in reversed([*station.trail]))
    results = list(_results(state, station.ref.number))
    whole = state.histograms["ttfb"]
    root = f"{state.started.data_dir}/" if state.started is not None else ""
    return StationFacts(
        number=station.ref.number,
        name=station.ref.name,
        county=station.ref.county,
        status=status_of(station),
        attempts=attempts,
        stats=present_stats(attempts, _chunk_times(station, results)),
        fleet_ttfb_ms=whole.percentile(0.5),
        pages_done=station.pages_done,
        pages=station.pages,
        records=station.records,
        expected=station.expected,
        missing=max(station.missing, sum(result.missing for result in results if result.success is not None)),
        gaps=sum(len(result.missing_slots) for result in results),
        tries=station.attempts,
        retries=station.retries,
        wire_bytes=station.wire_bytes,
        decoded_bytes=station.decoded_bytes,
        stored_bytes=station.stored_bytes,
        held_bytes=station.held_bytes,
        ratio=station.ratio,
        chunks=tuple(
            StoredChunk(r.year, r.path.removeprefix(root), r.digest, r.chunk_records, r.stored_bytes)
            for r in reversed(results)
            if r.path
        ),
        message=station.message,
        hint=station.hint if state.finished_at is None else "",  # of an ended run the banner says what to do
    )


def _results(state: RunState, number: int) -> Iterator[ResultState]:
    """The station's results by year: the run's years are few, its results many."""
    if state.started is not None:
        for year in range(int(state.started.start[:4]), int(state.started.end[:4]) + 1):
            result = state.results.get((number, year))
            if result is not None:
                yield result


Times = tuple[float | None, Sequence[float]]
"""The last time of a phase, and all of them; ms."""


def _chunk_times(station: StationState, results: Sequence[ResultState]) -> dict[str, Times]:
    """Times of what is done a chunk, not an attempt."""
    return {
        phase: (getattr(station, f"{phase}_ms"), [ms for r in results if (ms := r.timings[phase]) is not None])
        for phase in CHUNK_PHASES
    }


def present_stats(attempts: Sequence[AttemptRow], chunks: dict[str, Times]) -> tuple[PhaseStats, ...]:
    """Percentiles (nearest rank) of each phase over the good attempts, the newest first; then those of the chunks."""
    good = [row for row in attempts if row.ok]
    times: dict[str, Times] = {
        name: (good[0].phases[n] if good else None, [ms for row in good if (ms := row.phases[n]) is not None])
        for n, name in enumerate(ATTEMPT_PHASES)
    }
    times |= chunks
    spent = sum(sum(every) for _, every in times.values())
    total = [row.total_ms for row in good]
    stats = [_stats(name, last, every, spent) for name, (last, every) in times.items()]
    return (*stats, _stats("total", total[0] if total else None, total, None))


def _stats(name: str, last: float | None, every: Sequence[float], spent: float | None) -> PhaseStats:
    ranked = sorted(every)
    if not ranked:
        return PhaseStats(name, last, None, None, None, None, None, None)
    p50, p90, p95, p99 = (ranked[math.ceil(q * len(ranked)) - 1] for q in (0.5, 0.9, 0.95, 0.99))
    share = sum(ranked) / spent if spent else None
    return PhaseStats(name, last, p50, p90, p95, p99, ranked[-1], share)
