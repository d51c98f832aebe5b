"""CPU a frame of the dashboard costs, through the real fold: 300 stations, 20 of them changed a frame, at 120x40.

    python benchmarks/bench_frame.py

The pilot's own pause, measured first with nothing to paint, is taken off. Use a quiet machine.
The whole dashboard includes folding the frame's ~80 events, which is also told by itself.
Budgets: whole dashboard 8 ms, table alone 4 ms, idle 1 % of a core. Exits 1 when one is broken.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ["TEXTUAL_ANIMATIONS"] = "none"
sys.path[:0] = [str(Path(__file__).parent.parent / part) for part in ("", "tests/snapshot")]

from textual.pilot import Pilot  # noqa: E402
from tui_journal import Teller, numbers, page, resources, started, write  # noqa: E402

from cimis_tui.app import CimisApp  # noqa: E402
from cimis_tui.widgets.live_table import LiveTable  # noqa: E402

STATIONS, DIRTY, FRAMES = 300, 20, 100
IDLE_SECONDS = 5.0


def _change(teller: Teller, frame: int) -> None:
    every = numbers(STATIONS)
    for k in range(DIRTY):
        page(teller, every[(frame * DIRTY + k) % 25], 1 + (frame + k) % 4, reused=k % 3 > 0)
    resources(teller, {str(n): 100_000 + frame for n in every[:8]})


async def _frames(pilot: Pilot[Any], app: CimisApp, teller: Teller, *, table_only: bool) -> tuple[float, float]:
    """CPU seconds of all frames, folding included unless `table_only`; and those of the folding."""
    spent = folding = 0.0
    table = app.screen.query_one(LiveTable)
    for frame in range(FRAMES):
        mark = len(teller.told)
        _change(teller, frame)
        began = time.process_time()
        for stamped in teller.told[mark:]:
            app.follower.state.apply(stamped)
        folding += time.process_time() - began
        if table_only:
            taken = app.pump.take(8.0)
            began = time.process_time()
            if taken is not None:
                table.apply(taken.rows)
        else:
            app.beat()
        await pilot.pause()
        spent += time.process_time() - began
    return spent, folding


async def measure() -> list[tuple[str, float, float | None, str]]:
    """(what, measured, budget, unit)."""
    with tempfile.TemporaryDirectory() as folder:
        teller = Teller(1)
        teller.t = time.time() - 60
        teller.say(started(STATIONS))
        write(Path(folder), teller.told)
        app = CimisApp(Path(folder), mode="live", engine_pid=None, send=lambda command: {"ok": True})
        async with app.run_test(size=(120, 40)) as pilot:
            app.follower.read_once()
            app.follower.stop()
            app.beat()
            await pilot.pause()
            began = time.process_time()
            for _ in range(FRAMES):
                await pilot.pause()
            pause = time.process_time() - began
            whole, folding = await _frames(pilot, app, teller, table_only=False)
            table, _ = await _frames(pilot, app, teller, table_only=True)
            began = time.process_time()
            await asyncio.sleep(IDLE_SECONDS)
            idle = time.process_time() - began
    return [
        ("whole dashboard", (whole - pause) / FRAMES * 1000, 8.0, "ms a frame"),
        ("  of it the fold", folding / FRAMES * 1000, None, "ms a frame"),
        ("table alone", (table - pause) / FRAMES * 1000, 4.0, "ms a frame"),
        ("idle", idle / IDLE_SECONDS * 100, 1.0, "% of a core"),
    ]


def main() -> int:
    results = asyncio.run(measure())
    print(f"{STATIONS} stations, {DIRTY} changed a frame, 120x40, {FRAMES} frames\n")
    for what, value, budget, unit in results:
        limit = "" if budget is None else f"  budget {budget:>4.1f}  {'ok' if value <= budget else 'OVER'}"
        print(f"{what:<18}{value:>8.2f}  {unit:<12}{limit}")
    return int(any(budget is not None and value > budget for _, value, budget, _ in results))


if __name__ == "__main__":
    sys.exit(main())
