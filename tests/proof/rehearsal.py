"""A history of writes performed by the real store through the recording door, and every crash it could have had."""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from unittest import mock

from disk import Reach, RecordingDoor, State, lay_out
from store_model import Group, Held, check, key_of
from store_samples import Death, sample

from cimis_engine.store import store as store_module
from cimis_engine.store.database import open_database
from cimis_engine.store.store import Store


@dataclass(frozen=True)
class Step:
    """One write. `new_process`: by a process that has just started. `killed_at`: the process dies before its so many-th
    operation on the disk (which keeps running, unsynced as it is), and the next one first writes again, plans or
    rebuilds the catalog (`recovery`), then writes the same."""

    group: Group
    new_process: bool = False
    killed_at: int | None = None
    recovery: str = "write"


RECOVERIES = ("write", "plan", "rebuild")
FIRST = sample(first=1)
REVISION = sample(first=5, start=300)
HISTORY = [
    Step([FIRST], new_process=True),
    Step([sample(first=11)]),  # merged into what is there
    Step([REVISION]),  # the chunk before becomes a generation
    Step([sample(year=2022), sample(first=8, start=500), sample(station=5, year=2023), sample(station=5)]),
    Step([sample(year=2022, first=11), sample(year=2023), sample(station=5, year=2023, start=9), sample(station=5)]),
    Step([sample(year=2023)]),  # unchanged
    Step([REVISION], new_process=True),
    Step([FIRST, sample(year=2021), sample(year=2020), sample(year=2019)]),  # values that were there once before
]
"""First write, merge, revision, a group of four in two folders, one more with an unchanged chunk, unchanged, and on."""


class Rehearsal:
    """`crashes`: what each crash leaves, and during which step; the value says when it was first met."""

    def __init__(self, base: Path, reach: Reach, door: type[RecordingDoor] = RecordingDoor) -> None:
        self.door = door(base, self._seen)
        self.root, self.reach = base / "D", reach
        self.held, self.groups = [Held()], list[Group]()
        self.crashes: dict[tuple[State, int], str] = {}
        self.died = False
        self._store: Store
        self._recording = True

    def perform(self, history: Sequence[Step]) -> Rehearsal:
        self._recording = history[0].killed_at is None
        self.groups.append(history[0].group)
        with contextlib.ExitStack() as process, self._watched_database():
            for step in history:
                if step.killed_at is not None:
                    self._killed(step, process)
                self._write(step, process)
                self._acknowledged(step, history)
        return self

    def _write(self, step: Step, process: contextlib.ExitStack) -> None:
        if step.new_process and not self.died:
            self._start(process)
        _, error = self._store.write_all(step.group, "run")
        assert error is None, error
        self.door.watch_database()

    def _start(self, process: contextlib.ExitStack) -> None:
        process.close()
        self._store = Store.create(self.root, fs=self.door)
        process.callback(self._store.close)
        process.enter_context(self._store.lock())

    def _killed(self, step: Step, process: contextlib.ExitStack) -> None:
        """Die in the middle of the step and let the next process begin."""
        assert step.killed_at is not None
        self._recording = False  # a crash before the death is one of the same history without it
        try:
            with self.door.stopped(step.killed_at, Death()):
                self._write(step, process)
        except Death:
            self.died = True
        self._recording = True
        self._start(process)
        match step.recovery:
            case "plan":
                for batch in step.group:
                    self._store.entry(*key_of(batch))
            case "rebuild":
                self._store.rebuild()

    def _acknowledged(self, step: Step, history: Sequence[Step]) -> None:
        self.held.append(self.held[-1].after(step.group))
        done = len(self.held) - 1
        self.groups.append(history[done].group if done < len(history) else ())
        self._seen()

    def _seen(self) -> None:
        if not self._recording:
            return
        step = len(self.held) - 1
        at = f"step {step}, operation {len(self.door.operations)} ({self.door.operations[-1]})"
        for state in self.door.disk.crashes(self.reach):
            self.crashes.setdefault((state, step), at)

    @contextlib.contextmanager
    def _watched_database(self) -> Iterator[None]:
        def opened(path: Path) -> sqlite3.Connection:
            connection = open_database(path)
            connection.set_trace_callback(lambda _: self.door.watch_database())
            return connection

        with mock.patch.object(store_module, "open_database", opened):
            yield

    def violations(self, folder: Path) -> Iterator[str]:
        """Lay out every crash below `folder`, open the store there and check it."""
        for (state, step), at in self.crashes.items():
            with tempfile.TemporaryDirectory(dir=folder) as place:
                lay_out(state, Path(place))
                before, after = self.held[step], self.held[min(step + 1, len(self.held) - 1)]
                for problem in check(Path(place) / "D", before, after, self.groups[step]):
                    yield f"power cut at {at}: {problem}"


def killed_histories(
    history: Sequence[Step], recoveries: Sequence[str], rehearse: Callable[[list[Step]], Rehearsal]
) -> Iterator[Rehearsal]:
    """Each step of a history killed before each of its operations and recovered in each way."""
    for n, recovery in itertools.product(range(len(history)), recoveries):
        for at in itertools.count():
            last = replace(history[n], killed_at=at, recovery=recovery)
            rehearsal = rehearse([*history[:n], last])
            if not rehearsal.died:
                break
            yield rehearsal
