"""The examples of `docs/python.md` run as they stand, in order."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from store_samples import sample

from cimis_engine.model.items import Interval
from cimis_engine.store.store import Store

PAGE = Path(__file__).parents[2] / "docs" / "python.md"
EXAMPLES = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.M | re.S)


def test_the_examples_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("pyarrow")
    monkeypatch.chdir(tmp_path)
    store = Store.create(tmp_path / "data")
    for station in (2, 5):
        store.write(sample(station=station, count=366, items=6, start=60))
    store.write(sample(station=2, count=8784, items=3, interval=Interval.HOURLY))
    store.close()
    names: dict[str, Any] = {}
    assert len(EXAMPLES) == 7
    for example in EXAMPLES:
        exec(compile(example, str(PAGE), "exec"), names)
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "7 2 2024-06-01"
    assert said[-1].startswith("0 0 2 ")
    assert "2024-06-02T00:00:00" in said[3]
