"""The looks of the dashboard: flags > CIMIS_UI_* > `[ui]` of ./cimis.toml > what the terminal can do."""

from __future__ import annotations

import difflib
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from cimis_engine.errors import UsageError
from cimis_tui.actions import Action
from cimis_tui.cli.settings import CONFIG_FILE, KEYS, UI, config
from cimis_tui.keymap import remapped
from cimis_tui.looks import FPS, MOST_FPS, Looks, ascii_terminal, theme_for
from cimis_tui.themes import NAMES

_KEYS = tuple(f.name for f in fields(Looks) if f.name != "actions")
_BOOLS = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


def looks_of(args: Namespace, environ: Mapping[str, str], folder: Path) -> Looks:
    """What a command line, its environment and `cimis.toml` ask for. Raises `UsageError`."""
    values = _configured(folder / CONFIG_FILE)
    values |= {key: text for key in _KEYS if (text := environ.get(f"CIMIS_{UI}_{key}".upper()))}
    values |= {key: given for key in _KEYS if (given := getattr(args, key, None)) is not None}
    theme = str(values.get("theme", theme_for(environ)))
    if theme not in NAMES:
        raise UsageError(f"no theme '{theme}'", hint=f"there are {', '.join(NAMES)}")
    return Looks(
        theme,
        _flag("ascii", values.get("ascii", ascii_terminal(environ))),
        _frames(values.get("fps", FPS)),
        _flag("bell", values.get("bell", True)),
        actions_of(folder),
    )


def actions_of(folder: Path) -> tuple[Action, ...]:
    """The table of actions with the keys of `[keys]` in `cimis.toml`. Raises `UsageError`."""
    keys = config(folder / CONFIG_FILE).get(KEYS, {})
    if not isinstance(keys, dict):
        raise UsageError(
            f"'{KEYS}' in {CONFIG_FILE} is no table", hint=f'write [{KEYS}], and below it "run.pause" = "f5"'
        )
    return remapped(_flat(keys))


def _flat(keys: Mapping[str, object], before: str = "") -> dict[str, object]:
    """TOML reads `run.pause = "f5"` without quotes as a table in a table; both ways mean the same."""
    found: dict[str, object] = {}
    for name, value in keys.items():
        found |= _flat(value, f"{before}{name}.") if isinstance(value, dict) else {before + name: value}
    return found


def flags_of(looks: Looks) -> list[str]:
    """The options that say the same to another process."""
    return ["--theme", looks.theme, "--ascii" if looks.ascii else "--no-ascii", "--fps", str(looks.fps)]


def _configured(path: Path) -> dict[str, Any]:
    given = config(path).get(UI, {})
    if not isinstance(given, dict):
        raise UsageError(f"'{UI}' in {path.name} is no table", hint=f"write [{UI}], and below it {', '.join(_KEYS)}")
    for name in given:
        if name not in _KEYS:
            near = difflib.get_close_matches(name, _KEYS, 1)
            hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(_KEYS)}"
            raise UsageError(f"unknown setting '{UI}.{name}' in {path.name}", hint=hint)
    return given


def _flag(name: str, value: Any) -> bool:
    found = value if isinstance(value, bool) else _BOOLS.get(str(value).lower())
    if found is None:
        raise UsageError(f"{name} is yes or no, not '{value}'")
    return found


def _frames(value: Any) -> int:
    try:
        frames = int(str(value))
    except ValueError:
        frames = 0
    if not 1 <= frames <= MOST_FPS:
        raise UsageError(f"fps runs from 1 to {MOST_FPS}, not {value}", hint="8 is the default; 4 suits a slow link")
    return frames
