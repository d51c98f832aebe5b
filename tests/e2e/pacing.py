"""Was the pacing kept? The simulator's request log against the run's own journal, request by request."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Event = Mapping[str, Any]
DATA = "GetDataByStationNumber"


@dataclass(frozen=True)
class Sent:
    """A request that reached the server. Times are Unix seconds of one machine's clock.

    `in_flight`: how many the server had then, this one included. `limit`: the highest that the run announced between
    sending and arriving. `gate`: until when the run had said, before it sent this one, that nothing would be sent.
    """

    started: float
    arrived: float
    status: int | None
    in_flight: int
    limit: int
    gate: float


def sent(events: Iterable[Event], log: Iterable[Event]) -> list[Sent]:
    """Every request for data in the log, with what the journal says of it. Raises where the journal knows of none."""
    pages: dict[tuple[str, int], tuple[str, str, str]] = {}
    starts: dict[tuple[str, str, str], list[tuple[float, float]]] = defaultdict(list)
    limits: list[tuple[float, int]] = []
    gate = 0.0
    for e in events:
        if e["kind"] == "run.started":
            limits.append((e["t"], e["concurrency"]))
        elif e["kind"] == "throttle.changed":
            limits.append((e["t"], e["new"]))
            gate = max(gate, e["gate_until"] or 0.0)
        elif e["kind"] == "page.started":
            pages[e["job"], e["page"]] = (str(e["station"]), e["start"], e["end"])
        elif e["kind"] == "attempt.started":
            starts[pages[e["job"], e["page"]]].append((e["t"], gate))
    found = []
    for entry in log:
        if DATA not in entry["path"]:
            continue
        before = [s for s in starts[entry["station"], entry["start"], entry["end"]] if s[0] <= entry["t"]]
        assert before, f"a request that the journal does not know: {entry}"
        started, shut = before[-1]
        standing = [limit for t, limit in limits if t <= started][-1:]
        meanwhile = [limit for t, limit in limits if started < t <= entry["t"]]
        limit = max(standing + meanwhile)
        found.append(Sent(started, entry["t"], entry["status"], entry["in_flight"], limit, shut))
    return found


def violations(requests: Iterable[Sent]) -> list[str]:
    """What was not kept, in words; empty if all was."""
    wrong = []
    for r in requests:
        if r.started < r.gate:
            wrong.append(f"sent {r.gate - r.started:.3f} s before the gate opened: {r}")
        if r.in_flight > r.limit:
            wrong.append(f"{r.in_flight} in flight where {r.limit} were allowed: {r}")
    return wrong
