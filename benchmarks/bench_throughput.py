"""Records a second at 1 s server latency, as a share of the ideal, slots × records a page ÷ latency, to chunks on disk.

    .venv/bin/python benchmarks/bench_throughput.py [--slots 8,16,32] [--rounds 24] [--pages capped|half-years|daily]

The engine is the real one (`cimis backfill --headless`), over TLS, in its own process. The simulator has rendered and
compressed every body before: a first run, unmeasured, into another data directory. Pages: `capped` are hourly, 14
items, under a cap of 1,750 records; `half-years` hourly as planned by default; `daily` 29 items, four years a page.

`steady` is the share while the limit stands at its ceiling: from when the slow start has reached it to when the last
page has started; records of pages that ended in that time. `whole` counts the slow start (4 requests, then 8, 16 …) and
the end, and every chunk on disk: from the first attempt to the last chunk.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cimis_engine.simulator.process import SimulatorProcess, start_simulator

LATENCY = 1.0
KINDS = {
    # name: (options of the plan, cap on hourly records, years a station, pages a station-year)
    "capped": (["--hourly"], 1750, 4, 6),
    "half-years": (["--hourly"], 5000, 4, 2),
    "daily": ([], 5000, 12, 0.25),
}


@dataclass
class Figures:
    pages: int
    records_a_page: float
    steady: float
    whole: float
    p50: float
    p99: float
    cpu: float
    lag: float
    rss: float


def backfill(api: SimulatorProcess, directory: str, cap: int, args: list[str]) -> None:
    env = os.environ | {"CIMIS_APP_KEY": "benchmark", "CIMIS_BASE_URL": api.url, "CIMIS_CAP_HOURLY": str(cap)}
    if api.ca_file:
        env["CIMIS_CA_FILE"] = str(api.ca_file)
    command = [sys.executable, "-m", "cimis_tui", "backfill", "--headless", "-q", "--data-dir", directory, *args]
    subprocess.run(command, env=env, check=True, stdin=subprocess.DEVNULL)


def figures(directory: str, slots: int) -> Figures:
    (journal,) = Path(directory).glob("runs/*/events.jsonl")
    events: list[dict[str, Any]] = [json.loads(line) for line in journal.read_text().splitlines()]
    started = [e["t"] for e in events if e["kind"] == "attempt.started"]
    ended = [(e["t"], e["records"], e["timings"]["total"]) for e in events if e["kind"] == "attempt.finished"]
    filed = max(e["t"] for e in events if e["kind"] == "chunk.finished")
    full = max((e["t"] for e in events if e["kind"] == "throttle.changed" and e["new"] == slots), default=started[0])
    used = [e for e in events if e["kind"] == "resources" and full + 1 <= e["t"] <= started[-1]]
    records = sum(n for _, n, _ in ended)
    ideal = slots * records / len(ended) / LATENCY
    # A second after the limit is reached its last slots have started; from then on every slot should be busy.
    begin, end = full + LATENCY, started[-1]
    steady = sum(n for t, n, _ in ended if begin < t <= end) / (end - begin)
    totals = sorted(total for _, _, total in ended)
    return Figures(
        pages=len(ended),
        records_a_page=records / len(ended),
        steady=steady / ideal,
        whole=records / (filed - started[0]) / ideal,
        p50=totals[len(totals) // 2],
        p99=totals[int(0.99 * (len(totals) - 1))],
        cpu=sum(e["cpu_percent"] for e in used) / max(1, len(used)),
        lag=max(e["loop_lag_ms"] for e in events if e["kind"] == "resources"),
        rss=max(e["rss_bytes"] for e in events if e["kind"] == "resources") / 1e6,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slots", default="8,16,32")
    parser.add_argument("--rounds", type=int, default=24, help="pages a slot")
    parser.add_argument("--pages", choices=list(KINDS), action="append")
    args = parser.parse_args()
    print("pages       slots  pages  records/page  records/s  steady  whole  p50 ms  p99 ms  CPU %  max lag ms  RSS MB")
    with start_simulator(["--tls", "--latency", str(int(LATENCY * 1000)), "--stations", "250"]) as api:
        for name in args.pages or list(KINDS):
            options, cap, years, per_year = KINDS[name]
            for slots in (int(s) for s in args.slots.split(",")):
                stations = max(1, round(slots * args.rounds / (per_year * years)))
                plan = ["--sample", str(stations), "--years", f"{2025 - years}-2024", *options]
                with tempfile.TemporaryDirectory() as warm, tempfile.TemporaryDirectory() as measured:
                    backfill(api, warm, cap, [*plan, "--concurrency", "64"])
                    backfill(api, measured, cap, [*plan, "--concurrency", str(slots)])
                    f = figures(measured, slots)
                rate = f.steady * slots * f.records_a_page / LATENCY
                line = f"{name:10}  {slots:5d}  {f.pages:5d}  {f.records_a_page:12.0f}  {rate:9.0f}  {f.steady:6.1%}  "
                line += f"{f.whole:5.1%}  {f.p50:6.0f}  {f.p99:6.0f}  {f.cpu:5.0f}  {f.lag:10.0f}  {f.rss:6.0f}"
                print(line, flush=True)


if __name__ == "__main__":
    main()
