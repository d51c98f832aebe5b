"""The alerts of a run and its rules, as rows and lines for their screen. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cimis_engine.run.alerts import CRITICAL, RULES
from cimis_engine.run.events import AlertAcknowledged, AlertCleared, AlertMuted, AlertRaised, RuleRef
from cimis_engine.run.state import AlertEvent, RunState
from cimis_engine.run.trails import LENGTH, STEP
from cimis_tui.view import units
from cimis_tui.view.bars import spark
from cimis_tui.view.cells import Cell, Line, fit, pad
from cimis_tui.view.columns import Column

Key = tuple[str, str, float]
"""Of a row: rule, subject (empty for a rule that never fired), and when it cleared (0: it has not)."""

COLUMNS = (
    Column("glyph", "", 2, right=False),
    Column("severity", "SEV", 4, right=False, help="severity"),
    Column("rule", "RULE", 20, right=False, help="what is watched, and its limit", most=24),
    Column("subject", "SUBJECT", 9, 80, right=False, help="what it is about", most=20),
    Column("value", "VALUE", 12, help="as measured now, or when it was raised"),
    Column("state", "STATE", 13, right=False, help="firing, acknowledged, muted, cleared, ok"),
    Column("since", "SINCE", 9, 100, help="when it was raised, UTC"),
    Column("for", "FOR", 6, 80, help="how long it fires, or fired"),
    Column("note", "NOTE", 12, 120, right=False, help="what to know", most=60),
)
_SEVERITY = {CRITICAL: ("✗", "CRIT", "bad"), "warning": ("▲", "WARN", "warn")}


@dataclass(frozen=True, slots=True)
class AlertItem:
    """A row of the list. `state`: firing, acknowledged, muted, cleared or ok."""

    key: Key
    cells: tuple[Cell, ...]
    state: str
    station: int | None
    description: str
    record: tuple[tuple[str, Any], ...]
    """For a file: (name, value) pairs."""


@dataclass(frozen=True, slots=True)
class RuleItem:
    """A rule with its numbers in words, what it measures now, and that of the last ten minutes."""

    name: str
    warn: str
    critical: str
    clear: str
    wait: str
    now: str
    trail: tuple[float | None, ...]
    """How near its worse limit it was, oldest first: 1 at the limit or past it; None: too few samples to judge by."""
    role: str


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
    return f"{rule.name.replace('_', ' ')} {'<' if rule.low_is_bad else '>'} {units.measured(limit, rule.unit)}"


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
            value = units.measured(event.value, rule.unit)
            found.append(f"{condition(rule, event.limit)}: {value} ({subject_words(state, event.subject)})")
    return found[::-1]


def present_alerts_screen(state: RunState, now: float) -> AlertFacts:
    """Everything the screen shows at Unix time `now`: what fires first, then what cleared, then what never fired."""
    rules = rules_of(state)
    measured = _measure(state, now)
    firing = sorted((_firing(state, now, key, measured) for key in state.active_alerts), key=_first)
    ended = [_ended(state, n, now) for n in range(len(state.ended_alerts) - 1, -1, -1)]
    spoken = {item.key[0] for item in (*firing, *ended)}
    calm = [_calm(state, rule, now, measured) for rule in rules if rule.name not in spoken]
    waiting = sum(item.state == "firing" for item in firing)
    return AlertFacts(
        items=(*firing, *ended, *calm),
        rules=tuple(_rule(state, rule, now, measured) for rule in rules),
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


def _measure(state: RunState, now: float) -> dict[tuple[str, str], float]:
    """What each rule of this version measures now, by rule and subject, where there is enough to judge by."""
    return {
        (rule.name, subject): value
        for rule in RULES
        for subject, value, samples in rule.measure(state, now, rule.window_s)
        if samples >= rule.minimum
    }


def _firing(state: RunState, now: float, key: tuple[str, str], measured: dict[tuple[str, str], float]) -> AlertItem:
    alert = state.active_alerts[key]
    until = state.muted_until(*key, now)
    status = "muted" if until is not None else "acknowledged" if alert.acknowledged else "firing"
    words = f"muted {units.span(until - now)}" if until is not None else status
    raised = units.measured(alert.raised.value, rule_of(state, key[0]).unit)
    return _item(
        state,
        (*key, 0.0),
        status,
        words,
        alert.raised,
        value=measured.get(key, alert.raised.value),
        since=alert.since,
        lasted=now - alert.since,
        note=f"raised at {raised}",
    )


def _ended(state: RunState, index: int, now: float) -> AlertItem:
    alert = state.ended_alerts[index]
    until = state.muted_until(alert.raised.rule, alert.raised.subject, now)
    return _item(
        state,
        (alert.raised.rule, alert.raised.subject, alert.ended),
        "cleared",
        "cleared" if until is None else f"mute {units.span(until - now)}",
        alert.raised,
        value=alert.raised.value,
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
    value: float,
    since: float,
    lasted: float,
    note: str,
) -> AlertItem:
    rule = rule_of(state, raised.rule)
    glyph, word, role = _SEVERITY.get(raised.severity, _SEVERITY["warning"])
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
            Cell(units.measured(value, rule.unit), body),
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
                "value": value,
                "limit": raised.limit,
                "unit": rule.unit,
                "since": since,
                "seconds": round(max(0.0, lasted), 3),
            }.items()
        ),
    )


def _calm(state: RunState, rule: RuleRef, now: float, measured: dict[tuple[str, str], float]) -> AlertItem:
    limit = rule.warn if rule.warn is not None else rule.critical if rule.critical is not None else rule.clear
    values = [value for (name, _), value in measured.items() if name == rule.name]
    value = max(values) if values else None
    until = state.muted_until(rule.name, rule.subject, now)
    record = {
        "severity": "",
        "rule": rule.name,
        "subject": rule.subject,
        "state": "ok",
        "value": value,
        "limit": limit,
        "unit": rule.unit,
        "since": None,
        "seconds": None,
    }
    return AlertItem(
        key=(rule.name, rule.subject if rule.subject == "run" else "", 0.0),
        cells=(
            Cell("·", "dim"),
            Cell("ok", "dim"),
            Cell(condition(rule, limit), "dim"),
            Cell(rule.subject if rule.subject == "run" else f"any {rule.subject}", "dim"),
            Cell(units.measured(value, rule.unit) if value is not None else units.ABSENT, "dim"),
            Cell("ok" if until is None else f"muted {units.span(until - now)}", "dim"),
            Cell(units.ABSENT, "dim"),
            Cell(units.ABSENT, "dim"),
            Cell("never fired" if value is not None else "too few to judge", "dim"),
        ),
        state="ok",
        station=None,
        description=_description(rule),
        record=tuple(record.items()),
    )


def _description(rule: RuleRef) -> str:
    return f"{rule.name}: {rule.description}" if rule.description else rule.name


def _rule(state: RunState, rule: RuleRef, now: float, measured: dict[tuple[str, str], float]) -> RuleItem:
    values = [value for (name, _), value in measured.items() if name == rule.name]
    trail = tuple(_nearness(rule, value) for value in state.trails.series(rule.name, now))
    severities = [a.raised.severity for (name, _), a in state.active_alerts.items() if name == rule.name]
    role = "bad" if CRITICAL in severities else "warn" if severities else "text"
    return RuleItem(
        name=rule.name.replace("_", " "),
        warn=_limit(rule, rule.warn),
        critical=_limit(rule, rule.critical),
        clear=f"{'≥' if rule.low_is_bad else '≤'} {units.measured(rule.clear, rule.unit)}",
        wait=f"{rule.for_s:.0f} s" if rule.for_s else "at once",
        now=units.measured(max(values), rule.unit) if values else units.ABSENT,
        trail=trail,
        role=role,
    )


def _nearness(rule: RuleRef, value: float | None) -> float | None:
    """How near a value is to the first limit it meets, 0..1."""
    limit = rule.warn if rule.warn is not None else rule.critical
    if value is None or limit is None:
        return None
    near, far = (limit, value) if rule.low_is_bad else (value, limit)
    return 1.0 if near >= far > 0 or near > far else near / far if far else 0.0


def _limit(rule: RuleRef, limit: float | None) -> str:
    if limit is None:
        return units.ABSENT
    return f"{'<' if rule.low_is_bad else '>'} {units.measured(limit, rule.unit)}"


_NAME, _VALUE, _WAIT = 13, 14, 8
_TOP = 8 / 7
"""So that the limit is at ▇: full blocks of neighbouring lines would run into each other."""


def present_rules(facts: AlertFacts | None, width: int, height: int) -> tuple[Line, ...]:
    """A line a rule: its limits, how long past them before it is raised, where it clears, the last ten minutes."""
    if facts is None:
        return ()
    room = width - _NAME - 1
    names = [name for name, least in (("warn", 0), ("critical", 0), ("clear", 60), ("wait", 90), ("now", 40))
             if width >= least]  # fmt: skip
    for name in names:
        room -= (_WAIT if name == "wait" else _VALUE) + 1
    trail = min(LENGTH, max(0, room - 1))
    titles = {"warn": "WARN", "critical": "CRITICAL", "clear": "CLEAR AT", "wait": "AFTER", "now": "NOW"}
    head = "RULE".ljust(_NAME) + " "
    head += " ".join(titles[n].rjust(_WAIT if n == "wait" else _VALUE) for n in names)
    head += f"  {'LAST 10 MIN'.ljust(trail)}" if trail >= 11 else ""
    lines: list[Line] = [(Cell(head, "dim"),)]
    for rule in facts.rules[: height - 1]:
        cells = [Cell(pad(rule.name, _NAME) + " ", rule.role)]
        for name in names:
            text = getattr(rule, name)
            wide = _WAIT if name == "wait" else _VALUE
            role = rule.role if name == "now" else "dim" if text == units.ABSENT else "text"
            cells.append(Cell(text.rjust(wide) + " ", role))
        if trail >= 11:
            cells.append(Cell(" " + spark(rule.trail, trail, top=_TOP), "spark"))
        lines.append(tuple(cells))
    return tuple(lines)


def rules_title(facts: AlertFacts) -> tuple[str, str]:
    """Above and below the rules: whose they are, and how to read the picture."""
    whose = "as [alerts] of cimis.toml has them" if facts.told else "of this version: this journal tells none"
    legend = f"▁ far from the limit   ▇ at it or past it   blank: too few to judge   a column is {STEP} s or more"
    return f"Rules   {whose}", legend


def present_history(state: RunState) -> tuple[Line, ...]:
    """What happened to alerts, the newest first."""
    return tuple(_happened(state, t, event) for t, event in reversed(state.alert_log))


def _happened(state: RunState, t: float, event: AlertEvent) -> Line:
    rule = rule_of(state, event.rule)
    what = f"{rule.name.replace('_', ' ')} ({subject_words(state, event.subject)})"
    match event:
        case AlertRaised(severity=severity, value=value, limit=limit):
            glyph, word, role = _SEVERITY.get(severity, _SEVERITY["warning"])
            said = (
                f"{condition(rule, limit)}: {units.measured(value, rule.unit)} ({subject_words(state, event.subject)})"
            )
        case AlertCleared(value=value):
            glyph, word, role, said = "✓", "cleared", "ok", f"{what}: {units.measured(value, rule.unit)}"
        case AlertAcknowledged():
            glyph, word, role, said = "·", "acknowledged", "dim", what
        case AlertMuted(until=until):
            glyph, word, role = "·", "muted" if until is not None else "unmuted", "dim"
            said = f"{what} until {units.of_day(until)}Z" if until is not None else what
    return (Cell(f"{units.of_day(t)}Z  ", "dim"), Cell(f"{glyph} {word:<12}  ", role), Cell(said))


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
