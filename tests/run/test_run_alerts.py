"""The table of alert rules: what each measures, raises and clears; its hysteresis; `[alerts]` of cimis.toml."""

from __future__ import annotations

from typing import Any

import pytest

from cimis_engine.errors import UsageError
from cimis_engine.run import events as ev
from cimis_engine.run.alerts import CRITICAL, RULES, WARNING, Rule, RuleSetting, configure
from cimis_engine.run.events import AlertCleared, AlertRaised
from cimis_engine.run.hysteresis import Hysteresis
from cimis_engine.run.state import RunState

T = 1_700_000_000.0


def rule(name: str) -> Rule:
    return next(r for r in RULES if r.name == name)


class Judged:
    """A state and the judge of one rule; what comes of it is told to the state, as the engine does."""

    def __init__(self, name: str) -> None:
        self.state, self.hysteresis = RunState(), Hysteresis([rule(name)])

    def at(self, now: float) -> list[AlertRaised | AlertCleared]:
        changes = self.hysteresis.judge(self.state, now)
        for change in changes:
            self.state.apply(ev.Stamped(self.state.seq + 1, now, change))
        return changes

    def held(self, since: float = T) -> list[AlertRaised | AlertCleared]:
        """What comes of a value that has stood since then for as long as its rule asks for."""
        wait = next(iter(self.hysteresis._rules)).for_s
        return self.at(since) + (self.at(since + wait) if wait else [])


def judge(name: str, state: RunState, now: float = T) -> list[AlertRaised | AlertCleared]:
    judged = Judged(name)
    judged.state = state
    return judged.held(now)


DEFAULTS = {  # the issue's
    "fetch_p50": (2000, "ms"),
    "fetch_p99": (5000, "ms"),
    "retry_ratio": (0.10, "ratio"),
    "error_rate": (0.01, "ratio"),
    "success_rate": (0.95, "ratio"),
    "compression": (2, "x"),
    "retained": (100, "B/record"),
    "checksum": (0, "chunks"),
    "memory": (200e6, "B"),
}


def test_the_table_has_the_agreed_limits_and_settles() -> None:
    assert {r.name: (r.critical if r.warn is None else r.warn, r.unit) for r in RULES} == DEFAULTS
    assert {r.name for r in RULES if r.low_is_bad} == {"success_rate", "compression"}
    for each in RULES:
        assert each.minimum >= 1 and 0 <= each.window_s <= 120
        for severity in (WARNING, CRITICAL):
            if (limit := each.limit(severity)) is None:
                continue
            assert not each.past(limit, severity), each.name
            middle = (limit + each.clear) / 2
            assert each.name == "checksum" or not (each.past(middle, severity) or each.clears(middle)), each.name
    assert configure({name: RuleSetting() for name in DEFAULTS}) == RULES


def test_quiet_run_raises_nothing() -> None:
    assert Hysteresis(RULES).judge(RunState(), T) == []


def test_raise_after_for_hold_between_the_limits_clear_below() -> None:
    judged = Judged("memory")

    def at(second: int, megabytes: float) -> list[str]:
        judged.state.rss_ring.put(T + second, megabytes * 1e6)
        return [type(c).__name__ for c in judged.at(T + second)]

    assert [at(n, 300) for n in range(5)] == [[]] * 5, "over the limit, not yet for 5 s"
    assert at(5, 300) == ["AlertRaised"]
    assert at(6, 300) == [], "not twice"
    assert at(7, 190) == [], "under the limit, not yet down to where it clears"
    assert at(8, 180) == ["AlertCleared"]
    assert judged.state.active_alerts == {}
    (ended,) = judged.state.ended_alerts
    assert (ended.since, ended.ended, ended.raised.value) == (T + 5, T + 8, 300e6)


def test_a_value_that_wavers_does_not_flicker() -> None:
    judged = Judged("memory")
    for second in range(120):  # every fourth second dips under the limit: never 5 s over it
        judged.state.rss_ring.put(T + second, 190e6 if second % 4 == 3 else 300e6)
        assert judged.at(T + second) == []
    for second in range(120, 240):  # raised once; then it wavers between where it clears and the limit
        judged.state.rss_ring.put(T + second, 300e6 if second < 130 or second % 2 else 185e6)
        judged.at(T + second)
    assert [type(e) for _, e in judged.state.alert_log] == [AlertRaised]


def test_too_few_samples_break_the_time_and_clear_nothing() -> None:
    judged = Judged("fetch_p50")
    for _ in range(20):
        judged.state.total_ring.add(T, 3000.0)
    assert judged.at(T) == []
    assert judged.at(T + 61) == [], "the minute is empty"
    for _ in range(20):
        judged.state.total_ring.add(T + 70, 3000.0)
    assert judged.at(T + 70) == [], "70 s after the first, but not for 30 s"
    assert [type(c) for c in judged.at(T + 100)] == [AlertRaised]
    judged.state.total_ring.add(T + 200, 1.0)
    assert judged.at(T + 200) == []
    assert ("fetch_p50", "run") in judged.state.active_alerts


def test_a_warning_becomes_critical_and_stays_so_until_it_clears() -> None:
    judged = Judged("memory")
    for second, size in enumerate([300e6] * 10 + [500e6] * 6 + [300e6] * 10):
        judged.state.rss_ring.put(T + second, size)
        judged.at(T + second)
        if second == 9:
            judged.state.apply(ev.Stamped(99, T + 9, ev.AlertAcknowledged(rule="memory", subject="run")))
    raised = [(t - T, e.severity, e.limit) for t, e in judged.state.alert_log if isinstance(e, AlertRaised)]
    assert raised == [(5, "warning", 200e6), (15, "critical", 400e6)]
    active = judged.state.active_alerts["memory", "run"]
    assert (active.since, active.raised.severity, active.acknowledged) == (T + 5, "critical", False)


def test_acknowledged_and_muted_are_kept_by_the_fold() -> None:
    judged = Judged("success_rate")
    state = judged.state
    state.jobs_done, state.jobs_failed = 18, 2
    judged.at(T)
    for event in (
        ev.AlertAcknowledged(rule="success_rate", subject="run"),
        ev.AlertMuted(rule="success_rate", subject="run", until=T + 600),
    ):
        state.apply(ev.Stamped(state.seq + 1, T, event))
    assert state.active_alerts["success_rate", "run"].acknowledged
    assert state.muted_until("success_rate", "run", T + 599) == T + 600
    assert state.muted_until("success_rate", "run", T + 600) is None
    state.apply(ev.Stamped(9, T + 1, ev.AlertMuted(rule="success_rate", subject="run", until=None)))
    assert state.muted_until("success_rate", "run", T + 1) is None
    assert [line.text for line in state.log][-2:] == [
        "alert success_rate (run) muted until 22:23:20Z",
        "alert success_rate (run) is no longer muted",
    ]


def test_trails_keep_ten_minutes_of_every_rule() -> None:
    state = RunState()
    resources = ev.Resources(rss_bytes=0, cpu_percent=0, loop_lag_ms=0, in_flight=0, held_bytes=0, held={})
    for second in range(900):
        told = ev.Resources(**{**{f: getattr(resources, f) for f in resources.__struct_fields__}, "rss_bytes": second})
        state.apply(ev.Stamped(second + 1, T + second, told))
    series = state.trails.series("memory", T + 899)
    assert len(series) == 60
    assert series == [float(n) for n in range(300, 900, 10)]
    assert state.trails.series("memory", T + 909) == [*series[1:], None]
    assert set(state.trails.series("fetch_p50", T + 899)) == {None}


def test_settings_change_a_rule_and_turn_one_off() -> None:
    changed = configure(
        {"memory": RuleSetting(warn=300e6, critical=500e6, for_s=0), "compression": RuleSetting(off=True)}
    )
    (memory,) = (r for r in changed if r.name == "memory")
    assert (memory.warn, memory.critical, memory.clear, memory.for_s) == (300e6, 500e6, 180e6, 0)
    assert "compression" not in {r.name for r in changed} and len(changed) == len(RULES) - 1


@pytest.mark.parametrize(
    ("name", "change", "word"),
    [
        ("memmory", RuleSetting(), "memmory"),
        ("memory", RuleSetting(warn=100e6), "never settle"),
        ("memory", RuleSetting(warn=400e6), "never settle"),
        ("success_rate", RuleSetting(critical=0.97), "never settle"),
        ("memory", RuleSetting(for_s=-1), "cannot be"),
        ("memory", RuleSetting(critical=float("nan")), "cannot be"),
    ],
)
def test_settings_that_cannot_be(name: str, change: RuleSetting, word: str) -> None:
    with pytest.raises(UsageError, match=word) as caught:
        configure({name: change})
    assert caught.value.hint


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
    judged = Judged("success_rate")
    judged.state.jobs_done, judged.state.jobs_failed = 18, 2
    assert [c.value for c in judged.at(T)] == [0.9]
    judged.state.jobs_done = 38
    assert judged.at(T) == []  # 95 %: neither
    judged.state.jobs_done = 60
    assert [type(c) for c in judged.at(T)] == [AlertCleared]


def test_compression_and_retained() -> None:
    compression, retained = Judged("compression"), Judged("retained")
    compression.state.raw_bytes, compression.state.stored_bytes, compression.state.chunk_records = 150, 100, 1000
    retained.state.batch_bytes, retained.state.batch_records = 101_000, 1000
    assert [c.value for c in compression.at(T)] == [1.5]
    assert [c.value for c in retained.at(T)] == [101.0]
    compression.state.raw_bytes, retained.state.batch_bytes = 220, 89_000
    assert [type(judged.at(T)[0]) for judged in (compression, retained)] == [AlertCleared, AlertCleared]


def test_checksum_failure_names_the_station_and_clears_when_stored_well() -> None:
    judged = Judged("checksum")
    state = judged.state
    state.results.plan(12, [2024], "j", [366])
    at: dict[str, Any] = {"job": "j", "station": 12, "year": 2024}
    state.apply(ev.Stamped(1, T, ev.ChunkFailed(**at, error_class="store", message="m", hint="")))
    assert judged.at(T) == []
    state.apply(ev.Stamped(2, T, ev.ChunkFailed(**at, error_class="integrity", message="m", hint="")))
    assert [(c.subject, c.value) for c in judged.at(T)] == [("12", 1.0)]
    state.failures.clear()
    assert [(type(c), c.subject) for c in judged.at(T)] == [(AlertCleared, "12")]
