"""A run in detail, and two runs compared, as lines: what is said, and that it fits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from msgspec.structs import replace as changed
from runs_app import moved, revised
from tui_journal import ended, midst

from cimis_engine.run import events as ev
from cimis_engine.run.compare import Comparison, Metric, compare, side_of
from cimis_engine.run.figures import account_of, figures_of
from cimis_engine.run.state import RunState
from cimis_tui.view.cells import Line, width_of
from cimis_tui.view.compare import (
    Reading,
    change,
    data_words,
    present_comparison,
    present_identity,
    present_reading,
    present_unlike,
    subtitle,
)
from cimis_tui.view.run_facts import number_ranges, pair_height, present_pair, present_run, run_title
from cimis_tui.view.runs import RunFacts, asked, cells_of, facts_of

WIDTHS = [56, 78, 96, 116, 196]
BLANK = RunFacts("r1", "cut off", None, None, "", None, None)


def fold(told: list[ev.Stamped]) -> RunState:
    state = RunState()
    for stamped in told:
        state.apply(stamped)
    return state


def past(told: list[ev.Stamped], status: str, **finished: object) -> RunFacts:
    """Facts as the folder of a past run tells them."""
    state = fold(told)
    end = told[-1].event
    return RunFacts(
        state.run_id,
        status,
        told[0].t,
        told[-1].t - told[0].t,
        "backfill",
        figures_of(state),
        545_000,
        last=told[-1].t,
        folder=Path("/srv/cimis/runs/1121-1904-7f3a"),
        started_by=asked(state.started),
        finished=changed(end, **finished) if isinstance(end, ev.RunFinished) else None,
        account=account_of(state),
    )


def text(lines: tuple[Line, ...]) -> str:
    return "\n".join("".join(cell.text for cell in line) for line in lines)


def said(facts: RunFacts, width: int = 116, height: int = 12) -> str:
    return text(present_run(facts, width, height))


def row(words: str, name: str) -> str:
    return next((line for line in words.split("\n") if line.startswith(name)), "")


# a run in detail


def test_every_question_has_its_line() -> None:
    words = said(past(ended(), "partial"))
    assert row(words, "asked").split(maxsplit=1)[1] == (
        "backfill   2016-01-01 to 2019-12-31 daily   29 items in metric units"
    )
    assert row(words, "stations").startswith("stations  48: 2, 5, 8, 11")
    assert "8 requests at once   3 attempts a page" in row(words, "how")
    assert "▲ partial: 1 of 48 jobs failed   exit code 3" in row(words, "ended")
    assert "2025-11-22 03:04:13 to 03:05:34Z   took 00:01:21" in row(words, "when")
    assert "68,620 records   188 of 192 station-years   ✗ 4 failed" in row(words, "stored")
    causes = "503 Service Unavailable × 3   429 Too Many Requests × 1"
    assert f"▲ 4 of 200 attempts begun (2.0%)   {causes}   1 retry" in row(words, "errors")
    assert "TTFB p50 294  p95 416  p99 1663 ms" in row(words, "speed")
    assert "7.6 MB on the wire   767 kB stored   8.3:1 of plain rows   112 MB peak memory" in row(words, "bytes")
    assert row(words, "folder").endswith("/srv/cimis/runs/1121-1904-7f3a   545 kB")
    assert run_title(past(ended(), "partial")) == "Run 1121-1904-7f3a"


def test_only_what_is_stored_is_called_stored() -> None:
    facts = past(midst(), "cut off")
    assert facts.account is not None and facts.figures is not None
    stored = sum(station.records for station in facts.account.stations)
    assert (stored, facts.figures.records) == (29_200, 33_215)
    assert "29,200 records   33,215 fetched   80 of 192 station-years" in row(said(facts), "stored")
    assert "fetched" not in row(said(past(ended(), "partial")), "stored"), "it is the same number"


def test_a_run_that_goes_on_is_called_what_the_header_calls_it() -> None:
    state = fold(midst())
    live = facts_of(state, state.now, BLANK, count=True)
    assert cells_of(live, "", shown=True)[2].text == "● running"


@pytest.mark.parametrize("width", range(40, 120, 3))
def test_causes_that_are_left_out_are_not_hidden(width: int) -> None:
    errors = row(said(past(ended(), "partial"), width), "errors")
    assert errors.endswith(("1 retry", "…"))


def test_a_run_that_was_cut_off_says_when_and_what_to_do() -> None:
    words = said(past(midst(), "cut off"))
    assert "✗ cut off: its engine died at 2025-11-22 03:04:53Z, without ending the run" in row(words, "ended")
    assert row(words, "next").endswith("`cimis backfill` with the same options resumes")


@pytest.mark.parametrize(
    ("finished", "status", "why", "advice"),
    [
        (
            {"outcome": "done", "message": "", "resumable": False},
            "done",
            "all that was asked for is stored",
            "cimis retry",
        ),
        (
            {"outcome": "interrupted", "message": "", "resumable": True},
            "interrupted",
            "told to stop",
            "options resumes",
        ),
        (
            {"outcome": "failed", "message": "the key was rejected", "resumable": False},
            "failed",
            "rejected",
            "cimis retry",
        ),
        ({"outcome": "partial", "message": "", "resumable": False}, "partial", "4 station-years failed", "cimis retry"),
    ],
)
def test_how_it_ended(finished: dict[str, object], status: str, why: str, advice: str) -> None:
    words = said(past(ended(), status, **finished))
    assert why in row(words, "ended")
    assert advice in row(words, "next")


def test_a_run_that_goes_on_has_no_end_and_nothing_to_do_next() -> None:
    state = fold(midst())
    facts = facts_of(state, state.now + 2, BLANK, count=True)
    words = said(facts)
    assert "● running: 108 station-years to go" in row(words, "now")
    assert "for 00:00:42" in row(words, "started")
    assert not row(words, "next") and not row(words, "ended")
    later = facts_of(state, state.now + 3, facts, count=False)
    assert later.account is facts.account


def test_what_is_not_known_is_said_or_left_out() -> None:
    words = said(BLANK)
    assert "not known" in row(words, "asked") and "not known" in row(words, "stored")
    assert "its engine died, without ending the run" in words
    assert "the same command resumes" in words
    assert not row(words, "folder") and not row(words, "when") and not row(words, "speed")
    assert text(present_run(None, 80, 5)) == "no run is under the cursor"


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("height", [1, 9, 11, 15, 16, 30, 80])
def test_it_fits(width: int, height: int) -> None:
    lines = present_run(past(ended(), "partial"), width, height)
    assert len(lines) <= height
    assert max(width_of(line) for line in lines) <= width
    pair = present_pair(past(ended(), "partial"), past(midst(), "cut off"), width, height)
    assert len(pair) <= height
    assert max(width_of(line) for line in pair) <= width


def test_stations_those_that_failed_first_as_many_as_fit() -> None:
    words = said(past(ended(), "partial"), 196, 25).split("\n")
    assert len(words) == 25
    assert words[12].startswith("stations, failed ones first")
    assert words[13].split()[:4] == ["STATION", "YEARS", "FAILED", "RECORDS"]
    assert words[14].startswith(" 83  Kesterson") and "✗ http_503: " in words[14]
    assert words[15].endswith("━") and not words[16].endswith("━" * 100)
    assert words[-1] == "… 38 more: a taller window shows them"
    assert "more:" not in said(past(ended(), "partial"), 196, 80)


def test_numbers_in_ranges() -> None:
    assert number_ranges([7, 5, 6, 2, 12, 13]) == "2, 5–7, 12, 13"
    assert number_ranges([]) == ""


# two runs compared


def slower() -> Comparison:
    return compare(side_of(moved(revised(ended()), "slow", 0, slow=1.4)), side_of(ended()))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("height", [3, 9, 10, 11, 12, 13, 17, 19, 25, 33, 49])
@pytest.mark.parametrize("known", [True, False])
def test_a_comparison_fits_and_says_what_is_left_out(width: int, height: int, known: bool) -> None:
    runs = (past(ended(), "partial"), past(midst(), "cut off")) if known else None
    found = slower()
    lines = present_comparison(found, width, height, runs)
    words = text(lines)
    assert len(lines) <= height
    assert max(width_of(line) for line in lines) <= width
    shown = sum(bool(row(words, metric.name)) for metric in found.metrics)
    assert shown == len(found.metrics) or f"… {len(found.metrics) - shown} more" in words
    assert "changed" in words


def test_headings_stand_apart_and_over_their_numbers() -> None:
    lines = text(present_comparison(slower(), 56, 12)).split("\n")
    assert lines[0].split("  ")[-2:] == ["A VS B", "A IS"]
    assert "  B" in lines[0] and "B    A VS B" in lines[0]
    assert lines[0].index("A VS B") + 6 == lines[3].index("%") + 1


def test_what_is_drawn_takes_the_width_there_is() -> None:
    narrow, wide = (row(text(present_comparison(slower(), width, 20)), "TTFB p50").count("━") for width in (116, 196))
    assert 0 < narrow < wide


def test_stations_and_data_have_tables_where_there_is_room() -> None:
    words = text(present_comparison(slower(), 116, 33))
    assert "changed between the runs in 1 of 188 station-years\n" in words
    assert "    2                      2016 daily   contents A 1111111111111111…" in words
    worst, *_, least = slower().slower
    assert f"{worst.station:>3} {worst.name}" in words and f"{least.station:>3} {least.name}" not in words
    assert "  … " in words
    assert "A slower than B by > 25%: 43 of 48 stations" in words


def test_a_changed_chunk_is_named_where_its_station_is_known() -> None:
    runs = (past(ended(), "partial"), past(ended(), "partial"))
    assert "  2 Five Points          2016 daily" in text(present_comparison(slower(), 116, 33, runs))
    assert "in 1 of 188 station-years: 2 Five Points 2016" in text(present_comparison(slower(), 116, 14, runs))
    assert data_words(slower()).endswith(": 2 2016")


@pytest.mark.parametrize(
    ("width", "less", "more"),
    [(76, "◀ less", "more ▶"), (116, "◀ A has less", "A has more ▶")],
)
def test_what_the_arrows_say_stands_over_them(width: int, less: str, more: str) -> None:
    lines = text(present_comparison(slower(), width, 12)).split("\n")
    middle = lines[0].index(less) + len(less) + 1
    assert lines[0].index(more) == middle + 1
    assert row("\n".join(lines), "TTFB p50").index("━") == middle


def test_both_runs_are_told_of_below_where_there_is_room() -> None:
    same = compare(side_of(ended()), side_of(ended()))
    runs = (past(ended(), "partial"), past(midst(), "cut off"))
    words = text(present_comparison(same, 196, 50, runs))
    assert "✗ cut off" in words and "▲ partial" in words and "Kesterson" in words
    assert "cut off" not in text(present_comparison(same, 90, 50, runs))
    assert pair_height(*runs, 90) == 0


@pytest.mark.parametrize(
    ("asked_for", "said"),
    [
        ({"interval": "hourly", "items": 14}, "▲ A is daily, B is hourly: their figures are not alike"),
        ({"items": 14}, "▲ A has 29 items, B has 14 items: not alike"),
    ],
)
@pytest.mark.parametrize("height", [3, 12, 18, 33, 50])
def test_that_runs_are_unlike_comes_first(asked_for: dict[str, object], said: str, height: int) -> None:
    a = past(ended(), "partial")
    assert a.started_by is not None
    runs = (a, replace(a, started_by=changed(a.started_by, **asked_for)))
    found = replace(slower(), a="1121-1904-7f3a", b="1129-2150-0dbc")
    framed = present_comparison(found, 56, height, runs)
    assert len(framed) <= height
    assert (framed[0][0].text, framed[0][0].role) == (said, "warn")
    rows = [line for line in framed if line and line[0].text.strip() in {m.name for m in found.metrics}]
    assert {line[-1].role for line in rows} <= {"dim"}, "no verdict on what cannot be compared"
    bare = present_comparison(found, 58, height, runs, bare=True)
    assert len(bare) <= height
    (told,) = text(bare[:1]).split("\n")
    assert told.startswith(f"▲ A {found.a} ") and f" B {found.b} " in told and told.endswith(": unlike")
    assert all(width_of(line) <= 58 for line in bare)


def test_of_runs_that_are_alike_or_unknown_nothing_is_said() -> None:
    alike, found = past(ended(), "partial"), slower()
    for runs in ((alike, alike), (alike, BLANK), None):
        assert present_unlike(runs, 78) is None
        assert text(present_comparison(found, 58, 12, runs, bare=True)).startswith(f"A {found.a}  B {found.b}")
        assert text(present_comparison(found, 58, 12, runs)).startswith("FIGURE")


def test_every_arrow_has_a_head() -> None:
    lines = text(present_comparison(slower(), 116, 33)).split("\n")
    drawn = [line for line in lines if "━" in line]
    assert len(drawn) > 3
    assert all("━▶" in line or "◀━" in line for line in drawn)


def test_a_change_of_nothing_has_no_minus() -> None:
    metric = slower().metrics[0]
    assert change(changed_metric(metric, -0.001, points=False)) == "+0%"
    assert change(changed_metric(metric, -0.0001, points=True)) == "+0.0pp"
    assert change(changed_metric(metric, None, points=True)) == "–"


def changed_metric(metric: Metric, by: float | None, *, points: bool) -> Metric:
    return replace(metric, change=by, points=points)


def test_over_which_stations_is_said() -> None:
    found = slower()
    assert subtitle(found) == "over 48 stations both have; REC/S in the list: whole run, all stations"
    assert text((present_identity(found, 58),)).endswith("48 shared stations")


def test_reading_says_how_far_and_how_to_end_it() -> None:
    reading = Reading("B", "1129-2150-0dbc", 45_000_000, 120_000_000, 75_000_000, 150_000_000)
    lines = present_reading(reading, 78)
    assert text(lines[:1]) == "reading B 1129-2150-0dbc: 45.0 MB of 120 MB"
    assert text(lines[1:2]).count("█") == 30
    assert text(lines[2:]) == "d or esc ends it"
    assert max(width_of(line) for line in present_reading(reading, 30)) <= 30
