"""The predecessor's command lines, word for word, against the simulator in its own process."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cimis_engine.simulator.process import start_simulator

KEY = "CANARY-4f1c9e-KEY"
NEVER = re.compile(re.escape(KEY))


@dataclass(frozen=True)
class Shell:
    """Runs `cimis` lines in a folder, as a user would, and checks that no output ever holds the key."""

    folder: Path
    environ: dict[str, str]

    def __call__(self, line: str, code: int = 0, **environ: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "cimis_tui", *shlex.split(line)],
            cwd=self.folder,
            env={**self.environ, **environ},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )
        assert NEVER.search(done.stdout + done.stderr) is None
        assert "Traceback" not in done.stderr
        assert done.returncode == code, f"{line}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done


def _environ(**given: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("CIMIS_", "TEXTUAL"))}
    return {**kept, **given}


@pytest.fixture(scope="module")
def environ() -> Iterator[dict[str, str]]:
    with start_simulator(["--tls", "--key", KEY, "--latency", "5"]) as simulator:
        yield _environ(CIMIS_BASE_URL=simulator.url, CIMIS_CA_FILE=str(simulator.ca_file), CIMIS_APP_KEY=KEY)


@pytest.fixture
def shell(tmp_path: Path, environ: dict[str, str]) -> Shell:
    return Shell(tmp_path, environ)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, environ: dict[str, str]) -> Shell:
    shell = Shell(tmp_path_factory.mktemp("filled"), environ)
    shell("ingest -station 2 -year 2024")
    return shell


def test_init_makes_a_data_directory_once(shell: Shell) -> None:
    assert shell("init -data-dir D").stdout == "Initialized data directory D\n"
    assert (shell.folder / "D" / "metadata.sqlite3").is_file()
    assert "exists already" in shell("init -data-dir D").stdout


MS = r"(\d+(\.\d)?ms|\d+\.\d\ds)"
INGEST = re.compile(
    rf"""Fetching daily data for station 2, year 2024\.\.\.
  Fetch: {MS} \(DNS: ({MS}|–), TCP: {MS}, TLS: {MS}, TTFB: {MS}\)
Ingested 366 daily records
  Compressed: \d+ bytes \(\d+\.\d\dx ratio\)
  Stored in: \S*stations/002/2024_daily\.zst
"""
)


def test_ingest_says_what_the_predecessor_said(shell: Shell) -> None:
    done = shell("ingest -station 2 -year 2024")
    assert INGEST.fullmatch(done.stdout), done.stdout
    stored = done.stdout.rpartition(": ")[2].strip()
    assert (shell.folder / stored).is_file()


def test_fetch_warns_and_stores_the_same_bytes(shell: Shell) -> None:
    shell("ingest -station 2 -year 2024")
    done = shell("fetch -station 2 -year 2024 -data-dir D")
    warning = "Warning: 'fetch' command is deprecated. Use 'fetch-streaming' for better performance."
    assert done.stderr.splitlines()[0] == warning
    assert INGEST.fullmatch(done.stdout), done.stdout
    name = "stations/002/2024_daily.zst"
    assert (shell.folder / "data" / name).read_bytes() == (shell.folder / "D" / name).read_bytes()


def test_ingest_fetches_again_what_is_stored(filled: Shell) -> None:
    assert INGEST.fullmatch(filled("ingest -station 2 -year 2024").stdout)


def test_fetch_streaming_with_perf(shell: Shell) -> None:
    done = shell("fetch-streaming -stations 2,5,10 -year 2024 -concurrency 8 -gzip -perf -data-dir D")
    lines = done.stdout.splitlines()
    assert [line.split()[:5] for line in lines[:2]] == [
        ["station", f"{n:03d}", "2024", "366", "records"] for n in (2, 5)
    ]
    head = lines[3].split()
    assert head[:4] == ["station", "year", "attempts", "pool_wait"] and head[-1] == "total"
    assert len(lines) == 6 and all(len(line.split()) == len(head) for line in lines[4:])
    assert len(list((shell.folder / "D" / "stations").glob("*/2024_daily.zst"))) == 2
    assert "station 010" in done.stderr and "did not exist" in done.stderr


def test_fetch_streaming_with_allocs(shell: Shell) -> None:
    out = shell("fetch-streaming -stations 2 -year 2024 -allocs -perf -concurrency 1").stdout
    retained = re.search(r"^retained: ([\d.]+) bytes a record \((\d+) bytes of columns, 366 records\)$", out, re.M)
    assert retained and 0 < float(retained[1]) < 100
    small, large = (line.split() for line in out.splitlines()[-2:])
    assert [int(small[0]), int(large[0])] == [74, 366]
    for _, kept, peak, held, transient in (small, large):
        assert 0 < float(kept) <= float(peak) and 0 < int(transient) < int(held)


def test_the_report_has_what_allocs_measured(shell: Shell) -> None:
    report = json.loads(shell("fetch-streaming -stations 2 -year 2024 -allocs -json").stdout)
    (result,) = report["results"]
    metrics = result["alloc_metrics"]
    assert all(value is not None for value in metrics.values())
    assert 0 < metrics["bytes_per_record"] < metrics["peak_bytes_per_record"]


def test_fetch_streaming_over_dates(shell: Shell) -> None:
    out = shell("fetch-streaming -stations 1-10 -start 2024-01-01 -end 2024-06-30 -retries 3").stdout
    assert "station 002  2024  182 records" in out


def test_fetch_streaming_json(shell: Shell) -> None:
    report = json.loads(shell("fetch-streaming -stations 2 -year 2024 -json").stdout)
    assert (report["successful"], report["failed"], report["total_records"]) == (1, 0, 366)


def test_dry_run_fetches_nothing(shell: Shell) -> None:
    out = shell("fetch-streaming -stations 2,5,10 -year 2024 -dry-run").stdout
    assert re.search(r"^  Jobs: 2$", out, re.M) and re.search(r"^  Pages: 2$", out, re.M)
    assert re.search(r"^  Records: 732$", out, re.M) and "Estimated time: " in out
    assert not (shell.folder / "data").exists()
    figures = json.loads(shell("fetch-streaming -stations 2,5,10 -year 2024 -dry-run -json").stdout)
    assert (figures["jobs"], figures["records"], figures["dry_run"]) == (2, 732, True)


def test_query_prints_the_week(filled: Shell) -> None:
    done = filled("query -station 2 -start 2024-06-01 -end 2024-06-07 -perf -data-dir data")
    days = [line.split()[0] for line in done.stdout.splitlines()[2:]]
    assert days == [f"2024-06-0{n}" for n in range(1, 8)]
    assert re.search(r"^Query: 7 records from 1 chunks? in ", done.stderr, re.M)
    document = json.loads(filled("query -station 2 -start 2024-06-01 -end 2024-06-07 --json").stdout)
    assert len(document["records"]) == 7 and len(document["records"][0]["values"]) == 29
    table = filled("query -s 2 -start 2024-06-01 -end 2024-06-07 --csv --items day-eto").stdout.splitlines()
    assert table[0] == "station,date,day-eto,day-eto-qc" and len(table) == 8


def test_query_of_nothing_is_no_error(filled: Shell) -> None:
    done = filled("query -station 2 -start 2019-06-01 -end 2019-06-07")
    assert done.stdout == "" and "no daily records of station 002" in done.stderr
    assert json.loads(filled("query -station 99 -start 2024-06-01 -end 2024-06-07 --json").stdout)["records"] == []


def test_stats_and_verify(filled: Shell) -> None:
    out = filled("stats").stdout
    assert re.search(r"^daily +1 +1 +1 +366 ", out, re.M), out
    figures = json.loads(filled("stats --json").stdout)
    assert figures["intervals"]["daily"]["records"] == 366 == figures["total"]["records"]
    assert filled("verify -data-dir data").stdout.splitlines()[-1].startswith("1 chunk verified, 366 records, ")


def test_verify_finds_a_flipped_bit(shell: Shell) -> None:
    shell("ingest -station 2 -year 2024")
    chunk = shell.folder / "data/stations/002/2024_daily.zst"
    damaged = bytearray(chunk.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    chunk.chmod(0o644)
    chunk.write_bytes(damaged)
    done = shell("verify -data-dir data", code=6)
    assert "2024_daily.zst" in done.stdout
    document = json.loads(shell("verify -data-dir data -json", code=6).stdout)
    assert len(document["findings"]) >= 1 and document["exit_code"] == 6


@pytest.mark.parametrize("command", ["stats", "verify", "query -station 2 -start 2024-01-01 -end 2024-01-02"])
def test_reading_what_is_not_there_is_a_usage_error(shell: Shell, command: str) -> None:
    done = shell(f"{command} -data-dir nowhere -json", code=2)
    assert json.loads(done.stdout)["exit_code"] == 2 and "nowhere" in done.stderr


def test_backfill_without_a_terminal(shell: Shell) -> None:
    line = "backfill --sample 3 --years 2022-2024 --concurrency 4 --data-dir D --report r.json"
    done = shell(line)
    assert done.stdout == "" and "done: 3 of 3 jobs" in done.stderr
    report = json.loads((shell.folder / "r.json").read_text())
    assert (report["successful"], len(report["results"]), report["failures"]) == (9, 9, [])
    again = json.loads(shell(f"{line} --json").stdout)
    assert again["total_records"] == 0 and again["failed"] == 0


def test_jsonl_is_the_journal(shell: Shell) -> None:
    done = shell("backfill --stations 2 --years 2024 --jsonl -v")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [e["seq"] for e in events] == list(range(1, len(events) + 1))
    assert (events[0]["kind"], events[-1]["kind"]) == ("run.started", "run.finished")
    (journal,) = (shell.folder / "data" / "runs").glob("*/events.jsonl")
    assert journal.read_text() == done.stdout


def test_runs_lists_what_ran(filled: Shell) -> None:
    entries = json.loads(filled("runs -json").stdout)["runs"]
    assert entries and all(e["state"] == "done" and e["command"] == "ingest" for e in entries)


def test_stdout_stays_pure_under_faults(tmp_path: Path) -> None:
    with start_simulator(["--tls", "--key", KEY, "--latency", "1", "--faults", "storm", "--seed", "3"]) as simulator:
        (tmp_path / "cimis.toml").write_text("backoff_base = 0.02\nread_timeout = 1.0\nmax_failures = 1000\n")
        shell = Shell(
            tmp_path,
            _environ(
                CIMIS_BASE_URL=simulator.url,
                CIMIS_CA_FILE=str(simulator.ca_file),
                CIMIS_APP_KEY=KEY,
                PYTHONWARNINGS="always",
            ),
        )
        done = shell("fetch-streaming -stations 2,5,6,7 -start 2021-01-01 -end 2024-12-31 -retries 12 -json -v")
    report = json.loads(done.stdout)
    assert (report["successful"], report["failed"]) == (16, 0)
    assert re.search(r"retryable: \S+ \(attempt 2/12\)", done.stderr), done.stderr


def test_rejected_key_is_5(shell: Shell) -> None:
    done = shell("backfill --stations 2 --years 2024 --json", code=5, CIMIS_APP_KEY="WRONG-a83f")
    assert json.loads(done.stdout)["error"]["message"]
    assert "WRONG-a83f" not in done.stdout + done.stderr


def test_unreachable_server_is_4(shell: Shell) -> None:
    (shell.folder / "cimis.toml").write_text("backoff_base = 0.01\n")
    done = shell("backfill --stations 2 --years 2024 --json", code=4, CIMIS_BASE_URL="https://127.0.0.1:9")
    assert json.loads(done.stdout)["exit_code"] == 4


def test_missing_key_is_2(shell: Shell) -> None:
    done = shell("backfill --stations 2 --years 2024 --json", code=2, CIMIS_APP_KEY="")
    assert "CIMIS_APP_KEY_FILE" in json.loads(done.stdout)["error"]["hint"]


def test_unknown_station_is_2_and_leaves_no_run(shell: Shell) -> None:
    done = shell("backfill --stations 9999 --years 2024", code=2)
    assert "9999" in done.stderr and not list(shell.folder.glob("data/runs/*"))


def test_key_is_in_no_file(filled: Shell) -> None:
    for path in filled.folder.rglob("*"):
        if path.is_file():
            assert KEY.encode() not in path.read_bytes(), path


def test_headless_loads_no_dashboard(shell: Shell) -> None:
    code = (
        "import sys; from cimis_tui.__main__ import main;"
        "code = main('backfill --stations 2 --years 2024 --headless'.split());"
        "sys.exit(99 if 'textual' in sys.modules else code)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=shell.folder, env=shell.environ, check=True, capture_output=True)


def test_demo_headless(tmp_path: Path) -> None:
    shell = Shell(tmp_path, _environ())
    line = "demo --headless --json --sample 2 --years 2023-2024 --latency 1 --faults none"
    report = json.loads(shell(line).stdout)
    assert (report["successful"], report["failed"], report["total_records"]) == (4, 0, 2 * 731)
    assert report["results"][0]["timings"]["tls_ms"] is not None
    assert json.loads(shell(f"{line} --fresh").stdout)["total_records"] == 2 * 731


def test_fresh_demo_deletes_only_its_own(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("kept")
    Shell(tmp_path, _environ())("demo --fresh --data-dir mine --headless", code=2)
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "kept"
