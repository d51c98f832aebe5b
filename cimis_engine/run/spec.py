"""What a run is asked to do, as it is written into `runs/<run-id>/spec.json`. It never holds the key."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from cimis_engine.fetch.exchange import USER_AGENT
from cimis_engine.model.items import DataItem, Interval, UnitSystem, items_of, parse_items
from cimis_engine.model.period import Span, parse_date
from cimis_engine.run.alerts import RuleSetting
from cimis_engine.store.formats import DEFAULT_FORMAT, Format

MAX_CONCURRENCY = 64
DEFAULT_BASE_URL = "https://et.water.ca.gov"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How to fetch. Seconds unless named otherwise. `ca_file` adds a certificate authority; verification is never off.

    A page gets `max_attempts`, not counting those the server did not look at, and `page_budget` seconds from its first
    one, waits included. The run ends, resumable, after `max_requests` requests for data or `max_duration` seconds
    (None: no such limit), and when `max_failures` jobs in a row have failed.

    `api` is the dialect spoken at `base_url`: `station-web`, or `legacy`.
    `whole_body` reads a response to its end before decoding it: the predecessor's way, kept as the baseline of
    benchmarks. `decoder` is `fast` or `ijson` (the strict reference). `cap_daily`, `cap_hourly`: records a request may
    ask for, in place of what was learned from the API (see `caps`). `store_format`: what chunks are written in.
    `alerts`: what is changed of the alert rules, by their names.
    """

    api: str = "station-web"
    base_url: str = DEFAULT_BASE_URL
    user_agent: str = USER_AGENT
    ca_file: str | None = None
    concurrency: int = 4
    max_attempts: int = 3
    connect_timeout: float = 10.0
    read_timeout: float = 30.0
    attempt_timeout: float = 120.0
    page_budget: float = 900.0
    backoff_base: float = 1.0
    gzip: bool = True
    decoder: str = "fast"
    whole_body: bool = False
    drain_timeout: float = 30.0
    max_failures: int = 20
    max_requests: int | None = None
    max_duration: float | None = None
    cap_daily: int | None = None
    cap_hourly: int | None = None
    store_format: Format = DEFAULT_FORMAT
    alerts: dict[str, RuleSetting] = {}

    def cap(self, interval: Interval) -> int | None:
        return self.cap_daily if interval is Interval.DAILY else self.cap_hourly


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What to fetch. `stations`: as `model.choice` reads it, or empty with `sample`. Items: slugs, empty for all.

    `refetch` plans slots that the store already covers, too. `update_since` asks again, of what is stored, for what is
    pending and for this many days back (see `update`); None: it is no update. `jobs`: ids of the ledger; then just
    these jobs are planned, whole, and the rest only describes them.
    """

    stations: str = ""
    sample: int = 0
    start: str
    end: str
    interval: str = "daily"
    units: str = "M"
    items: tuple[str, ...] = ()
    refetch: bool = False
    update_since: int | None = None
    jobs: tuple[str, ...] = ()

    @property
    def span(self) -> Span:
        return Span(parse_date(self.start), parse_date(self.end))

    def item_set(self) -> tuple[DataItem, ...]:
        interval = Interval(self.interval)
        return parse_items(self.items, interval) if self.items else items_of(interval)

    @property
    def unit_system(self) -> UnitSystem:
        return UnitSystem(self.units)


class RunSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A run's own file. The plan is made again from the request and the store, so a spec can be run twice."""

    run_id: str
    command: str
    data_dir: str
    request: Request
    settings: Settings

    @property
    def run_dir(self) -> Path:
        return Path(self.data_dir) / "runs" / self.run_id


def new_run_id(now: float) -> str:
    """`mmdd-hhmm-xxxx` in UTC, as all times on screen: short enough to type, distinct enough for a data directory."""
    return f"{datetime.fromtimestamp(now, UTC):%m%d-%H%M}-{secrets.token_hex(2)}"


def save_spec(spec: RunSpec) -> None:
    spec.run_dir.mkdir(parents=True, exist_ok=False)
    (spec.run_dir / "spec.json").write_bytes(msgspec.json.format(msgspec.json.encode(spec), indent=2))


def load_spec(run_dir: Path) -> RunSpec:
    return msgspec.json.decode((run_dir / "spec.json").read_bytes(), type=RunSpec)
