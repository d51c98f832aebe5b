"""Both dialects through the whole house: the same bytes on disk, and the key nowhere."""

from __future__ import annotations

import html
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

import pytest
from conftest import Run, chunks

from cimis_engine.simulator.process import SimulatorProcess, start_simulator

KEY = "CANARY-7f3a+91/c4=e2&x%41zebra"
TRACES = ("CANARY", "zebra", "7f3a")


@pytest.fixture(scope="module")
def legacy() -> Iterator[SimulatorProcess]:
    with start_simulator(["--seed", "1", "--dialect", "legacy"]) as running:
        yield running


def test_both_dialects_store_the_same_bytes(
    cimis: Run, simulator: SimulatorProcess, legacy: SimulatorProcess, tmp_path: Path
) -> None:
    for command in ("--stations 2,6,166 --years 2012-2016", "--stations 2,166 --years 2015 --hourly"):
        line = ("backfill", *command.split(), "--headless", "--data-dir")
        cimis(*line, "new", on=simulator)
        cimis(*line, "old", on=legacy, CIMIS_API="legacy")
    assert len(chunks(tmp_path / "new")) == 16
    assert chunks(tmp_path / "new") == chunks(tmp_path / "old")
    log = legacy.log()
    assert {e["path"] for e in log} == {"/api/data", "/api/station"}
    assert {e["status"] for e in log} == {200}, "pages are planned for the caps of the dialect: none is refused"


def test_the_agencys_own_retired_address_is_refused(cimis: Run, legacy: SimulatorProcess) -> None:
    address = {"CIMIS_BASE_URL": "https://et.water.ca.gov"}
    done = cimis("backfill", "--stations", "2", "--years", "2024", "--api", "legacy", on=legacy, code=2, **address)
    assert "retired" in done.stderr and "--base-url" in done.stderr


class Echo(BaseHTTPRequestHandler):
    """Answers `/CASE/api/…`: a directory to who asks for stations, to the rest a CASE that repeats the request."""

    protocol_version = "HTTP/1.1"
    station: ClassVar = {
        "StationNbr": "2",
        "ConnectDate": "6/7/1982",
        "DisconnectDate": "12/31/2050",
    }

    def do_GET(self) -> None:
        case = self.path.split("/")[1]
        given = self.headers.get("Ocp-Apim-Subscription-Key", "")
        echo = f"{KEY} {given} {self.path} {html.escape(self.path)} {quote(self.path)}"
        if self.path.split("?")[0].endswith(("/api/station", "/GetAllStations")):
            self.answer(200, json.dumps({"Stations": [self.station]}))
        elif case == "timeout":
            self.rfile.read(1)  # until the client has gone
            self.close_connection = True
        elif case == "schema":
            self.answer(200, json.dumps({"Data": {"Providers": [{"Records": [{"Date": echo, "Station": echo}]}]}}))
        elif case == "302":
            self.answer(302, echo, self.path + "&again=1")
        elif case == "500":
            self.answer(500, f"{'. ' * 35}{KEY}")  # where an excerpt ends
        else:
            self.answer(int(case), json.dumps(f"[ERR1006-INVALID APP KEY] Invalid application key [{echo}"))

    def answer(self, status: int, body: str, location: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body.encode())))
        self.send_header("X-Echo", self.path)
        if location:
            self.send_header("Location", location)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def echo() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(server.serve_forever, 0.01)
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
    server.server_close()


LOUD = """
import logging, sys
from cimis_tui.__main__ import main
logging.basicConfig(level=1)
sys.exit(main(sys.argv[1:]))
"""
COMMANDS = {
    "backfill": "backfill --stations 2 --years 2024 --headless --json -v --report r.json --data-dir D",
    "peek": "peek --zip 95616 --start 2024-01-01 --end 2024-01-02 --json -v",
}
CASES = [
    *(("backfill", "legacy", case) for case in ("401", "403", "400", "500", "302", "timeout", "schema")),
    *(("backfill", "station-web", case) for case in ("403", "500", "302", "schema")),
    *(("peek", "legacy", case) for case in ("403", "302", "schema")),
]


@pytest.mark.parametrize(("command", "api", "case"), CASES)
def test_the_key_stands_nowhere(echo: str, tmp_path: Path, command: str, api: str, case: str) -> None:
    """In no stream, with the libraries' logs at their loudest, and in no file that a run leaves."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("CIMIS_")}
    env |= {
        "CIMIS_APP_KEY": KEY,
        "CIMIS_BASE_URL": f"{echo}/{case}",
        "CIMIS_API": api,
        "CIMIS_DEBUG": "1",
        "CIMIS_READ_TIMEOUT": "0.2",
        "CIMIS_MAX_ATTEMPTS": "2",
        "CIMIS_BACKOFF_BASE": "0.01",
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    done = subprocess.run(
        [sys.executable, "-c", LOUD, *COMMANDS[command].split()],
        env=env,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=100,
        stdin=subprocess.DEVNULL,
    )
    assert "receive_response_headers" in done.stderr, "the libraries are heard"
    assert done.returncode in (3, 4, 5), done.stderr
    assert json.loads(done.stdout)["exit_code" if command == "peek" else "failed"]
    left = {p: p.read_bytes().decode(errors="replace") for p in tmp_path.rglob("*") if p.is_file()}
    assert command == "peek" or any(p.name == "events.jsonl" for p in left)
    for where, text in [("stdout", done.stdout), ("stderr", done.stderr), *left.items()]:
        text = re.sub(r"0x[0-9a-f]+", "0x", text)  # an address may begin like a part of the key
        assert not [t for t in TRACES if t in text], f"{where}: {text[:2000]}"
