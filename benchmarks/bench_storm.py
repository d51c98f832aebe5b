"""A storm of faults over 200 station-years: is all of it stored, the same to the byte, and was the pacing kept?

    .venv/bin/python benchmarks/bench_storm.py [--stations 50] [--backoff 1.0]

Four in ten requests go wrong the first time: 429 with and without `Retry-After`, 503, connections refused and reset,
stalls, cut bodies, the firewall's page. The same command runs once without faults and once in the storm; the chunks are
compared byte for byte, and every request in the simulator's log is held against the journal: none sent while the gate
was shut, never more in flight than the limit announced. A third run has its key revoked in the midst of it. Ends with 1
where anything of this does not hold.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from cimis_engine.simulator.process import SimulatorProcess, start_simulator

ROOT = Path(__file__).parents[1]
YEARS = "2021-2024"
sys.path.insert(0, str(ROOT / "tests" / "e2e"))  # where the pacing is held against the log in every test run, too


def backfill(api: SimulatorProcess, directory: Path, stations: int, backoff: float) -> tuple[dict[str, Any], float]:
    """The report of a run, and its seconds."""
    env = os.environ | {"CIMIS_APP_KEY": "benchmark", "CIMIS_BASE_URL": api.url, "PYTHONPATH": str(ROOT)}
    env |= {"CIMIS_BACKOFF_BASE": str(backoff), "CIMIS_READ_TIMEOUT": "2"}
    if api.ca_file:
        env["CIMIS_CA_FILE"] = str(api.ca_file)
    command = [sys.executable, "-m", "cimis_tui", "backfill", "--headless", "--json", "--data-dir", str(directory)]
    command += ["--sample", str(stations), "--years", YEARS, "--concurrency", "8", "--retries", "4"]
    began = time.perf_counter()
    done = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, stderr=subprocess.DEVNULL, check=False)
    return json.loads(done.stdout), time.perf_counter() - began


def chunks(directory: Path) -> dict[str, bytes]:
    root = directory / "stations"
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.glob("*/*.zst"))}


def journal(directory: Path) -> list[dict[str, Any]]:
    (file,) = directory.glob("runs/*/events.jsonl")
    return [json.loads(line) for line in file.read_text().splitlines()]


def main() -> int:
    from pacing import sent, violations

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stations", type=int, default=50, help="of four years each (50)")
    parser.add_argument("--backoff", type=float, default=1.0, help="backoff_base, seconds (1)")
    args = parser.parse_args()
    flags = ["--tls", "--latency", "100", "--jitter", "50", "--stall", "5", "--stations", "120"]
    with tempfile.TemporaryDirectory() as folder:
        calm, storm, revoked = (Path(folder) / name for name in ("calm", "storm", "revoked"))
        with start_simulator(flags) as api:
            quiet, quiet_seconds = backfill(api, calm, args.stations, args.backoff)
        with start_simulator([*flags, "--faults", "storm"]) as api:
            rough, rough_seconds = backfill(api, storm, args.stations, args.backoff)
            log, stats = api.log(), api.stats()
        with start_simulator([*flags, "--revoke-after", str(args.stations // 2)]) as api:
            cut, _ = backfill(api, revoked, args.stations, args.backoff)
            cut_log = api.log()
        requests = sent(journal(storm), log)
        wrong = violations(requests)
        same = chunks(calm) == chunks(storm)
        failed = next(e for e in journal(revoked) if e["kind"] == "run.failed")
        first = next(i for i, entry in enumerate(cut_log) if entry["status"] == 403)
        late = [r for r in sent(journal(revoked), cut_log)[first:] if r.started > failed["t"]]
        told = Counter(e["error_class"] for e in journal(storm) if e["kind"] == "attempt.failed")
        gates = {e["gate_until"] for e in journal(storm) if e["kind"] == "throttle.changed" and e["gate_until"]}
    years = args.stations * 4
    rows = [
        ("station-years stored without faults", f"{quiet['successful']} of {years}", f"{quiet_seconds:.1f} s"),
        ("station-years stored in the storm", f"{rough['successful']} of {years}", f"{rough_seconds:.1f} s"),
        ("chunks the same to the byte", "yes" if same else "NO", f"{len(requests)} requests for {years // 4} pages"),
        ("faults the simulator made", str(sum(stats["faults"].values())), words(stats["faults"])),
        ("attempts that failed", str(told.total()), words(told)),
        ("times the gate was shut", str(len(gates)), "429, 503, the firewall, connections refused"),
        ("requests sent through a shut gate, or over the limit", str(len(wrong)), "; ".join(wrong[:2])),
        ("most in flight", str(max(r.in_flight for r in requests)), "8 allowed"),
        ("requests sent after the key was found revoked", str(len(late)), f"{len(cut_log) - first} were in flight"),
    ]
    for what, figure, more in rows:
        print(f"{what:54} {figure:>12}  {more}")
    complete = quiet["successful"] == rough["successful"] == years and rough["failed"] == 0
    return 0 if complete and same and not wrong and not late and cut["resumable"] else 1


def words(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items(), key=lambda item: -item[1]))


if __name__ == "__main__":
    raise SystemExit(main())
