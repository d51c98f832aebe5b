"""The bar of alerts, below every screen while one fires. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from cimis_engine.run.alerts import CRITICAL
from cimis_tui.view import units
from cimis_tui.view.alert_words import severity_words
from cimis_tui.view.cells import Cell, Line, fit, spread, width_of
from cimis_tui.view.frame import AlertRow

_ROOMY = 80
"""Columns from which on the bar has all its keys."""


def present_alerts(alerts: tuple[AlertRow, ...], width: int, keys: Sequence[tuple[str, str, str]] = ()) -> Line:
    """One line: how many, the worst one's mark before it; then each with its rule, its subject, what it was when it was
    raised and for how long it fires; at the right the keys (key, word, action)."""
    waiting = sum(not alert.quiet for alert in alerts)
    head = f"{waiting} alert{'s' if waiting != 1 else ''}" if waiting else f"{len(alerts)} acknowledged"
    # Where there is little room, which alert it is counts for more than the key that acknowledges all.
    keys = keys if width >= _ROOMY else keys[:1]
    hints = fit([(Cell(key, "key", action), Cell(f" {word}", "dim", action)) for key, word, action in keys], width // 2)
    room = width - width_of(hints) - 3
    worst = CRITICAL if any(alert.severity == CRITICAL and not alert.quiet for alert in alerts) else ""
    glyph, _, role = severity_words(worst) if waiting else ("✓", "", "dim")
    parts: list[Line] = [(Cell(f" {glyph} {head}", role),)]
    for alert in alerts:
        glyph, _, role = severity_words(alert.severity)
        said = "dim" if alert.quiet else "text"
        parts.append(
            (
                Cell(f"{glyph} {alert.rule}", "dim" if alert.quiet else role),
                Cell(f"  {alert.subject}" if alert.subject != "run" else "", said),
                Cell(f"  was {alert.value}", said),
                Cell(f", for {units.span(alert.seconds)}", "dim"),
            )
        )
    return spread(fit(parts, room), (*hints, Cell(" ")), width)
