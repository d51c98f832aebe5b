"""Where the looks of the dashboard come from, and what cannot be."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import pytest

from cimis_engine.errors import UsageError
from cimis_tui.cli.looks import flags_of, looks_of
from cimis_tui.cli.parser import parse
from cimis_tui.looks import Looks

XTERM = {"TERM": "xterm-256color"}


def test_without_a_wish_the_terminal_decides(tmp_path: Path) -> None:
    assert looks_of(Namespace(), XTERM, tmp_path) == Looks("cimis-dark", False, 8)
    assert looks_of(Namespace(), {"TERM": "linux"}, tmp_path) == Looks("ansi-dark", True, 8)
    assert looks_of(Namespace(), {"TERM": "screen", "LANG": "en_US.UTF-8"}, tmp_path) == Looks("ansi-dark", False, 8)
    assert looks_of(Namespace(), {**XTERM, "LC_CTYPE": "de_DE@euro"}, tmp_path).ascii


def test_flags_win_over_variables_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "cimis.toml").write_text('[ui]\ntheme = "cimis-light"\nascii = true\nfps = 4\n')
    assert looks_of(Namespace(), XTERM, tmp_path) == Looks("cimis-light", True, 4)
    env = {**XTERM, "CIMIS_UI_THEME": "cimis-safe", "CIMIS_UI_ASCII": "no", "CIMIS_UI_FPS": "15"}
    assert looks_of(Namespace(), env, tmp_path) == Looks("cimis-safe", False, 15)
    args = parse(["attach", "--theme", "ansi-light", "--ascii", "--fps", "1"])
    assert looks_of(args, env, tmp_path) == Looks("ansi-light", True, 1)


def test_looks_reach_another_process_as_they_are(tmp_path: Path) -> None:
    for looks in (Looks(), Looks("cimis-contrast", True, 3)):
        args = parse(["attach", *flags_of(looks)])
        assert looks_of(args, {"TERM": "linux", "CIMIS_UI_FPS": "9"}, tmp_path) == looks


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[ui]\ntheme = "dusk"', "no theme 'dusk'"),
        ("[ui]\nfps = 0", "fps runs from 1 to 15, not 0"),
        ('[ui]\nfps = "quick"', "not quick"),
        ('[ui]\nascii = "perhaps"', "ascii is yes or no"),
        ("[ui]\ntheem = 1", "unknown setting 'ui.theem'"),
        ("ui = 3", "'ui' in cimis.toml is no table"),
    ],
)
def test_what_cannot_be(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "cimis.toml").write_text(text)
    with pytest.raises(UsageError, match=said):
        looks_of(Namespace(), XTERM, tmp_path)
