"""The proofs share their samples and the model of a store's contents with the tests of the store."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "store"))

from disk import SHARED_MEMORY


@pytest.fixture
def ram_path() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="cimis-proof-", dir=SHARED_MEMORY))
    yield made
    shutil.rmtree(made, ignore_errors=True)
