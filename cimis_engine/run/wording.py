"""Events into words: the one place where the log's sentences are made. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cimis_engine.run import events as ev
from cimis_engine.run.alerts import RULES, in_words
from cimis_engine.run.reason_words import reason_words

if TYPE_CHECKING:
    from cimis_engine.run.tallies import StationState

SILENT = frozenset(
    (
        ev.JobStarted,
        ev.PageStarted,
        ev.PageFinished,
        ev.AttemptStarted,
        ev.AttemptFinished,
        ev.ChunkStarted,
        ev.Resources,
    )
)
"""Kinds that say nothing in the log: most of the journal, so not even asked."""


def describe(event: ev.Event, stations: Mapping[int, StationState]) -> Iterator[tuple[str, str]]:
    """The log lines of an event as (level, text); those of a station begin with its number and name."""
    number = getattr(event, "station", None)
    who = f"{number} {stations[number].ref.name}  " if isinstance(number, int) else ""
    for level, text in _words(event):
        yield level, who + text


def _words(event: ev.Event) -> Iterator[tuple[str, str]]:
    match event:
        case ev.RunStarted(run_id=run, stations=stations, jobs=jobs, stored=stored, notes=notes):
            pages = sum(j.pages for j in jobs)
            held = f", {stored} station-years already stored" if stored else ""
            yield "INFO", f"run {run}: {len(stations)} stations, {len(jobs)} jobs, {pages} pages{held}"
            for note in notes:
                yield "INFO", note
        case ev.RunFinished(outcome=outcome, exit_code=code, elapsed_ms=ms, message=message):
            level = {"done": "INFO", "failed": "ERROR"}.get(outcome, "WARN")
            yield level, f"run {outcome} after {ms / 1000:.1f} s, exit code {code}{_tail(message)}"
        case ev.RunFailed(error_class=cls, message=message, hint=hint):
            yield "ERROR", f"run stopped: {_why(cls, message)}{_tail(hint)}"
        case ev.RunPaused(reason=reason):
            yield "INFO", "draining: no new pages" if reason == "drain" else "paused"
        case ev.RunResumed() | ev.StationResumed():
            yield "INFO", "resumed"
        case ev.StationPaused():
            yield "INFO", "paused"
        case ev.JobFinished(records=records, missing=missing):
            yield "INFO", f"job done: {records:,} records" + (f", {missing:,} missing" if missing else "")
        case ev.JobFailed(error_class="cancelled"):
            yield "WARN", "cancelled"
        case ev.JobFailed(error_class=cls, message=message, attempts=attempts):
            yield "ERROR", f"failed: {_why(cls, message)} (attempts {attempts})"
        case ev.JobQueued():
            yield "INFO", "queued again"
        case ev.AttemptFailed(verdict="split", page=page, reason=reason):
            yield "WARN", f"page {page} is split: {reason}"
        case ev.RetryScheduled(attempt=n, max_attempts=of, delay_ms=ms, cause=cause):
            yield "WARN", f"retryable: {reason_words(cause)}; attempt {n}/{of} in {ms / 1000:.1f} s"
        case ev.ChunkFinished(year=year, changed=False):
            yield "INFO", f"{year} unchanged"
        case ev.ChunkFinished(year=year, chunk_records=records, stored_bytes=stored, raw_bytes=raw, revised=revised):
            times = f" ({raw / stored:.1f}:1)" if stored else ""
            told = f", {revised:,} values revised by the agency" if revised else ""
            yield "INFO", f"{year} stored: {records:,} records, {stored:,} B{times}{told}"
        case ev.ChunkFailed(year=year, error_class=cls, message=message):
            yield "ERROR", f"{year} not stored: {_why(cls, message)}"
        case ev.ThrottleChanged(old=old, new=new, cause=cause, gate_until=gate):
            change = f"in flight {old} → {new}" if old != new else f"at most {new} in flight"
            level, waits = "WARN" if gate or new < old else "INFO", ", all wait" if gate else ""
            yield level, f"{change}: {reason_words(cause)}{waits}"
        case ev.AlertRaised(rule=rule, severity=severity, subject=subject, value=value, limit=limit):
            level = "ERROR" if severity == "critical" else "WARN"
            yield level, f"alert {rule} ({subject}): {_said(rule, value)}, limit {_said(rule, limit)}"
        case ev.AlertCleared(rule=rule, subject=subject, value=value):
            yield "INFO", f"alert {rule} ({subject}) cleared: {_said(rule, value)}"
        case ev.AlertAcknowledged(rule=rule, subject=subject):
            yield "INFO", f"alert {rule} ({subject}) acknowledged"
        case ev.AlertMuted(rule=rule, subject=subject, until=None):
            yield "INFO", f"alert {rule} ({subject}) is no longer muted"
        case ev.AlertMuted(rule=rule, subject=subject, until=float(until)):
            yield "INFO", f"alert {rule} ({subject}) muted until {datetime.fromtimestamp(until, UTC):%H:%M:%S}Z"
        case ev.ConcurrencyChanged(old=old, new=new):
            yield "INFO", f"the operator allows {new} in flight, {old} before"
        case ev.Warned(code=code, message=message):
            yield "WARN", f"{code}{_tail(message)}"


_ALERT_UNITS = {rule.name: rule.unit for rule in RULES}


def _said(rule: str, value: float) -> str:
    return in_words(value, _ALERT_UNITS.get(rule, ""))


def _why(error_class: str, message: str) -> str:
    """A class in words, and the message; many begin with their class."""
    return f"{reason_words(error_class)}{_tail(message.removeprefix(f'{error_class}: '))}"


def _tail(text: str) -> str:
    return f": {text}" if text else ""
