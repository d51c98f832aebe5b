"""Pictures of the dashboard from a recorded run: at its midst and at its end, at 120x40 and 80x24, as SVG and PNG.

    python benchmarks/make_screenshots.py [RUN_DIR [FOLDER]]   (pictures go to ./screenshots)

Without a run's folder a `cimis demo` is recorded first, in the system's temporary folder.

The journal is folded up to half of its events, the clock stopped there, so the same journal makes the same pictures.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ["TEXTUAL_ANIMATIONS"] = "none"
sys.path[:0] = [str(Path(__file__).parent.parent / part) for part in ("", "tests/snapshot")]

import resvg_py  # noqa: E402
from tui_app import dashboard, settle  # noqa: E402

from cimis_engine.run.events import Resources, Stamped  # noqa: E402
from cimis_engine.run.journal import read_all  # noqa: E402
from cimis_engine.run.past import JOURNAL  # noqa: E402

SIZES = ((120, 40), (80, 24))
_WEB_FONT = re.compile(r"@font-face \{.*?\}", re.DOTALL)


async def picture(told: list[Stamped], size: tuple[int, int], target: Path) -> None:
    """Write `target` as .svg and .png: the dashboard after these events."""
    with tempfile.TemporaryDirectory() as folder:
        app = dashboard(Path(folder), told)
        async with app.run_test(size=size) as pilot:
            await settle(pilot)
            svg = app.export_screenshot(title="cimis")
    target.with_suffix(".svg").write_text(svg, encoding="utf-8")
    # Web fonts do not load in the rasterizer: it takes a font that is installed.
    still = _WEB_FONT.sub("", svg).replace("Fira Code", "DejaVu Sans Mono")
    target.with_suffix(".png").write_bytes(bytes(resvg_py.svg_to_bytes(svg_string=still)))


def middle(told: list[Stamped]) -> int:
    """How many events make the midst: up to the engine's own account nearest to half of them."""
    half = len(told) // 2
    accounts = [n for n, stamped in enumerate(told, 1) if isinstance(stamped.event, Resources)]
    return min(accounts, key=lambda n: abs(n - half), default=half)


async def make(run_dir: Path, folder: Path) -> None:
    told = read_all(run_dir / JOURNAL)
    folder.mkdir(parents=True, exist_ok=True)
    for name, events in (("midst", told[: middle(told)]), ("end", told)):
        for size in SIZES:
            target = folder / f"dashboard-{name}-{size[0]}x{size[1]}"
            await picture(events, size, target)
            print(f"{target}.svg {target}.png")


def record() -> Path:
    """Run a demo of 40 stations and five years, slow and faulty enough to show something; its run folder."""
    folder = Path(tempfile.gettempdir()) / "cimis-screenshots"
    shutil.rmtree(folder, ignore_errors=True)
    command = "demo --headless --years 2020-2024 --concurrency 6 --latency 700 --faults mild --data-dir".split()
    subprocess.run([sys.executable, "-m", "cimis_tui", *command, str(folder)], check=True, stdin=subprocess.DEVNULL)
    (run_dir,) = (folder / "runs").iterdir()
    return run_dir


if __name__ == "__main__":
    source = Path(sys.argv[1]) if len(sys.argv) > 1 else record()
    asyncio.run(make(source, Path(sys.argv[2] if len(sys.argv) > 2 else "screenshots")))
