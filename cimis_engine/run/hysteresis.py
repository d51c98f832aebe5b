"""Hysteresis: when the value of a rule becomes an alert, and when it ceases to be one. A state machine over `now`."""

from __future__ import annotations

from collections.abc import Sequence

from cimis_engine.run.alerts import CRITICAL, WARNING, Rule
from cimis_engine.run.events import AlertCleared, AlertRaised
from cimis_engine.run.state import RunState


class Hysteresis:
    """Remembers since when each value has been past a limit; which alerts are on is in the fold."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = rules
        self._since: dict[tuple[str, str, str], float] = {}

    def judge(self, state: RunState, now: float) -> list[AlertRaised | AlertCleared]:
        """What changed. A warning that becomes critical is raised again; a critical one stays so until it clears.

        Where there are too few samples to judge by, the time starts anew: what is not known was not past a limit.
        """
        changes: list[AlertRaised | AlertCleared] = []
        since: dict[tuple[str, str, str], float] = {}
        for rule in self._rules:
            for subject, value, samples in rule.measure(state, now, rule.window_s):
                if samples < rule.minimum:
                    continue
                worst = ""
                for severity in (WARNING, CRITICAL):
                    if rule.past(value, severity):
                        key = rule.name, subject, severity
                        since[key] = self._since.get(key, now)
                        worst = severity if now - since[key] >= rule.for_s else worst
                change = _change(rule, subject, value, worst, state)
                changes += [change] if change else []
        self._since = since
        return changes


def _change(rule: Rule, subject: str, value: float, worst: str, state: RunState) -> AlertRaised | AlertCleared | None:
    """`worst`: the severity whose limit the value has been past for long enough; empty for none."""
    active = state.active_alerts.get((rule.name, subject))
    if active is not None and rule.clears(value):
        return AlertCleared(rule=rule.name, subject=subject, value=value)
    limit = rule.limit(worst) if worst else None
    if limit is None or (active is not None and (worst, active.raised.severity) != (CRITICAL, WARNING)):
        return None
    return AlertRaised(rule=rule.name, severity=worst, subject=subject, value=value, limit=float(limit))
