"""A server on a recorded run. The journal generator lives beside the snapshots."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent / "snapshot")]

from served import KEY, Served, start  # noqa: E402
from tui_journal import ended, write  # noqa: E402


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
