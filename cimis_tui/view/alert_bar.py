"""The bar of alerts, below every screen while one fires. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from cimis_tui.view import units
from cimis_tui.view.cells import Cell, Line, fit, spread, width_of
from cimis_tui.view.frame import AlertRow

_ROOMY = 80
"""Columns from which on the bar has all its keys."""


def present_alerts(alerts: tuple[AlertRow, ...], width: int, keys: Sequence[tuple[str, str, str]] = ()) -> Line:
    """One line: how many, then each with its rule, subject and value; at the right the keys (key, word, action)."""
    waiting = sum(not alert.quiet for alert in alerts)
    head = f"{waiting} alert{'s' if waiting != 1 else ''}" if waiting else f"{len(alerts)} acknowledged"
    # Where there is little room, which alert it is counts for more than the key that acknowledges all.
    keys = keys if width >= _ROOMY else keys[:1]
    hints = fit([(Cell(key, "key", action), Cell(f" {word}", "dim", action)) for key, word, action in keys], width // 2)
    room = width - width_of(hints) - 3
    parts: list[Line] = [(Cell(f" {'▲' if waiting else '✓'} {head}", "warn" if waiting else "dim"),)]
    for alert in alerts:
        bad = alert.severity == "critical"
        parts.append(
            (
                Cell(f"{'✗' if bad else '▲'} {alert.rule}", "dim" if alert.quiet else "bad" if bad else "warn"),
                Cell(f"  {alert.value}", "dim" if alert.quiet else "text"),
                Cell(f"  {alert.subject}" if alert.subject != "run" else "", "dim" if alert.quiet else "text"),
                Cell(f"  {units.span(alert.seconds)}", "dim"),
            )
        )
    return spread(fit(parts, room), (*hints, Cell(" ")), width)
