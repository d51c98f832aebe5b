"""Hours of journal replayed as fast as it goes: memory and cost a frame must not grow with the events behind.

    python benchmarks/bench_replay.py [--hours 6] [--stations 300] [--pages-a-year 2] [--seeks 20]

Writes a seeded journal (six hours of 300 stations: 130 thousand events with 2 pages a year, 620 thousand with 12),
plays it on the real dashboard at 120x40 and prints for each tenth of the events: RSS, CPU of a frame, the worst frame.
Then it leaps to moments at random. The replay's thread is driven by hand, so that a frame's cost is the frame's alone.
RSS grows with what the fold keeps of each station-year stored, whatever the number of events. Exits 1 when it grows by
more than 15 MB from the second tenth on, when a frame of the last tenth costs over 1.5 times one of the second, or a
leap over 0.5 s.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import os
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

os.environ["TEXTUAL_ANIMATIONS"] = "none"
sys.path[:0] = [str(Path(__file__).parent.parent / part) for part in ("", "tests/snapshot")]

import psutil  # noqa: E402
from long_journal import write_long  # noqa: E402
from tui_app import Door, FrozenClock  # noqa: E402

from cimis_engine.run.timeline import Moment  # noqa: E402
from cimis_tui.app import CimisApp  # noqa: E402
from cimis_tui.feed.replay import Opening, Replay  # noqa: E402

EVENTS_A_FRAME = 1000
GROWTH, FACTOR, LEAP = 15e6, 1.5, 0.5


async def measure(run_dir: Path, events: int, seeks: int) -> bool:
    clock = FrozenClock(0.0)
    opening = Opening(speed=math.inf, playing=False)
    app = CimisApp(run_dir, mode="replay", engine_pid=None, send=Door(), clock=clock, opening=opening)
    replay = app.follower
    assert isinstance(replay, Replay)
    replay.start = lambda: None  # type: ignore[method-assign]
    process, tenths = psutil.Process(), []
    async with app.run_test(size=(120, 40)) as pilot:
        print(f"{'events':>9} {'RSS MB':>8} {'frame ms':>9} {'worst ms':>9} {'events/s':>9}")
        done, mark, frames, folding = 0, events / 10, list[float](), 0.0
        while done < events:
            began = time.process_time()
            target = done + EVENTS_A_FRAME
            while (folded := replay._fold(replay._head, Moment(seq=target))) > 0:
                done += folded
            replay._at = replay.state.now
            folding += time.process_time() - began
            clock.now += 0.125
            began = time.process_time()
            app.beat()
            await pilot.pause()
            frames.append(time.process_time() - began)
            if done >= mark or replay._head.next() is None:
                rss = process.memory_info().rss
                frame, worst = statistics.median(frames) * 1000, max(frames) * 1000
                pace = len(frames) * EVENTS_A_FRAME / folding
                print(f"{done:>9,} {rss / 1e6:>8.1f} {frame:>9.2f} {worst:>9.2f} {pace:>9,.0f}")
                tenths.append((rss, frame))
                mark, frames, folding = mark + events / 10, [], 0.0
                if replay._head.next() is None:
                    break
        leaps = [leap(replay, random.Random(n)) for n in range(seeks)]
    print(f"\nleap to a random moment: median {statistics.median(leaps):.2f} s, worst {max(leaps):.2f} s")
    print(f"{len(replay._timeline._kept) - 1} checkpoints, {replay._timeline.size / 1e6:.1f} MB of disk")
    first, last = tenths[1], tenths[-1]
    return last[0] - first[0] <= GROWTH and last[1] <= FACTOR * first[1] and max(leaps) <= LEAP


def leap(replay: Replay, rng: random.Random) -> float:
    replay.seek(rng.uniform(replay.begins, replay.ends))
    began = time.perf_counter()
    replay.read_once()
    return time.perf_counter() - began


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=6.0)
    parser.add_argument("--stations", type=int, default=300)
    parser.add_argument("--pages-a-year", type=int, default=2)
    parser.add_argument("--seeks", type=int, default=20)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run_dir = Path(folder) / "runs" / "long"
        events = write_long(run_dir, hours=args.hours, stations=args.stations, pages_a_year=args.pages_a_year)
        size = (run_dir / "events.jsonl").stat().st_size
        print(f"{args.hours:g} h, {args.stations} stations: {events:,} events, {size / 1e6:.0f} MB\n")
        return 0 if asyncio.run(measure(run_dir, events, args.seeks)) else 1


if __name__ == "__main__":
    sys.exit(main())
