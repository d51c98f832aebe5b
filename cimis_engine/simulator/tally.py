"""What the simulator did, counted: for /_simulator/stats and /_simulator/log. Keys never come here."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

_LOG_LENGTH = 5000


@dataclass(slots=True)
class Tally:
    """`requests` are those to the API, not to `/_simulator`; `in_flight` and `connections` are of this moment."""

    requests: int = 0
    in_flight: int = 0
    max_in_flight: int = 0
    connections: int = 0
    connections_opened: int = 0
    bytes_sent: int = 0
    records_sent: int = 0
    first_attempts: int = 0
    first_attempts_faulted: int = 0
    cache_hits: int = 0
    by_status: Counter[int] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    log: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=_LOG_LENGTH))

    def begin(self) -> None:
        self.requests += 1
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)

    def stats(self) -> dict[str, Any]:
        """Everything but the log, ready for JSON."""
        return {
            "requests": self.requests,
            "in_flight": self.in_flight,
            "max_in_flight": self.max_in_flight,
            "connections": self.connections,
            "connections_opened": self.connections_opened,
            "bytes_sent": self.bytes_sent,
            "records_sent": self.records_sent,
            "first_attempts": self.first_attempts,
            "first_attempts_faulted": self.first_attempts_faulted,
            "cache_hits": self.cache_hits,
            "by_status": {str(status): count for status, count in sorted(self.by_status.items())},
            "faults": dict(sorted(self.faults.items())),
        }
