"""Pictures of every screen from a recorded run with its store, as SVG and PNG.

    python benchmarks/make_screenshots.py [DATA_DIR [FOLDER]]   (pictures go to ./screenshots)

Without a data directory a `cimis demo` is recorded first, in the system's temporary folder: a slow, faulty run whose
pictures these are, then two more for the list of runs and for hourly chunks. Of a data directory the oldest run counts.

A picture of the midst of the run folds its journal up to half of its events and stops the clock there, so the same
journal makes the same pictures.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

os.environ["TEXTUAL_ANIMATIONS"] = "none"
sys.path[:0] = [str(Path(__file__).parent.parent / part) for part in ("", "tests/snapshot")]

import resvg_py  # noqa: E402
from msgspec.structs import replace  # noqa: E402
from textual.pilot import Pilot  # noqa: E402
from tui_app import FrozenClock, dashboard, idle, settle  # noqa: E402

from cimis_engine.run.events import ChunkFinished, Event, Resources, RunStarted, Stamped  # noqa: E402
from cimis_engine.run.journal import read_all  # noqa: E402
from cimis_engine.run.past import JOURNAL  # noqa: E402
from cimis_tui.actions import VIEW, VIEWS  # noqa: E402
from cimis_tui.screens.console import ConsoleScreen  # noqa: E402

WIDE, SMALL = (120, 40), (80, 24)
PLACE = "demo-data"
"""The data directory as it stands on the pictures."""
_WEB_FONT = re.compile(r"@font-face \{.*?\}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Shot:
    """Which screen, in the midst of the run or at its end, after which keys."""

    view: str
    name: str = ""
    end: bool = False
    keys: tuple[str, ...] = ()
    sizes: tuple[tuple[int, int], ...] = (WIDE,)


SPECIAL = (
    Shot("dashboard", "dashboard-midst", sizes=(WIDE, SMALL)),
    Shot("dashboard", "dashboard-end", end=True, sizes=(WIDE, SMALL)),
    Shot("coverage", end=True, keys=("down", "right")),
    Shot("data", end=True),
    Shot("runs", end=True, keys=("space", "down", "space")),
    Shot("store", end=True),
    Shot("dashboard", "help", keys=("question_mark",)),
)
"""What makes a screen worth seeing; those not named here are shown as they open in the midst of the run."""
SHOTS = (*SPECIAL, *(Shot(view.name) for view in VIEWS if view.name not in {shot.view for shot in SPECIAL}))


def write(svg: str, target: Path) -> None:
    """`target` as .svg and .png."""
    target.with_suffix(".svg").write_text(svg, encoding="utf-8")
    # Web fonts do not load in the rasterizer: it takes a font that is installed.
    still = _WEB_FONT.sub("", svg).replace("Fira Code", "DejaVu Sans Mono")
    target.with_suffix(".png").write_bytes(bytes(resvg_py.svg_to_bytes(svg_string=still)))


async def picture(shot: Shot, told: list[Stamped], run_dir: Path, size: tuple[int, int]) -> str:
    """The screen after these events, as SVG. `run_dir` lies in a data directory that may be written to."""
    app = dashboard(run_dir, told)
    assert isinstance(app.clock, FrozenClock)
    began = app.clock.now
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        if shot.view != "dashboard":
            await press(pilot, VIEW[shot.view].key)
        await press(pilot, *shot.keys)
        app.clock.now = began  # getting there took time, in which no engine said anything
        if isinstance(app.screen, ConsoleScreen):
            app.screen.tick(anew=True)
            await pilot.pause()
        return app.export_screenshot(title=f"cimis {shot.view}")


async def press(pilot: Pilot[None], *keys: str) -> None:
    """Keys, each with all that comes of it."""
    for key in keys:
        await pilot.press(key)
        await idle(pilot)
        await settle(pilot)


def middle(told: list[Stamped]) -> int:
    """How many events make the midst: up to the engine's own account nearest to half of them."""
    half = len(told) // 2
    accounts = [n for n, stamped in enumerate(told, 1) if isinstance(stamped.event, Resources)]
    return min(accounts, key=lambda n: abs(n - half), default=half)


def read(run_dir: Path) -> list[Stamped]:
    """A run's events, as if it had been made in the usual place: where it was recorded is nobody's business."""
    told = read_all(run_dir / JOURNAL)
    assert isinstance(told[0].event, RunStarted)
    recorded = told[0].event.data_dir
    return [replace(stamped, event=_moved(stamped.event, recorded)) for stamped in told]


def _moved(event: Event, recorded: str) -> Event:
    if isinstance(event, RunStarted):
        return replace(event, data_dir=PLACE)
    return replace(event, path=event.path.replace(recorded, PLACE)) if isinstance(event, ChunkFinished) else event


def oldest_run(data_dir: Path) -> Path:
    return min((data_dir / "runs").glob("*/"), key=lambda run: (run / "spec.json").stat().st_mtime_ns)


async def make(data_dir: Path, folder: Path) -> None:
    data_dir, folder = data_dir.resolve(), folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    told = read(oldest_run(data_dir))
    with tempfile.TemporaryDirectory() as aside, contextlib.chdir(aside):
        run_dir = Path(shutil.copytree(data_dir, PLACE)) / "runs" / oldest_run(data_dir).name
        for shot in SHOTS:
            for size in shot.sizes:
                target = folder / f"{shot.name or shot.view}-{size[0]}x{size[1]}"
                write(await picture(shot, told if shot.end else told[: middle(told)], run_dir, size), target)
                print(f"{target}.svg {target}.png")


def record() -> Path:
    """Three runs of a demo: 40 stations and five years, slow and faulty; the same again, quick; some hourly years."""
    folder = Path(tempfile.gettempdir()) / "cimis-screenshots"
    shutil.rmtree(folder, ignore_errors=True)
    for options in (
        "--years 2020-2024 --concurrency 6 --latency 700 --faults mild",
        "--years 2020-2024 --concurrency 12 --latency 300 --faults none --refetch",
        "--years 2022-2024 --concurrency 12 --latency 100 --faults none --sample 6 --hourly",
    ):
        command = f"demo --headless {options} --data-dir".split()
        subprocess.run([sys.executable, "-m", "cimis_tui", *command, str(folder)], check=True, stdin=subprocess.DEVNULL)
    return folder


if __name__ == "__main__":
    source = Path(sys.argv[1]) if len(sys.argv) > 1 else record()
    asyncio.run(make(source, Path(sys.argv[2] if len(sys.argv) > 2 else "screenshots")))
