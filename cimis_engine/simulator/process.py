"""The simulator in a process of its own, as tests, benchmarks and the demo use it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from cimis_engine.errors import CimisError

_STOP_SECONDS = 5.0


class SimulatorStartError(CimisError):
    """The process ended before it was ready. `output` is what it said."""

    def __init__(self, output: str) -> None:
        lines = output.strip().splitlines()
        super().__init__(f"the simulator did not start: {'; '.join(lines[-2:]) or 'it said nothing'}")
        self.output = output


class SimulatorProcess:
    """A running simulator: `url`, `ca_file` (None without TLS), `pid`. Terminates at the end of its `with` block.

    It lives while anyone holds the other end of its standard input, `stdin_fd`. Pass that descriptor on to a process
    that needs it longer, then `release` it here.
    """

    def __init__(self, popen: subprocess.Popen[bytes], ready: dict[str, Any]) -> None:
        self._popen = popen
        self._released = False
        self.url: str = ready["url"]
        self.ca_file = Path(ready["ca_file"]) if ready["ca_file"] else None
        self.pid: int = ready["pid"]

    def __enter__(self) -> SimulatorProcess:
        return self

    def __exit__(self, *_: object) -> None:
        if not self._released:
            self.terminate()

    @property
    def stdin_fd(self) -> int:
        assert self._popen.stdin is not None
        return self._popen.stdin.fileno()

    def release(self) -> None:
        """Let go of standard input: the simulator ends with whoever else holds it, or now."""
        self._released = True
        self._close()

    def stats(self) -> dict[str, Any]:
        """What it counted so far (see `tally.Tally`)."""
        found = self._get("/_simulator/stats")
        assert isinstance(found, dict)
        return found

    def log(self) -> list[dict[str, Any]]:
        """Its recent requests, oldest first."""
        found = self._get("/_simulator/log")
        assert isinstance(found, list)
        return found

    def terminate(self) -> int:
        """End it and wait; returns its exit code."""
        self._popen.terminate()
        self._close()
        try:
            return self._popen.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            return self._popen.wait()

    def _close(self) -> None:
        for pipe in (self._popen.stdin, self._popen.stdout):
            with contextlib.suppress(OSError):
                if pipe is not None:
                    pipe.close()

    def _get(self, path: str) -> object:
        place = urlsplit(self.url)
        assert place.hostname is not None
        if self.ca_file is None:
            connection = http.client.HTTPConnection(place.hostname, place.port, timeout=10)
        else:
            context = ssl.create_default_context(cafile=str(self.ca_file))
            connection = http.client.HTTPSConnection(place.hostname, place.port, timeout=10, context=context)
        with contextlib.closing(connection):
            connection.request("GET", path)
            return json.loads(connection.getresponse().read())


def start_simulator(arguments: Sequence[str] = ()) -> SimulatorProcess:
    """Start `python -m cimis_engine.simulator ARGUMENTS` and wait until it listens.

    It gets its own session, so an interrupt typed at the terminal is not for it. Raises `SimulatorStartError`.
    """
    command = [sys.executable, "-m", "cimis_engine.simulator", "--exit-on-eof", *arguments]
    root = str(Path(__file__).parents[2])
    path = os.pathsep.join(p for p in (root, os.environ.get("PYTHONPATH", "")) if p)
    with tempfile.TemporaryFile() as errors:
        popen = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=os.environ | {"PYTHONPATH": path},
            start_new_session=True,
        )
        assert popen.stdout is not None
        line = popen.stdout.readline()
        if not line:
            popen.communicate()
            raise SimulatorStartError(_said(errors))
    return SimulatorProcess(popen, json.loads(line))


def _said(errors: IO[bytes]) -> str:
    errors.seek(0)
    return errors.read().decode(errors="replace")
