"""Pacing against the real simulator over HTTP: its request log says what was sent, and when."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import threading
import urllib.request
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from conftest import Run, chunks, environment, journal
from pacing import sent, violations
from test_e2e_backfill import check_report
from waiting import wait_for

from cimis_engine.fetch.key import SUBSCRIPTION_HEADER
from cimis_engine.simulator.process import SimulatorProcess, start_simulator

COMMAND = "backfill --sample 8 --years 2009-2024 --headless --json --data-dir D".split()


def ends(events: list[dict[str, Any]]) -> Counter[tuple[str, int, int]]:
    """How often each attempt ended."""
    kinds = ("attempt.finished", "attempt.failed")
    return Counter((e["job"], e["page"], e["attempt"]) for e in events if e["kind"] in kinds)


def test_a_rate_limit_costs_waiting_and_nothing_else(cimis: Run, tmp_path: Path) -> None:
    """One attempt a page, more asked for than is let through: all is stored, every 429 heeded, every change told."""
    with start_simulator(["--rate", "4", "--latency", "0"]) as api:
        done = cimis(*COMMAND, "--concurrency", "8", "--retries", "1", on=api)
        log, stats = api.log(), api.stats()
    report = json.loads(done.stdout)
    check_report(report)
    assert (report["successful"], report["failed"]) == (128, 0)
    assert stats["by_status"].get("429"), "the limit was met"
    assert not violations(sent(journal(tmp_path / "D"), log))
    changes = [e for e in journal(tmp_path / "D") if e["kind"] == "throttle.changed"]
    assert (changes[0]["cause"], changes[0]["new"]) == ("slow start", 4)
    assert all(after["old"] == before["new"] for before, after in itertools.pairwise(changes))
    assert {e["cause"] for e in changes} <= {"slow start", "recovered", "http_429"}
    assert all(e["new"] == 1 and e["gate_until"] for e in changes if e["cause"] == "http_429")


def test_no_request_after_a_key_was_revoked_but_those_in_flight(cimis: Run, tmp_path: Path) -> None:
    with start_simulator(["--revoke-after", "12", "--latency", "50", "--jitter", "40"]) as api:
        done = cimis(*COMMAND, "--concurrency", "8", on=api, code=3)
        log = api.log()
    report = json.loads(done.stdout)
    events = journal(tmp_path / "D")
    (failed,) = (e for e in events if e["kind"] == "run.failed")
    assert failed["error_class"] == "auth" and "CIMIS_APP_KEY" in failed["hint"]
    assert not [e for e in events if e["kind"] == "attempt.started" and e["seq"] > failed["seq"]]
    first = next(i for i, entry in enumerate(log) if entry["status"] == 403)
    assert all(r.started <= failed["t"] for r in sent(events, log)[first:])
    assert len(log) <= 12 + 8
    assert set(ends(events).values()) == {1}, "every attempt ended once"
    assert report["resumable"] and 0 < report["successful"] == len(chunks(tmp_path / "D"))
    with start_simulator() as again:
        assert json.loads(cimis(*COMMAND, on=again).stdout)["already_stored"] == report["successful"]


def test_an_api_that_serves_nobody_ends_the_run_when_a_page_s_time_is_over(cimis: Run, tmp_path: Path) -> None:
    with start_simulator(["--rate", "0"]) as api:
        done = cimis(*COMMAND, "--concurrency", "8", on=api, code=4, CIMIS_PAGE_BUDGET="2.5")
        log = api.log()
    report = json.loads(done.stdout)
    assert (report["outcome"], report["resumable"], report["successful"]) == ("failed", True, 0)
    assert report["retry_after_seconds"] and "429" in report["message"]
    assert sum("Data" in entry["path"] for entry in log) <= 4 + 6, "after the first round, one request a second"
    (failed,) = (e for e in journal(tmp_path / "D") if e["kind"] == "run.failed")
    assert failed["error_class"] == "http_429" and failed["hint"]
    assert not violations(sent(journal(tmp_path / "D"), log))


class Firewall(ThreadingHTTPServer):
    """Serves the directory, and turns away whoever asks for data of a station that `guards` names (None: of any)."""

    ca_file = None

    def __init__(self, behind: SimulatorProcess, guards: str | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Turnstile)
        self.behind, self.guards, self.turned_away = behind, guards, 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Turnstile(BaseHTTPRequestHandler):
    server: Firewall
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if "Data" in self.path and (self.server.guards is None or self.server.guards in self.path):
            self.server.turned_away += 1
            body = b"<html><title>Request Rejected</title>Your support ID is: 1</html>"
        else:
            request = urllib.request.Request(
                self.server.behind.url + self.path, headers={SUBSCRIPTION_HEADER.name: "any"}
            )
            with urllib.request.urlopen(request) as answer:
                body = answer.read()
        self.send_response(200)
        self.send_header("Content-Type", "text/html" if body.startswith(b"<") else "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize(("guards", "code"), [(None, 4), ("stationNbrs=5&", 3)])
def test_the_firewall_stops_a_run_that_it_turns_away_and_fails_a_job_that_it_dislikes(
    cimis: Run, simulator: SimulatorProcess, tmp_path: Path, guards: str | None, code: int
) -> None:
    with Firewall(simulator, guards) as wall:
        threading.Thread(target=wall.serve_forever, daemon=True).start()
        command = "backfill --stations 2,5,6,7,8 --years 2024 --headless --json --concurrency 2 --data-dir D".split()
        done = cimis(*command, on=wall, code=code, CIMIS_BACKOFF_BASE="0.05")
        wall.shutdown()
    report = json.loads(done.stdout)
    assert report["resumable"]
    if guards:
        assert (report["outcome"], report["failed"], wall.turned_away) == ("partial", 1, 3)
        assert report["successful"] == len(chunks(tmp_path / "D")) > 1
        assert [f["station_id"] for f in report["failures"]] == [5]
    else:
        assert (report["outcome"], report["successful"]) == ("failed", 0)
        assert wall.turned_away <= 2 + 1 + 1, "three rounds of it are enough, however many pages there are"
        assert report["retry_after_seconds"]
    assert "--concurrency" in report["failures"][0]["hint"]


def test_an_api_that_goes_away_for_a_while_costs_no_job(cimis: Run, tmp_path: Path) -> None:
    """The server is killed in the midst of a run and comes back on the same port, later than three attempts take."""
    with start_simulator(["--latency", "60"]) as calm:
        cimis(*COMMAND[:-1], "calm", on=calm)
    with start_simulator(["--latency", "60"]) as api:
        process = subprocess.Popen(
            [sys.executable, "-m", "cimis_tui", *COMMAND],
            env=environment(api, CIMIS_BACKOFF_BASE="0.1"),
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        wait_for(tmp_path / "D", "chunk.finished")
        port = urlsplit(api.url).port
        api.terminate()
        wait_for(tmp_path / "D", "retry.scheduled", 6, cause="refused")
        with start_simulator(["--latency", "60", "--port", str(port)]):
            out, _ = process.communicate(timeout=60)
    report = json.loads(out)
    assert (process.returncode, report["successful"], report["failed"]) == (0, 128, 0)
    assert chunks(tmp_path / "D") == chunks(tmp_path / "calm")


def data_requests(api: SimulatorProcess) -> int:
    return sum("Data" in entry["path"] for entry in api.log())


def test_max_requests_ends_a_run_clean_and_the_same_command_goes_on(cimis: Run, tmp_path: Path) -> None:
    with start_simulator(["--latency", "20"]) as api:
        done = cimis(*COMMAND, "--max-requests", "5", on=api, code=3)
        assert data_requests(api) == 5
        report = json.loads(done.stdout)
        assert (report["outcome"], report["interrupted"], report["resumable"]) == ("interrupted", True, True)
        assert "--max-requests 5" in report["message"] and "the same command goes on" in report["message"]
        assert "--max-requests 5" in done.stderr
        assert (report["successful"], report["failed"]) == (20, 0), "what was in flight was stored"
        assert len(chunks(tmp_path / "D")) == 20
        assert cimis(*COMMAND, "--fail-on", "never", on=api, code=3, CIMIS_MAX_REQUESTS="2").returncode == 3
        assert len(chunks(tmp_path / "D")) == 28
        last = json.loads(cimis(*COMMAND, "--max-requests", "25", on=api).stdout)
        assert (last["outcome"], last["already_stored"], data_requests(api)) == ("done", 28, 32)


def test_max_duration_ends_a_run_clean(cimis: Run, tmp_path: Path) -> None:
    with start_simulator(["--latency", "300"]) as api:
        done = cimis(*COMMAND, "--concurrency", "2", "--max-duration", "1s", on=api, code=3)
    report, events = json.loads(done.stdout), journal(tmp_path / "D")
    assert (report["outcome"], report["resumable"], report["failed"]) == ("interrupted", True, 0)
    assert "--max-duration 1s" in report["message"]
    began = events[0]["t"]
    starts = [e["t"] - began for e in events if e["kind"] == "attempt.started"]
    assert len(starts) >= 2 and max(starts) < 2.0
    assert set(ends(events).values()) == {1}
    assert not [e for e in events if e["kind"] == "attempt.failed"], "nothing in flight was aborted"
    assert report["successful"] == len(chunks(tmp_path / "D")) == 4 * len(starts)


@pytest.mark.parametrize("command", ["backfill", "fetch-streaming"])
def test_limits_that_cannot_be_are_refused(cimis: Run, simulator: SimulatorProcess, command: str) -> None:
    base = [command, "--stations", "2", "--years" if command == "backfill" else "--year", "2024"]
    assert "--max-requests" in cimis(*base, "--max-requests", "0", on=simulator, code=2).stderr
    told = cimis(*base, "--max-duration", "soon", on=simulator, code=2).stderr
    assert "max_duration" in told and "15m" in told
