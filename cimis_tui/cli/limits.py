"""Limits of plausible values: the engine's defaults, and over them the `[plausible.SLUG]` tables of `cimis.toml`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from cimis_engine.errors import UsageError
from cimis_engine.model.items import Interval, parse_items
from cimis_engine.model.period import HOURS
from cimis_engine.model.plausible import DEFAULT_RULES, Limits, Rules
from cimis_tui.cli.settings import CONFIG_FILE, PLAUSIBLE, config

_KEYS = tuple(f.name for f in fields(Limits))
_HINT = f"write [{PLAUSIBLE}.hly-air-tmp], and below it low, high, step (metric units) and hours as numbers"


def plausibility(folder: Path) -> Rules:
    """The limits in force in a folder; a table changes only the keys it has. Raises `UsageError`."""
    given = config(folder / CONFIG_FILE).get(PLAUSIBLE, {})
    if not isinstance(given, dict):
        raise UsageError(f"'{PLAUSIBLE}' in {CONFIG_FILE} is no table", hint=_HINT)
    return {**DEFAULT_RULES, **{slug: _limits(slug, table) for slug, table in given.items()}}


def _limits(slug: str, given: Any) -> Limits:
    interval = Interval.HOURLY if slug.startswith("hly-") else Interval.DAILY
    (item,) = parse_items([slug], interval)
    numbers: Iterable[tuple[str, Any]] = given.items() if isinstance(given, dict) else [(slug, given)]
    for key, value in numbers:
        if key not in _KEYS or isinstance(value, bool) or not isinstance(value, int if key == "hours" else int | float):
            raise UsageError(f"not a limit of {slug} in {CONFIG_FILE}: {key} = {value}", hint=_HINT)
    base = DEFAULT_RULES.get(item.slug, Limits(hours=HOURS if interval is Interval.DAILY else 1))
    changed: dict[str, Any] = {key: value if key == "hours" else Decimal(str(value)) for key, value in numbers}
    limits = replace(base, **changed)
    if limits.hours < 1 or (interval is Interval.DAILY and limits.hours % HOURS):
        raise UsageError(
            f"hours of {slug} in {CONFIG_FILE} cannot be {limits.hours}", hint="whole days (24, 48 …) for daily items"
        )
    return limits
