"""What a simulator is told before it starts. Standard library only: the command line reads it before anything heavy."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

SCENARIOS = ("none", "mild", "storm")
DIALECTS = ("station-web", "legacy")
DAILY_CAP = 1750
HOURLY_CAP = 5020
LEGACY_CAP = 1750
"""Records a request of the retired API, of either interval."""


@dataclass(frozen=True, slots=True)
class SimulatorConfig:
    """Options of `python -m cimis_engine.simulator`, in the same words.

    `latency`, `jitter` in milliseconds before the first byte; `stall` in seconds. `now` is the agency's "today", at
    noon (None: the real clock, in PST). `stations` is the total to invent up to (None: the built-in ones). `key` None
    accepts any that is not empty; after `revoke_after` requests none is accepted any more. `rate` requests for data are
    let through within a second, the others get 429 with `Retry-After` (None: all are let through). `revise` is a seed
    by which some past station-days differ from those without it. `dialect` is the one spoken: as the API of 2026 it
    turns away whoever still sends `appKey=`, like the agency's firewall. Caps of None are those of the dialect.
    `cap_unsaid`: a refusal for volume does not name the cap. `fail_stations`: data of these are always a 500.
    """

    port: int = 0
    tls: bool = False
    ca_file: Path | None = None
    seed: int = 1
    stations: int | None = None
    latency: float = 0.0
    jitter: float = 0.0
    faults: str = "none"
    fault_seed: int = 1
    stall: float = 30.0
    now: date | None = None
    revise: int | None = None
    recorded: Path | None = None
    key: str | None = None
    revoke_after: int | None = None
    rate: int | None = None
    dialect: str = "station-web"
    cap_daily: int | None = None
    cap_hourly: int | None = None
    cap_unsaid: bool = False
    fail_stations: frozenset[int] = frozenset()
