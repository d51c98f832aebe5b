"""What the whole dashboard costs in a real terminal: a tmux pane, a journal that grows, the real reader and fold.

    python benchmarks/bench_terminal.py [--seconds 15] [--rows 10000]

A feeder appends events to a run's journal eight times a second: all events of a page for 20 of 300 stations, or one
event for each of the 300. The dashboard is `cimis attach` in a pane of 120x40; its CPU and memory are the operating
system's account of its process, its output is what tmux hands on. The same rows through the same reader
in a Textual `DataTable` (`update_cell` of every cell of a row that changed) stand beside it. Latencies are from the key
being handed to tmux to the paint that shows its effect coming back, so they hold tmux's part, too.
Budgets: 20 rows 4 % of a core, all 300 12 %, idle 0.7 %, 10,000 rows 60 MB more than none and no dearer a frame than
300, first paint 0.6 s, key to paint p99 50 ms, another screen 100 ms. Exits 1 when one is broken.
"""

from __future__ import annotations

import argparse
import json
import os
import selectors
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT / part) for part in ("", "tests/snapshot")]

import psutil  # noqa: E402
from tui_journal import Teller, attempted, numbers, page, started, timings  # noqa: E402

from cimis_engine.run import events as ev  # noqa: E402
from cimis_engine.run.histogram import Histogram  # noqa: E402
from cimis_engine.run.process import mark_running  # noqa: E402
from cimis_tui.actions import VIEWS  # noqa: E402

FPS = 8
WIDTH, HEIGHT = 120, 40
Row = tuple[str, float, float | None, str]


# --- inside the pane ------------------------------------------------------------------------------------------------


def data_table(run_dir: Path, pid: int) -> None:
    """In place of the dashboard: nothing but the stations in a DataTable, each frame through `update_cell`."""
    from textual.widgets import DataTable

    from cimis_tui.app import CimisApp
    from cimis_tui.screens.run_screen import RunScreen
    from cimis_tui.view.columns import COLUMNS
    from cimis_tui.view.present import GLYPHS

    shown = [n for n, column in enumerate(COLUMNS) if column.since <= WIDTH]

    class Plain(RunScreen):
        VIEW = "dashboard"

        def compose(self) -> Iterator[Any]:
            yield DataTable()

        def on_mount(self) -> None:
            table = self.query_one(DataTable)
            for n in shown:
                table.add_column(COLUMNS[n].title or " ", key=COLUMNS[n].key, width=COLUMNS[n].width)

        def paint(self) -> None:
            """Textual does, as ever."""

        def frame(self, *, anew: bool) -> None:
            frame = self.pump.take(8.0, anew=anew)
            if frame is None:
                return
            table = self.query_one(DataTable)
            for key, row in frame.rows.items():
                cells = [GLYPHS[row.status][0] if n == 0 else row.cell(n).text for n in shown]
                if str(key) not in table.rows:
                    table.add_row(*cells, key=str(key))
                    continue
                for n, text in zip(shown, cells, strict=True):
                    table.update_cell(str(key), COLUMNS[n].key, text)

    app = CimisApp(run_dir, mode="attached", engine_pid=pid, send=lambda command: {"ok": True})
    app.home.screens["dashboard"] = Plain(app.pump, app.home.desk, app.run_dir)
    app.run()


# --- outside it -----------------------------------------------------------------------------------------------------


class Pane:
    """A tmux pane in control mode: keys go in, and what the program paints comes back, without a process a key."""

    def __init__(self, socket: str, command: list[str]) -> None:
        self._socket = socket
        size = ("-x", str(WIDTH), "-y", str(HEIGHT))
        env = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "PYTHONPATH": str(ROOT)}
        env.pop("PYTHONDONTWRITEBYTECODE", None)  # compiled once, as wherever a program is used more than once
        base = ("tmux", "-L", socket, "-f", "/dev/null")
        subprocess.run([*base, "new-session", "-d", "-s", "bench", *size, "sh"], env=env, check=True)
        self._control = subprocess.Popen(
            [*base, "-C", "attach", "-t", "bench"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env
        )
        assert self._control.stdout is not None
        os.set_blocking(self._control.stdout.fileno(), False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._control.stdout, selectors.EVENT_READ)
        self.painted = 0
        self.tell(f"refresh-client -C {WIDTH}x{HEIGHT}")
        self.read(0.5)
        self.tell("send-keys -t bench -l " + json.dumps(f"exec {' '.join(command)}"))
        self.began = time.perf_counter()
        self.tell("send-keys -t bench Enter")

    def tell(self, line: str) -> None:
        assert self._control.stdin is not None
        self._control.stdin.write(line.encode() + b"\n")
        self._control.stdin.flush()

    def read(self, seconds: float, marker: str | None = None) -> bytes:
        """What is painted within so many seconds, or up to `marker`; raises TimeoutError where that does not come."""
        sought = None if marker is None else _escaped(marker)
        until, got = time.perf_counter() + seconds, b""
        assert self._control.stdout is not None
        while (left := until - time.perf_counter()) > 0:
            if not self._selector.select(left):
                continue
            got += self._control.stdout.read() or b""
            if sought is not None and sought in got:
                self.painted += len(got)
                return got
        self.painted += len(got)
        if marker is not None:
            raise TimeoutError(f"'{marker}' was not painted within {seconds} s")
        return got

    def press(self, key: str, marker: str, seconds: float = 5.0) -> float:
        """Milliseconds from a key to the paint that holds `marker`."""
        began = time.perf_counter()
        self.tell(f"send-keys -t bench {key}")
        self.read(seconds, marker)
        return (time.perf_counter() - began) * 1000

    def close(self) -> None:
        subprocess.run(["tmux", "-L", self._socket, "kill-server"], check=False, capture_output=True)
        self._control.kill()
        self._control.wait()


def _escaped(text: str) -> bytes:
    """As tmux's control mode writes it: control characters and the backslash as a backslash and three octal digits."""
    return b"".join(bytes([b]) if b >= 32 and b != 92 else b"\\%03o" % b for b in text.encode())


class Feed:
    """A run's journal that grows; the run began a minute ago."""

    def __init__(self, run_dir: Path, stations: int) -> None:
        run_dir.mkdir(parents=True)
        (run_dir / "spec.json").write_text("{}")  # what makes a folder a run
        mark_running(run_dir)  # this process is its engine
        self.run_dir, self.stations = run_dir, numbers(stations)
        self.teller = Teller(1)
        self.teller.t = time.time() - 60
        self._written = 0
        self._frame = 0
        self.teller.say(started(stations))
        self.write()

    def write(self) -> None:
        with (self.run_dir / "events.jsonl").open("ab") as file:
            file.write(b"".join(ev.encode(s) for s in self.teller.told[self._written :]))
        self._written = len(self.teller.told)

    def some(self) -> None:
        """Whole pages of 20 of the first 25 stations, which stand in sight."""
        self._frame += 1
        for k in range(20):
            number = self.stations[(self._frame * 20 + k) % 25]
            page(self.teller, number, 1 + (self._frame + k) % 4, reused=k % 3 > 0)
        self._now()

    def all(self) -> None:
        """One event of each of 300 stations."""
        self._frame += 1
        for k, number in enumerate(self.stations[:300]):
            index = 1 + (self._frame // 2 + k) % 4
            if self._frame % 2:
                attempted(self.teller, number, index, 1)
                continue
            self.teller.say(
                ev.AttemptFinished(
                    job=f"d{number:03d}",
                    station=number,
                    page=index,
                    attempt=1,
                    status=200,
                    reused=True,
                    timings=timings(self.teller.rng),
                    wire_bytes=40_000,
                    decoded_bytes=360_000,
                    content_encoding="gzip",
                    records=365,
                )
            )
        self._now()

    def _now(self) -> None:
        self.teller.t = max(self.teller.t, time.time())
        self.write()


@contextmanager
def running(kind: str, stations: int) -> Iterator[tuple[Pane, Feed, psutil.Process, float]]:
    """A pane with the dashboard on a fed journal: and its process, and the seconds to its first paint."""
    with tempfile.TemporaryDirectory() as folder:
        run_dir = Path(folder) / "runs" / "1121-1904-7f3a"
        feed = Feed(run_dir, stations)
        command = [sys.executable, "-m", "cimis_tui", "attach", run_dir.name, "--data-dir", folder]
        if kind == "table":
            command = [sys.executable, __file__, "--table", str(run_dir), "--pid", str(os.getpid())]
        pane = Pane(f"cimis-bench-{os.getpid()}", command)
        try:
            pane.read(20.0, "waiting for the plan" if not stations else "Five" if kind == "table" else "Five Points")
            first = time.perf_counter() - pane.began
            (process,) = _viewers(folder)
            pane.read(2.0)
            yield pane, feed, process, first
        finally:
            pane.close()
            for left in _viewers(folder):
                left.kill()


def _viewers(folder: str) -> list[psutil.Process]:
    return [
        p for p in psutil.process_iter(["cmdline"]) if any(each.startswith(folder) for each in p.info["cmdline"] or ())
    ]


def cost(pane: Pane, process: psutil.Process, seconds: float, tick: Any) -> float:
    """Percent of a core over so many seconds, `tick` called eight times in each."""
    before, began = process.cpu_times(), time.perf_counter()
    for n in range(int(seconds * FPS)):
        if tick is not None:
            tick()
        pane.read(max(0.0, began + (n + 1) / FPS - time.perf_counter()))
    after = process.cpu_times()
    spent = after.user + after.system - before.user - before.system
    return spent / (time.perf_counter() - began) * 100


def latencies(pane: Pane, feed: Feed, presses: int) -> Histogram:
    """Keys during a storm of 300 stations a frame: S turns the order round, which its column's arrow shows."""
    found, mark, due = Histogram(), "▼", time.perf_counter()
    for n in range(presses):
        while time.perf_counter() >= due:
            feed.all()
            due += 1 / FPS
        found.add(pane.press("S", f"STATE{mark}"))
        mark = "▲" if mark == "▼" else "▼"
        pane.read(0.013 + n % 7 * 0.011)
    return found


def openings(pane: Pane) -> list[tuple[str, float]]:
    """The first opening of every screen by its key."""
    found = []
    for screen in VIEWS[1:]:
        found.append((screen.name, pane.press(screen.key, f"m{screen.name}")))
        pane.read(0.3)
        pane.press("1", "records/s")
        pane.read(0.3)
    return found


def measure(seconds: float, many: int) -> list[Row]:
    rows: list[Row] = []

    def row(what: str, value: float, budget: float | None, unit: str) -> None:
        rows.append((what, value, budget, unit))
        limit = "" if budget is None else f"  budget {budget:>5.1f}  {'ok' if value <= budget else 'OVER'}"
        print(f"{what:<52}{value:>9.2f}  {unit:<10}{limit}", flush=True)

    with running("dashboard", 0) as (pane, feed, process, _):
        bare = process.memory_info().rss
    with running("dashboard", 300) as (pane, feed, process, first):
        row("first paint, 300 stations", first, 0.6, "s")
        row("idle", cost(pane, process, seconds, None), 0.7, "% of a core")
        before = pane.painted
        few = cost(pane, process, seconds, feed.some)
        row("300 stations, 20 changed, 8 frames/s", few, 4.0, "% of a core")
        row("  painted", (pane.painted - before) / seconds / 1000, None, "kB/s")
        row("300 stations, 300 changed, 8 frames/s", cost(pane, process, seconds, feed.all), 12.0, "% of a core")
        keys = latencies(pane, feed, 200)
        row("key to paint in a storm, p50", keys.percentile(0.5) or 0.0, None, "ms")
        row("key to paint in a storm, p99", keys.percentile(0.99) or 0.0, 50.0, "ms")
        for name, ms in openings(pane):
            row(f"first opening of {name}", ms, 100.0, "ms")
    with running("dashboard", many) as (pane, feed, process, first):
        row(f"first paint, {many} stations", first, None, "s")
        row(
            f"{many} stations, 20 changed, 8 frames/s",
            cost(pane, process, seconds, feed.some),
            few * 1.1,
            "% of a core",
        )
        row(f"{many} stations: memory beyond none", (process.memory_info().rss - bare) / 1e6, 60.0, "MB")
    with running("table", 300) as (pane, feed, process, first):
        row("DataTable alone: first paint", first, None, "s")
        row("DataTable alone, 20 changed", cost(pane, process, seconds, feed.some), None, "% of a core")
        row("DataTable alone, 300 changed", cost(pane, process, seconds, feed.all), None, "% of a core")
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--table", type=Path, metavar="RUN", help=argparse.SUPPRESS)
    parser.add_argument("--pid", type=int, default=0, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.table:
        data_table(args.table, args.pid)
        return 0
    if shutil.which("tmux") is None:
        print("tmux is not here: nothing measured")
        return 2
    rows = measure(args.seconds, args.rows)
    return int(any(budget is not None and value > budget for _, value, budget, _ in rows))


if __name__ == "__main__":
    sys.exit(main())
