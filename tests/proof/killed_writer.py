"""A process that writes chunks until it is killed, and says of each write that it is done, after it was.

As a module: `Writer` starts it and kills it. As a script: `killed_writer.py ROOT [careless]` forks one writer for each
seed it reads, so that a thousand of them need not start a thousand interpreters.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import select
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

sys.path.insert(0, str(Path(__file__).parent.parent / "store"))

from store_model import Held, check, random_groups

from cimis_engine.store.atomic import FileSystem
from cimis_engine.store.store import Store


class Writer:
    """The forking process, for one data directory."""

    def __init__(self, root: Path, *, careless: bool = False) -> None:
        self._server = subprocess.Popen(
            [sys.executable, __file__, str(root), *(["careless"] if careless else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._unread = b""
        self._took = [0.01]
        self.complaints: list[bytes] = []

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.kill()
        self._server.communicate()

    def start(self, seed: int) -> int:
        """A new writer: its pid."""
        assert self._server.stdin is not None
        self._server.stdin.write(f"{seed}\n".encode())
        self._server.stdin.flush()
        return int(self._line(None) or 0)

    def work(self, writes: int, fraction: float) -> int:
        """Wait for so many acknowledged writes and a fraction of the time that one takes. How many there were."""
        began, count = time.monotonic(), 0
        while count < writes and self._done(None):
            count += 1
            self._took.append(time.monotonic() - began)
            began = time.monotonic()
        while self._done(began + fraction * statistics.fmean(self._took)):
            count += 1
        return count

    def kill(self, pid: int) -> int:
        """kill -9. How many more writes it had acknowledged by then; what it said besides is in `complaints`."""
        with contextlib.suppress(ProcessLookupError):  # without power it cannot write, and may have ended of itself
            os.kill(pid, signal.SIGKILL)
        rest = list(iter(lambda: self._line(None), b"dead"))
        self.complaints += [line for line in rest if line != b"done"]
        return rest.count(b"done")

    def _done(self, end: float | None) -> bool:
        """Whether the next thing that is said by then is that a write is done."""
        line = self._line(end)
        assert line in (b"done", None), line
        return line is not None

    def _line(self, end: float | None) -> bytes | None:
        """The next line; None if there is none by then."""
        assert self._server.stdout is not None
        out = self._server.stdout.fileno()
        while b"\n" not in self._unread:
            left = None if end is None else max(0.0, end - time.monotonic())
            if not select.select([out], [], [], left)[0]:
                return None
            data = os.read(out, 65536)
            assert data, "the writer's parent ended"
            self._unread += data
        line, _, self._unread = self._unread.partition(b"\n")
        return line


def settle_accounts(
    root: Path, held: Held, seed: int, acknowledged: int, doubtful: int = 0
) -> tuple[Held, int, list[str]]:
    """Check a store after a writer of `seed` that began at `held` was stopped.

    `doubtful` writes more may have been acknowledged or not. What the store holds now, how many writes turned out to
    be there before the one in flight, and what is wrong.
    """
    groups = random_groups(seed)
    for group in itertools.islice(groups, acknowledged):
        held = held.after(group)
    for there, group in enumerate(itertools.islice(groups, doubtful + 1), acknowledged):
        after = held.after(group)
        problems = check(root, held, after, group)
        if not problems or there == acknowledged + doubtful:
            return after, there, problems
        held = after
    raise AssertionError("unreachable")


class Careless(FileSystem):
    """Syncs nothing: what a real power cut must punish."""

    def sync(self, fd: int) -> None:
        pass


def _write_for_ever(root: Path, seed: int, careless: bool) -> None:
    store = Store.create(root, fs=Careless() if careless else None)
    if careless:
        store.database.execute("PRAGMA synchronous = OFF")
    with store.lock():
        for group in random_groups(seed):
            _, error = store.write_all(group, "run")
            if error is not None:
                raise error
            os.write(1, b"done\n")


def _serve(root: Path, careless: bool) -> None:
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            try:
                os.write(1, f"{os.getpid()}\n".encode())
                _write_for_ever(root, int(line), careless)
            except BaseException as error:
                os.write(1, f"{error!r}\n".encode())
            os._exit(1)
        os.waitpid(pid, 0)
        os.write(1, b"dead\n")


if __name__ == "__main__":
    _serve(Path(sys.argv[1]), "careless" in sys.argv[2:])
