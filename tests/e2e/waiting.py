"""Waiting for what another process does, without taking the processor from it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cimis_engine.run.events import Event
from cimis_engine.run.journal import JournalReader

_POLL = 0.01
_SECONDS = 60.0


def until(condition: Callable[[], object], told: str = "it never came about") -> None:
    """Return once this holds."""
    deadline = time.monotonic() + _SECONDS
    while not condition():
        assert time.monotonic() < deadline, told
        time.sleep(_POLL)


def wait_for(data_dir: Path, kind: str, count: int = 1, **fields: Any) -> None:
    """Follow the journals of a data directory until so many events of a kind with these fields are in them."""
    readers: dict[Path, JournalReader] = {}
    seen: list[Event] = []

    def told() -> bool:
        for file in data_dir.glob("runs/*/events.jsonl"):
            reader = readers.setdefault(file, JournalReader(file))
            new = [stamped.event for stamped in reader.read_new()]
            seen.extend(e for e in new if e.kind == kind and all(getattr(e, k) == v for k, v in fields.items()))
            enough = len(seen) >= count
            assert enough or not any(e.kind == "run.finished" for e in new), f"the run ended before {kind} {fields}"
        return len(seen) >= count

    until(told, f"no {kind} in {data_dir}")
