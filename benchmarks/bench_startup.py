"""How long `cimis --version` and `cimis --help` take, from exec to exit: the median and the worst of N runs.

python benchmarks/bench_startup.py [N]
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

LIMIT_MS = 150.0


def measure(arguments: list[str], runs: int) -> list[float]:
    """Wall time of each run in milliseconds."""
    times = []
    for _ in range(runs):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "cimis_tui", *arguments], check=True, stdout=subprocess.DEVNULL)
        times.append((time.perf_counter() - began) * 1000)
    return times


def main() -> int:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    slow = False
    for arguments in (["--version"], ["--help"]):
        times = measure(arguments, runs)
        median = statistics.median(times)
        slow |= median > LIMIT_MS
        print(f"cimis {arguments[0]:9}  median {median:6.1f} ms  worst {max(times):6.1f} ms  limit {LIMIT_MS:.0f} ms")
    return int(slow)


if __name__ == "__main__":
    sys.exit(main())
