"""How long a plan will take: by the pages that the newest runs of the same API fetched, else by an assumption."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

import msgspec

from cimis_engine.model.items import Interval
from cimis_engine.model.plan import Plan
from cimis_engine.run import events as ev

_RUNS_LOOKED_AT = 20
_TAIL_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Pace:
    """What a page costs: `page_ms` to the start of its body, `record_ms` more a record.

    `pages` and `run_id` say what it was measured on; 0 and empty where it is assumed.
    """

    page_ms: float
    record_ms: float
    pages: int = 0
    run_id: str = ""

    @property
    def measured(self) -> bool:
        return self.pages > 0


ASSUMED = Pace(1200.0, 0.0)
"""The predecessor's documented station-year took 1.15 s from its first byte to its last."""


def estimated_seconds(plan: Plan, concurrency: int, pace: Pace) -> float:
    """The plan's pages in rounds of `concurrency`; pages that fail and come again are not counted."""
    if not plan.pages:
        return 0.0
    rounds = -(-plan.pages // concurrency)
    return rounds * (pace.page_ms + pace.record_ms * plan.expected / plan.pages) / 1000


def measured_pace(data_dir: Path, base_url: str, interval: Interval) -> Pace:
    """The pace of the newest run that fetched pages of this interval from the same host, or `ASSUMED`.

    The median time to a page's body and the body's time a record, over the end (1 MiB) of the run's journal.
    """
    journals = sorted(data_dir.glob("runs/*/events.jsonl"), key=lambda p: p.stat().st_mtime_ns, reverse=True)
    for path in journals[:_RUNS_LOOKED_AT]:
        head, lines = _ends(path)
        started = _event(head)
        if not isinstance(started, ev.RunStarted) or started.interval != interval.value:
            continue
        if urlsplit(started.base_url).hostname != urlsplit(base_url).hostname:
            continue
        pages = [e for line in lines if isinstance(e := _event(line), ev.AttemptFinished) and e.records]
        if pages:
            reads = [e.timings.read or 0.0 for e in pages]
            page_ms = median(e.timings.total - read for e, read in zip(pages, reads, strict=True))
            return Pace(page_ms, sum(reads) / sum(e.records for e in pages), len(pages), path.parent.name)
    return ASSUMED


def _ends(path: Path) -> tuple[bytes, list[bytes]]:
    """The first line of a journal, and those of its end that tell of a page that came."""
    try:
        with path.open("rb") as file:
            head = file.readline()
            file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL_BYTES))
            return head, [line for line in file if b'"attempt.finished"' in line]
    except OSError:
        return b"", []


def _event(line: bytes) -> ev.Event | None:
    try:
        stamped = ev.decode(line)
    except msgspec.MsgspecError:  # a torn line
        return None
    return stamped.event if stamped else None
