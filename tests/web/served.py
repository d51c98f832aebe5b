"""A `cimis serve` in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).parents[2]
KEY = "CANARY-of-the-app-key-51c0"


@dataclass
class Served:
    """A server: its process, the address with the token as it was printed, and all of its stderr so far."""

    process: subprocess.Popen[str]
    url: str
    told: list[str] = field(default_factory=list)

    @property
    def base(self) -> str:
        return self.url.partition("?")[0].rstrip("/")

    @property
    def netloc(self) -> str:
        return urlsplit(self.url).netloc

    @property
    def token(self) -> str:
        return self.url.partition("token=")[2]

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str, str]:
        """Exit code, stdout and stderr after a signal."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=30)
        return self.process.returncode, out, "".join(self.told) + err


def start(data_dir: Path, *args: str) -> Served:
    env = {k: v for k, v in os.environ.items() if not k.startswith(("CIMIS_", "TEXTUAL", "NO_COLOR"))}
    process = subprocess.Popen(
        [sys.executable, "-m", "cimis_tui", "serve", "--data-dir", str(data_dir), "--port", "0", *args],
        env=env | {"PYTHONPATH": str(ROOT), "CIMIS_APP_KEY": KEY},
        cwd=data_dir,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    first = process.stderr.readline()
    assert first.startswith("http://"), first + process.communicate()[1]
    return Served(process, first.strip(), [first])
