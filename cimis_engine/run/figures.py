"""The figures of a run: the few numbers that a list of runs shows and a comparison compares. A view of the fold."""

from __future__ import annotations

import msgspec

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
