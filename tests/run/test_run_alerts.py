"""Alert rules: limits, samples, windows, hysteresis."""

from __future__ import annotations

from typing import Any

import pytest

from cimis_engine.run import events as ev
from cimis_engine.run.alerts import RULES, Rule, evaluate
from cimis_engine.run.events import AlertCleared, AlertRaised
from cimis_engine.run.state import RunState
from cimis_engine.run.tallies import ResultState

T = 1_700_000_000.0


def rule(name: str) -> Rule:
    return next(r for r in RULES if r.name == name)


def judge(name: str, state: RunState, now: float = T) -> list[AlertRaised | AlertCleared]:
    """Evaluate one rule and let the state learn of what came of it, as the engine does."""
    changes = evaluate([rule(name)], state, now, state.active_alerts)
    for change in changes:
        state.apply(ev.Stamped(state.seq + 1, now, change))
    return changes


def test_table_is_sound() -> None:
    assert len({r.name for r in RULES}) == len(RULES) == 9
    for each in RULES:
        assert each.minimum >= 1 and 0 <= each.for_s <= 120
        assert not (each.raises(each.limit) or each.clears(each.clear_below)), each.name
        if each.name != "checksum":  # a count: raised at 1, cleared at 0, nothing in between
            middle = (each.limit + each.clear_below) / 2
            assert not (each.raises(middle) or each.clears(middle)), each.name


def test_quiet_run_raises_nothing() -> None:
    assert evaluate(RULES, RunState(), T, {}) == []


def test_fetch_p50_has_a_minimum_sample_hysteresis_and_a_window() -> None:
    state = RunState()
    for _ in range(19):
        state.total_ring.add(T, 3000.0)
    assert judge("fetch_p50", state) == []
    state.total_ring.add(T, 3000.0)
    raised = judge("fetch_p50", state)
    assert [(c.rule, c.subject, c.value) for c in raised] == [("fetch_p50", "run", pytest.approx(3000, rel=0.022))]  # type: ignore[comparison-overlap]
    assert judge("fetch_p50", state) == []  # not twice
    for _ in range(20):
        state.total_ring.add(T + 70, 1800.0)
    assert judge("fetch_p50", state, T + 70) == []  # under the limit, not yet under where it clears
    for _ in range(40):
        state.total_ring.add(T + 71, 1000.0)
    assert [type(c) for c in judge("fetch_p50", state, T + 71)] == [AlertCleared]
    assert state.active_alerts == {}


def test_alert_stays_while_there_is_too_little_to_judge() -> None:
    state = RunState()
    for _ in range(20):
        state.total_ring.add(T, 3000.0)
    judge("fetch_p50", state)
    state.total_ring.add(T + 100, 1.0)
    assert judge("fetch_p50", state, T + 100) == []
    assert ("fetch_p50", "run") in state.active_alerts


def test_fetch_p99() -> None:
    state = RunState()
    for n in range(50):
        state.total_ring.add(T, 6000.0 if n == 0 else 100.0)
    assert [c.rule for c in judge("fetch_p99", state)] == ["fetch_p99"]


@pytest.mark.parametrize(
    ("name", "part", "whole", "hits", "expected"),
    [
        ("retry_ratio", "retries_ring", "attempts_ring", 4, 1),
        ("retry_ratio", "retries_ring", "attempts_ring", 2, 0),
        ("error_rate", "pages_failed_ring", "pages_ring", 1, 1),
        ("error_rate", "pages_failed_ring", "pages_ring", 0, 0),
    ],
)
def test_ratios(name: str, part: str, whole: str, hits: int, expected: int) -> None:
    state = RunState()
    getattr(state, whole).add(T, 20)
    getattr(state, part).add(T, hits)
    assert len(judge(name, state)) == expected


def test_success_rate_is_bad_when_low() -> None:
    state = RunState()
    state.jobs_done, state.jobs_failed = 18, 2
    assert [c.value for c in judge("success_rate", state)] == [0.9]
    state.jobs_done = 38
    assert judge("success_rate", state) == []  # 95 %: neither
    state.jobs_done = 60
    assert [type(c) for c in judge("success_rate", state)] == [AlertCleared]


def test_compression_and_retained() -> None:
    state = RunState()
    state.raw_bytes, state.stored_bytes, state.chunk_records = 150, 100, 1000
    state.batch_bytes, state.batch_records = 101_000, 1000
    assert [c.value for c in judge("compression", state)] == [1.5]
    assert [c.value for c in judge("retained", state)] == [101.0]
    state.raw_bytes, state.batch_bytes = 220, 89_000
    assert [type(judge(name, state)[0]) for name in ("compression", "retained")] == [AlertCleared, AlertCleared]


def test_checksum_failure_names_the_station_and_clears_when_stored_well() -> None:
    state = RunState()
    result = ResultState(12, 2024, "j")
    state.results[12, 2024] = result
    at: dict[str, Any] = {"job": "j", "station": 12, "year": 2024}
    state.apply(ev.Stamped(1, T, ev.ChunkFailed(**at, error_class="store", message="m", hint="")))
    assert judge("checksum", state) == []
    state.apply(ev.Stamped(2, T, ev.ChunkFailed(**at, error_class="integrity", message="m", hint="")))
    assert [(c.subject, c.value) for c in judge("checksum", state)] == [("12", 1.0)]
    state.failures.clear()
    assert [(type(c), c.subject) for c in judge("checksum", state)] == [(AlertCleared, "12")]


def test_memory_must_stay_high() -> None:
    state = RunState()
    for second, size in enumerate([300e6, 150e6, 300e6, 300e6, 300e6, 300e6]):
        state.rss_ring.put(T + second, size)
        assert judge("memory", state, T + second) == []
    state.rss_ring.put(T + 6, 300e6)
    assert [c.value for c in judge("memory", state, T + 6)] == [300e6]
    state.rss_ring.put(T + 7, 190e6)
    assert judge("memory", state, T + 7) == []
    state.rss_ring.put(T + 8, 170e6)
    assert [type(c) for c in judge("memory", state, T + 8)] == [AlertCleared]
