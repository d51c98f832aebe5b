"""Happy eyeballs on a clock that jumps: who wins, when, and that every loser is closed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from fetch_network import VirtualLoop

from cimis_engine.fetch.network import STAGGER, race


class Track:
    """Runners by address: seconds until they arrive, or until they fall (negative)."""

    def __init__(self, **seconds: float) -> None:
        self.seconds = seconds
        self.started: dict[str, float] = {}
        self.open: set[str] = set()
        self.closed: list[str] = []
        self.cancelled: list[str] = []

    async def connect(self, address: str) -> str:
        self.started[address] = asyncio.get_running_loop().time()
        try:
            await asyncio.sleep(abs(self.seconds[address]))
        except asyncio.CancelledError:
            self.cancelled.append(address)
            raise
        if self.seconds[address] < 0:
            raise ConnectionRefusedError(address)
        self.open.add(address)
        return address

    async def discard(self, address: str) -> None:
        await asyncio.sleep(0)
        self.open.discard(address)
        self.closed.append(address)

    def race(self) -> Coroutine[Any, Any, str]:
        return race(list(self.seconds), self.connect, self.discard)


def run(work: Callable[[], Coroutine[Any, Any, Any]]) -> tuple[Any, float]:
    """The result of `work` and how long it took, with nothing left running."""

    async def watched() -> tuple[Any, float]:
        result = await work()
        assert asyncio.all_tasks() == {asyncio.current_task()}, "a runner goes on"
        return result, asyncio.get_running_loop().time()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(watched())


def test_one_address_needs_no_race() -> None:
    track = Track(v6=0.04)
    assert run(track.race) == ("v6", pytest.approx(0.04))


def test_a_stalled_first_address_is_given_250_ms() -> None:
    track = Track(v6=30.0, v4=0.01)
    assert run(track.race) == ("v4", pytest.approx(STAGGER + 0.01))
    assert track.started == {"v6": 0.0, "v4": pytest.approx(0.25)}
    assert (track.cancelled, track.open) == (["v6"], {"v4"})


def test_a_first_address_that_comes_up_in_time_stays_alone() -> None:
    track = Track(v6=0.249, v4=0.0)
    assert run(track.race) == ("v6", pytest.approx(0.249))
    assert list(track.started) == ["v6"]


def test_a_slow_first_address_may_still_win() -> None:
    track = Track(v6=0.3, v4=5.0)
    assert run(track.race) == ("v6", pytest.approx(0.3))
    assert track.cancelled == ["v4"]


def test_a_failure_starts_the_next_at_once() -> None:
    track = Track(v6=-0.02, v4=0.01)
    assert run(track.race) == ("v4", pytest.approx(0.03))


def test_the_slower_of_two_that_both_came_up_is_closed() -> None:
    track = Track(v6=0.26, v4=0.01)
    won, _ = run(track.race)
    assert track.open == {won} and len(track.closed) == 1


def test_the_first_failure_is_told_when_all_fail() -> None:
    track = Track(a=-0.3, b=-0.01, c=-0.01)

    async def lost() -> str:
        with pytest.raises(ConnectionRefusedError) as caught:
            await track.race()
        return str(caught.value)

    assert run(lost) == ("b", pytest.approx(0.3))


def test_a_cancelled_race_leaves_nothing_open() -> None:
    track = Track(v6=5.0, v4=5.0)

    async def impatient() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.0):
                await track.race()

    assert run(impatient) == (None, pytest.approx(1.0))
    assert (sorted(track.cancelled), track.open) == (["v4", "v6"], set())
