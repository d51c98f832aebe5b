"""Snapshots need a still screen; the variable is read when textual is imported."""

import os
import sys
from pathlib import Path

import pytest

os.environ["TEXTUAL_ANIMATIONS"] = "none"
sys.path.insert(0, str(Path(__file__).parent))

from quick_apps import install

install()


@pytest.fixture
def data_dir(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty data directory whose path is the same on every machine, for screens that show it."""
    monkeypatch.chdir(tmp_path)
    return Path("cimis-data")
