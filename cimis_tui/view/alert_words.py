"""Alert rules and alerts in words, each number with its unit; and what happened to them. Pure."""

from __future__ import annotations

from typing import Any

from cimis_engine.run.alerts import CRITICAL, RULES, in_words
from cimis_engine.run.events import AlertAcknowledged, AlertCleared, AlertMuted, AlertRaised, RuleRef
from cimis_engine.run.state import AlertEvent, RunState
from cimis_tui.view import units
from cimis_tui.view.cells import Cell, Line

_SEVERITIES = {CRITICAL: ("✗", "CRIT", "bad")}
_WARNING = ("▲", "WARN", "warn")


def severity_words(severity: str) -> tuple[str, str, str]:
    """Glyph, word, role."""
    return _SEVERITIES.get(severity, _WARNING)


def rules_of(state: RunState) -> list[RuleRef]:
    """The rules in force in this run; those of this version where the journal is too old to tell."""
    started = state.started
    return started.rules if started is not None and started.rules else [rule.ref() for rule in RULES]


def rule_of(state: RunState, name: str) -> RuleRef:
    """A rule by its name; for one that nobody knows, one without a unit."""
    for rule in rules_of(state):
        if rule.name == name:
            return rule
    nothing: dict[str, Any] = {"description": "", "warn": None, "critical": None, "clear": 0.0}
    return RuleRef(name=name, subject="run", unit="", for_s=0, window_s=0, minimum=0, **nothing)


def condition(rule: RuleRef, limit: float) -> str:
    """`fetch p50 > 2,000 ms`."""
    return f"{rule.name.replace('_', ' ')} {'<' if rule.low_is_bad else '>'} {in_words(limit, rule.unit)}"


def subject_words(state: RunState, subject: str) -> str:
    """`run`, or a station by number and name."""
    number = int(subject) if subject.isdigit() else None
    station = state.stations.get(number) if number is not None else None
    return f"{subject} {station.ref.name}" if station is not None else subject


def critical_since(state: RunState, now: float, since: float) -> list[str]:
    """What became critical after that time and still is, is not muted, and was not acknowledged: in words."""
    found = []
    for t, event in reversed(state.alert_log):
        if t <= since:
            break
        if not isinstance(event, AlertRaised) or event.severity != CRITICAL:
            continue
        active = state.active_alerts.get((event.rule, event.subject))
        if active is None or active.raised is not event or active.acknowledged:
            continue
        if state.muted_until(event.rule, event.subject, now) is None:
            rule = rule_of(state, event.rule)
            value = in_words(event.value, rule.unit)
            found.append(f"{condition(rule, event.limit)}: {value} ({subject_words(state, event.subject)})")
    return found[::-1]


def present_history(state: RunState) -> tuple[Line, ...]:
    """What happened to alerts, the newest first."""
    return tuple(_happened(state, t, event) for t, event in reversed(state.alert_log))


def _happened(state: RunState, t: float, event: AlertEvent) -> Line:
    rule = rule_of(state, event.rule)
    what = f"{rule.name.replace('_', ' ')} ({subject_words(state, event.subject)})"
    match event:
        case AlertRaised(severity=severity, value=value, limit=limit):
            glyph, word, role = severity_words(severity)
            said = f"{condition(rule, limit)}: {in_words(value, rule.unit)} ({subject_words(state, event.subject)})"
        case AlertCleared(value=value):
            glyph, word, role, said = "✓", "cleared", "ok", f"{what}: {in_words(value, rule.unit)}"
        case AlertAcknowledged():
            glyph, word, role, said = "·", "acknowledged", "dim", what
        case AlertMuted(until=until):
            glyph, word, role = "·", "muted" if until is not None else "unmuted", "dim"
            said = f"{what} until {units.of_day(until)}Z" if until is not None else what
    return (Cell(f"{units.of_day(t)}Z  ", "dim"), Cell(f"{glyph} {word:<12}  ", role), Cell(said))
