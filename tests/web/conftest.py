"""`cimis serve` as a process of its own, on a recorded run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(Path(__file__).parent), str(ROOT / "tests" / "snapshot")]

from tui_journal import ended, write  # noqa: E402

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


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with one run that ended."""
    data_dir = tmp_path_factory.mktemp("data")
    run_dir = write(data_dir / "runs" / "1121-1904-7f3a", ended())
    (run_dir / "spec.json").write_text("{}")
    return data_dir


@pytest.fixture(scope="session")
def served(data_dir: Path) -> Iterator[Served]:
    served = start(data_dir, "-v")
    yield served
    code, out, err = served.end()
    assert (code, out) == (0, "")
    assert served.token not in err.replace(served.url, ""), "the token is printed once, and in no log"
    assert KEY not in err
