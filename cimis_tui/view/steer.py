"""What a key does to the stations it acts on: which of them it fits, what is said of it, what would be lost. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from cimis_engine.run.state import RunState
from cimis_tui.reasons import applies
from cimis_tui.view import units

OPPOSITE = {"pause": "resume", "resume": "pause"}


@dataclass(frozen=True, slots=True)
class Order:
    """A command for some of the stations that were asked about; `left_out` of them it does not fit."""

    cmd: str
    stations: tuple[int, ...]
    left_out: int = 0
    name: str = ""
    """Of the station, where it is for one."""

    @property
    def whom(self) -> str:
        if len(self.stations) != 1:
            return f"{len(self.stations)} stations"
        return f"{self.stations[0]} {self.name}" if self.name else f"station {self.stations[0]}"

    def said(self) -> str:
        """What was asked for, and of how many."""
        done = {"retry": "queued again", "cancel": "cancelled"}.get(self.cmd, f"{self.cmd} asked for")
        others = {"retry": "neither failed nor cancelled", "cancel": "ended before"}.get(
            self.cmd, "paused or ended before" if self.cmd == "pause" else "not paused"
        )
        rest = f" ({self.left_out} more: {others})" if self.left_out else ""
        return f"{self.whom}: {done}{rest}"


def order(action: str, statuses: Mapping[int, str], names: Mapping[int, str]) -> Order:
    """The command of an action of `pause`, `retry`, `cancel` for stations in these states, one of which it fits.

    Pausing resumes where all that could be paused are.
    """
    fitting = [number for number, status in statuses.items() if applies(action, status)]
    cmd = action
    if action == "pause":
        going = [number for number in fitting if statuses[number] != "paused"]
        cmd, fitting = ("pause", going) if going else ("resume", fitting)
    return Order(cmd, tuple(fitting), len(statuses) - len(fitting), names.get(fitting[0], ""))


@dataclass(frozen=True, slots=True)
class Loss:
    """What cancelling stations gives up, and what stays: jobs not done, pages in flight, records fetched but not
    stored yet; chunks on disk."""

    jobs: int
    in_flight: int
    records: int
    chunks: int


def loss_of(state: RunState, stations: Collection[int]) -> Loss:
    """Of cancelling these stations now."""
    rows = [state.stations[number] for number in stations]
    stored = [r for (number, _), r in state.results.items() if r.success and number in set(stations)]
    return Loss(
        jobs=sum(s.jobs - s.jobs_done - s.jobs_failed for s in rows),
        in_flight=sum(s.in_flight for s in rows),
        records=max(0, sum(s.records for s in rows) - sum(r.records for r in stored)),
        chunks=len(stored),
    )


def loss_words(loss: Loss) -> tuple[str, str]:
    """What is lost and what stays, a line each."""
    lost = [_many(loss.jobs, "job")]
    lost += [_many(loss.in_flight, "page") + " in flight"] if loss.in_flight else []
    lost += [_many(loss.records, "record") + " not stored yet"] if loss.records else []
    stays = _many(loss.chunks, "chunk") + " on disk" if loss.chunks else "all that is on disk"
    return f"given up  {', '.join(lost)}", f"stays     {stays}"


def _many(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def in_flight_words(in_flight: int, limit: int, ceiling: int) -> str:
    """Requests in flight, of those that may be as things stand; and what the operator allows where that is more.

    >>> in_flight_words(7, 8, 16), in_flight_words(3, 4, 4)
    ('7 of 8 requests (limit 16)', '3 of 4 requests')
    """
    more = f" (limit {units.count(ceiling)})" if ceiling != limit else ""
    return f"{in_flight} of {limit} requests{more}"
