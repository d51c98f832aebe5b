from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cimis_engine.run import report
from cimis_tui.cli import output
from cimis_tui.cli.output import Output, duration, error_document, ratio, size, table

FULL = Path("/dev/full")


def _output(**flags: bool) -> tuple[Output, io.StringIO, io.StringIO]:
    out, err = io.StringIO(), io.StringIO()
    return Output(stdout=out, stderr=err, environ={}, **flags), out, err


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (None, "–"),
        (0.0, "0.0ms"),
        (0.34, "0.3ms"),
        (12.2, "12ms"),
        (999.4, "999ms"),
        (999.6, "1.00s"),
        (1150, "1.15s"),
        (99_990, "99.99s"),
        (125_000, "2m05s"),
        (3_725_000, "1h02m05s"),
    ],
)
def test_duration(ms: float | None, text: str) -> None:
    assert duration(ms) == text


def test_the_error_document_has_the_version_of_the_report() -> None:
    assert output.SCHEMA_VERSION == report.SCHEMA_VERSION


def test_size_and_ratio() -> None:
    assert [size(n) for n in (0, 999, 1500, 2_500_000, 3.2e9)] == ["0 B", "999 B", "1.5 kB", "2.5 MB", "3.2 GB"]
    assert (ratio(300, 100), ratio(0, 0)) == ("3.00x", "–")


def test_table_aligns_words_left_and_figures_right() -> None:
    assert table(["what", "n"], [["a", "1"], ["long one", "22"]]) == ["what       n", "a          1", "long one  22"]


def test_streams_do_not_mix() -> None:
    output, out, err = _output()
    output.data("data")
    output.note("note")
    output.warn("careful")
    output.fail("broken", "mend it")
    output.detail("unasked")
    assert out.getvalue() == "data\n"
    assert err.getvalue() == "note\nWarning: careful\ncimis: broken\n  hint: mend it\n"


def test_quiet_and_verbose() -> None:
    output, _, err = _output(quiet=True)
    output.note("progress")
    output.warn("kept")
    assert err.getvalue() == "Warning: kept\n"
    output, _, err = _output(verbose=True)
    output.detail("more")
    assert err.getvalue() == "more\n"


@pytest.mark.parametrize(
    ("environ", "painted"),
    [({"FORCE_COLOR": "1"}, True), ({}, False), ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False)],
)
def test_colour_only_where_wanted(environ: dict[str, str], painted: bool) -> None:
    err = io.StringIO()
    Output(stdout=io.StringIO(), stderr=err, environ=environ).warn("x")
    assert ("\x1b[" in err.getvalue()) is painted


def test_document_is_json_and_keeps_signs() -> None:
    output, out, _ = _output()
    output.document(error_document("UsageError", "–", "h", 2))
    assert json.loads(out.getvalue()) == {
        "schema_version": "1.0",
        "error": {"class": "UsageError", "message": "–", "hint": "h"},
        "exit_code": 2,
    }


def test_a_reader_that_goes_away_ends_the_output_quietly() -> None:
    read, write = os.pipe()
    os.close(read)
    code = "import sys; from cimis_tui.__main__ import main; sys.exit(main(['items']))"
    done = subprocess.run([sys.executable, "-c", code], stdout=write, stderr=subprocess.PIPE, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")


def test_items_prints_in_a_c_locale() -> None:
    environ = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    code = "import sys; from cimis_tui.__main__ import main; sys.exit(main(['items', '--hourly']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environ, check=True)
    assert len(done.stdout.splitlines()) == 15 and done.stderr == ""


@pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full")
@pytest.mark.parametrize("line", [["items"], ["items", "--json"], ["verify", "--json", "--data-dir", "none"]])
def test_a_full_disk_under_stdout_is_told_and_no_traceback(line: list[str]) -> None:
    code = f"import sys; from cimis_tui.__main__ import main; sys.exit(main({line!r}))"
    with FULL.open("wb") as full:
        done = subprocess.run([sys.executable, "-c", code], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert "Traceback" not in done.stderr
    told = "no CIMIS data in none" if line[0] == "verify" else "the output is not complete: No space left on device"
    assert (done.returncode, done.stderr.splitlines()[0]) == (2 if line[0] == "verify" else 5, f"cimis: {told}")
