"""Themes: a dark one and a light one of our own, and the terminal's own colours. Few colours, each with one meaning."""

from __future__ import annotations

from textual.theme import Theme

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
        "scrollbar": "#33475c",
        "scrollbar-hover": "#4a6582",
        "scrollbar-active": "#6cb6e8",
        "scrollbar-background": "#0d1218",
        "scrollbar-background-hover": "#0d1218",
        "scrollbar-background-active": "#0d1218",
    },
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
        "quiet": "#5c6b7a",
        "rule": "#b9c2c9",
        "track": "#c3ccd3",
        "row": "#dbe9f4",
        "calm": "#86b89b",
        "scrollbar": "#b3c3d0",
        "scrollbar-hover": "#8fa8bb",
        "scrollbar-active": "#14639e",
        "scrollbar-background": "#fbfaf7",
        "scrollbar-background-hover": "#fbfaf7",
        "scrollbar-background-active": "#fbfaf7",
    },
)
THEMES = (DARK, LIGHT)
NAMES = (DARK.name, LIGHT.name, "ansi-dark", "ansi-light")
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
