"""The main job at 1 s server latency: one station-year, then many, against the ideal of slots x records / latency.

    .venv/bin/python benchmarks/bench_main_job.py

Prints time, records/s and compression ratio of one daily station-year (366 records), and for 16 slots the throughput as
a share of the ideal, with fetch p50 and p99. The simulator has rendered and compressed every body before (a first,
unmeasured run on another data directory), so its own work is not measured.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from cimis_engine.simulator.process import SimulatorProcess, start_simulator

LATENCY = 1.0
PAGE_YEARS = "2021-2024"


def cimis(api: SimulatorProcess, directory: str, *args: str) -> dict[str, object]:
    env = os.environ | {"CIMIS_APP_KEY": "benchmark", "CIMIS_BASE_URL": api.url}
    if api.ca_file:
        env["CIMIS_CA_FILE"] = str(api.ca_file)
    command = [sys.executable, "-m", "cimis_tui", "backfill", "--headless", "--json", "--data-dir", directory, *args]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL)
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def run_facts(directory: str) -> tuple[float, int, list[float], float]:
    """Seconds from the first attempt to the last chunk, records, attempt times (ms), peak RSS (MB)."""
    (journal,) = Path(directory).glob("runs/*/events.jsonl")
    events = [json.loads(line) for line in journal.read_text().splitlines()]
    started = min(e["t"] for e in events if e["kind"] == "attempt.started")
    ended = max(e["t"] for e in events if e["kind"] == "chunk.finished")
    fetches = [e["timings"]["total"] for e in events if e["kind"] == "attempt.finished"]
    records = sum(e["records"] for e in events if e["kind"] == "chunk.finished")
    peak = max(e["rss_bytes"] for e in events if e["kind"] == "resources") / 1e6
    return ended - started, records, sorted(fetches), peak


def main() -> None:
    with start_simulator(["--tls", "--latency", str(int(LATENCY * 1000)), "--stations", "120"]) as api:
        with tempfile.TemporaryDirectory() as warm, tempfile.TemporaryDirectory() as cold:
            cimis(api, warm, "--stations", "2", "--years", "2024")
            report = cimis(api, cold, "--stations", "2", "--years", "2024")
            (result,) = report["results"]  # type: ignore[misc]
            seconds, records, _, _ = run_facts(cold)
            print("one daily station-year at 1 s latency, TLS, first connection included")
            print(f"  {records} records in {seconds:.2f} s = {records / seconds:.0f} records/s")
            print(
                f"  compression ratio {result['compression_ratio']:.2f} (29 items, fixed-width rows over stored bytes)"
            )
        print("\nslots  pages  seconds  records/s  of ideal  fetch p50 ms  p99 ms  peak RSS MB")
        for slots in (8, 16, 32):
            arguments = ("--sample", "100", "--years", PAGE_YEARS, "--concurrency", str(slots))
            with tempfile.TemporaryDirectory() as warm, tempfile.TemporaryDirectory() as measured:
                cimis(api, warm, *arguments)
                cimis(api, measured, *arguments)
                seconds, records, fetches, peak = run_facts(measured)
            pages = len(fetches)
            ideal = slots * (records / pages) / LATENCY
            p50, p99 = (fetches[int(q * (pages - 1))] for q in (0.5, 0.99))
            print(
                f"{slots:5d}  {pages:5d}  {seconds:7.2f}  {records / seconds:9.0f}  {records / seconds / ideal:8.1%}"
                f"  {p50:12.0f}  {p99:6.0f}  {peak:11.0f}"
            )


if __name__ == "__main__":
    main()
