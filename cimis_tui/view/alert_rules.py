"""The alert rules of a run as lines: limits, hysteresis, and how near its limit each was lately. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cimis_engine.run.alerts import CRITICAL, in_words
from cimis_engine.run.events import RuleRef
from cimis_engine.run.state import RunState
from cimis_engine.run.trails import LENGTH, STEP
from cimis_tui.view import units
from cimis_tui.view.bars import spark
from cimis_tui.view.cells import Cell, Line, pad

_NAME = 13
_WIDTHS = {"warn": 14, "critical": 14, "clear": 13, "wait": 7, "now": 12}
_FIRST = ("warn", "critical", "now", "clear", "wait")
"""Which columns matter most where there is not room for all."""
_TITLES = {"warn": "WARN", "critical": "CRITICAL", "clear": "CLEAR AT", "wait": "AFTER", "now": "NOW"}
_TRAIL = "LAST 10 MIN"
_TOP = 8 / 7
"""So that the limit is at ▇: full blocks of neighbouring lines would run into each other."""


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


def present_rule(state: RunState, rule: RuleRef, now: float, measured: Mapping[tuple[str, str], float]) -> RuleItem:
    values = [value for (name, _), value in measured.items() if name == rule.name]
    trail = tuple(_nearness(rule, value) for value in state.trails.series(rule.name, now))
    severities = [a.raised.severity for (name, _), a in state.active_alerts.items() if name == rule.name]
    role = "bad" if CRITICAL in severities else "warn" if severities else "text"
    return RuleItem(
        name=rule.name.replace("_", " "),
        warn=_limit(rule, rule.warn),
        critical=_limit(rule, rule.critical),
        clear=f"{'≥' if rule.low_is_bad else '≤'} {in_words(rule.clear, rule.unit)}",
        wait=f"{rule.for_s:.0f} s" if rule.for_s else "at once",
        now=in_words(max(values), rule.unit) if values else units.ABSENT,
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
    return f"{'<' if rule.low_is_bad else '>'} {in_words(limit, rule.unit)}"


def present_rules(rules: Sequence[RuleItem], width: int, height: int) -> tuple[Line, ...]:
    """A line a rule: its limits, where it clears, how long past a limit before it is raised, the last ten minutes."""
    shown, used = set[str](), _NAME
    for name in _FIRST:
        if used + _WIDTHS[name] + 1 <= width:
            shown.add(name)
            used += _WIDTHS[name] + 1
    columns = [name for name in _WIDTHS if name in shown]
    trail = min(LENGTH, width - used - 2)
    trail = trail if trail >= len(_TRAIL) else 0
    head = "RULE".ljust(_NAME) + "".join(" " + _TITLES[name].rjust(_WIDTHS[name]) for name in columns)
    lines: list[Line] = [(Cell(head + (f"  {_TRAIL}" if trail else ""), "dim"),)]
    for rule in rules[: height - 1]:
        cells = [Cell(pad(rule.name, _NAME), rule.role)]
        for name in columns:
            text = getattr(rule, name)
            role = rule.role if name == "now" else "dim" if text == units.ABSENT else "text"
            cells.append(Cell(f" {text.rjust(_WIDTHS[name])}", role))
        cells += [Cell("  " + spark(rule.trail, trail, top=_TOP), "spark")] if trail else []
        lines.append(tuple(cells))
    return tuple(lines)


def rules_title(told: bool) -> tuple[str, str]:
    """Above and below the rules: whose they are (`told`: the journal says), and how to read the picture."""
    whose = "as [alerts] of cimis.toml has them" if told else "of this version: this journal tells none"
    legend = f"▁ far from the limit   ▇ at it or past it   blank: too few to judge   a column is {STEP} s or more"
    return f"Rules   {whose}", legend
