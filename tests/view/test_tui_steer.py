"""What keys do to stations: whom a command is for, what is said, what is lost."""

from __future__ import annotations

import pytest
from tui_journal import midst

from cimis_engine.run.state import RunState
from cimis_tui.view.steer import Loss, in_flight_words, loss_of, loss_words, order


@pytest.mark.parametrize(
    ("action", "statuses", "cmd", "stations", "said"),
    [
        ("pause", "2 running", "pause", (2,), "2 FivePoints: pause asked for"),
        ("pause", "2 paused", "resume", (2,), "2 FivePoints: resume asked for"),
        ("pause", "2 paused 5 queued", "pause", (5,), "station 5: pause asked for (1 more: paused or ended before)"),
        ("pause", "2 paused 5 paused 8 done", "resume", (2, 5), "2 stations: resume asked for (1 more: not paused)"),
        ("retry", "2 failed 5 cancelled 8 slow", "retry", (2, 5), "2 stations: queued again (1 more: neither failed"),
        ("cancel", "2 slow 5 retrying", "cancel", (2, 5), "2 stations: cancelled"),
    ],
)
def test_whom_a_command_is_for(action: str, statuses: str, cmd: str, stations: tuple[int, ...], said: str) -> None:
    words = statuses.split()
    standing = {int(number): status for number, status in zip(words[::2], words[1::2], strict=True)}
    what = order(action, standing, {2: "FivePoints"})
    assert (what.cmd, what.stations) == (cmd, stations)
    assert what.said().startswith(said)


def test_what_cancelling_loses_and_what_stays() -> None:
    state = RunState()
    for told in midst():
        state.apply(told)
    assert loss_of(state, [62]) == Loss(jobs=1, in_flight=1, records=0, chunks=0)
    assert loss_of(state, [62, 68, 2]) == Loss(jobs=2, in_flight=2, records=730, chunks=4)
    assert loss_words(loss_of(state, [62, 68, 2])) == (
        "given up  2 jobs, 2 pages in flight, 730 records not stored yet",
        "stays     4 chunks on disk",
    )


def test_requests_in_flight() -> None:
    assert in_flight_words(7, 8, 16) == "7 of 8 requests (limit 16)"
    assert in_flight_words(3, 4, 4) == "3 of 4 requests"
