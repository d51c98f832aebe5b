"""The fold as a whole into the parts of a frame: vital signs, selected station, alerts, ending. Pure."""

from __future__ import annotations

from cimis_engine.run.alerts import CRITICAL, in_words
from cimis_engine.run.reason_words import reason_words
from cimis_engine.run.state import RunState
from cimis_engine.run.tallies import StationState
from cimis_tui.view.alert_words import condition, rule_of, subject_words
from cimis_tui.view.frame import AlertRow, Ending, Feed, PhaseFacts, SelfCost, Spread, Vitals
from cimis_tui.view.present import status_of

SECONDS = 44
"""How much of the past a spark shows, a column a second or two."""
_RECENT = 60
_ENDED = ("done", "partial", "failed", "interrupted")
_LOWEST, _PER_OCTAVE = 0.01, 16
"""The axis of `cimis_engine.run.histogram`: bucket i begins at 0.01 ms * 2**(i/16)."""


def present_vitals(
    state: RunState, *, mode: str, pid: int | None, feed: Feed, now: float, own: SelfCost, held_back: int | None = None
) -> Vitals:
    """The run as a whole at Unix time `now`."""
    at = state.now
    ended = state.finished_at is not None
    resources = None if ended else state.resources  # what an engine used that is gone is no vital sign
    elapsed = None if state.started_at is None else (state.elapsed_s if ended else max(0.0, now - state.started_at))
    mean = state.records / state.elapsed_s if state.elapsed_s else None
    pace = mean if ended else state.records_per_s()
    wire = (state.wire_bytes / state.elapsed_s if state.elapsed_s else None) if ended else state.wire_per_s()
    limits = rule_of(state, "retry_ratio")
    return Vitals(
        run_id=state.run_id or "…",
        mode=mode,
        pid=pid,
        phase=state.status,
        feed=feed,
        now=now,
        elapsed=elapsed,
        eta=state.eta_s,
        progress=state.progress if state.started else 0.0,
        stations=len(state.stations),
        by_status=_by_status(state),
        records=state.records,
        records_per_s=pace if state.started else None,
        records_series=tuple(state.records_ring.series(at, SECONDS)),
        wire_per_s=wire if state.started else None,
        wire_series=tuple(state.wire_ring.series(at, SECONDS)),
        ratio=state.ratio,
        ttfb=_ttfb(state, ended),
        ttfb_series=tuple(state.ttfb_ring.series(0.95, at, SECONDS)),
        errors=state.attempts_failed if ended else int(state.errors_ring.total(at, _RECENT)),
        attempts=state.attempts if ended else int(state.attempts_ring.total(at, _RECENT)),
        errors_series=tuple(state.errors_ring.series(at, SECONDS)),
        failed_warn=limits.warn,
        failed_bad=limits.critical,
        engine_rss=resources.rss_bytes if resources else None,
        engine_cpu=resources.cpu_percent if resources else None,
        engine_lag_ms=resources.loop_lag_ms if resources else None,
        in_flight=state.in_flight,
        limit=state.concurrency_limit,
        ceiling=state.concurrency,
        own=own,
        alerts=len(state.active_alerts),
        held_back=held_back,
        stalled=_stalled(state),
    )


def _stalled(state: RunState) -> bool:
    """Whether requests have been in flight for a minute without a record coming of any."""
    waited = state.status == "running" and state.in_flight > 0 and state.elapsed_s > _RECENT
    return waited and not state.records_ring.total(state.now, _RECENT)


def _by_status(state: RunState) -> dict[str, int]:
    """How many stations show each status; only those that run are looked at, for some of them are slow."""
    counts = {status: len(numbers) for status, numbers in state.by_status.items()}
    running = state.by_status.get("running", ())
    slow = sum(status_of(state.stations[number]) == "slow" for number in running)
    return {status: n for status, n in {**counts, "running": len(running) - slow, "slow": slow}.items() if n}


def _ttfb(state: RunState, ended: bool) -> tuple[float | None, float | None, float | None]:
    """p50, p95, p99: of the last minute while the run goes on, of all of it afterwards."""
    whole = state.histograms["ttfb"]
    if ended:
        return whole.percentile(0.5), whole.percentile(0.95), whole.percentile(0.99)
    recent = state.ttfb_ring.percentiles((0.5, 0.95, 0.99), state.now, _RECENT)
    if not recent:
        return None, None, None
    p50, p95, p99 = (min(each, whole.most) for each in recent)  # a bucket's middle may lie beyond all it holds
    return p50, p95, p99


def present_spread(state: RunState, steps: int = 32) -> Spread:
    """TTFB of all stations over the last two minutes."""
    window = state.ttfb_ring.window(state.now, 120)
    if not window:
        return Spread()
    first, last = min(window), max(window)
    width = max(1, -(-(last - first + 1) // steps))
    counts = [0] * (-(-(last - first + 1) // width))
    for bucket, number in window.items():
        counts[(bucket - first) // width] += number
    low, high = (_LOWEST * 2.0 ** (edge / _PER_OCTAVE) for edge in (first, first + width * len(counts)))
    whole = state.histograms["ttfb"]
    return Spread(tuple(counts), max(low, whole.least), min(high, whole.most), sum(counts))


def present_facts(state: RunState, station: StationState) -> PhaseFacts:
    """The phases of one station's last attempt and last chunk."""
    last = station.last
    whole = state.histograms["ttfb"]
    consecutive = ("pool_wait", "dns", "tcp", "tls", "send", "ttfb", "read", "decode")
    phases = [(name, None if last is None else getattr(last, name)) for name in consecutive]
    phases += [(name, getattr(station, f"{name}_ms")) for name in ("encode", "write", "verify", "commit")]
    waiting = station.status == "retrying" and bool(station.retry_cause)
    return PhaseFacts(
        station=station.ref.number,
        name=station.ref.name,
        status=status_of(station),
        pages_done=station.pages_done,
        pages=station.pages,
        records=station.records,
        expected=station.expected,
        attempt=station.attempt,
        max_attempts=station.allowed,
        reused=station.last_reused,
        phases=tuple(phases),
        total=None if last is None else last.total,
        p95=station.p95_ms,
        ratio=station.ratio,
        held_bytes=station.held_bytes,
        message=f"waits to try again after: {reason_words(station.retry_cause)}" if waiting else station.message,
        hint="" if waiting or state.finished_at is not None else station.hint,
        spread=present_spread(state),
        ttfb=(*(whole.percentile(q) for q in (0.5, 0.9, 0.95, 0.99)), whole.most if whole.count else None),
    )


def present_alerts_of(state: RunState, now: float) -> tuple[AlertRow, ...]:
    """Alerts that fire and are not muted: those that wait to be seen first, critical before, the newest before."""
    rows = [
        AlertRow(
            severity=alert.raised.severity,
            rule=condition(rule := rule_of(state, alert.raised.rule), alert.raised.limit),
            subject=subject_words(state, alert.raised.subject),
            value=in_words(alert.raised.value, rule.unit),
            seconds=max(0.0, now - alert.since),
            quiet=alert.acknowledged,
        )
        for (name, subject), alert in reversed(state.active_alerts.items())
        if state.muted_until(name, subject, now) is None
    ]
    return tuple(sorted(rows, key=lambda row: (row.quiet, row.severity != CRITICAL)))


def present_ending_of(state: RunState) -> Ending | None:
    """How the run ended; None while it goes on."""
    if state.finished_at is None or state.outcome not in _ENDED:
        return None
    return Ending(
        outcome=state.outcome,
        chunks=state.chunks,
        unchanged=state.chunks - state.chunks_changed,
        records=state.records,
        missing=state.missing,
        failed_jobs=state.jobs_failed,
        ratio=state.ratio,
        elapsed=state.elapsed_s,
        data_dir=state.started.data_dir if state.started else "",
        message=state.message,
        hint=state.hint,
        resumable=state.resumable,
    )
