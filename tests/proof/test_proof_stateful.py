"""Any sequence of writes, kills, power cuts, errors, rebuilds and new processes: the store holds what the model holds.

The enumerations prove one history at every moment; this proves many histories at some moments. A failing one is printed
by Hypothesis as a program, as short as it can be made.
"""

from __future__ import annotations

import contextlib
import errno
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from disk import SHARED_MEMORY, Reach, RecordingDoor, lay_out
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from store_model import Group, Held, check, key_of, told
from store_samples import Death, sample

from cimis_engine.store.content import content_digest
from cimis_engine.store.store import Store

KEYS = [(2, 2023), (2, 2024), (5, 2024)]
batches = st.builds(
    lambda key, first, count, start, items: sample(
        station=key[0], year=key[1], first=first, count=count, start=start, items=items
    ),
    st.sampled_from(KEYS),
    st.sampled_from([1, 6, 11]),
    st.sampled_from([5, 10]),
    st.sampled_from([150, 150, 300]),
    st.integers(1, 3),
)
groups = st.lists(batches, min_size=1, max_size=3, unique_by=lambda b: (b.station, b.year))
moments = st.integers(0, 40)
REACH = Reach(all_of=3)


class StoreMachine(RuleBasedStateMachine):
    """`held` is what was acknowledged: between the rules, the store holds exactly that."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="cimis-proof-", dir=SHARED_MEMORY))
        self.held, self.process = Held(), contextlib.ExitStack()
        self.use(self.folder / "disk")

    def use(self, base: Path) -> None:
        base.mkdir(exist_ok=True)
        self.root, self.door = base / "D", RecordingDoor(base)
        self.start()

    def start(self) -> None:
        self.process.close()
        self.store = Store.create(self.root, fs=self.door)
        self.process.callback(self.store.close)
        self.process.enter_context(self.store.lock())

    def teardown(self) -> None:
        self.process.close()
        shutil.rmtree(self.folder)

    @rule(group=groups)
    def write(self, group: Group) -> None:
        written, error = self.store.write_all(group)
        assert (len(written), error) == (len(group), None)
        self.held = self.held.after(group)

    @rule(group=groups, at=moments, code=st.sampled_from([errno.EIO, errno.ENOSPC]))
    def fail(self, group: Group, at: int, code: int) -> None:
        """An operation fails; the same is written again by the same process."""
        with self.door.stopped(at, OSError(code, "injected")):
            self.store.write_all(group)
        self.write(group)

    @rule(group=groups, at=moments, recovery=st.sampled_from(["write", "plan", "rebuild"]))
    def kill(self, group: Group, at: int, recovery: str) -> None:
        """The process dies and the next one begins; the disk goes on, unsynced as it is."""
        with contextlib.suppress(Death), self.door.stopped(at, Death()):
            self.store.write_all(group)
        self.start()
        if recovery == "plan":
            for batch in group:
                self.store.entry(*key_of(batch))
        elif recovery == "rebuild":
            self.store.rebuild()
        self.write(group)

    @rule(group=groups, at=moments, which=st.integers(0, 10**6))
    def cut_the_power(self, group: Group, at: int, which: int) -> None:
        """One of the disks that may be left. `check` recovers it and writes the same again."""
        with contextlib.suppress(Death), self.door.stopped(at, Death()):
            self.store.write_all(group)
        self.process.close()
        self.door.watch_database()
        left = list(self.door.disk.crashes(REACH))
        base = self.folder / f"disk-{len(list(self.folder.iterdir()))}"
        base.mkdir()
        lay_out(left[which % len(left)], base)
        after = self.held.after(group)
        assert check(base / "D", self.held, after, group) == []
        self.held = after
        self.use(base)

    @rule()
    def new_process(self) -> None:
        self.start()

    @rule()
    def rebuild(self) -> None:
        report = self.store.rebuild()
        assert (report.chunks, report.damaged) == (len(self.held.digests), ())

    @rule()
    def lose_the_database(self) -> None:
        """Chunks and generations remain. Of revisions as many as they tell: content that came back is kept once."""
        self.process.close()
        for file in self.root.glob("metadata.sqlite3*"):
            file.unlink()
        self.start()
        self.rebuild()
        self.held = replace(self.held, revised=told(self.store))

    @invariant()
    def the_store_holds_what_was_acknowledged(self) -> None:
        entries = {entry.key: entry.digest for entry in self.store.catalog.entries()}
        found = {key: content_digest(batch) for key in entries if (batch := self.store.read(*key))}
        assert found == entries == self.held.digests
        assert told(self.store) == self.held.revised


QUIET = settings(deadline=None, database=None, print_blob=True, suppress_health_check=list(HealthCheck))


def test_any_history_is_kept() -> None:
    run_state_machine_as_test(
        StoreMachine, settings=settings(QUIET, max_examples=12, stateful_step_count=12, derandomize=True)
    )


@pytest.mark.proof
@pytest.mark.timeout(7200)
def test_many_histories_are_kept() -> None:
    run_state_machine_as_test(StoreMachine, settings=settings(QUIET, max_examples=500, stateful_step_count=50))
