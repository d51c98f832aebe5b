"""The throttle as a state machine over `now`, and against a modelled server."""

from __future__ import annotations

import heapq
import itertools

from hypothesis import given
from hypothesis import strategies as st

from cimis_engine.fetch.throttle import ROUNDS_KEPT, LimitChange, Throttle


def succeed(throttle: Throttle, count: int, started: float, ttfb: float | None = 1.0) -> list[LimitChange]:
    return [c for _ in range(count) if (c := throttle.on_success(started, ttfb))]


def test_it_doubles_a_round_up_to_the_ceiling() -> None:
    throttle = Throttle(12)
    assert succeed(throttle, 40, 1.0) == [LimitChange(4, 8, "slow start"), LimitChange(8, 12, "slow start")]
    assert Throttle(2).limit == 2
    assert succeed(Throttle(2), 40, 1.0) == []


def test_a_refusal_closes_the_gate_and_starts_again_from_one() -> None:
    throttle = Throttle(16)
    succeed(throttle, 12, 1.0)
    assert throttle.on_overload(20.0, 19.0, "http_429", hold=5.0) == LimitChange(16, 1, "http_429")
    assert (throttle.gate_until, throttle.refusals) == (25.0, 1)
    changes = succeed(throttle, 1 + 2 + 4 + 8 + 9, 26.0)
    assert [(c.old, c.new) for c in changes] == [(1, 2), (2, 4), (4, 8), (8, 9), (9, 10)]
    assert [c.cause for c in changes] == ["slow start"] * 3 + ["recovered"] * 2
    assert throttle.refusals == 0


def test_slowness_halves_and_closes_nothing() -> None:
    throttle = Throttle(16)
    succeed(throttle, 12, 1.0)
    assert throttle.on_overload(20.0, 10.0, "timeout_read") == LimitChange(16, 8, "timeout_read")
    assert (throttle.gate_until, throttle.refusals) == (0.0, 0)
    assert [(c.old, c.new) for c in succeed(throttle, 8, 21.0)] == [(8, 9)]
    for n in range(9):
        throttle.on_overload(30.0 + n, 29.5 + n, "stall")
    assert throttle.limit == 1


def test_a_round_that_fails_together_counts_once_however_long_it_takes() -> None:
    throttle = Throttle(16)
    succeed(throttle, 12, 1.0)
    changes = [throttle.on_overload(40.0 + n, 10.0, "timeout_read") for n in range(16)]
    assert changes == [LimitChange(16, 8, "timeout_read")] + [None] * 15
    assert throttle.on_overload(80.0, 41.0, "timeout_read") == LimitChange(8, 4, "timeout_read")


def test_refusals_of_one_round_are_one_but_the_longest_wait_holds() -> None:
    throttle = Throttle(8)
    assert throttle.refusal(9.0) == 1
    throttle.on_overload(10.0, 9.0, "http_429", hold=1.0)
    assert throttle.refusal(9.5) == 1
    assert throttle.on_overload(10.2, 9.5, "http_429", hold=5.0) == LimitChange(1, 1, "http_429")
    assert throttle.on_overload(10.3, 9.5, "http_429", hold=2.0) is None
    assert (throttle.gate_until, throttle.refusals) == (15.2, 1)
    assert throttle.refusal(15.3) == 2, "the request let through after the gate was refused as well"


def test_rounds_refused_for_one_cause_are_told_from_those_refused_for_any() -> None:
    throttle = Throttle(8)
    for n, cause in enumerate(("http_429", "refused", "blocked"), 1):
        throttle.on_overload(10.0 * n, 10.0 * n - 1, cause, hold=1.0)
    assert (throttle.refusals, throttle.refused_for("blocked"), throttle.refused_for("refused")) == (3, 1, 0)
    throttle.on_overload(40.2, 29.5, "blocked", hold=1.0)
    assert throttle.refused_for("blocked") == 1, "of the same round"
    throttle.on_overload(50.0, 49.0, "blocked", hold=1.0)
    assert (throttle.refusals, throttle.refused_for("blocked")) == (4, 2)
    succeed(throttle, 1, started=60.0)
    assert (throttle.refusals, throttle.refused_for("blocked")) == (0, 0)


def test_what_was_under_way_when_the_limit_fell_raises_nothing() -> None:
    throttle = Throttle(8)
    throttle.on_overload(10.0, 9.0, "http_503", hold=1.0)
    assert succeed(throttle, 8, started=9.9) == []
    assert (throttle.limit, throttle.refusals) == (1, 1)
    assert succeed(throttle, 1, started=11.1) == [LimitChange(1, 2, "slow start")]


def test_the_operators_number_is_the_new_ceiling() -> None:
    throttle = Throttle(8)
    succeed(throttle, 4, 1.0)
    assert throttle.set_ceiling(3) == LimitChange(8, 3, "operator")
    assert succeed(throttle, 40, 2.0) == []
    assert throttle.set_ceiling(20) is None, "it may grow; nothing changes at once"
    assert [(c.new, c.cause) for c in succeed(throttle, 3 + 6 + 12, 3.0)] == [
        (6, "slow start"),
        (12, "slow start"),
        (20, "slow start"),
    ]


def test_a_lower_ceiling_keeps_what_strain_has_taught() -> None:
    throttle = Throttle(16)
    succeed(throttle, 12, 1.0)
    throttle.on_overload(20.0, 19.0, "http_429", hold=5.0)
    assert throttle.set_ceiling(12) is None
    changes = succeed(throttle, 1 + 2 + 4 + 8, 26.0)
    assert [(c.new, c.cause) for c in changes][-1] == (9, "recovered"), "beyond the half it goes by ones"


def test_a_slower_server_raises_nothing_and_lowers_nothing() -> None:
    throttle = Throttle(64)
    assert succeed(throttle, 4, 1.0, ttfb=1.0) == [LimitChange(4, 8, "slow start")]
    assert succeed(throttle, 8, 2.0, ttfb=1.4) == [LimitChange(8, 16, "slow start")]
    assert succeed(throttle, 16 * (ROUNDS_KEPT - 3), 3.0, ttfb=1.6) == []
    assert throttle.limit == 16
    assert succeed(throttle, 16, 9.0, ttfb=1.0) == [LimitChange(16, 17, "recovered")]
    for n in range(3):
        throttle.on_overload(10.0 + n, 9.5 + n, "timeout_read")
    assert throttle.limit == 2
    assert [c.new for c in succeed(throttle, 2 + 3, 20.0, ttfb=9.0)] == [3, 4], "a slow API does not stop a recovery"


def test_empty_answers_do_not_count_as_quick_ones() -> None:
    throttle = Throttle(64)
    succeed(throttle, 4, 1.0, ttfb=None)
    assert succeed(throttle, 8, 2.0, ttfb=1.0) == [LimitChange(8, 16, "slow start")]


def test_what_is_usual_is_forgotten_in_the_end() -> None:
    throttle = Throttle(6)
    succeed(throttle, 4, 1.0, ttfb=0.1)
    throttle.on_overload(3.0, 2.0, "stall")
    throttle.on_overload(5.0, 4.0, "stall")
    changes = succeed(throttle, 4 * (ROUNDS_KEPT + 4), 6.0, ttfb=1.0)
    assert [(c.old, c.new) for c in changes] == [(1, 2), (2, 3), (3, 4), (4, 5), (5, 6)]


EVENTS = st.lists(
    st.tuples(st.sampled_from("sot"), st.floats(0.0, 3.0), st.floats(0.0, 5.0), st.floats(0.01, 4.0)), max_size=200
)


@given(st.integers(1, 64), EVENTS)
def test_whatever_comes(ceiling: int, events: list[tuple[str, float, float, float]]) -> None:
    """The limit stays within bounds, the gate never moves back, only successes raise, and every change is told."""
    throttle, now = Throttle(ceiling), 100.0
    for what, pass_by, age, amount in events:
        now += pass_by
        limit, gate, started = throttle.limit, throttle.gate_until, now - age
        if what == "s":
            change = throttle.on_success(started, amount)
            assert throttle.limit >= limit and throttle.gate_until == gate
        else:
            change = throttle.on_overload(now, started, what, hold=amount if what == "o" else 0.0)
            assert throttle.limit <= limit and throttle.gate_until >= gate
            if what == "o":
                assert throttle.limit == 1 and throttle.gate_until >= now + amount
        assert 1 <= throttle.limit <= throttle.ceiling == ceiling
        moved = (limit, gate) != (throttle.limit, throttle.gate_until)
        assert (change is not None) == moved
        if change is not None:
            assert (change.old, change.new) == (limit, throttle.limit) and change.cause


def drive(throttle: Throttle, requests: int, rate: int, latency: float, hold: float) -> tuple[float, int, list[float]]:
    """A client with endless work against a server that lets `rate` requests a second through and refuses the others.

    Gives the seconds it took for `requests` answers, the refusals, and every instant a request was sent.
    """
    now, answered, refused, in_flight = 0.0, 0, 0, 0
    sent: list[float] = []
    let_through: list[float] = []
    under_way: list[tuple[float, int, float, bool]] = []
    order = itertools.count()
    while answered < requests:
        while in_flight < throttle.limit and now >= throttle.gate_until:
            let_through = [t for t in let_through if t > now - 1.0]
            ok = len(let_through) < rate
            let_through += [now] if ok else []
            sent.append(now)
            heapq.heappush(under_way, (now + (latency if ok else 0.01), next(order), now, ok))
            in_flight += 1
        if not under_way:
            now = throttle.gate_until
            continue
        now, _, started, ok = heapq.heappop(under_way)
        in_flight -= 1
        if ok:
            answered += 1
            throttle.on_success(started, latency)
        else:
            refused += 1
            throttle.on_overload(now, started, "http_429", hold)
    return now, refused, sent


def test_it_settles_below_a_rate_limit() -> None:
    """8 requests a second allowed, 32 possible: most of what is allowed is used, and few requests are refused."""
    seconds, refused, sent = drive(Throttle(32), 2000, rate=8, latency=1.0, hold=1.0)
    assert refused < 0.05 * 2000
    assert 2000 / seconds > 0.6 * 8
    assert len(sent) - refused < 2000 + 32, "and nothing is asked twice"


def test_nothing_passes_a_shut_gate_and_one_request_alone_goes_first() -> None:
    throttle, shut = Throttle(32), []
    real = throttle.on_overload

    def watched(now: float, started: float, cause: str, hold: float = 0.0) -> LimitChange | None:
        change = real(now, started, cause, hold)
        shut.append((now, throttle.gate_until))
        return change

    throttle.on_overload = watched  # type: ignore[method-assign]
    _, _, sent = drive(throttle, 500, rate=20, latency=0.2, hold=1.0)
    assert len(shut) > 10
    ends = {gate for _, gate in shut}
    assert not [t for t in sent for at, gate in shut if at < t < gate]
    assert {len([t for t in sent if gate <= t < gate + 0.005]) for gate in ends} <= {0, 1}
