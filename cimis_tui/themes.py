"""Themes: four of our own, and the terminal's own colours. Few colours, each with one meaning.

Text has a contrast of at least 4.5:1 on every ground it stands on, in `cimis-contrast` 7:1 (WCAG 2). In `cimis-safe`
the states stay apart for eyes without red, green or blue cones as well. tests/view/test_tui_themes.py computes both.
"""

from __future__ import annotations

from dataclasses import replace

from textual.theme import BUILTIN_THEMES, Theme


def _scrollbar(thumb: str, hover: str, active: str, ground: str) -> dict[str, str]:
    thumbs = {"scrollbar": thumb, "scrollbar-hover": hover, "scrollbar-active": active}
    return thumbs | {f"scrollbar-background{state}": ground for state in ("", "-hover", "-active")}


DARK = Theme(
    name="cimis-dark",
    dark=True,
    primary="#6cb6e8",
    secondary="#8fa6bd",
    accent="#e8c26c",
    foreground="#d7e0ea",
    background="#0d1218",
    surface="#0d1218",
    panel="#18212c",
    success="#82c99a",
    warning="#e8b55f",
    error="#f0817a",
    variables={
        "quiet": "#8696a8",
        "rule": "#37475a",
        "track": "#3a4a5c",
        "row": "#1d2c3d",
        "calm": "#3f7d5d",
    }
    | _scrollbar("#33475c", "#4a6582", "#6cb6e8", "#0d1218"),
)
LIGHT = Theme(
    name="cimis-light",
    dark=False,
    primary="#14639e",
    secondary="#51677d",
    accent="#8a5a00",
    foreground="#17212b",
    background="#fbfaf7",
    surface="#fbfaf7",
    panel="#eceae3",
    success="#20703f",
    warning="#955500",
    error="#b3261e",
    variables={
        "quiet": "#576674",
        "rule": "#b9c2c9",
        "track": "#c3ccd3",
        "row": "#dbe9f4",
        "calm": "#86b89b",
    }
    | _scrollbar("#b3c3d0", "#8fa8bb", "#14639e", "#fbfaf7"),
)
SAFE = Theme(
    name="cimis-safe",
    dark=True,
    primary="#49a2fc",
    secondary="#7f93ab",
    accent="#e4e10b",
    foreground="#dfe6ee",
    background="#0b0f14",
    surface="#0b0f14",
    panel="#161e28",
    success="#c3fddc",
    warning="#e4e10b",
    error="#f7705a",
    variables={
        "quiet": "#8c95a8",
        "rule": "#3a485a",
        "track": "#3c4858",
        "row": "#1c2b3c",
        "calm": "#4b7f8c",
    }
    | _scrollbar("#33475c", "#4a6582", "#49a2fc", "#0b0f14"),
)
CONTRAST = Theme(
    name="cimis-contrast",
    dark=True,
    primary="#7cc7ff",
    secondary="#b9c6d3",
    accent="#ffd84d",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#16202b",
    success="#8dffa8",
    warning="#ffd84d",
    error="#ffaaa3",
    variables={
        "quiet": "#c3ccd5",
        "rule": "#8c98a4",
        "track": "#6b7785",
        "row": "#002f5c",
        "calm": "#3f9c66",
    }
    | _scrollbar("#8c98a4", "#b9c6d3", "#7cc7ff", "#000000"),
)
THEMES = (DARK, LIGHT, SAFE, CONTRAST)
ANSI_DARK = BUILTIN_THEMES["ansi-dark"]
ANSI_LIGHT = replace(BUILTIN_THEMES["ansi-light"], warning="ansi_magenta")
"""Textual warns in bright red there, which is louder than the red of an error."""
NAMES = (*(theme.name for theme in THEMES), ANSI_DARK.name, ANSI_LIGHT.name)
"""The order `t` goes through."""

FALLBACK = {
    "quiet": "ansi_default",
    "rule": "ansi_bright_black",
    "track": "ansi_bright_black",
    "row": "ansi_default",
    "calm": "ansi_green",
}
"""Our own variables for themes that do not define them: plain enough for sixteen colours."""


def next_theme(name: str) -> str:
    return NAMES[(NAMES.index(name) + 1) % len(NAMES)] if name in NAMES else NAMES[0]
