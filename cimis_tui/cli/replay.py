"""`cimis replay` and `cimis compare`: recorded runs, with the dashboard or as figures."""

from __future__ import annotations

import math
import os
import sys
from argparse import Namespace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from cimis_engine.errors import UsageError
from cimis_engine.run.compare import Side, compare, side_of
from cimis_engine.run.figures import Figures, figures_of
from cimis_engine.run.journal import events_of
from cimis_engine.run.past import JOURNAL, PastRun, find_run, folded
from cimis_engine.run.report import build_report
from cimis_engine.run.state import RunState
from cimis_tui.cli.dashboard import watch
from cimis_tui.cli.output import SCHEMA_VERSION, Output, duration, size, table
from cimis_tui.cli.settings import data_dir_of
from cimis_tui.view import compare as words
from cimis_tui.view import units
from cimis_tui.view.replay import parse_moment


def replay(args: Namespace, output: Output) -> int:
    """Play a recorded run on the dashboard; with `--json`, or away from a terminal, its figures at `--until`."""
    run = find_run(data_dir_of(args, os.environ, Path()), args.run)
    if run.first is None or run.last is None:
        raise UsageError(f"run {run.run_id} has no journal to replay", hint="`cimis runs` lists the others")
    ends = run.last.t
    begin, until = (_moment(text, run.first.t, ends) for text in (args.begin, args.until))
    if begin is not None and until is not None and until < begin:
        raise UsageError("--until is before --from", hint="`cimis replay --help` says how moments are written")
    if args.json or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return _figures(run, until, args, output)
    from cimis_tui.cli.looks import looks_of
    from cimis_tui.feed.replay import Opening

    opening = Opening(at=begin, until=math.inf if until is None else until, speed=args.speed)
    code = watch(run.run_dir, "replay", None, looks_of(args, os.environ, Path()), opening)
    if run.finished is None and not run.running:
        output.note(f"run {run.run_id} was cut off at {_iso(ends)}: its engine died; the same command resumes it")
    return code


def _moment(text: str | None, begins: float, ends: float) -> float | None:
    return None if text is None else parse_moment(text, begins=begins, here=begins, ends=ends)


def _iso(t: float) -> str:
    return datetime.fromtimestamp(t, UTC).isoformat(timespec="milliseconds")


def _figures(run: PastRun, until: float | None, args: Namespace, output: Output) -> int:
    assert run.first is not None and run.last is not None
    state = folded(run.run_dir / JOURNAL, until)
    figures = figures_of(state)
    if args.json:
        output.document(_document(run, state, figures))
        return 0
    cut = "" if run.finished or run.running else f"; cut off at {_iso(run.last.t)}: its engine died"
    output.note(f"run {run.run_id} as of {_iso(state.now)}: {state.status}{cut}")
    for line in table(["figure", "value"], _lines(figures)):
        output.data(line)
    return 0


def _document(run: PastRun, state: RunState, figures: Figures) -> dict[str, Any]:
    assert run.first is not None and run.last is not None
    return {
        "schema_version": SCHEMA_VERSION,
        "run_id": run.run_id,
        "begins": _iso(run.first.t),
        "as_of": _iso(state.now),
        "ends": _iso(run.last.t),
        "state": state.status,
        "cut_off": run.finished is None and not run.running,
        "figures": msgspec.to_builtins(figures),
        "report": build_report(state),
    }


def _lines(f: Figures) -> list[list[str]]:
    pace = units.count(f.records_per_s) if f.records_per_s is not None else "–"
    ttfb = " / ".join(units.ms(ms) for ms in (f.ttfb_p50_ms, f.ttfb_p95_ms, f.ttfb_p99_ms))
    return [
        ["stations done", f"{f.stations_done} of {f.stations}"],
        ["took", duration(f.elapsed_ms)],
        ["records", f"{f.records:,}"],
        ["records/s", pace],
        ["TTFB p50 / p95 / p99, ms", ttfb],
        ["attempts", f"{f.attempts:,}"],
        ["error rate", units.percent(f.error_rate)],
        ["compression", units.ratio(f.ratio)],
        ["stored", size(f.stored_bytes)],
        ["peak RSS", size(f.rss_peak_bytes) if f.rss_peak_bytes else "–"],
    ]


def compare_runs(args: Namespace, output: Output) -> int:
    """Two runs side by side; every change is of A from B."""
    data_dir = data_dir_of(args, os.environ, Path())
    found = compare(*(_side(find_run(data_dir, run_id)) for run_id in (args.a, args.b)))
    if args.json:
        output.document({"schema_version": SCHEMA_VERSION, **found.document()})
        return 0
    output.note(f"A {found.a}, B {found.b}: {words.stations_words(found)}")
    head = ["figure", "A", "B", "A from B", "verdict"]
    lines = [
        [m.name, words.figure(m, m.a), words.figure(m, m.b), words.change(m), words.verdict(m)] for m in found.metrics
    ]
    for line in table(head, lines):
        output.data(line)
    slower = words.slower_words(found)
    output.data(f"stations slower by more than 25 %: {', '.join(slower) or 'none'}")
    output.data(f"data: {words.data_words(found)}")
    for changed in found.changed if args.verbose else ():
        output.detail(
            f"  station {changed.station} {changed.year} {changed.interval}: {changed.b[:12]} -> {changed.a[:12]}"
        )
    return 0


def _side(run: PastRun) -> Side:
    try:
        return side_of(events_of(run.run_dir / JOURNAL))
    except OSError as error:
        raise UsageError(
            f"run {run.run_id} has no journal that can be read: {error.strerror}", hint="`cimis runs` lists the others"
        ) from error
