"""The replay bar and the words for a moment; and the replay itself, apart from any screen."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from tui_app import FrozenClock
from tui_journal import START, Teller, midst, resources, started, write

from cimis_engine.errors import UsageError
from cimis_engine.run import events as ev
from cimis_tui.feed.replay import Opening, Replay
from cimis_tui.view.cells import width_of
from cimis_tui.view.replay import Playing, moment_at, parse_moment, present_replay

KEYS = (("space", "play", "play"), ("g", "go to", "goto"))


def playing(at: float = 150.0, *, on: bool = True, busy: bool = False, cut: bool = False) -> Playing:
    return Playing(
        run_id="r1", speed=8.0, playing=on, begins=100.0, at=at, ends=200.0, over=at >= 200, busy=busy, cut=cut
    )


@pytest.mark.parametrize("width", [58, 80, 100, 120, 200])
def test_the_bar_fits_and_its_track_says_where(width: int) -> None:
    line = present_replay(playing(), width, KEYS)
    assert width_of(line.cells) <= width
    text = "".join(cell.text for cell in line.cells)
    assert abs(text.index("●") - line.left - (line.width - 1) / 2) <= 1
    assert moment_at(line, text.index("●"), playing()) == pytest.approx(150, abs=100 / line.width)
    assert moment_at(line, 0, playing()) == 100
    assert moment_at(line, width, playing()) == 200


@pytest.mark.parametrize(
    ("where", "words"),
    [
        (playing(), "▶ 8x"),
        (playing(on=False), "‖ 8x"),
        (playing(200, on=False), "■ end"),
        (playing(200, on=False, cut=True), "✗ engine died here"),
        (playing(busy=True), "seeking"),
    ],
)
def test_the_bar_says_how_it_stands(where: Playing, words: str) -> None:
    assert words in "".join(cell.text for cell in present_replay(where, 120, KEYS).cells)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("50%", 5000.0),
        ("+90", 1090.0),
        ("-2m", 880.0),
        ("+1.5h", 6400.0),
        ("03:04:14", 1.0),
        ("03:05Z", 47.0),
        ("02:59:59", 86400 - 254.0),
        ("2025-11-22T03:04:20Z", 7.0),
        ("2025-11-22 03:04:20", 7.0),
    ],
)
def test_moments_in_words(text: str, seconds: float) -> None:
    assert parse_moment(text, begins=START, here=START + 1000, ends=START + 10_000) == START + seconds


@pytest.mark.parametrize("text", ["", "soon", "25:00", "12:61", "+x"])
def test_words_that_are_no_moment(text: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_moment(text, begins=START, here=START, ends=START + 10)
    assert "40%" in raised.value.hint


def replay(run_dir: Path, told: list[ev.Stamped], **opening: float | bool) -> tuple[Replay, FrozenClock]:
    clock = FrozenClock(0.0)
    source = Replay(write(run_dir, told), clock=clock, opening=Opening(**opening))  # type: ignore[arg-type]
    source.read_once()
    return source, clock


def quiet(seconds: float) -> list[ev.Stamped]:
    """A run in which the engine's own word is all that is heard for a while, then two events at once."""
    teller = Teller(1)
    teller.say(started(2))
    for _ in range(int(seconds)):
        teller.t += 1
        resources(teller, {})
    teller.say(ev.JobStarted(job="d002", station=2), 0.25)
    teller.say(ev.JobStarted(job="d005", station=5))
    return teller.told


def test_it_begins_where_asked_and_ends_there(tmp_path: Path) -> None:
    told = midst()
    source, clock = replay(tmp_path, told, at=START + 10, until=START + 20)
    assert source.state.seq == sum(s.t <= START + 10 for s in told)
    clock.now += 60
    source.read_once()
    assert (source.now(), source.playing, source.feed().word) == (START + 20, False, "END")
    assert source.state.seq == sum(s.t <= START + 20 for s in told)


def test_from_the_start_at_once_the_plan_is_known(tmp_path: Path) -> None:
    source, clock = replay(tmp_path, midst())
    assert source.state.started is not None
    assert source.feed().word == "PLAY"
    clock.now += 2
    source.read_once()
    assert source.now() == START + 2


def test_a_step_is_one_event_and_a_second_at_most(tmp_path: Path) -> None:
    source, _ = replay(tmp_path, quiet(3), playing=False)
    at = []
    for _ in range(6):
        source.step(1)
        source.read_once()
        at.append((round(source.now() - START, 3), source.state.seq))
    assert at == [(1.0, 2), (2.0, 3), (3.0, 4), (3.25, 5), (3.25, 6), (3.25, 6)]
    source.step(-1)
    source.read_once()
    assert source.state.seq == 5
    source.step(-1)
    source.read_once()
    assert source.state.seq == 1
    source.step(-1)
    source.read_once()
    assert (source.state.seq, source.now()) == (1, START)


def test_a_step_back_from_the_end_is_no_longer_the_end(tmp_path: Path) -> None:
    source, _ = replay(tmp_path, quiet(3), at=math.inf, playing=False)
    assert source.feed().word == "CUT"
    source.step(-1)
    source.read_once()
    assert (source.now(), source.feed().word, source.position().over) == (source.ends, "HELD", False)


def test_steps_pressed_in_one_go_all_count(tmp_path: Path) -> None:
    source, _ = replay(tmp_path, midst(), playing=False)
    for _ in range(5):
        source.step(1)
    source.read_once()
    assert source.state.seq == 6


def test_speeds_from_any_speed(tmp_path: Path) -> None:
    source, _ = replay(tmp_path, midst(), speed=10.0, playing=False)
    source.change_speed(1)
    assert source.speed == 16
    source.change_speed(-1)
    assert source.speed == 8
    for _ in range(9):
        source.change_speed(1)
    assert source.word() == "replay max"
    for _ in range(19):
        source.change_speed(-1)
    assert source.word() == "replay 1x"


def test_an_empty_journal_is_an_end_without_a_beginning(tmp_path: Path) -> None:
    source, _ = replay(tmp_path, [], at=math.inf)
    assert (source.state.seq, source.feed().word) == (0, "CUT")


def test_the_thread_plays_and_finds_its_checkpoints(tmp_path: Path) -> None:
    told = midst()
    source = Replay(write(tmp_path, told), clock=FrozenClock(0.0), opening=Opening(at=math.inf, playing=False))
    source.start()
    source.read_once()
    source.stop()
    assert source.state.seq == len(told)
    assert source.fault == ""
