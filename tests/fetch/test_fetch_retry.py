"""Waits and giving up: exact at the edges, and within their bounds for any numbers."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cimis_engine.fetch.classify import Verdict, VerdictKind
from cimis_engine.fetch.retry import RetryPolicy

RESET = Verdict(VerdictKind.RETRY, "reset")
BUSY = Verdict(VerdictKind.RETRY, "http_429")
BLOCKED = Verdict(VerdictKind.BLOCKED, "blocked")


class Draw(random.Random):
    """Always the same number."""

    def __init__(self, number: float) -> None:
        super().__init__()
        self.number = number

    def random(self) -> float:
        return self.number


def test_a_page_waits_a_random_part_of_1_2_4_8_seconds() -> None:
    policy = RetryPolicy(max_attempts=9, cap=30.0, budget=1e9)
    assert [policy.delay(n, RESET, Draw(1.0)) for n in range(1, 10)] == [1, 2, 4, 8, 16, 30, 30, 30, None]
    assert [policy.delay(n, RESET, Draw(0.25)) for n in (1, 2, 3)] == [0.25, 0.5, 1.0]
    assert policy.delay(3, RESET, Draw(0.0)) == 0.0


def test_the_run_waits_at_least_half_of_it() -> None:
    policy = RetryPolicy(cap=30.0)
    assert [policy.hold(n, BUSY, Draw(0.0)) for n in range(1, 8)] == [0.5, 1, 2, 4, 8, 15, 15]
    assert [policy.hold(n, BUSY, Draw(1.0)) for n in range(1, 8)] == [1, 2, 4, 8, 16, 30, 30]


def test_the_firewall_gets_5_15_45_seconds() -> None:
    policy = RetryPolicy(max_attempts=5)
    assert [policy.delay(n, BLOCKED, Draw(0.5)) for n in (1, 2, 3, 4, 5)] == [5, 15, 45, 60, None]
    assert [policy.hold(n, BLOCKED, Draw(0.5)) for n in (1, 2, 3, 4)] == [5, 15, 45, 60]


def test_retry_after_wins() -> None:
    policy = RetryPolicy()
    for kind, word in ((VerdictKind.RETRY, "http_503"), (VerdictKind.BLOCKED, "blocked")):
        verdict = Verdict(kind, word, retry_after=70.0)
        assert policy.delay(1, verdict, Draw(0.0)) == policy.hold(3, verdict, Draw(0.0)) == 70.0


@pytest.mark.parametrize("kind", [VerdictKind.FAIL_JOB, VerdictKind.STOP_RUN, VerdictKind.SPLIT, VerdictKind.OK])
def test_what_is_never_tried_again(kind: VerdictKind) -> None:
    assert RetryPolicy().delay(1, Verdict(kind, "x"), Draw(0.0)) is None


def test_slowness_holds_nobody() -> None:
    assert RetryPolicy().hold(1, Verdict(VerdictKind.RETRY, "timeout_read"), Draw(1.0)) == 0.0


def test_the_budget_counts_the_wait() -> None:
    policy = RetryPolicy(budget=10.0)
    assert policy.delay(1, RESET, Draw(1.0), elapsed=9.0) == 1.0
    assert policy.delay(1, RESET, Draw(1.0), elapsed=9.1) is None


POLICIES = st.builds(
    RetryPolicy,
    max_attempts=st.integers(1, 10_000),
    base=st.floats(0.001, 100.0),
    cap=st.floats(0.1, 1000.0),
    budget=st.floats(0.0, 1e5),
)
COUNTS = st.integers(1, 10_000)


@given(POLICIES, COUNTS, st.floats(0.0, 1e5), st.sampled_from([RESET, BUSY, BLOCKED]), st.integers())
def test_no_wait_is_below_zero_above_the_cap_or_beyond_the_budget(
    policy: RetryPolicy, failures: int, elapsed: float, verdict: Verdict, seed: int
) -> None:
    wait = policy.delay(failures, verdict, random.Random(seed), elapsed)
    if failures >= policy.max_attempts:
        assert wait is None
    if wait is not None:
        assert 0.0 <= wait <= policy.cap
        assert elapsed + wait <= policy.budget
    assert 0.0 <= policy.wait(failures, verdict, random.Random(seed)) <= policy.cap
    assert 0.0 <= policy.hold(failures, verdict, random.Random(seed)) <= policy.cap


@given(POLICIES, COUNTS, st.floats(0.0, 1.0), st.sampled_from([BUSY, BLOCKED]))
def test_the_gate_is_never_held_shorter_than_the_time_before(
    policy: RetryPolicy, refusals: int, drawn: float, verdict: Verdict
) -> None:
    now, then = (policy.hold(n, verdict, Draw(drawn)) for n in (refusals, refusals + 1))
    assert now <= then


@given(POLICIES, st.lists(st.floats(0.0, 50.0), min_size=1, max_size=60), st.integers())
def test_a_page_that_fails_for_ever_is_given_up_within_its_budget(
    policy: RetryPolicy, durations: list[float], seed: int
) -> None:
    """Attempts of any length, until it gives up: no wait ends after the budget."""
    rng, now = random.Random(seed), 0.0
    for failures, duration in enumerate(durations, 1):
        now += duration
        wait = policy.delay(failures, RESET, rng, now)
        if wait is None:
            return
        now += wait
        assert now <= policy.budget
