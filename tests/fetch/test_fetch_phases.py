"""The twelve phases on a fake clock: time lost at a door appears in that door's phase, and moves no other."""

from __future__ import annotations

from pathlib import Path

import pytest
from fetch_journey import BODY, WIRE, Journey
from fetch_network import DOORS, FakeClock

from cimis_engine.fetch.exchange import ApiRequest, AttemptError, ErrorKind
from cimis_engine.fetch.phases import CONSECUTIVE, PHASES, PhaseRecorder

ALL = {door: 0.001 * (n + 1) for n, door in enumerate([*DOORS, "decode", "encode", "write", "verify", "commit"])}
"""A millisecond more at each door, so that none can be taken for another."""
BUSY = {"stored": "encode", "decode piece": "decode"}
MICROSECOND = 0.001


def close(milliseconds: float) -> object:
    return pytest.approx(milliseconds, abs=MICROSECOND)


@pytest.mark.asyncio
@pytest.mark.parametrize("door", [*ALL, "stored"])
async def test_a_delay_appears_in_its_phase_and_moves_no_other(door: str, tmp_path: Path) -> None:
    seconds = ALL | {door: ALL.get(door, 0.0) + 0.25}
    plain, slowed = Journey(tmp_path / "A", **ALL), Journey(tmp_path / "B", **seconds)
    before, after = await plain.go(), await slowed.go()
    await plain.aclose()
    await slowed.aclose()
    # The body comes in two pieces, so its door is passed twice.
    delay = 500.0 if door == "read" else 250.0
    phase = BUSY.get(door, door)
    for name in PHASES:
        moved = (after[name] or 0.0) - (before[name] or 0.0)
        assert moved == close(delay if name == phase else 0.0), name
    assert after["total"] == close((before["total"] or 0.0) + (delay if phase in CONSECUTIVE else 0.0))


@pytest.mark.asyncio
async def test_every_phase_is_what_its_door_took(tmp_path: Path) -> None:
    journey = Journey(tmp_path, **ALL)
    phases = await journey.go()
    await journey.aclose()
    expected = {door: seconds * 1000 for door, seconds in ALL.items()} | {"read": 2 * ALL["read"] * 1000}
    assert phases["pool_wait"] == close(0.0), "a slot has nobody to wait for"
    assert {name: phases[name] for name in expected} == {name: close(ms) for name, ms in expected.items()}
    consecutive = sum(phases[name] or 0.0 for name in CONSECUTIVE)
    assert phases["total"] == close(consecutive), "between consecutive phases nothing is lost"


@pytest.mark.asyncio
async def test_decoding_counts_every_piece_and_is_no_part_of_the_sum(tmp_path: Path) -> None:
    journey = Journey(tmp_path, **ALL, **{"decode piece": 0.1})
    outcome = await journey.attempt()
    await journey.aclose()
    taken = outcome.timings
    assert taken.decode == close(2 * 100.0 + 1000 * ALL["decode"])
    assert taken.total == close(sum(getattr(taken, name) or 0.0 for name in CONSECUTIVE))


@pytest.mark.asyncio
async def test_a_reused_connection_has_no_connecting(tmp_path: Path) -> None:
    journey = Journey(tmp_path, **ALL)
    first, second = await journey.attempt(), await journey.attempt()
    await journey.aclose()
    assert journey.network.connections == 1
    assert (first.reused, second.reused) == (False, True)
    assert (second.timings.dns, second.timings.tcp, second.timings.tls) == (None, None, None)
    for name in ("send", "ttfb", "read", "decode"):
        assert getattr(second.timings, name) == close(getattr(first.timings, name))
    connecting = sum(1000 * ALL[door] for door in ("dns", "tcp", "tls"))
    assert second.timings.total == close(first.timings.total - connecting)


@pytest.mark.asyncio
async def test_bytes_are_counted_as_received_and_as_inflated(tmp_path: Path) -> None:
    journey = Journey(tmp_path)
    outcome = await journey.attempt()
    await journey.aclose()
    assert (outcome.wire_bytes, outcome.decoded_bytes) == (len(WIRE), len(BODY))
    assert outcome.content_encoding == "gzip"


@pytest.mark.asyncio
@pytest.mark.parametrize("at", range(len(DOORS)), ids=DOORS)
async def test_a_failed_attempt_leaves_nothing_in_the_next(at: int, tmp_path: Path) -> None:
    door = DOORS[at]
    journey = Journey(tmp_path, **ALL)
    journey.doors.breaks = door
    failed = await journey.attempt()
    again = await journey.attempt()
    untroubled = await Journey(tmp_path / "calm", **ALL).attempt()
    await journey.aclose()
    assert failed.verdict.kind == "retry" and failed.page is None
    assert not failed.reused
    for name in DOORS[: at + 1]:
        assert getattr(failed.timings, name) == close(1000 * ALL[name]), name
    # Where sending fails, httpcore still looks for an answer: a server may refuse a request before it is complete.
    rest = [0.0, None] if door == "send" else [None] * (5 - at)
    assert [getattr(failed.timings, name) for name in DOORS[at + 1 :]] == rest
    assert failed.timings.total == close(sum(1000 * ALL[name] for name in DOORS[: at + 1]))
    assert again.verdict.kind == "ok" and not again.reused, "a slot that failed connects anew"
    for name in ("pool_wait", *DOORS, "decode", "total"):
        assert getattr(again.timings, name) == close(getattr(untroubled.timings, name)), name


@pytest.mark.asyncio
async def test_an_attempt_that_runs_into_its_limit_keeps_what_it_measured(tmp_path: Path) -> None:
    journey = Journey(tmp_path, **ALL)
    journey.doors.breaks = "ttfb"

    async def keep(_: bytes) -> None:
        pass

    with pytest.raises(AttemptError) as caught:
        await journey.slot.get(ApiRequest("https://api.test", "/"), keep)
    await journey.aclose()
    assert caught.value.kind is ErrorKind.RESET
    assert caught.value.phases.ttfb == close(1000 * ALL["ttfb"]) and caught.value.phases.read is None


def test_the_recorder_adds_up_what_comes_twice() -> None:
    """A connection that turns out dead is made again within the attempt: its phases are the sum of both."""
    clock = FakeClock()
    recorder = PhaseRecorder(clock)
    for phase in ("dns", "tcp", "dns", "tcp", "send"):
        recorder.begin(phase)
        clock.now += 0.01
    open_still, later = recorder.phases(), recorder.phases()
    assert (open_still.dns, open_still.tcp, open_still.send) == (close(20), close(20), close(10))
    assert later == open_still, "asking changes nothing"
    recorder.end()
    clock.now += 1.0
    assert recorder.phases().send == close(10) and recorder.phases().total_ms == close(1050)
