"""kill -9 at random moments of a real process that writes chunks: none corrupt, none lost, the catalog never ahead."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from killed_writer import Writer, settle_accounts
from store_model import Held

KILLS_A_STORE = 10
"""Generations pile up, and every one is read after every kill: so a new store now and then."""


def kill_often(folder: Path, kills: int, writes: int, seed: int) -> None:
    """Each writer dies somewhere in its first so many writes; the store is checked, and the next goes on with it."""
    dice, commits = random.Random(seed), 0
    for first in range(0, kills, KILLS_A_STORE):
        root, held = folder / f"D{first}", Held()
        with Writer(root) as writer:
            for kill in range(first, min(first + KILLS_A_STORE, kills)):
                pid = writer.start(seed=kill)
                acknowledged = writer.work(dice.randrange(writes), dice.random()) + writer.kill(pid)
                held, _, problems = settle_accounts(root, held, kill, acknowledged)
                assert problems == [], f"seed {seed}, kill {kill}, after {acknowledged} acknowledged writes"
                commits += acknowledged
            assert writer.complaints == []
    print(f"\nseed {seed}: {kills} kills, {commits} commits acknowledged, 0 corrupt, 0 lost, catalog never ahead")
    assert commits > kills // 2


def test_kill_9_loses_nothing(ram_path: Path) -> None:
    kill_often(ram_path, kills=40, writes=3, seed=1)


@pytest.mark.proof
@pytest.mark.timeout(7200)
def test_kill_9_a_thousand_times_loses_nothing(tmp_path: Path) -> None:
    kill_often(tmp_path, kills=1000, writes=40, seed=2)
