from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from cimis_engine.errors import UsageError
from cimis_tui.__main__ import main
from cimis_tui.cli.parser import COMMANDS, parse

LINES = [
    "init -data-dir D",
    "ingest -station 2 -year 2024",
    "fetch -station 2 -year 2024 -data-dir D",
    "fetch-streaming -stations 2,5,10 -year 2024 -concurrency 8 -gzip -perf -data-dir D",
    "fetch-streaming -stations 2 -year 2024 -allocs -perf -concurrency 1",
    "fetch-streaming -stations 1-10 -start 2024-01-01 -end 2024-06-30 -retries 3",
    "fetch-streaming -stations 2 -year 2024 -json",
    "fetch-streaming -stations 2 -year 2024 -dry-run",
    "verify -data-dir D",
    "query -station 2 -start 2024-06-01 -end 2024-06-07 -perf -data-dir D",
    "stats",
]


@pytest.mark.parametrize("line", LINES)
def test_one_dash_and_two_dashes_mean_the_same(line: str) -> None:
    single = line.split()
    double = [f"-{word}" if word.startswith("-") else word for word in single]
    assert vars(parse(single)) == vars(parse(double))


def test_values_of_options_arrive() -> None:
    args = parse(LINES[3].split())
    assert (args.stations, args.years, args.concurrency, args.gzip, args.perf) == ("2,5,10", "2024", 8, True, True)
    assert parse("fetch-streaming -stations=2 -year=2024 -no-gzip".split()).gzip is False


def test_short_options_stay_short() -> None:
    assert parse(["stats", "-q"]).quiet is True
    assert parse(["stats", "-v"]).verbose is True


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("query -station 2", "--start"),
        ("ingest -station two -year 2024", "two"),
        ("ingest -station 0 -year 2024", "'0'"),
        ("backfill --station 2", "--station"),
        ("backfill --stations 2 --sample 3", "--sample"),
        ("backfill --json --jsonl", "--jsonl"),
        ("backfill --units K", "'K'"),
        ("backfil", "backfil"),
        ("", "COMMAND"),
        ("demo --latency -5", "--latency"),
    ],
)
def test_mistakes_are_usage_errors_that_name_the_culprit(line: str, word: str) -> None:
    with pytest.raises(UsageError, match=word.replace("-", r"\-")):
        parse(line.split())


@pytest.mark.parametrize("command", [c.name for c in COMMANDS if c.name != "simulate"])
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith(f"usage: cimis {command}") and err == ""


def test_usage_error_under_json_is_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["query", "-station", "2", "-json"]) == 2
    out, err = capsys.readouterr()
    document = json.loads(out)
    assert document["exit_code"] == 2 and document["error"]["class"] == "UsageError"
    assert "--start" in document["error"]["message"] and "--start" in err


HEAVY = ("textual", "rich", "httpx", "numpy", "msgspec", "zstandard", "asyncio")


@pytest.mark.parametrize("line", ["--version", "--help", "backfill --help", "version", "version --json"])
def test_help_and_version_load_nothing_heavy(line: str) -> None:
    allowed = {"msgspec"} if line == "version --json" else set()
    code = (
        "import sys; from cimis_tui.__main__ import main; code = main(sys.argv[1:]);"
        f"print([m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code, *line.split()], capture_output=True, text=True, check=True)
    assert set(json.loads(done.stderr.strip().replace("'", '"'))) <= allowed


def test_internal_error_shows_no_traceback(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    import cimis_tui.cli.about as about

    def broken(*_: object) -> int:
        raise RuntimeError("boom")

    monkeypatch.setattr(about, "items", broken)
    monkeypatch.delenv("CIMIS_DEBUG", raising=False)
    assert main(["items"]) == 1
    assert capsys.readouterr().err.splitlines()[0] == "cimis: internal error: RuntimeError: boom"
    monkeypatch.setenv("CIMIS_DEBUG", "1")
    assert main(["items"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_interrupt_before_the_run_is_130(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    import cimis_tui.cli.about as about

    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(about, "items", interrupted)
    assert main(["items", "--json"]) == 130
    assert json.loads(capsys.readouterr().out)["exit_code"] == 130


def test_sigterm_is_143_with_words_and_lets_go_of_what_is_half_done(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import cimis_tui.cli.about as about

    cleaned: list[bool] = []

    def terminated(*_: object) -> int:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            signal.sigtimedwait([], 5)  # a signal is taken between two bytecodes: here at the latest
        finally:
            cleaned.append(signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)
        return 0

    monkeypatch.setattr(about, "items", terminated)
    before = signal.getsignal(signal.SIGTERM)
    assert main(["items", "--json"]) == 143
    document = json.loads(capsys.readouterr().out)
    assert (document["exit_code"], document["error"]["message"]) == (143, "terminated")
    assert cleaned == [True], "a second SIGTERM ends the process at once"
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize("line", ["ledger --data-dir D --json list", "ledger list --data-dir D --json"])
def test_options_stand_before_or_after_what_the_ledger_shall_do(line: str) -> None:
    args = parse(line.split())
    assert (args.data_dir, args.json, args.handler) == ("D", True, "ledger:list_jobs")
