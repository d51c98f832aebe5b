"""How the dashboard is to look and how often to be drawn: what a person may choose. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rich.console import Console

from cimis_tui.actions import ACTIONS, Action
from cimis_tui.themes import ANSI_DARK, DARK

FPS, MOST_FPS = 8, 15
BROWSER = {"TERM": "xterm-256color", "TEXTUAL_COLOR_SYSTEM": "truecolor", "LC_ALL": "C.UTF-8"}
"""The environment of a terminal in a browser, whatever the one can do that `cimis serve` was started in."""


@dataclass(frozen=True, slots=True)
class Looks:
    """`ascii`: no character but those of ASCII. `fps`: frames a second at most, 1 to 15.

    `bell`: ring the terminal's bell when an alert becomes critical. `actions`: the table, with the keys wanted.
    """

    theme: str = DARK.name
    ascii: bool = False
    fps: int = FPS
    bell: bool = True
    actions: tuple[Action, ...] = ACTIONS


def theme_for(environ: Mapping[str, str]) -> str:
    """The theme of somebody who chose none: a terminal of sixteen colours knows best which those are.

    >>> theme_for({"TERM": "xterm-256color"}), theme_for({"TERM": "screen"})
    ('cimis-dark', 'ansi-dark')
    >>> theme_for({"TERM": "screen", "TEXTUAL_COLOR_SYSTEM": "truecolor"})
    'cimis-dark'
    """
    asked = environ.get("TEXTUAL_COLOR_SYSTEM", "auto")
    system = asked if asked != "auto" else Console(force_terminal=True, _environ=environ).color_system
    return ANSI_DARK.name if system == "standard" else DARK.name


def ascii_terminal(environ: Mapping[str, str]) -> bool:
    """Whether a terminal can show little more than ASCII: the Linux console, or a locale said to be other than UTF-8.

    Where no locale is set at all (containers, services) nothing is known against UTF-8.

    >>> ascii_terminal({"TERM": "linux", "LANG": "C.UTF-8"}), ascii_terminal({"TERM": "xterm"})
    (True, False)
    >>> ascii_terminal({"LC_ALL": "C", "LANG": "de_DE.utf8"}), ascii_terminal({"LANG": "de_DE.utf8"})
    (True, False)
    """
    if environ.get("TERM") == "linux":
        return True
    locale = next((environ[name] for name in ("LC_ALL", "LC_CTYPE", "LANG") if environ.get(name)), None)
    return locale is not None and not locale.lower().partition("@")[0].endswith(("utf-8", "utf8"))
