"""Alerts and their rules."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Static

from cimis_tui.actions import bindings
from cimis_tui.screens.run_screen import RunScreen


class AlertsScreen(RunScreen):
    VIEW = "alerts"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(VIEW)]

    def body(self) -> ComposeResult:
        yield Static("not built yet")
