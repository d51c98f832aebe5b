"""Power cuts, enumerated: whatever a disk may forget at whatever moment, no acknowledged chunk and no revision is lost.

The store writes a realistic history through a door that keeps a model of the disk (`disk`). At every operation, every
combination of what was not synced is laid out as a directory and the store opened in it (`rehearsal`); `store_model`
says what must be there. Then the same with a process that is killed first and a power cut while the next one recovers.
The mutants show that the proof sees what it claims to see.
"""

from __future__ import annotations

import random
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from disk import Reach
from mutants import MUTANTS, SOUND, Mutant
from rehearsal import HISTORY, RECOVERIES, Rehearsal, Step, killed_histories

NEAR, EVERY = Reach(all_of=3), Reach(all_of=16)


def rehearsed(folder: Path, reach: Reach, history: list[Step] = HISTORY, mutant: Mutant = SOUND) -> Rehearsal:
    with mutant.patch():
        return Rehearsal(Path(tempfile.mkdtemp(dir=folder)), reach, mutant.door).perform(history)


def thinned(rehearsal: Rehearsal, count: int, seed: int) -> Rehearsal:
    """Only so many of the crashes, and those in any order."""
    crashes = list(rehearsal.crashes.items())
    rehearsal.crashes = dict(random.Random(seed).sample(crashes, min(count, len(crashes))))
    return rehearsal


def test_the_history_is_worth_a_crash(ram_path: Path) -> None:
    """It has all the operations and revisions there are; or the proof would be of less than it says."""
    rehearsal = rehearsed(ram_path, NEAR)
    operations = [name.split()[0] for name in rehearsal.door.operations]
    assert set(operations) == {"make_dir", "open_new", "write", "sync", "read", "replace", "sync_dir", "commit"}
    assert operations.count("commit") >= len(HISTORY) - 1, "all but the unchanged write"
    assert len(rehearsal.held[-1].generations) >= 4
    assert len(rehearsal.crashes) > 300


def test_a_power_cut_loses_nothing(ram_path: Path) -> None:
    some = thinned(rehearsed(ram_path, NEAR), 60, seed=4)
    assert list(some.violations(ram_path)) == []


@pytest.mark.proof
@pytest.mark.timeout(7200)
def test_every_power_cut_loses_nothing(ram_path: Path) -> None:
    rehearsal = rehearsed(ram_path, EVERY)
    print(f"\n{len(rehearsal.door.operations)} operations, {len(rehearsal.crashes)} crash states")
    assert list(rehearsal.violations(ram_path)) == []


@pytest.mark.parametrize("operation", ["make_dir D", "replace 2024_daily.zst"])
@pytest.mark.parametrize("recovery", RECOVERIES)
def test_a_power_cut_after_a_kill_loses_nothing(ram_path: Path, operation: str, recovery: str) -> None:
    """The first write, killed so that the next process finds something in place that was never synced."""
    done = rehearsed(ram_path, NEAR, HISTORY[:1]).door.operations.index(operation) + 1
    rehearsal = rehearsed(ram_path, NEAR, [replace(HISTORY[0], killed_at=done, recovery=recovery)])
    assert rehearsal.died
    assert list(thinned(rehearsal, 12, seed=2).violations(ram_path)) == []


@pytest.mark.proof
@pytest.mark.timeout(7200)
def test_every_power_cut_after_every_kill_loses_nothing(ram_path: Path) -> None:
    deaths = states = 0
    for rehearsal in killed_histories(HISTORY, RECOVERIES, lambda history: rehearsed(ram_path, NEAR, history)):
        deaths, states = deaths + 1, states + len(rehearsal.crashes)
        assert list(rehearsal.violations(ram_path)) == []
    print(f"\n{deaths} deaths, then {states} crash states of the processes that recovered")


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_mutants_are_caught(ram_path: Path, mutant: Mutant) -> None:
    if mutant.killed:
        histories = killed_histories(
            HISTORY[:1], [mutant.killed], lambda history: rehearsed(ram_path, NEAR, history, mutant)
        )
        some = (thinned(rehearsal, 4, seed=1) for rehearsal in histories)
    else:
        some = iter([thinned(rehearsed(ram_path, NEAR, HISTORY, mutant), 100, seed=1)])
    problems = (problem for rehearsal in some for problem in rehearsal.violations(ram_path))
    assert next(problems, None), "no crash was found in which this matters"
