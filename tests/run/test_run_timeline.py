"""Any moment of a recorded run: the fold from a checkpoint is the fold from the start."""

from __future__ import annotations

import errno
import math
import pickle
import random
from itertools import pairwise
from pathlib import Path

import pytest
from long_journal import write_long

from cimis_engine.run.journal import ends_of, events_of
from cimis_engine.run.past import JOURNAL, folded
from cimis_engine.run.report import build_report
from cimis_engine.run.state import RunState
from cimis_engine.run.timeline import Head, Moment, Timeline


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run_dir = tmp_path_factory.mktemp("long")
    write_long(run_dir, hours=0.2, stations=6)
    return run_dir / JOURNAL


def indexed(journal: Path, *, every: int = 200, budget: int = 1 << 30) -> Timeline:
    timeline = Timeline(journal, every=every, budget=budget)
    head = Head(journal)
    while head.run(Moment(), 50):
        timeline.note(head)
    return timeline


def at(timeline: Timeline, moment: Moment) -> RunState:
    head = timeline.open(timeline.nearest(moment))
    while head.run(moment, 1000):
        pass
    return head.state


def test_a_fold_from_a_checkpoint_is_the_fold_from_the_start(journal: Path) -> None:
    timeline = indexed(journal)
    assert timeline.first is not None and timeline.last is not None
    rng = random.Random(3)
    for _ in range(12):
        t = rng.uniform(timeline.first.t, timeline.last.t)
        ours, plain = at(timeline, Moment(t)), folded(journal, until=t)
        assert (ours.seq, ours.records, ours.progress) == (plain.seq, plain.records, plain.progress)
        assert build_report(ours) == build_report(plain)
        assert list(ours.log) == list(plain.log)
        assert ours.ttfb_ring.series(0.95, t) == plain.ttfb_ring.series(0.95, t)


def test_a_state_put_together_from_its_parts_is_the_state(journal: Path) -> None:
    plain = RunState()
    for stamped in events_of(journal):
        plain.apply(stamped)
        if plain.seq > 400 and plain.in_flight:
            break
    plain.failures = {next(iter(plain.results)): next(iter(plain.results.values()))}
    state = RunState.put_together(pickle.loads(pickle.dumps(part)) for part in plain.parts())
    assert build_report(state) == build_report(plain)
    assert (state.stations, state._jobs, state._station_jobs) == (plain.stations, plain._jobs, plain._station_jobs)
    for key, failure in state.failures.items():
        failure.message = "told of one"
        assert state.results[key].message == "told of one", "a retry takes it back in both"
    flying = [page for job in state._jobs.values() for page in job.open_pages.values() if page.latest is not None]
    assert flying, "the test means nothing without a page under way"
    for page in flying:
        assert any(page.latest is attempt for attempt in state.stations[page.station].trail), "it goes on in both"
    assert plain.started is not None and state.started is not None
    assert {id(job.ref) for job in state._jobs.values()} <= {id(ref) for ref in state.started.jobs}


def test_a_moment_is_near_once_its_stretch_is_known(journal: Path) -> None:
    timeline = indexed(journal)
    assert timeline.last is not None
    assert timeline.complete
    total = timeline.last.seq
    for seq in range(0, total, 97):
        assert seq - timeline.nearest(Moment(seq=seq)).seq < 200 + 50
    assert timeline.nearest(Moment(seq=5)).seq == 0
    assert timeline.nearest(Moment(t=-math.inf)).seq == 0
    assert not Timeline(journal, every=200).complete


def test_checkpoints_stay_within_their_budget(journal: Path) -> None:
    one = len(pickle.dumps(folded(journal)))
    timeline = indexed(journal, every=50, budget=one)
    kept = timeline._kept
    assert timeline.size <= one
    assert len(kept) > 2
    gaps = [b.seq - a.seq for a, b in pairwise(kept)]
    assert max(gaps) >= 100
    state = at(timeline, Moment(seq=kept[-1].seq - 1))
    assert state.seq == kept[-1].seq - 1


def test_without_room_for_checkpoints_every_moment_is_reached_all_the_same(
    journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(**_: object) -> None:
        raise OSError(errno.ENOSPC, "no space left on device")

    monkeypatch.setattr("tempfile.TemporaryFile", full)
    timeline = indexed(journal)
    assert (timeline.known, timeline.size) == (0, 0)
    assert at(timeline, Moment(seq=500)).seq == 500


def test_a_head_stops_at_the_moment_and_goes_on(journal: Path) -> None:
    told = list(events_of(journal))
    head = Head(journal)
    assert head.run(Moment(seq=10), 1000) == 10
    assert head.state.seq == 10
    assert head.run(Moment(seq=10), 1000) == 0
    assert head.run(Moment(told[20].t), 3) == 3
    assert head.trail[-1] == 13
    following = head.next()
    assert following is not None and following.seq == 14


def test_a_journal_that_is_cut_off_has_an_end_all_the_same(tmp_path: Path) -> None:
    count = write_long(tmp_path, hours=0.2, stations=6, whole=False)
    path = tmp_path / JOURNAL
    with path.open("ab") as file:
        file.write(b'{"v":1,"seq":99999,"t":1')
    timeline = Timeline(path)
    assert timeline.last is not None and timeline.last.seq == count
    assert at(timeline, Moment()).seq == count
    assert at(timeline, Moment()).finished_at is None


def test_no_journal_at_all(tmp_path: Path) -> None:
    timeline = Timeline(tmp_path / JOURNAL)
    assert timeline.complete
    assert (timeline.first, timeline.last) == (None, None)
    assert ends_of(tmp_path / JOURNAL) == (None, None)
    assert at(timeline, Moment()).seq == 0
