"""Which packages load what: proved in fresh processes, in an environment that has textual, rich and click."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted(
    str(p.relative_to(ROOT).with_suffix("")).replace("/", ".").removesuffix(".__init__")
    for p in (ROOT / "cimis_engine").rglob("*.py")
    if p.name != "__main__.py"
)


def loaded_by(code: str) -> set[str]:
    probe = f"import sys\n{code}\nprint('\\n'.join(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, cwd=ROOT, check=True)
    return {name.partition(".")[0] for name in done.stdout.split()}


def test_the_engine_loads_no_terminal_library() -> None:
    assert find_spec("click"), "the check means nothing where click is absent: some libraries load rich through it"
    loaded = loaded_by("\n".join(f"import {m}" for m in MODULES))
    assert "cimis_engine" in loaded
    assert not loaded & {"textual", "rich", "click", "cimis_tui"}


@pytest.mark.parametrize("arguments", [["--version"], ["--help"]])
def test_version_and_help_load_nothing_heavy(arguments: list[str]) -> None:
    code = f"import cimis_tui.__main__ as m\ntry:\n    m.main({arguments!r})\nexcept SystemExit:\n    pass"
    assert not loaded_by(code) & {"textual", "rich", "httpx", "numpy", "zstandard"}


def test_the_way_to_the_first_paint_loads_no_numpy() -> None:
    modules = ("cli.dispatch", "cli.looks", "cli.dashboard", "app", "screens.dashboard")
    assert "numpy" not in loaded_by("\n".join(f"import cimis_tui.{m}" for m in modules))


@pytest.mark.parametrize(
    ("room", "forbidden"),
    [
        ("fetch", ("store", "run", "publish")),
        ("store", ("fetch", "run", "publish", "export")),
        ("publish", ("fetch", "run")),
        ("run", ("publish",)),
        ("model", ("fetch", "store", "run", "publish", "export", "simulator")),
    ],
)
def test_rooms_do_not_know_each_other(room: str, forbidden: tuple[str, ...]) -> None:
    for path in (ROOT / "cimis_engine" / room).rglob("*.py"):
        text = path.read_text()
        for other in forbidden:
            assert f"cimis_engine.{other}" not in text, f"{path} imports {other}"


def test_only_the_command_line_imports_the_simulator() -> None:
    for path in [*(ROOT / "cimis_engine").rglob("*.py"), *(ROOT / "cimis_tui").rglob("*.py")]:
        inside = path.relative_to(ROOT).parts[:2]
        if inside not in (("cimis_engine", "simulator"), ("cimis_tui", "cli")):
            assert "cimis_engine.simulator" not in path.read_text(), f"{path} imports the simulator"
