"""One station-year at 1 s server latency: the streaming path, and `fetch`, which reads the whole body before decoding.

    .venv/bin/python benchmarks/bench_main_job.py

Through the command line, over TLS, each into a data directory of its own; the simulator has rendered and compressed
the bodies before (a first, unmeasured run). Seconds are from the first attempt to the last chunk on disk. What the two
paths hold in memory is in `bench_memory.py`, many station-years in `bench_throughput.py`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from cimis_engine.simulator.process import SimulatorProcess, start_simulator

RUNS = 5


def run(api: SimulatorProcess, directory: str, command: str, *args: str) -> tuple[float, float, dict[str, Any], bytes]:
    """Seconds, busy decode milliseconds, the chunk's event, and its bytes."""
    env = os.environ | {"CIMIS_APP_KEY": "benchmark", "CIMIS_BASE_URL": api.url, "CIMIS_CA_FILE": str(api.ca_file)}
    line = [
        sys.executable,
        "-m",
        "cimis_tui",
        command,
        "--station",
        "2",
        "--year",
        "2024",
        "--data-dir",
        directory,
        *args,
    ]
    subprocess.run(line, env=env, capture_output=True, check=True, stdin=subprocess.DEVNULL)
    (journal,) = Path(directory).glob("runs/*/events.jsonl")
    events = [json.loads(text) for text in journal.read_text().splitlines()]
    started = min(e["t"] for e in events if e["kind"] == "attempt.started")
    (chunk,) = (e for e in events if e["kind"] == "chunk.finished")
    decode = sum(e["timings"]["decode"] for e in events if e["kind"] == "attempt.finished")
    (file,) = Path(directory).glob("stations/*/2024_*.zst")
    return max(e["t"] for e in events if e["kind"] == "chunk.finished") - started, decode, chunk, file.read_bytes()


def main() -> None:
    print("interval  command  records  seconds  records/s  decode ms  ratio  same chunk")
    with start_simulator(["--tls", "--latency", "1000"]) as api:
        for interval in ((), ("--hourly",)):
            chunks: list[bytes] = []
            for command in ("ingest", "fetch"):
                taken = []
                for _ in range(RUNS + 1):
                    with tempfile.TemporaryDirectory() as directory:
                        taken.append(run(api, directory, command, *interval))
                seconds, decode, chunk, data = min(taken[1:], key=lambda t: t[0])
                chunks.append(data)
                ratio, rate = chunk["raw_bytes"] / chunk["stored_bytes"], chunk["records"] / seconds
                print(
                    f"{'hourly' if interval else 'daily':8}  {command:7}  {chunk['records']:7d}  {seconds:7.3f}  "
                    f"{rate:9.0f}  {decode:9.1f}  {ratio:5.2f}  {'yes' if data == chunks[0] else 'NO'}"
                )


if __name__ == "__main__":
    main()
