"""The moving picture of the README: a backfill in a storm of faults, in time-lapse.

    python benchmarks/make_recording.py [RUN_DIR [FILE]]   (into ./screenshots/backfill.svg)

Without a run's folder a `cimis demo` is recorded first, which takes some minutes. Its journal is told again, as it was,
to a dashboard whose clock goes with it; the same journal makes the same film.
"""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from film import Film, Frame
from make_screenshots import oldest_run, press, read
from textual.pilot import Pilot
from tui_app import FrozenClock, dashboard, settle

from cimis_engine.run.events import AlertRaised, Event, RetryScheduled, RunFinished, Stamped, encode
from cimis_tui.app import CimisApp
from cimis_tui.feed.follow import JOURNAL
from cimis_tui.themes import DARK

SIZE = (120, 40)
LARGEST = 1_500_000
_BEATS, _BEAT = 48, 0.3
"""Frames of the whole run, and how long each stands."""
_PAUSE, _LAST = 3.0, 6.0


@dataclass(frozen=True, slots=True)
class Beat:
    """Events up to `t`; then keys, each shown for a pause; `seconds` the plain screen stands."""

    t: float
    seconds: float
    caption: str
    keys: tuple[tuple[str, str], ...] = ()


def story(told: list[Stamped]) -> Iterator[Beat]:
    """When to look, and what to say: start, retries, an alert, one station in detail, the end."""
    first, last = told[0].t, told[-1].t
    captions = [
        (first, "every request with its phases; every chunk read back before it counts"),
        (_first(told, RetryScheduled), "the API refuses: all requests wait, one goes first, nothing is lost"),
        (_first(told, AlertRaised), "an alert: more attempts had to be repeated than there should be"),
        (first, "close the terminal, and the engine goes on; cimis attach comes back to it"),
    ]
    yield Beat(first, 1.5, "cimis demo --faults storm: 40 stations of an API that refuses, cuts and stalls")
    said = 0
    for n in range(1, _BEATS):
        t = first + (last - first) * n / _BEATS
        if n >= (said + 1) * _BEATS // len(captions) and t >= captions[said + 1][0]:
            said += 1
        keys = (("2", "2: the station in detail"), ("1", "")) if n == _BEATS // 2 else ()
        yield Beat(t, _BEAT, captions[said][1], keys)
    ending = told[-1].event
    done = isinstance(ending, RunFinished) and ending.outcome == "done"
    yield Beat(last, _LAST, f"{'done' if done else 'ended'}: the same command again fetches only what is not stored")


def _first(told: list[Stamped], kind: type[Event]) -> float:
    return next((stamped.t for stamped in told if isinstance(stamped.event, kind)), told[-1].t)


async def shoot(told: list[Stamped], folder: Path) -> list[Frame]:
    """The frames. The journal in `folder` grows as the story goes on."""
    app = dashboard(folder, [])
    frames: list[Frame] = []
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        done = 0
        with (folder / JOURNAL).open("ab") as journal:
            for beat in story(told):
                upto = sum(stamped.t <= beat.t for stamped in told)
                journal.write(b"".join(encode(stamped) for stamped in told[done:upto]))
                journal.flush()
                done = upto
                await go_to(pilot, beat.t)
                frames.append(frame(app, beat.seconds, beat.caption))
                for key, caption in beat.keys:
                    await press(pilot, key)
                    if caption:
                        frames.append(frame(app, _PAUSE, caption))
    return frames


async def go_to(pilot: Pilot[None], t: float) -> None:
    """Let the clock be `t`, and everything told until then be on screen."""
    app = pilot.app
    assert isinstance(app, CimisApp) and isinstance(app.clock, FrozenClock)
    app.clock.now = t
    app.follower.read_once()
    app.beat()
    await pilot.press("g")  # the first row is the one that needs a look
    await pilot.pause()


def frame(app: CimisApp, seconds: float, caption: str) -> Frame:
    return Frame(tuple(app.screen._compositor.render_strips(app.size)), seconds, caption)


def record() -> Path:
    """A demo in a storm, of a seed whose every page arrives in the end."""
    folder = Path(tempfile.gettempdir()) / "cimis-recording"
    shutil.rmtree(folder, ignore_errors=True)
    command = (
        "demo --headless --years 2013-2024 --concurrency 8 --latency 450 --faults storm --seed 5 --data-dir".split()
    )
    subprocess.run([sys.executable, "-m", "cimis_tui", *command, str(folder)], check=True, stdin=subprocess.DEVNULL)
    return oldest_run(folder)


async def make(run_dir: Path, target: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        frames = await shoot(read(run_dir), Path(folder) / "data" / "runs" / run_dir.name)
    svg = Film(frames, ground=DARK.background or "", label="A backfill on the dashboard, in time-lapse").svg()
    assert len(svg.encode()) < LARGEST, f"{len(svg.encode())} bytes are too many for a README"
    target.write_text(svg, encoding="utf-8")
    print(f"{target}: {len(frames)} frames, {sum(f.seconds for f in frames):.0f} s, {len(svg.encode()) / 1000:.0f} kB")


if __name__ == "__main__":
    source = Path(sys.argv[1]) if len(sys.argv) > 1 else record()
    asyncio.run(make(source, Path(sys.argv[2] if len(sys.argv) > 2 else "screenshots/backfill.svg")))
