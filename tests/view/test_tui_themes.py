"""The themes, computed: text can be read, states can be told apart, also by other eyes and with fewer colours."""

from __future__ import annotations

from itertools import combinations
from types import SimpleNamespace
from typing import Any

import pytest
from colour_vision import VISION, contrast, distance
from rich.color import Color, ColorSystem
from rich.style import Style
from textual.theme import Theme

from cimis_tui.themes import CONTRAST, DARK, NAMES, SAFE, THEMES, next_theme
from cimis_tui.widgets.roles import style_of


def texts(theme: Theme) -> dict[str, str]:
    """What is written in: by the name of its meaning."""
    named = {name: getattr(theme, name) for name in ("foreground", "primary", "success", "warning", "error")}
    return {**named, "quiet": theme.variables["quiet"]}


def grounds(theme: Theme) -> dict[str, str]:
    return {"background": theme.background or "", "panel": theme.panel or "", "row": theme.variables["row"]}


def states(theme: Theme) -> dict[str, str]:
    """What tells running, done, slow, failed and queued apart."""
    return {name: colour for name, colour in texts(theme).items() if name != "foreground"}


def test_the_mathematics() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert distance("#000000", "#ffffff", "normal") == pytest.approx(100, abs=0.1)
    for eyes in VISION:
        assert distance("#808080", "#808080", eyes) == 0
        assert distance("#404040", "#c0c0c0", eyes) == pytest.approx(distance("#404040", "#c0c0c0", "normal"), abs=0.5)
    red, green = "#d62728", "#6b7a1e"
    assert distance(red, green, "deuteranopia") < 0.45 * distance(red, green, "normal"), "red and green draw near"


@pytest.mark.parametrize("theme", THEMES, ids=lambda t: t.name)
def test_text_can_be_read_on_every_ground(theme: Theme) -> None:
    least = 7.0 if theme is CONTRAST else 4.5
    poor = {
        f"{name} on {ground}": round(contrast(colour, under), 2)
        for name, colour in texts(theme).items()
        for ground, under in grounds(theme).items()
        if contrast(colour, under) < least
    }
    assert not poor


@pytest.mark.parametrize("eyes", VISION)
def test_states_of_the_safe_theme_stay_apart(eyes: str) -> None:
    near = {
        f"{a} {b}": round(distance(one, other, eyes))
        for (a, one), (b, other) in combinations(states(SAFE).items(), 2)
        if distance(one, other, eyes) < 30
    }
    assert not near


def test_the_dark_theme_alone_would_not_do() -> None:
    """The measure means something: to eyes without green cones the usual green and red are near each other."""
    assert DARK.success and DARK.error
    assert distance(DARK.success, DARK.error, "deuteranopia") < 15


@pytest.mark.parametrize("system", [ColorSystem.EIGHT_BIT, ColorSystem.STANDARD], ids=["256", "16"])
@pytest.mark.parametrize("theme", THEMES, ids=lambda t: t.name)
def test_with_fewer_colours_no_text_takes_the_colour_of_its_ground(theme: Theme, system: ColorSystem) -> None:
    lost = [
        f"{name} on {ground}"
        for name, colour in texts(theme).items()
        for ground, under in grounds(theme).items()
        if Color.parse(colour).downgrade(system).number == Color.parse(under).downgrade(system).number
    ]
    assert not lost


def test_without_colours_a_failure_is_not_quieter_than_plain_text() -> None:
    looks: dict[bool, dict[str, Style]] = {}
    for wanted in (True, False):
        app: Any = SimpleNamespace(no_color=not wanted, theme_variables=DARK.to_color_system().generate())
        looks[wanted] = {name: style_of(app, name) for name in ("bad", "warn", "text")}
    bad, text = looks[False]["bad"], looks[False]["text"]
    assert bad.color == text.color and bad.bold and not text.bold
    assert looks[True]["bad"].color != text.color
    assert looks[True]["warn"] == looks[False]["warn"]


def test_the_key_goes_through_all_of_them() -> None:
    seen = [NAMES[0]]
    while (name := next_theme(seen[-1])) != seen[0]:
        seen.append(name)
    assert tuple(seen) == NAMES
    assert next_theme("no-theme") == NAMES[0]
