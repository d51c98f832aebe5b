"""A canary for a key, in real runs against a server that repeats it in every answer: it is found nowhere."""

from __future__ import annotations

import asyncio
import base64
import gc
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from canary_server import MODES, unkind_server
from terminal import Terminal
from waiting import until, wait_for

from cimis_engine.fetch.columns import RawBatch
from cimis_engine.run.events import Stamped
from cimis_engine.run.process import running_engine
from cimis_engine.run.spec import Request, Settings
from cimis_tui.app import CimisApp
from cimis_tui.cli.output import Output
from cimis_tui.cli.run import Job, run_here

KEY = "c4na2y0b-11f4-4dad-8bad+c0ffee/0123456789ab=end"
BACKFILL = "backfill --stations 2 --years 2024 --headless --json -v --report R.json --data-dir D".split()


def _base64(text: str) -> Iterator[str]:
    """What must stand in the base64 of any text that contains this one: the inner part at each of three offsets."""
    for pad in range(3):
        packed = base64.b64encode(b"\0" * pad + text.encode()).decode().rstrip("=")
        yield packed[(0, 2, 3)[pad] : -2]


FORMS = tuple({KEY, quote(KEY), quote(KEY, safe=""), quote_plus(KEY), KEY[:16], KEY[-16:], *_base64(KEY)})
"""The key as it is, percent-encoded, in base64, and a part of it."""


def found_in(text: str | bytes) -> list[str]:
    data = text.encode() if isinstance(text, str) else text
    return [form for form in FORMS if form.encode() in data]


def found_on_disk(root: Path) -> list[str]:
    return [
        f"{path.relative_to(root)}: {form}"
        for path in root.rglob("*")
        if path.is_file()
        for form in found_in(path.read_bytes()) + found_in(path.name)
    ]


def environment(url: str) -> dict[str, str]:
    env = {k: v for k, v in os.environ.items() if not k.startswith("CIMIS_")}
    quick = {"CIMIS_READ_TIMEOUT": "0.2", "CIMIS_BACKOFF_BASE": "0.01", "CIMIS_MAX_ATTEMPTS": "2"}
    told = {"CIMIS_APP_KEY": KEY, "CIMIS_BASE_URL": url, "CIMIS_DEBUG": "1", "PYTHONWARNINGS": "always"}
    return env | quick | told | {"PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONASYNCIODEBUG": "1"}


def cimis(url: str, folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    """Run a command, and look through all it said and left."""
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-m", "cimis_tui", *args],
        env=environment(url),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )
    assert not found_in(done.stdout) and not found_in(done.stderr), done.stdout[-3000:] + done.stderr[-3000:]
    assert not found_on_disk(folder)
    return done


def test_the_search_finds_what_it_looks_for() -> None:
    for told in (
        KEY,
        f"https://host/api?appKey={quote(KEY, safe='')}&x=1",
        base64.b64encode(f"Authorization: {KEY}".encode()).decode(),
        base64.b64encode(f"ab{KEY}cd".encode()).decode(),
        repr([("key", KEY)]),
    ):
        assert found_in(told), told
    assert not found_in("c4na2y0b-11f4")


@pytest.mark.parametrize("mode", MODES)
def test_the_key_stands_nowhere_after_a_run(mode: str, tmp_path: Path) -> None:
    with unkind_server(mode) as (url, keys):
        done = cimis(url, tmp_path, *BACKFILL)
        assert set(keys) == {KEY}, "the server was told the key, and nobody else"
        assert (done.returncode == 0) == (mode == "ok"), done.stderr
    (run_dir,) = (tmp_path / "D" / "runs").iterdir()
    assert (run_dir / "events.jsonl").is_file() and (tmp_path / "R.json").is_file()
    assert not found_in(picture(run_dir))


@pytest.mark.parametrize("mode", ["ok", "forbidden", "other schema"])
def test_nor_after_the_other_commands(mode: str, tmp_path: Path) -> None:
    with unkind_server(mode) as (url, keys):
        cimis(url, tmp_path, "backfill", "--stations", "2", "--years", "2024", "--jsonl", "--data-dir", "D")
        cimis(url, tmp_path, "ingest", "-station", "2", "-year", "2023", "-data-dir", "D")
        cimis(url, tmp_path, "runs", "--json", "--data-dir", "D")
        assert set(keys) == {KEY}


def picture(run_dir: Path) -> str:
    """The dashboard on a run that ended, as its SVG export writes it, with everything that it says in the log."""

    async def paint() -> str:
        app = CimisApp(run_dir, mode="replay", engine_pid=None, send=lambda *_: {})  # type: ignore[arg-type]
        async with app.run_test(size=(200, 60)) as pilot:
            deadline = time.monotonic() + 20
            while "FivePoints" not in (svg := app.export_screenshot()):
                assert time.monotonic() < deadline, "the replay never showed its station"
                await pilot.pause()
            return svg

    return asyncio.run(paint())


@pytest.mark.parametrize("mode", ["ok", "forbidden"])
def test_a_live_dashboard_and_its_engine_do_not_show_it(mode: str, tmp_path: Path) -> None:
    with unkind_server(mode) as (url, keys):
        terminal = Terminal(tmp_path, environment(url), "backfill --stations 2 --years 1985-2024 --data-dir D".split())
        terminal.read_until(b"Quit")
        reader = threading.Thread(target=terminal.read_to_end)
        reader.start()
        wait_for(tmp_path / "D", "run.started")
        (run_dir,) = (tmp_path / "D" / "runs").iterdir()
        if pid := running_engine(run_dir):
            for line in (Path(f"/proc/{p}/cmdline") for p in (pid, terminal.process.pid)):
                if line.exists():
                    assert not found_in(line.read_bytes())
        wait_for(tmp_path / "D", "run.finished")
        os.write(terminal.master, b"\x13")  # ^s: save a picture
        until(lambda: list(run_dir.glob("*.svg")), "no picture was saved")
        terminal.process.terminate()
        reader.join(30)
    assert set(keys) == {KEY}
    assert not found_in(terminal.drawn)
    assert (run_dir / "engine.log").exists() and not found_on_disk(tmp_path)


OURS = ("cimis_engine", "cimis_tui", "httpx", "httpcore")


@pytest.mark.parametrize("mode", MODES)
def test_no_log_and_no_repr_shows_it(mode: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Every logger at its loudest, and every living object of ours and of the HTTP libraries shown, mid-run."""
    caplog.set_level(logging.DEBUG)
    shown: list[str] = []

    def show(stamped: Stamped) -> None:
        if stamped.event.kind in ("attempt.finished", "attempt.failed"):
            gc.collect()
            # What a response held is data, and shown as such: the server of one mode gives its key as a value.
            ours = (
                o for o in gc.get_objects() if type(o).__module__.split(".")[0] in OURS and not isinstance(o, RawBatch)
            )
            shown.extend(f"{thing!r} {thing}" for thing in ours)

    with unkind_server(mode) as (url, keys):
        settings = Settings(base_url=url, concurrency=1, max_attempts=1, read_timeout=0.2)
        job = Job("backfill", Request(stations="2", start="2024-01-01", end="2024-01-02"), settings, tmp_path, KEY)
        run_here(job, Output(), show)
    assert set(keys) == {KEY} and len(shown) > 10
    assert any(r.name.startswith("httpcore") for r in caplog.records), "the libraries did log"
    told = [r.getMessage() for r in caplog.records if found_in(r.getMessage())]
    assert not told
    assert not [text for text in shown if found_in(text)]
    assert not found_in(repr(job))
