"""The list of runs: facts of one into the cells of its row. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from cimis_engine.run.alerts import RULES
from cimis_engine.run.events import RunFinished, RunStarted
from cimis_engine.run.figures import Account, Figures, account_of, figures_of
from cimis_engine.run.state import RunState
from cimis_tui.view import units
from cimis_tui.view.cells import Cell
from cimis_tui.view.columns import Column
from cimis_tui.view.header import PHASES

COLUMNS = (
    Column("mark", "", 2, right=False, help="A and B: what d compares"),
    Column("run", "RUN", 15, right=False, help="run id", most=19),
    Column("state", "STATE", 13, right=False, help="how it stands, or ended"),
    Column("started", "STARTED", 12, 120, right=False, help="UTC, month-day hour:minute"),
    Column("command", "COMMAND", 8, 140, right=False, help="what began it"),
    Column("asked", "ASKED FOR", 31, 170, right=False, help="dates and interval", most=60),
    Column("took", "TOOK", 8, 80, help="hours:minutes:seconds"),
    Column("stations", "STATIONS", 8, help="stations done of all"),
    Column("records", "RECORDS", 7, help="records fetched"),
    Column("pace", "REC/S", 6, help="records a second over the whole run"),
    Column("p50", "TTFB50", 6, 80, help="ms to the first byte, median", unit="ms"),
    Column("p95", "TTFB95", 6, 100, help="ms to the first byte, 95th percentile"),
    Column("errors", "ERRORS", 6, 100, help="attempts that ended badly, of those begun"),
    Column("ratio", "RATIO", 6, 100, help="fixed-width row bytes over stored bytes"),
    Column("disk", "ON DISK", 7, 120, help="bytes of the run's own folder: journal, report, logs"),
)
_MANY = next(rule.warn for rule in RULES if rule.name == "retry_ratio") or 1.0
"""The share of failed attempts that is worth a colour: that of the alert rule."""
CUT = ("✗", "CUT OFF", "bad")
"""As in `PHASES`, of a run whose engine died."""


@dataclass(frozen=True, slots=True)
class RunFacts:
    """One run, as its folder or the fold tells. Times in Unix seconds and seconds; None: not known.

    `last`: when its last event was told. `started_by` has no jobs: they are many, and nothing here tells of them.
    """

    run_id: str
    state: str
    started: float | None
    took: float | None
    command: str
    figures: Figures | None
    disk: int | None
    live: bool = False
    last: float | None = None
    folder: Path | None = None
    started_by: RunStarted | None = None
    finished: RunFinished | None = None
    account: Account | None = None


def asked(started: RunStarted | None) -> RunStarted | None:
    """What `RunFacts.started_by` holds of a run's first event."""
    return replace(started, jobs=[], rules=[]) if started else None


def asked_words(started: RunStarted | None) -> str | None:
    return f"{started.start} to {started.end} {started.interval}" if started else None


def facts_of(state: RunState, now: float, before: RunFacts, *, count: bool) -> RunFacts:
    """The run on screen, out of its fold at Unix time `now`. `count`: its account anew, which looks at every result."""
    over = state.finished_at is not None
    elapsed = state.elapsed_s if over or state.started_at is None else max(0.0, now - state.started_at)
    finished = RunFinished(
        outcome=state.outcome,
        exit_code=state.exit_code or 0,
        elapsed_ms=elapsed * 1000,
        resumable=state.resumable,
        message=state.message,
    )
    return RunFacts(
        state.run_id,
        state.status,
        state.started_at,
        elapsed,
        state.started.command if state.started else "",
        figures_of(state),
        before.disk,
        live=not over,
        last=state.finished_at,
        folder=before.folder,
        started_by=before.started_by or asked(state.started),
        finished=finished if over else None,
        account=account_of(state) if count or before.account is None else before.account,
    )


def values_of(facts: RunFacts) -> dict[str, float | str | None]:
    """What the columns are sorted by, and what an export holds."""
    f = facts.figures
    return {
        "run": facts.run_id,
        "state": facts.state,
        "started": facts.started,
        "command": facts.command,
        "asked": asked_words(facts.started_by),
        "took": facts.took,
        "stations": f.stations_done if f else None,
        "records": f.records if f else None,
        "pace": f.records_per_s if f else None,
        "p50": f.ttfb_p50_ms if f else None,
        "p95": f.ttfb_p95_ms if f else None,
        "errors": f.error_rate if f else None,
        "ratio": f.ratio if f else None,
        "disk": facts.disk,
    }


def cells_of(facts: RunFacts, mark: str, *, shown: bool) -> tuple[Cell, ...]:
    """A cell for each column. `mark`: A, B or nothing; `shown`: it is the run on screen."""
    f = facts.figures
    glyph, word, role = PHASES.get(facts.state, CUT)
    started = "–" if facts.started is None else f"{datetime.fromtimestamp(facts.started, UTC):%m-%d %H:%M}Z"
    errors = f.error_rate if f else None
    return (
        Cell(mark, "key"),
        Cell(facts.run_id or "–", "head" if shown else "text"),
        Cell(f"{glyph} {word.lower()}", role),
        Cell(started, "dim"),
        Cell(facts.command or "–", "dim"),
        Cell(asked_words(facts.started_by) or "–", "dim"),
        Cell("–" if facts.took is None else units.clock(facts.took)),
        Cell(f"{f.stations_done}/{f.stations}" if f else "–"),
        Cell(units.count(f.records) if f else "–"),
        Cell(units.count(f.records_per_s) if f and f.records_per_s is not None else "–"),
        Cell(units.ms(f.ttfb_p50_ms if f else None)),
        Cell(units.ms(f.ttfb_p95_ms if f else None)),
        Cell(units.percent(errors), "warn" if errors is not None and errors > _MANY else "text"),
        Cell(units.ratio(f.ratio if f else None)),
        Cell(units.size(facts.disk) if facts.disk is not None else "–", "dim"),
    )


def order_runs(runs: Iterable[RunFacts], by: str, *, reverse: bool) -> list[RunFacts]:
    """Sorted by a column; unknown values last, ties by id."""
    values: Mapping[str, Any] = {run.run_id: values_of(run)[by] for run in runs}
    known = [run for run in runs if values[run.run_id] is not None]
    known.sort(key=lambda run: run.run_id)
    known.sort(key=lambda run: values[run.run_id], reverse=reverse)
    return [*known, *(run for run in runs if values[run.run_id] is None)]
