"""The main job against the real simulator: report, chunks, adding up, faults, signals."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from conftest import KEY, Run, chunks, environment, journal
from pacing import sent, violations
from waiting import wait_for

from cimis_engine.simulator.process import SimulatorProcess, start_simulator

CONSECUTIVE = ("pool_wait", "dns", "tcp", "tls", "send", "ttfb", "read")
PHASES = (*CONSECUTIVE, "decode", "encode", "write", "verify", "commit")


def check_report(report: dict[str, Any]) -> None:
    """The report's own rules: counts agree, phases add up, what did not happen is null."""
    results = report["results"]
    assert report["successful"] == sum(r["success"] for r in results)
    assert report["failed"] == sum(not r["success"] for r in results) == len(report["failures"])
    assert report["total_records"] == sum(r["records"] for r in results)
    for result in results:
        timings = result["timings"]
        assert set(timings) == {f"{p}_ms" for p in PHASES} | {"total_ms"}
        total = sum(timings[f"{p}_ms"] or 0 for p in CONSECUTIVE)
        assert total <= timings["total_ms"] * 1.000001 + 1e-6
        assert all(timings[f"{p}_ms"] is None or timings[f"{p}_ms"] >= 0 for p in PHASES)
        if result["success"]:
            assert all(timings[f"{p}_ms"] is not None for p in PHASES if p not in ("dns", "tcp", "tls"))
            assert result["expected"] - result["missing"] + result["unexpected"] == result["records"]


def test_demo_headless_gives_36_results_and_36_chunks(cimis: Run, simulator: SimulatorProcess, tmp_path: Path) -> None:
    arguments = (
        "--headless --json --sample 12 --years 2022-2024 --concurrency 4 --latency 20 --faults none --data-dir D"
    )
    done = cimis("demo", *arguments.split(), on=simulator)
    report = json.loads(done.stdout)
    check_report(report)
    assert (len(report["results"]), report["successful"], report["failed"]) == (36, 36, 0)
    assert len(chunks(tmp_path / "D")) == 36
    connected = [r for r in report["results"] if r["timings"]["tls_ms"] is not None]
    assert connected, "the demo speaks TLS, so some attempt shook hands"
    assert all(r["timings"]["dns_ms"] is not None and r["timings"]["tcp_ms"] is not None for r in connected)
    assert len(connected) < 36, "later pages reuse their connection, and say so with null"
    assert cimis("verify", "--data-dir", "D", on=simulator).returncode == 0


def test_the_same_command_again_fetches_nothing(cimis: Run, simulator: SimulatorProcess, tmp_path: Path) -> None:
    command = ("backfill", "--stations", "2,5", "--years", "2020-2024", "--headless", "--json", "--data-dir", "D")
    cimis(*command, on=simulator)
    before, requests = chunks(tmp_path / "D"), simulator.stats()["requests"]
    report = json.loads(cimis(*command, on=simulator).stdout)
    assert (report["results"], report["already_stored"]) == ([], 10)
    assert chunks(tmp_path / "D") == before
    assert simulator.stats()["requests"] == requests


def test_a_partial_year_is_completed_not_fetched_again(cimis: Run, simulator: SimulatorProcess, tmp_path: Path) -> None:
    base = ("backfill", "--stations", "2", "--headless", "--json", "--data-dir")
    cimis(*base, "A", "--start", "2024-01-01", "--end", "2024-06-30", on=simulator)
    cimis(*base, "A", "--years", "2024", on=simulator)
    cimis(*base, "B", "--years", "2024", on=simulator)
    started = [e for e in journal(tmp_path / "A") if e["kind"] == "page.started"]
    assert [(e["start"], e["end"]) for e in started] == [("2024-01-01", "2024-06-30"), ("2024-07-01", "2024-12-31")]
    assert chunks(tmp_path / "A") == chunks(tmp_path / "B")


def test_hourly_pages_become_one_chunk(cimis: Run, simulator: SimulatorProcess, tmp_path: Path) -> None:
    done = cimis(*"backfill --stations 2 --years 2024 --hourly --headless --json --data-dir D".split(), on=simulator)
    (result,) = json.loads(done.stdout)["results"]
    assert result["expected"] == 8784
    assert result["records"] >= 8700
    assert list(chunks(tmp_path / "D")) == ["002/2024_hourly.zst"]


def test_storm_ends_in_the_same_bytes_and_every_fault_is_told(cimis: Run, tmp_path: Path) -> None:
    command = "backfill --sample 12 --years 2009-2024 --headless --json --concurrency 6 --retries 4 --data-dir".split()
    with start_simulator(["--seed", "7", "--faults", "none"]) as calm:
        cimis(*command, "calm", on=calm)
    storm_flags = ["--seed", "7", "--faults", "storm", "--stall", "2"]
    with start_simulator(storm_flags) as storm:
        done = cimis(*command, "storm", on=storm, CIMIS_READ_TIMEOUT="1", CIMIS_BACKOFF_BASE="0.05")
        stats = storm.stats()
        log = storm.log()
    faults = Counter(e["fault"] for e in log if e["fault"] and "GetDataByStationNumber" in e["path"])
    assert not violations(sent(journal(tmp_path / "storm"), log))
    report = json.loads(done.stdout)
    check_report(report)
    assert report["failed"] == 0
    assert chunks(tmp_path / "storm") == chunks(tmp_path / "calm")
    told = [e for e in journal(tmp_path / "storm") if e["kind"] == "attempt.failed"]
    retries = [e for e in journal(tmp_path / "storm") if e["kind"] == "retry.scheduled"]
    assert sum(stats["faults"].values()) >= 0.3 * stats["first_attempts"]
    counted = Counter(e["error_class"] for e in told)
    print(f"\nsimulator: {dict(faults)}\njournal:   {dict(counted)}")
    assert counted["http_429"] == faults["throttled"] + faults["retry_after"]
    assert counted["reset"] == faults["reset"] + faults["reset_body"] + faults["refused"]
    assert {k: counted[k] for k in ("blocked", "stall", "truncated")} == {
        k: faults[k] for k in ("blocked", "stall", "truncated")
    }
    assert counted["http_503"] == faults["unavailable"]
    # Connections refused while the listener was closed never reached the simulator: only the journal knows them.
    assert counted.total() - counted["refused"] == faults.total() - faults["cold_start"]
    assert len(retries) == len(told), "every failed attempt was tried again, and the journal says so"
    assert all(e["cause"] for e in retries)
    per_result: Counter[str] = Counter()
    for result in report["results"]:
        per_result.update(result["retry_causes"])
    assert set(per_result) == {e["cause"] for e in retries}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_drain_and_leave_a_resumable_run(
    number: signal.Signals, tmp_path: Path, cimis: Run, slow: SimulatorProcess
) -> None:
    command = "backfill --sample 5 --years 2001-2024 --headless --json --data-dir D".split()
    process = subprocess.Popen(
        [sys.executable, "-m", "cimis_tui", *command],
        env=environment(slow),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for(tmp_path / "D", "chunk.finished")
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    report = json.loads(out)
    assert process.returncode == 128 + number
    assert (report["interrupted"], report["resumable"]) == (True, True)
    stored = len(chunks(tmp_path / "D"))
    assert 0 < stored < 120
    assert KEY not in out + err
    done = json.loads(cimis(*command, on=slow).stdout)
    assert done["already_stored"] == stored
    assert len(done["results"]) == 120 - stored
    assert len(chunks(tmp_path / "D")) == 120


def test_a_rejected_key_stops_the_run_at_once(cimis: Run, tmp_path: Path) -> None:
    with start_simulator(["--key", "another"]) as strict:
        done = cimis(*"backfill --sample 5 --years 2001-2024 --headless --json --data-dir D".split(), on=strict, code=5)
        assert json.loads(done.stdout)["exit_code"] == 5
        assert strict.stats()["requests"] <= 5


def test_an_unreachable_api_is_transient(cimis: Run, simulator: SimulatorProcess) -> None:
    done = cimis(
        *"backfill --stations 2 --years 2024 --headless --json --data-dir D".split(),
        on=simulator,
        code=4,
        CIMIS_BASE_URL="http://127.0.0.1:9",
        CIMIS_BACKOFF_BASE="0.01",
    )
    assert json.loads(done.stdout)["exit_code"] == 4


def test_ingest_prints_what_its_users_know(cimis: Run, simulator: SimulatorProcess) -> None:
    out = cimis("ingest", "-station", "2", "-year", "2024", on=simulator).stdout
    assert re.search(r"^Fetching daily data for station 2, year 2024\.\.\.$", out, re.M)
    assert re.search(r"^  Fetch: [\d.]+m?s \(DNS: .*, TCP: .*, TLS: .*, TTFB: .*\)$", out, re.M)
    assert re.search(r"^Ingested 36\d daily records$", out, re.M)
    assert re.search(r"^  Compressed: \d+ bytes \([\d.]+x ratio\)$", out, re.M)
    assert re.search(r"^  Stored in: .*stations/002/2024_daily\.zst$", out, re.M)


def test_the_whole_body_baseline_stores_the_same_bytes(cimis: Run, simulator: SimulatorProcess, tmp_path: Path) -> None:
    cimis("ingest", "-station", "2", "-year", "2024", "-data-dir", "A", on=simulator)
    old = cimis("fetch", "-station", "2", "-year", "2024", "-data-dir", "B", on=simulator)
    assert "'fetch' command is deprecated" in old.stderr
    cimis(*"backfill --stations 2 --years 2024 --headless --data-dir C".split(), on=simulator, CIMIS_DECODER="ijson")
    assert chunks(tmp_path / "A") == chunks(tmp_path / "B") == chunks(tmp_path / "C")
