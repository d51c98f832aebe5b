"""What messages tell a person to type exists: every flag and every command named in the engine and the dashboard."""

from __future__ import annotations

import re
from pathlib import Path

from cimis_tui.cli.parser import COMMANDS

ROOT = Path(__file__).parents[2]
PARSER = (ROOT / "cimis_tui" / "cli" / "parser.py").read_text()
SOURCES = [
    p
    for package in ("cimis_engine", "cimis_tui")
    for p in (ROOT / package).rglob("*.py")
    if "simulator" not in p.parts and p.name != "simulate.py"
]


def named(pattern: str) -> dict[str, str]:
    """What a pattern finds in the sources, and one file each stands in."""
    return {word: p.name for p in SOURCES for word in re.findall(pattern, p.read_text())}


def test_every_command_that_is_named_exists() -> None:
    known = {command.name for command in COMMANDS} | {"--help", "--version"}
    found = named(r"`cimis ([a-z-]+)")
    assert "verify" in found
    assert not {word: file for word, file in found.items() if word not in known}


def test_every_flag_that_a_hint_names_exists() -> None:
    found = named(r"hint=f?\"[^\"]*?(--[a-z][a-z-]+)") | named(r"_HINT = \"[^\"]*?(--[a-z][a-z-]+)")
    assert "--concurrency" in found
    assert not {flag: file for flag, file in found.items() if flag != "--help" and f'"{flag}"' not in PARSER}
