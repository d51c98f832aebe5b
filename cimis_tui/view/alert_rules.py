"""The alert rules of a run as lines: limits, hysteresis, and how near its limit each was lately. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

from cimis_engine.run.alerts import CRITICAL, in_words
from cimis_engine.run.events import RuleRef
from cimis_engine.run.state import RunState
from cimis_engine.run.trails import STEP
from cimis_tui.view import units
from cimis_tui.view.bars import LEVELS
from cimis_tui.view.cells import Cell, Line, pad

_NAME = 12
_NOW = 12
"""Columns of what is measured now: it changes all the time, and the columns are to stay where they are."""
_GAP = 2
"""Blanks between columns; a name is followed by one, for the limits are at the right of their column."""
_FIRST = ("warn", "critical", "now", "clear", "wait")
"""Which columns matter most where there is not room for all."""
_TITLES = {"warn": "WARN", "critical": "CRITICAL", "clear": "CLEAR AT", "wait": "AFTER", "now": "NOW"}
"""The columns of numbers, in their order."""
_TRAIL = "LAST 10 MIN"
"""The heading of the curves; `now` stands at its other end."""
_TALL = 4
"""At most so many rows a rule."""
_LIMIT = "┄"
"""Where the limit is, in a curve of more rows than one."""


@dataclass(frozen=True, slots=True)
class RuleItem:
    """A rule with its numbers in words, what it measures now, and that of the last ten minutes."""

    name: str
    description: str
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
        description=rule.description,
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
    near, far = value, limit
    if rule.low_is_bad:
        # No share is better than 1, so what is lacking of it nears the limit; what has no best value is put over it.
        near, far = (1 - value, 1 - limit) if rule.unit == "ratio" else (limit, value)
    return 1.0 if near >= far > 0 or near > far else near / far if far else 0.0


def _limit(rule: RuleRef, limit: float | None) -> str:
    if limit is None:
        return units.ABSENT
    return f"{'<' if rule.low_is_bad else '>'} {in_words(limit, rule.unit)}"


def present_rules(rules: Sequence[RuleItem], width: int, height: int) -> tuple[Line, ...]:
    """A rule in a line: its limits, where it clears, how long past a limit before it is raised, the last ten minutes.

    With height to spare the curve takes more rows, and beneath the numbers stands what the rule is about.
    """
    widths = _widths(rules)
    shown, used = set[str](), _NAME + 1 - _GAP
    for name in _FIRST:
        if used + _GAP + widths[name] <= width:
            shown.add(name)
            used += _GAP + widths[name]
    columns = [name for name in _TITLES if name in shown]
    gaps = {name: _GAP if n else 1 for n, name in enumerate(columns)}
    trail = width - used - 2
    trail = trail if trail > len(_TRAIL) + 3 else 0
    tall = min(_TALL, max(1, (height - 1) // max(1, len(rules)))) if trail else 1
    head = "RULE".ljust(_NAME) + "".join(_TITLES[name].rjust(gaps[name] + widths[name]) for name in columns)
    lines: list[Line] = [(Cell(head + ("  " + _TRAIL.ljust(trail - 3) + "now" if trail else ""), "dim"),)]
    for rule in rules[: height - 1]:
        cells = [Cell(pad(rule.name, _NAME), rule.role)]
        for name in columns:
            text = getattr(rule, name)
            role = rule.role if name == "now" else "dim" if text == units.ABSENT else "text"
            cells.append(Cell(text.rjust(gaps[name] + widths[name]), role))
        left: list[Line] = [tuple(cells), *_about(rule.description, used, tall - 1)]
        if not trail:
            lines += left
            continue
        lines += [(*line, Cell("  "), *row) for line, row in zip(left, _curve(rule.trail, trail, tall), strict=True)]
    return tuple(lines)


def _widths(rules: Sequence[RuleItem]) -> dict[str, int]:
    """Of each column what its title and its longest text take."""
    texts = {name: [title, *(getattr(rule, name) for rule in rules)] for name, title in _TITLES.items()}
    return {name: max(_NOW if name == "now" else 0, *map(len, told)) for name, told in texts.items()}


@lru_cache(64)
def _about(description: str, width: int, rows: int) -> tuple[Line, ...]:
    """What a rule is about in so many rows, broken at blanks; what is left over is cut off in the last."""
    words = textwrap.wrap(description, width - 2)
    told = [*words[: rows - 1], " ".join(words[rows - 1 :])] if rows else []
    return tuple((Cell(pad(f"  {text}", width), "dim"),) for text in [*told, *([""] * rows)][:rows])


@lru_cache(64)
def _curve(values: tuple[float | None, ...], width: int, tall: int) -> tuple[Line, ...]:
    """`tall` rows of `width` columns, the topmost first, over the whole of the time whatever the width.

    The last but one level is for what is at its limit or past it, and for nothing below: full blocks of neighbouring
    rules would run into each other.
    It is the same for ten seconds, and frames come several a second: the last ones are kept.
    """
    count, rows = len(values), [""] * tall
    for column in range(width):
        first = column * count // width
        known = [value for value in values[first : max(first + 1, (column + 1) * count // width)] if value is not None]
        filled = 1 + int(max(known) * (8 * tall - 2)) if known else 0
        for row in range(tall):
            part = min(8, max(0, filled - 8 * (tall - 1 - row)))
            rows[row] += LEVELS[part - 1] if part else _LIMIT if row == 0 and tall > 1 else " "
    return tuple(
        tuple(Cell("".join(run), "track" if limit else "spark") for limit, run in groupby(row, key=_LIMIT.__eq__))
        for row in rows
    )


def rules_title(told: bool) -> tuple[str, str]:
    """Above and below the rules: whose they are (`told`: the journal says), and how to read the picture."""
    whose = "as [alerts] of cimis.toml has them" if told else "of this version: this journal tells none"
    legend = f"low: far from the limit   high: at or past it   blank: too few to judge   {STEP} s a value"
    return f"Rules   {whose}", legend
