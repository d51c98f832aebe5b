"""The reader of a run that goes on: a frame has what came before it, and a sick disk does not hold it."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from tui_app import FrozenClock
from tui_journal import midst, write

from cimis_engine.run.events import Stamped
from cimis_engine.run.journal import JournalReader
from cimis_tui.feed import follow
from cimis_tui.feed.follow import Follower


def follower(run_dir: Path) -> Follower:
    return Follower(run_dir, mode="attached", clock=FrozenClock(0.0), alive=lambda: True)


def test_what_came_before_a_frame_is_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "_PATIENCE_SECONDS", 30.0)
    monkeypatch.setattr(follow, "_ALONE_SECONDS", 30.0)  # only who is asked reads
    told = midst()
    write(tmp_path, told[:-1])
    source = follower(tmp_path)
    source.start()
    source._rests.wait(30.0)
    assert source.state.seq == told[-2].seq, "it reads without being asked at first"
    write(tmp_path, told)
    source.catch_up()
    assert source.state.seq == told[-1].seq
    source.stop()
    assert not source._thread.is_alive()


def test_a_disk_that_does_not_answer_holds_no_frame(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers, asked = threading.Event(), threading.Event()

    class Sick(JournalReader):
        def read_new(self) -> list[Stamped]:
            if self.offset:
                asked.set()
                assert answers.wait(30.0)
            return super().read_new()

    monkeypatch.setattr(follow, "JournalReader", Sick)
    told = midst()
    write(tmp_path, told)
    source = follower(tmp_path)
    source.start()
    assert asked.wait(30.0)
    source.catch_up()
    source.catch_up()  # neither waits for what will not come
    assert not answers.is_set() and source.state.seq == told[-1].seq
    answers.set()
    source.stop()
    assert not source._thread.is_alive()
