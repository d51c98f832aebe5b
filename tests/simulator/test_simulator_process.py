from __future__ import annotations

import os
import signal
import ssl
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from cimis_engine.simulator.process import SimulatorStartError, start_simulator


def test_a_process_serves_tls_says_where_and_ends_with_zero(tmp_path: Path) -> None:
    ca_file = tmp_path / "ca.pem"
    with start_simulator(["--tls", "--ca-file", str(ca_file), "--key", "SECRET-KEY"]) as simulator:
        assert simulator.url.startswith("https://127.0.0.1:") and simulator.ca_file == ca_file
        context = ssl.create_default_context(cafile=str(ca_file))
        with httpx.Client(base_url=simulator.url, verify=context, trust_env=False) as client:
            path = "/StationWeb/GetAllStations"
            assert client.get(path, headers={"Ocp-Apim-Subscription-Key": "SECRET-KEY"}).status_code == 200
            assert client.get(path, headers={"Ocp-Apim-Subscription-Key": "other"}).status_code == 401
        assert simulator.stats()["by_status"] == {"200": 1, "401": 1}
        assert "SECRET-KEY" not in str(simulator.log())
        assert simulator.terminate() == 0


def test_it_ends_when_nobody_holds_its_standard_input() -> None:
    with start_simulator() as simulator:
        held = os.dup(simulator.stdin_fd)
        simulator.release()
        assert simulator.stats()["requests"] == 0
        os.close(held)
        assert os.waitpid(simulator.pid, 0)[1] == 0


def test_an_interrupt_ends_it_with_zero() -> None:
    with start_simulator() as simulator:
        os.kill(simulator.pid, signal.SIGINT)
        assert os.waitpid(simulator.pid, 0)[1] == 0


def test_what_it_cannot_do_is_an_error_with_its_words(tmp_path: Path) -> None:
    with pytest.raises(SimulatorStartError, match="not a folder"):
        start_simulator(["--recorded", str(tmp_path / "nowhere")])


def test_options_load_nothing_heavy() -> None:
    code = "import sys, cimis_engine.simulator.__main__ as m; print('numpy' in sys.modules)"
    root = str(Path(__file__).parents[2])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True)
    assert done.stdout.strip() == "False"
