"""The figures of a run: the few numbers that a list of runs shows and a comparison compares. A view of the fold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from cimis_engine.run.results import ResultState
from cimis_engine.run.state import RunState


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """Times in ms, sizes in bytes; None where nothing of the kind happened.

    `stations_done` of `stations` have all their jobs done. `error_rate`: attempts that ended badly of all that were
    started, 0..1. `ttfb_*` and `total_*`: percentiles over the attempts that went well, within 2.2 %.
    `ratio`: bytes as fixed-width rows over bytes stored.
    """

    stations: int
    stations_done: int
    records: int
    elapsed_ms: float
    records_per_s: float | None
    attempts: int
    attempts_failed: int
    error_rate: float | None
    ttfb_p50_ms: float | None
    ttfb_p95_ms: float | None
    ttfb_p99_ms: float | None
    total_p50_ms: float | None
    total_p95_ms: float | None
    wire_bytes: int
    stored_bytes: int
    ratio: float | None
    rss_peak_bytes: int | None


def figures_of(state: RunState) -> Figures:
    """The figures of a run as it stands."""
    ttfb, total, elapsed = state.histograms["ttfb"], state.histograms["total"], state.elapsed_s
    return Figures(
        stations=len(state.stations),
        stations_done=sum(station.status == "done" for station in state.stations.values()),
        records=state.records,
        elapsed_ms=elapsed * 1000,
        records_per_s=state.records / elapsed if elapsed else None,
        attempts=state.attempts,
        attempts_failed=state.attempts_failed,
        error_rate=state.attempts_failed / state.attempts if state.attempts else None,
        ttfb_p50_ms=ttfb.percentile(0.5),
        ttfb_p95_ms=ttfb.percentile(0.95),
        ttfb_p99_ms=ttfb.percentile(0.99),
        total_p50_ms=total.percentile(0.5),
        total_p95_ms=total.percentile(0.95),
        wire_bytes=state.wire_bytes,
        stored_bytes=state.stored_bytes,
        ratio=state.ratio,
        rss_peak_bytes=state.rss_peak or None,
    )


class StationSum(msgspec.Struct, frozen=True, kw_only=True):
    """What of a run was one station's. `done` and `failed` are years, `why` is of one that failed.

    `busy_ms`: of its attempts and of storing, added up, however many went on at once.
    """

    number: int
    done: int
    failed: int
    records: int
    missing: int
    wire_bytes: float
    stored_bytes: int
    busy_ms: float
    why: str


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a run beside its figures: station-years done, failed, not decided; what went wrong how often.

    `missing`: records the agency has not, of the years that were done: of those that failed nobody knows.
    `retries`: None where a report has room for no more of them.
    `stations`: those that failed first, then those that were busy longest.
    """

    done: int
    failed: int
    undecided: int
    missing: int
    retries: int | None
    faults: Mapping[str, int]
    stations: tuple[StationSum, ...]


class YearResult(NamedTuple):
    """What one station and year adds to its station's sums. `success`: None while not decided."""

    station: int
    success: bool | None
    records: int
    missing: int
    wire_bytes: float
    stored_bytes: int
    busy_ms: float
    why: str


def account_of(state: RunState) -> Account:
    """The account of a run as it stands."""
    results = state.results.values()
    done = sum(1 for result in results if result.success)
    failed = sum(1 for result in results if result.success is False)
    return Account(
        done=done,
        failed=failed,
        undecided=len(results) - done - failed,
        missing=sum(result.missing for result in results if result.success),
        retries=state.retries,
        faults=dict(state.faults),
        stations=sum_stations(_year_result(result) for result in results),
    )


def _year_result(r: ResultState) -> YearResult:
    why = f"{r.error_class}: {r.message}" if r.success is False else ""
    return YearResult(r.station, r.success, r.records, r.missing, r.wire_bytes, r.stored_bytes, r.total_ms, why)


def sum_stations(results: Iterable[YearResult]) -> tuple[StationSum, ...]:
    """A sum for each station, in the order of `Account.stations`."""
    by_station: dict[int, list[YearResult]] = {}
    for result in results:
        by_station.setdefault(result.station, []).append(result)
    sums = [
        StationSum(
            number=number,
            done=sum(1 for y in years if y.success),
            failed=sum(1 for y in years if y.success is False),
            records=sum(y.records for y in years),
            missing=sum(y.missing for y in years if y.success),
            wire_bytes=sum(y.wire_bytes for y in years),
            stored_bytes=sum(y.stored_bytes for y in years),
            busy_ms=sum(y.busy_ms for y in years),
            why=next((y.why for y in years if y.why), ""),
        )
        for number, years in by_station.items()
    ]
    return tuple(sorted(sums, key=lambda s: (-s.failed, -s.busy_ms, s.number)))
