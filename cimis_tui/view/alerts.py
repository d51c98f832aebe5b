"""The alerts of a run and its rules, as rows and lines for their screen. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cimis_engine.run.alerts import CRITICAL, RULES, in_words, is_past
from cimis_engine.run.events import AlertRaised, RuleRef
from cimis_engine.run.state import RunState
from cimis_tui.view import units
from cimis_tui.view.alert_rules import RuleItem, present_rule
from cimis_tui.view.alert_words import condition, present_history, rule_of, rules_of, severity_words, subject_words
from cimis_tui.view.cells import Cell, Line, fit
from cimis_tui.view.columns import Column

Key = tuple[str, str, float]
"""Of a row: rule, subject (empty for a rule that never fired), and when it cleared (0: it has not)."""
Measured = dict[tuple[str, str], float]
"""By rule and subject; one of which there is too little to judge by is not in it."""
_TOO_FEW = "too few to judge"
_PAST = "past limit"
"""Of a value whose alert has not been raised: most rules wait some seconds."""

COLUMNS = (
    Column("glyph", "", 2, right=False),
    Column("severity", "SEV", 4, 130, right=False, help="severity"),
    Column("rule", "RULE", 21, right=False, help="what is watched, and its limit", most=23),
    Column("subject", "SUBJECT", 8, right=False, help="what it is about", most=20),
    Column("now", "NOW", 12, help="as measured now"),
    Column("raised", "RAISED", 12, 80, help="what it was when it was raised"),
    Column("state", "STATE", 12, right=False, help="firing, acknowledged, muted, cleared, past limit (not raised), ok"),
    Column("since", "SINCE", 9, 100, help="when it was raised, UTC"),
    Column("for", "FOR", 6, 90, help="how long it fires, or fired"),
    Column("note", "NOTE", 20, 120, right=False, help="what to know", most=32),
)
"""Of the severity the glyph tells too, and whether it fires the state: its word is the first to go."""


@dataclass(frozen=True, slots=True)
class AlertItem:
    """A row of the list. `state`: firing, acknowledged, muted, cleared, past limit or ok."""

    key: Key
    cells: tuple[Cell, ...]
    state: str
    station: int | None
    description: str
    record: tuple[tuple[str, Any], ...]
    """For a file: (name, value) pairs."""


@dataclass(frozen=True, slots=True)
class AlertFacts:
    items: tuple[AlertItem, ...]
    rules: tuple[RuleItem, ...]
    told: bool
    """Whether the journal tells its rules; else these are this version's."""
    firing: int
    quiet: int
    cleared: int
    history: tuple[Line, ...]


def present_alerts_screen(state: RunState, now: float) -> AlertFacts:
    """Everything the screen shows at Unix time `now`: what fires first, then what cleared, then what never fired."""
    rules = rules_of(state)
    measured = _measure(state, now)
    firing = sorted((_firing(state, now, key, measured) for key in state.active_alerts), key=_first)
    ended = [_ended(state, n, now, measured) for n in range(len(state.ended_alerts) - 1, -1, -1)]
    spoken = {item.key[0] for item in (*firing, *ended)}
    calm = [_calm(state, rule, now, measured) for rule in rules if rule.name not in spoken]
    waiting = sum(item.state == "firing" for item in firing)
    return AlertFacts(
        items=(*firing, *ended, *calm),
        rules=tuple(present_rule(state, rule, now, measured) for rule in rules),
        told=bool(state.started and state.started.rules),
        firing=waiting,
        quiet=len(firing) - waiting,
        cleared=len(ended),
        history=present_history(state),
    )


def _first(item: AlertItem) -> tuple[int, bool, float]:
    record = dict(item.record)
    order = ("firing", "acknowledged", "muted").index(item.state)
    return order, record["severity"] != CRITICAL, -record["since"]


def _measure(state: RunState, now: float) -> Measured:
    """What each rule of this version measures now, by rule and subject, where there is enough to judge by."""
    return {
        (rule.name, subject): value
        for rule in RULES
        for subject, value, samples in rule.measure(state, now, rule.window_s)
        if samples >= rule.minimum
    }


def _firing(state: RunState, now: float, key: tuple[str, str], measured: Measured) -> AlertItem:
    alert = state.active_alerts[key]
    until = state.muted_until(*key, now)
    status = "muted" if until is not None else "acknowledged" if alert.acknowledged else "firing"
    words = f"muted {units.span(until - now)}" if until is not None else status
    rule = rule_of(state, key[0])
    clears = f"clears {'≥' if rule.low_is_bad else '≤'} {in_words(rule.clear, rule.unit)}"
    return _item(
        state,
        (*key, 0.0),
        status,
        words,
        alert.raised,
        value=measured.get(key),
        since=alert.since,
        lasted=now - alert.since,
        note=clears if key in measured else _TOO_FEW,
    )


def _ended(state: RunState, index: int, now: float, measured: Measured) -> AlertItem:
    alert = state.ended_alerts[index]
    until = state.muted_until(alert.raised.rule, alert.raised.subject, now)
    return _item(
        state,
        (alert.raised.rule, alert.raised.subject, alert.ended),
        "cleared",
        "cleared" if until is None else f"mute {units.span(until - now)}",
        alert.raised,
        value=measured.get((alert.raised.rule, alert.raised.subject)),
        since=alert.since,
        lasted=alert.ended - alert.since,
        note=f"ended {units.of_day(alert.ended)}Z",
    )


def _item(
    state: RunState,
    key: Key,
    status: str,
    words: str,
    raised: AlertRaised,
    *,
    value: float | None,
    since: float,
    lasted: float,
    note: str,
) -> AlertItem:
    rule = rule_of(state, raised.rule)
    glyph, word, role = severity_words(raised.severity)
    loud = role if status == "firing" else "dim"
    body = "text" if status in ("firing", "acknowledged", "muted") else "dim"
    subject = subject_words(state, raised.subject)
    return AlertItem(
        key=key,
        cells=(
            Cell(glyph if status != "cleared" else "✓", loud),
            Cell(word, loud),
            Cell(condition(rule, raised.limit), loud if status == "firing" else body),
            Cell(subject, body),
            Cell(_said(value, rule), body if value is not None else "dim"),
            Cell(in_words(raised.value, rule.unit), body),
            Cell(words, loud),
            Cell(f"{units.of_day(since)}Z", "dim"),
            Cell(units.span(max(0.0, lasted)), body),
            Cell(note, "dim"),
        ),
        state=status,
        station=int(raised.subject) if raised.subject.isdigit() else None,
        description=_description(rule),
        record=tuple(
            {
                "severity": raised.severity,
                "rule": raised.rule,
                "subject": raised.subject,
                "state": status,
                "now": value,
                "raised": raised.value,
                "limit": raised.limit,
                "unit": rule.unit,
                "since": since,
                "seconds": round(max(0.0, lasted), 3),
            }.items()
        ),
    )


def _calm(state: RunState, rule: RuleRef, now: float, measured: Measured) -> AlertItem:
    limit = rule.warn if rule.warn is not None else rule.critical if rule.critical is not None else rule.clear
    values = [value for (name, _), value in measured.items() if name == rule.name]
    value = max(values) if values else None
    past = value is not None and is_past(rule, value, limit)
    stands = units.ABSENT if value is None else _PAST if past else "ok"
    role = "warn" if past else "dim"
    waits = f"raised after {rule.for_s:.0f} s" if past and rule.for_s else "never fired"
    until = state.muted_until(rule.name, rule.subject, now)
    record = {
        "severity": "",
        "rule": rule.name,
        "subject": rule.subject,
        "state": None if value is None else stands,
        "now": value,
        "raised": None,
        "limit": limit,
        "unit": rule.unit,
        "since": None,
        "seconds": None,
    }
    return AlertItem(
        key=(rule.name, rule.subject if rule.subject == "run" else "", 0.0),
        cells=(
            Cell("·", role),
            Cell(units.ABSENT if past else stands, "dim"),
            Cell(condition(rule, limit), "dim"),
            Cell(rule.subject if rule.subject == "run" else f"any {rule.subject}", "dim"),
            Cell(_said(value, rule), role),
            Cell(units.ABSENT, "dim"),
            Cell(stands, role) if until is None else Cell(f"muted {units.span(until - now)}", "dim"),
            Cell(units.ABSENT, "dim"),
            Cell(units.ABSENT, "dim"),
            Cell(_TOO_FEW if value is None else waits, "dim"),
        ),
        state=_PAST if past else "ok",
        station=None,
        description=_description(rule),
        record=tuple(record.items()),
    )


def _said(value: float | None, rule: RuleRef) -> str:
    return units.ABSENT if value is None else in_words(value, rule.unit)


def _description(rule: RuleRef) -> str:
    name = rule.name.replace("_", " ")
    return f"{name}: {rule.description}" if rule.description else name


def list_title(facts: AlertFacts) -> str:
    """Above the list: how many there are of what."""
    parts = fit(
        (
            (Cell(f"{facts.firing} firing"),),
            (Cell(f"{facts.quiet} acknowledged or muted"),) if facts.quiet else (),
            (Cell(f"{facts.cleared} cleared"),) if facts.cleared else (),
            (Cell(f"{len(facts.rules)} rules"),),
        ),
        200,
    )
    return "Alerts   " + "".join(cell.text for cell in parts)
