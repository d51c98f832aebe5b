"""The fold: exact numbers from hand-made events."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cimis_engine.fetch.phases import CONSECUTIVE, PHASES
from cimis_engine.run import events as ev
from cimis_engine.run.events import Stamped, Timings
from cimis_engine.run.histogram import RING_SECONDS, Histogram, HistogramRing, Ring
from cimis_engine.run.state import LOG_LINES, RunState
from cimis_engine.run.tallies import TRAIL, AttemptTrail, share_int

JOB: dict[str, Any] = {"job": "d012", "station": 12}
PAGE: dict[str, Any] = {**JOB, "page": 1}
T0 = 1_700_000_000.0


def started(*jobs: ev.JobRef) -> ev.RunStarted:
    return ev.RunStarted(
        run_id="r1",
        pid=1,
        version="0.1.0",
        command="backfill",
        base_url="http://x",
        data_dir="d",
        interval="daily",
        units="M",
        items=29,
        start="2023-01-01",
        end="2024-12-31",
        concurrency=4,
        max_attempts=3,
        stations=[
            ev.StationRef(number=n, name=name, county="C", latitude=None, longitude=None)
            for n, name in ((12, "FivePoints"), (2, "Fresno"))
        ],
        jobs=list(jobs),
        stored=1,
        notes=[],
    )


def job(**changes: Any) -> ev.JobRef:
    fields: dict[str, Any] = {
        **JOB,
        "start": "2023-01-01",
        "end": "2024-12-31",
        "pages": 1,
        "chunks": 2,
        "expected": 731,
    }
    return ev.JobRef(**{**fields, **changes})


def page_started(page: int = 1, start: str = "2023-01-01", end: str = "2024-12-31") -> ev.PageStarted:
    return ev.PageStarted(**JOB, page=page, start=start, end=end)


def attempt_ok(attempt: int = 1, page: int = 1, **timings: float) -> list[ev.Event]:
    done = ev.AttemptFinished(
        **JOB,
        page=page,
        attempt=attempt,
        status=200,
        reused=False,
        timings=Timings(**timings),
        wire_bytes=1001,
        decoded_bytes=10_000,
        content_encoding="gzip",
        records=731,
    )
    return [ev.AttemptStarted(**JOB, page=page, attempt=attempt), done]


def attempt_bad(attempt: int = 1, verdict: str = "retry", cls: str = "http_429", **timings: float) -> list[ev.Event]:
    bad = ev.AttemptFailed(
        **PAGE,
        attempt=attempt,
        verdict=verdict,
        error_class=cls,
        reason="too many",
        status=429,
        reused=True,
        timings=Timings(**timings),
        wire_bytes=10,
        decoded_bytes=0,
    )
    return [ev.AttemptStarted(**PAGE, attempt=attempt), bad]


def retry(attempt: int = 2) -> ev.RetryScheduled:
    return ev.RetryScheduled(**PAGE, attempt=attempt, max_attempts=3, delay_ms=1200, at=T0 + 9, cause="http_429")


def page_done(by_year: dict[str, int], attempts: int = 1, page: int = 1) -> ev.PageFinished:
    records = sum(by_year.values())
    return ev.PageFinished(**JOB, page=page, attempts=attempts, records=records, records_by_year=by_year, unexpected=0)


def chunk(year: int, records: int, expected: int, **changes: Any) -> ev.ChunkFinished:
    fields: dict[str, Any] = {
        "path": f"stations/012/{year}_daily.zst",
        "digest": "ab",
        "nulls": 3,
        "chunk_records": records,
        "raw_bytes": records * 93,
        "stored_bytes": records * 31,
        "changed": True,
        "encode_ms": 1.0,
        "write_ms": 2.0,
        "verify_ms": 3.0,
        "commit_ms": 4.0,
        "batch_bytes": records * 50,
    }
    fields.update(changes)
    return ev.ChunkFinished(**JOB, year=year, records=records, expected=expected, missing=expected - records, **fields)


def job_done(records: int = 731, expected: int = 731) -> ev.JobFinished:
    return ev.JobFinished(**JOB, records=records, expected=expected, missing=expected - records)


def job_failed(cls: str = "http_429", attempts: int = 3) -> ev.JobFailed:
    return ev.JobFailed(**JOB, error_class=cls, message="too many", hint="wait", attempts=attempts)


def fold(*events: ev.Event, step: float = 0.0, state: RunState | None = None) -> RunState:
    state = state or RunState()
    for event in events:
        state.apply(Stamped(state.seq + 1, T0 + step * state.seq, event))
    return state


def whole_run() -> list[ev.Event]:
    return [
        started(job()),
        ev.JobStarted(**JOB),
        page_started(),
        *attempt_bad(1, ttfb=30.0, total=40.0),
        retry(),
        *attempt_ok(2, dns=4.0, ttfb=600.0, read=100.0, decode=50.0, total=731.0),
        page_done({"2023": 365, "2024": 365}, attempts=2),
        chunk(2023, 365, 365),
        chunk(2024, 365, 366),
        job_done(730, 731),
        ev.RunFinished(outcome="done", exit_code=0, elapsed_ms=9000, resumable=False),
    ]


def test_whole_run_counts() -> None:
    state = fold(*whole_run())
    assert (state.status, state.exit_code, state.progress, state.in_flight) == ("done", 0, 1.0, 0)
    assert (state.jobs_total, state.jobs_done, state.jobs_failed) == (1, 1, 0)
    assert (state.pages_total, state.pages_done, state.attempts, state.attempts_failed) == (1, 1, 2, 1)
    assert (state.records, state.missing, state.expected, state.retries) == (730, 1, 731, 1)
    assert (state.wire_bytes, state.decoded_bytes, state.chunks, state.chunks_changed) == (1011, 10_000, 2, 2)
    assert (state.ratio, state.faults) == (3.0, {"http_429": 1})
    station = state.stations[12]
    assert (station.status, station.records, station.missing, station.retries) == ("done", 730, 1, 1)
    assert (station.p95_ms, station.ratio, station.progress, station.commit_ms) == (731.0, 3.0, 1.0, 4.0)
    assert state.stations[2].status == "done"  # the plan had no work for it
    assert state.dirty == {2, 12}


def test_timings_are_shared_by_records_and_absent_phases_stay_none() -> None:
    state = fold(
        started(job()),
        page_started(),
        *attempt_bad(1, ttfb=30.0, total=40.0),
        *attempt_ok(2, dns=4.0, ttfb=600.0, total=700.0),
        page_done({"2023": 300, "2024": 100}, attempts=2),
        chunk(2023, 300, 365),
    )
    first, second = state.results[12, 2023], state.results[12, 2024]
    assert (first.timings["ttfb"], second.timings["ttfb"]) == (472.5, 157.5)
    assert (first.timings["dns"], second.timings["dns"]) == (3.0, 1.0)
    assert first.timings["tcp"] is None
    assert (first.timings["encode"], second.timings["encode"]) == (1.0, None)
    assert (first.total_ms, second.total_ms) == (740 * 0.75 + 10, 740 * 0.25)
    assert (first.wire_bytes, second.wire_bytes) == (758, 253)
    assert (first.attempts, second.attempts) == (2, 2)
    assert list(first.timings) == list(PHASES)


def test_page_without_records_is_shared_equally_over_the_years_it_touches() -> None:
    ref = job(start="2021-01-01", expected=1461, pages=2)
    state = fold(
        started(ref), page_started(1, "2021-01-01", "2022-12-31"), *attempt_ok(1, ttfb=10.0, total=12.0), page_done({})
    )
    assert [state.results[12, y].timings["ttfb"] for y in (2021, 2022, 2023, 2024)] == [5.0, 5.0, None, None]
    assert [state.results[12, y].attempts for y in (2021, 2022, 2023, 2024)] == [1, 1, 0, 0]


def test_unchanged_chunk_was_not_written() -> None:
    state = fold(started(job()), chunk(2023, 365, 365, changed=False, write_ms=0.0, commit_ms=0.0))
    result = state.results[12, 2023]
    assert (result.timings["write"], result.timings["commit"], result.total_ms) == (None, None, 4.0)
    assert (state.chunks, state.chunks_changed, state.stations[12].write_ms) == (1, 0, None)


def test_failed_job_fails_its_undecided_results_only() -> None:
    state = fold(
        started(job()),
        ev.JobStarted(**JOB),
        page_started(),
        *attempt_ok(1, total=5.0),
        page_done({"2023": 365, "2024": 366}),
        chunk(2023, 365, 365),
        job_failed("store", attempts=1),
    )
    assert [state.results[12, y].success for y in (2023, 2024)] == [True, False]
    failed = state.results[12, 2024]
    assert (failed.error_class, failed.message, failed.hint, failed.attempts) == ("store", "too many", "wait", 1)
    assert (failed.records, failed.missing) == (0, 0), "what the agency has of it, nobody knows"
    assert state.missing == 0
    assert list(state.failures) == [(12, 2024)]
    assert (state.records, state.jobs_failed, state.stations[12].status) == (365, 1, "failed")


def test_retried_job_takes_back_its_failure_and_keeps_its_costs() -> None:
    state = fold(
        started(job()),
        ev.JobStarted(**JOB),
        page_started(),
        *attempt_bad(3, "fail_job", total=40.0),
        ev.PageFailed(**PAGE, attempts=3, error_class="http_429", message="too many"),
        job_failed(),
    )
    assert (state.jobs_failed, state.pages_failed, len(state.failures)) == (1, 1, 2)
    fold(ev.JobQueued(**JOB), state=state)
    assert (state.jobs_failed, state.failures, state.stations[12].status) == (0, {}, "queued")
    assert (state.stations[12].error_class, state.missing) == ("", 0)
    fold(ev.JobStarted(**JOB), page_started(), *attempt_ok(1, total=60.0), state=state)
    fold(page_done({"2023": 365, "2024": 366}), chunk(2023, 365, 365), chunk(2024, 366, 366), state=state)
    fold(job_done(), state=state)
    assert (state.jobs_done, state.jobs_failed, state.records, state.pages_done) == (1, 0, 731, 1)
    assert state.results[12, 2023].total_ms == pytest.approx(20 + 60 * 365 / 731 + 10)
    assert state.results[12, 2023].attempts == 4


def test_page_landing_after_its_job_failed_costs_but_keeps_nothing() -> None:
    state = fold(
        started(job(pages=2)),
        page_started(1),
        page_started(2),
        attempt_ok(1, 1)[0],
        attempt_ok(1, 2)[0],
        attempt_bad(1, "fail_job", total=8.0)[1],
        ev.PageFailed(**PAGE, attempts=1, error_class="http_429", message="too many"),
        job_failed(attempts=1),
    )
    assert state.in_flight == 1
    fold(attempt_ok(1, 2, total=6.0)[1], page_done({"2023": 365}, page=2), state=state)
    assert (state.in_flight, state.records, state.pages_done) == (0, 0, 0)
    assert (state.results[12, 2023].total_ms, state.results[12, 2024].total_ms) == (10.0, 4.0)


def test_cancelled_attempt_is_no_fault() -> None:
    state = fold(started(job()), page_started(), *attempt_bad(1, "cancelled", "cancelled"), job_failed("cancelled"))
    assert (state.faults, state.attempts_failed, state.in_flight) == ({}, 0, 0)
    assert state.stations[12].status == "cancelled"


def test_split_page_raises_the_page_count_and_settles_with_its_job() -> None:
    state = fold(started(job()), page_started(), *attempt_bad(1, "split", total=4.0), page_started(2), page_started(3))
    assert state.pages_total == 3
    fold(*attempt_ok(1, 2, total=1.0), page_done({"2023": 365}, page=2), state=state)
    fold(*attempt_ok(1, 3, total=1.0), page_done({"2024": 366}, page=3), job_done(), state=state)
    assert (state.pages_total, state.pages_done, state.progress) == (2, 2, 1.0)
    assert state.results[12, 2023].total_ms == 3.0  # its own page and half of the split one


def test_year_without_a_chunk_is_done_and_wholly_missing() -> None:
    state = fold(started(job()), chunk(2023, 365, 365), job_done(365, 731))
    result = state.results[12, 2024]
    assert (result.success, result.records, result.expected, result.missing) == (True, 0, 366, 366)


def test_station_status_ladder() -> None:
    state = fold(started(job()))
    steps: list[tuple[list[ev.Event], str]] = [
        ([ev.JobStarted(**JOB)], "running"),
        ([page_started(), *attempt_bad(), retry()], "retrying"),
        ([ev.StationPaused(station=12)], "paused"),
        ([ev.StationResumed(station=12)], "retrying"),
        ([ev.AttemptStarted(**PAGE, attempt=2)], "running"),
    ]
    seen = [(fold(*events, state=state).stations[12].status, wanted) for events, wanted in steps]
    assert all(status == wanted for status, wanted in seen), seen
    assert (state.stations[12].retry_at, state.stations[12].attempt, state.stations[12].in_flight) == (None, 2, 1)
    fold(ev.RunFinished(outcome="interrupted", exit_code=130, elapsed_ms=1, resumable=True), state=state)
    assert (state.stations[12].status, state.in_flight, state.resumable) == ("queued", 0, True)


def test_stations_are_counted_by_status_as_they_change() -> None:
    ladder = [ev.StationPaused(station=12), ev.StationResumed(station=12), ev.StationPaused(station=2)]
    events, state, waited = whole_run(), RunState(), False
    for event in [*events[:5], *ladder, *events[5:-2], job_failed(), *events[-1:]]:
        fold(event, state=state)
        by_hand: dict[str, set[int]] = {}
        for number, station in state.stations.items():
            by_hand.setdefault(station.status, set()).add(number)
        assert {status: numbers for status, numbers in state.by_status.items() if numbers} == by_hand
        assert state.waiting == {n for n, s in state.stations.items() if s.retry_at is not None}
        waited = waited or bool(state.waiting)
    assert waited


def test_what_is_under_way_is_what_running_jobs_have_not_decided() -> None:
    state = fold(started(job()))
    assert state.under_way() == set()
    fold(ev.JobStarted(**JOB), state=state)
    assert state.under_way() == {(12, 2023), (12, 2024)}
    fold(page_started(), *attempt_ok(), page_done({"2023": 365, "2024": 366}), chunk(2023, 365, 365), state=state)
    assert state.under_way() == {(12, 2024)}
    fold(job_failed(), state=state)
    assert state.under_way() == set()


def test_run_status_pause_drain() -> None:
    state = fold(started(job()), ev.RunPaused(reason="operator"))
    assert (state.status, state.eta_s) == ("paused", None)
    assert fold(ev.RunResumed(), state=state).status == "running"
    assert fold(ev.RunPaused(reason="drain"), state=state).status == "draining"
    assert fold(ev.RunResumed(), state=state).status == "draining"
    throttled = fold(ev.ThrottleChanged(old=4, new=2, cause="http_429", gate_until=T0 + 5), state=state)
    assert (throttled.concurrency_limit, throttled.gate_until) == (2, T0 + 5)


def test_rates_and_eta() -> None:
    state = fold(started(job(pages=2, expected=731)))
    for seq, (t, event) in enumerate([(1.0, page_started()), (5.0, page_done({"2023": 365}))], 2):
        state.apply(Stamped(seq, T0 + t, event))
    assert state.records_per_s(60) == 73.0
    assert state.eta_s == pytest.approx((731 - 365) / 73)
    state.apply(Stamped(4, T0 + 100, ev.RunResumed()))
    assert state.eta_s == pytest.approx(366 / (365 / 100)), "in the last two minutes"
    state.apply(Stamped(5, T0 + 300, ev.RunResumed()))
    assert (state.records_per_s(60), state.eta_s) == (0.0, None), "nobody knows whether any more will come"


def test_error_rate_of_the_last_minute() -> None:
    state = fold(started(job()))
    assert state.error_rate_1m is None
    fold(page_started(), *attempt_bad(1), *attempt_ok(2), *attempt_ok(3), *attempt_ok(4), state=state)
    assert state.error_rate_1m == 0.25


def test_resources_and_what_stations_hold() -> None:
    def sample(rss: int, held: dict[str, int]) -> ev.Resources:
        return ev.Resources(rss_bytes=rss, cpu_percent=1, loop_lag_ms=0, in_flight=0, held_bytes=0, held=held)

    state = fold(started(job()), sample(90, {"12": 500}))
    assert state.stations[12].held_bytes == 500
    state.dirty.clear()
    fold(sample(70, {}), state=state)
    assert (state.stations[12].held_bytes, state.rss_peak, state.dirty) == (0, 90, {12})


def test_log_lines() -> None:
    state = fold(*whole_run())
    texts = [line.text for line in state.log]
    assert "12 FivePoints  retryable: 429 Too Many Requests; attempt 2/3 in 1.2 s" in texts
    assert "12 FivePoints  2023 stored: 365 records, 11,315 B (3.0:1)" in texts
    assert "12 FivePoints  job done: 730 records, 1 missing" in texts
    assert (state.warnings, state.errors) == (1, 0)


def test_alerts_are_remembered() -> None:
    raised = ev.AlertRaised(rule="memory", severity="warning", subject="run", value=3e8, limit=2e8)
    state = fold(started(), raised)
    assert state.active_alerts["memory", "run"].raised is raised
    assert fold(ev.AlertCleared(rule="memory", subject="run", value=1e8), state=state).active_alerts == {}
    assert len(state.alert_log) == 2


def test_a_station_keeps_a_trail_of_its_attempts() -> None:
    told = [
        started(job(pages=2)),
        page_started(),
        *attempt_bad(ttfb=131.0, total=150.0),
        retry(),
        *attempt_ok(2, ttfb=9.0),
    ]
    state = fold(*told, step=1.0)
    bad, good = state.stations[12].trail
    assert (bad.page, bad.attempt, bad.start, bad.end) == (1, 1, "2023-01-01", "2024-12-31")
    assert (bad.verdict, bad.status, bad.error_class, bad.reason) == ("retry", 429, "http_429", "too many")
    assert (bad.began, bad.ended, bad.wait_until) == (T0 + 2, T0 + 3, retry().at)
    assert (good.verdict, good.records, good.encoding, good.wire_bytes) == ("ok", 731, "gzip", 1001)
    assert good.timings == Timings(ttfb=9.0)


def test_an_attempt_that_is_never_heard_of_again_ends_with_its_run() -> None:
    state = fold(started(job()), page_started(), ev.AttemptStarted(**PAGE, attempt=1))
    (flying,) = state.stations[12].trail
    assert (flying.ended, flying.verdict) == (None, "")
    fold(ev.RunFinished(outcome="interrupted", exit_code=4, elapsed_ms=1.0, resumable=True), state=state)
    assert (flying.ended, flying.verdict) == (T0, "cancelled")


def test_memory_is_bounded() -> None:
    state = fold(started(job()), page_started())
    for _ in range(LOG_LINES + 200):
        fold(ev.AttemptStarted(**PAGE, attempt=1), attempt_bad()[1], retry(), step=1.0, state=state)
    assert len(state.log) == LOG_LINES
    assert len(state.retry_log) == 1000
    assert len(state.errors_ring.series(state.now)) == RING_SECONDS
    assert state.attempts_failed == LOG_LINES + 200
    assert state.attempts_ring.total(state.now, 10_000) == RING_SECONDS / 3
    assert len(state.stations[12].trail) == TRAIL


def test_the_trails_of_300_stations_take_less_than_4_megabytes() -> None:
    """Each attempt on a new connection: no phase is absent, every number its own object."""
    count = 20
    state = fold(started(*(job(job=f"d{n}", station=n) for n in range(count))))
    lines = []
    for k in range(count * TRAIL):
        named: dict[str, Any] = {"job": f"d{k % count}", "station": k % count, "page": 1}
        begun = ev.AttemptStarted(**named, attempt=1)
        done = attempt_ok(total=k + 0.5, **{name: k / 7 + n for n, name in enumerate((*CONSECUTIVE, "decode"))})[1]
        done = msgspec.structs.replace(done, **named, records=1000 + k)
        lines += [ev.encode(Stamped(0, T0 + k, event)) for event in (begun, done)]
    tracemalloc.start()
    try:
        for line in lines:
            stamped = ev.decode(line)
            assert stamped is not None
            state.apply(stamped)
        held = tracemalloc.get_traced_memory()[0]
        for station in state.stations.values():
            assert len(station.trail) == TRAIL
            station.trail = AttemptTrail()
        held -= tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert held / count * 300 < 4_000_000


def test_unplanned_job_and_station_do_no_harm() -> None:
    other: dict[str, Any] = {"job": "zz", "station": 99, "page": 1}
    state = fold(started(job()), ev.AttemptStarted(**other, attempt=1))
    assert (state.stations[99].ref.name, state.in_flight) == ("", 0)


PHASE_TIMES = st.dictionaries(st.sampled_from(CONSECUTIVE), st.floats(0, 1e5), max_size=7)
ATTEMPT = st.tuples(PHASE_TIMES, st.booleans(), st.floats(0, 1e3))


@given(st.lists(ATTEMPT, max_size=5), st.integers(0, 400), st.integers(0, 400), st.booleans())
def test_phases_add_up_to_no_more_than_the_total(
    attempts: list[tuple[dict[str, float], bool, float]], first: int, second: int, fails: bool
) -> None:
    events: list[ev.Event] = [started(job()), page_started()]
    spent = 0.0
    for number, (phases, good, rest) in enumerate(attempts, 1):
        total = sum(phases.values()) + rest
        spent += total
        times: dict[str, Any] = {**phases, "total": total}
        events += (attempt_ok if good else attempt_bad)(number, **times)
    if fails:
        events.append(job_failed())
    else:
        by_year = {y: n for y, n in (("2023", first), ("2024", second)) if n}
        events += [page_done(by_year), chunk(2023, first, 400), chunk(2024, second, 400)]
    results = fold(*events).results.values()
    for result in results:
        known = sum(result.timings[p] or 0.0 for p in CONSECUTIVE)
        assert known <= result.total_ms * (1 + 1e-9) + 1e-9
    assert sum(r.total_ms for r in results) == pytest.approx(spent + (0 if fails else 20))
    happened = {p for phases, _, _ in attempts for p in phases}
    assert {p for r in results for p in CONSECUTIVE if r.timings[p] is not None} == happened


@given(st.integers(0, 10**12), st.lists(st.integers(0, 1000), min_size=1, max_size=9).filter(any))
def test_whole_shares_add_up(total: int, weights: list[int]) -> None:
    shares = share_int(total, weights)
    assert sum(shares) == total
    assert all(s == 0 for s, w in zip(shares, weights, strict=True) if w == 0)


def test_histogram_percentiles() -> None:
    histogram = Histogram()
    assert histogram.percentile(0.5) is None
    for value in range(1, 1001):
        histogram.add(float(value))
    assert histogram.percentile(0.5) == pytest.approx(500, rel=0.022)
    assert histogram.percentile(0.99) == pytest.approx(990, rel=0.022)
    assert histogram.percentile(0.0) == pytest.approx(1, rel=0.022)
    assert (histogram.least, histogram.most, histogram.count, histogram.sum) == (1.0, 1000.0, 1000, 500_500.0)


@given(st.lists(st.floats(0.02, 1e6), min_size=1), st.sampled_from([0.0, 0.5, 0.95, 0.99, 1.0]))
def test_histogram_is_near_the_exact_percentile(values: list[float], q: float) -> None:
    histogram = Histogram()
    for value in values:
        histogram.add(value)
    exact = sorted(values)[max(0, -(-int(q * 100) * len(values) // 100) - 1)]
    assert histogram.percentile(q) == pytest.approx(exact, rel=0.023)


def filled(ring: Ring, pairs: Iterable[tuple[float, float]]) -> Ring:
    for t, amount in pairs:
        ring.add(t, amount)
    return ring


def test_ring_forgets_after_two_minutes_and_ignores_the_late() -> None:
    ring = filled(Ring(), [(10.2, 1), (10.9, 2), (12.0, 4), (131.0, 8), (11.0, 16), (10.0, 32)])
    assert ring.series(12.5, 3) == [35.0, None, 4.0]  # second 131 has the place of 11
    assert ring.total(131.5, 500) == 12.0
    gauge = Ring()
    gauge.put(5.1, 7.0)
    gauge.put(5.9, 9.0)
    assert gauge.series(6.0, 3) == [None, 9.0, None]


def test_histogram_ring_windows() -> None:
    ring = HistogramRing()
    for t, value in ((1.0, 100.0), (1.5, 300.0), (2.0, 200.0), (130.0, 5.0), (10.5, 1.0)):
        ring.add(t, value)
    assert (ring.count(2.0, 2), ring.count(130.0, 1)) == (3, 1)
    assert ring.percentile(0.5, 2.0, 2) == pytest.approx(200, rel=0.022)
    assert ring.series(0.5, 2.0, 3) == [None, pytest.approx(100, rel=0.022), pytest.approx(200, rel=0.022)]
    assert ring.percentile(0.5, 500.0, 10) is None
