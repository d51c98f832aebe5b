"""The heat map: time into columns, the store and the run into marks, marks into lines."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from datetime import date
from itertools import pairwise

import pytest
from tui_catalog import entry
from tui_journal import ended, midst

from cimis_engine.model.batch import Covered
from cimis_engine.model.items import Interval
from cimis_engine.model.period import Span, slots_in_year
from cimis_engine.run import events as ev
from cimis_engine.run.state import RunState
from cimis_engine.store.catalog import ChunkEntry
from cimis_engine.store.coverage import Standing
from cimis_tui.view.cells import Line, width_of
from cimis_tui.view.chunk_facts import cell_facts, export_cell, present_cell, present_story
from cimis_tui.view.coverage import (
    FAILED,
    MARKS,
    PAUSED,
    RETRYING,
    RUNNING,
    Board,
    Known,
    Live,
    Sight,
    count_marks,
    present_live,
    sight,
    standings_of,
)
from cimis_tui.view.heat import NARROW, HeatView, Layout, heat_titles, layout, nearer, paint_heat, present_marks
from cimis_tui.view.time_axis import ZOOMS, Axis

DAILY, HOURLY = Interval.DAILY, Interval.HOURLY
YEARS = range(2014, 2021)
LIFE = Span(date(2015, 3, 1), date(2019, 12, 31))


def text(lines: tuple[Line, ...] | list[Line]) -> list[str]:
    return ["".join(cell.text for cell in line) for line in lines]


def chunk(year: int, interval: Interval = DAILY, station: int = 5) -> ChunkEntry:
    return replace(entry(station, interval, year, random.Random(1)), absent=())


def board_of(*entries: ChunkEntry, interval: Interval = DAILY, life: Span | None = LIFE) -> Board:
    """A board of stations 5 (Shafter) and 8 (Firebaugh), of which the latter has no chunk."""
    known = {n: Known(n, name, "Kern", life, True) for n, name in ((5, "Shafter"), (8, "Firebaugh"))}
    board = Board(interval, YEARS, 1.0, known, {(e.station, e.year): e for e in entries})
    return replace(board, standings={n: standings_of(board, n) for n in known})


def fold(told: list[ev.Stamped]) -> RunState:
    state = RunState()
    for stamped in told:
        state.apply(stamped)
    return state


# the axis


@pytest.mark.parametrize("interval", [DAILY, HOURLY])
def test_every_slot_is_in_one_column_at_every_zoom(interval: Interval) -> None:
    years = range(2015, 2017)  # 2016 is a leap year
    for zoom in ZOOMS[interval]:
        axis = Axis(interval, years, zoom)
        seen = [(axis.at(column)[0], slot) for column in range(axis.count) for slot in axis.slots(column)]
        assert seen == [(year, slot) for year in years for slot in range(1, slots_in_year(interval, year) + 1)]
        for year, slot in ((2015, 1), (2016, 60), (2016, slots_in_year(interval, 2016))):
            column = axis.column_of(year, slot)
            assert axis.at(column)[0] == year
            assert slot in axis.slots(column)


def test_columns_are_named() -> None:
    assert Axis(DAILY, YEARS).name(2) == "2016"
    assert Axis(DAILY, YEARS, "months").name(26) == "Mar 2016"
    days = Axis(DAILY, YEARS, "days")
    assert days.name(days.column_of(2016, 60)) == "2016-02-29"
    hours = Axis(HOURLY, YEARS, "hours")
    assert hours.name(hours.column_of(2016, 24)) == "2016-01-01 2400"
    days = Axis(HOURLY, YEARS, "days")
    assert days.name(days.column_of(2016, 49)) == "2016-01-03"


def test_ticks_are_round() -> None:
    assert list(Axis(DAILY, YEARS).ticks(0, 7)) == [(1, "2015"), (6, "2020")]
    months = Axis(DAILY, YEARS, "months")
    assert list(months.ticks(5, 24)) == [(12, "2015"), (24, "2016")]
    days = Axis(DAILY, YEARS, "days")
    assert [name for _, name in days.ticks(300, 130)] == ["Nov", "Dec", "Jan 2015", "Feb", "Mar"]
    assert [name for _, name in Axis(HOURLY, YEARS, "hours").ticks(23, 30)] == ["2014-01-02", "2014-01-03"]


# marks


def test_years_and_nearer_columns_tell_the_same() -> None:
    part = replace(chunk(2017), covered=(Covered(1, 59, 7),), absent=((40, 41),))
    pending = replace(chunk(2018), pending=((364, 365),))
    board = replace(board_of(chunk(2015), part, pending), revised={(5, 2015): {100: 3}})
    board = replace(board, standings={5: standings_of(board, 5)})
    marks = board.cells(5, Axis(DAILY, YEARS), 0, 7, Live())
    names = ("OUTSIDE", "REVISED", "UNASKED", "PARTIAL", "PROVISIONAL", "UNASKED", "OUTSIDE")
    assert list(marks) == [Standing[name] for name in names]
    months = Axis(DAILY, YEARS, "months")
    of_2017 = board.cells(5, months, 36, 12, Live())
    assert list(of_2017) == [Standing.WHOLE, Standing.MISSING, *[Standing.UNASKED] * 10]
    of_2015 = board.cells(5, months, 12, 12, Live())
    assert list(of_2015[:4]) == [Standing.OUTSIDE, Standing.OUTSIDE, Standing.WHOLE, Standing.REVISED]
    days = Axis(DAILY, YEARS, "days")
    at = days.column_of(2017, 38)
    assert list(board.cells(5, days, at, 5, Live())) == [1, 1, 2, 2, 1]
    assert len(board.cells(5, days, days.count - 3, 10, Live())) == 3


def test_only_the_years_that_changed_are_worked_out_anew() -> None:
    before = board_of(chunk(2015))
    after = board_of(chunk(2015), chunk(2016))
    row = standings_of(after, 5, [2016], before.standings[5])
    assert row == after.standings[5]
    assert standings_of(after, 5, [], before.standings[5]) == before.standings[5]
    assert standings_of(after, 5, [1999], row) == row


def test_the_run_is_over_what_is_stored() -> None:
    state = fold(midst())
    live = present_live(state, board_of())
    assert live.years == range(2016, 2020)
    assert live.marks[2] == dict.fromkeys(range(2016, 2020), Standing.WHOLE), "done, and the store not read since"
    assert live.marks[62] == dict.fromkeys(range(2016, 2020), RUNNING)
    assert live.marks[86] == dict.fromkeys(range(2016, 2020), RETRYING)
    assert live.marks[89] == dict.fromkeys(range(2016, 2020), PAUSED)
    assert live.marks[83] == dict.fromkeys(range(2016, 2020), FAILED)
    assert live.told[83, 2016] == "the server answered 503 three times"
    assert (143, 2016) in live.planned
    assert (62, 2016) not in live.planned
    assert 143 not in live.marks
    board = board_of(chunk(2016))
    assert 2016 not in present_live(state, board).marks[5], "what the store had when it was read, it tells itself"
    axis = Axis(DAILY, YEARS)
    assert list(board.cells(83, axis, 0, 7, live)) == [6, 6, *[FAILED] * 4, 6]
    hourly = present_live(state, board_of(interval=HOURLY))
    assert not hourly.marks
    assert hourly.names[83] == ("Kesterson", "Fresno")
    assert RUNNING not in {
        mark for of in present_live(fold(ended()), board_of()).marks.values() for mark in of.values()
    }


def test_nearer_the_run_shows_only_where_nothing_is_stored() -> None:
    board = board_of(replace(chunk(2017), covered=(Covered(1, 59, 7),)))
    live = Live(marks={5: {2017: RUNNING}})
    months = board.cells(5, Axis(DAILY, YEARS, "months"), 36, 12, live)
    assert list(months) == [1, 1, *[RUNNING] * 10]


# what is in sight


def test_what_is_worth_showing() -> None:
    board = board_of(chunk(2016))
    live = Live(names={9: ("New", "Yolo")}, years=range(2018, 2020))
    seen = sight(board, live, everything=False, text="")
    assert (seen.stations, seen.years, seen.of) == ((5, 9), range(2016, 2020), 2)
    seen = sight(board, live, everything=True, text="")
    assert (seen.stations, seen.years) == ((5, 8, 9), YEARS)
    nothing = sight(board_of(), Live(), everything=False, text="")
    assert (nothing.stations, nothing.years) == ((), YEARS)


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ("shaf", (5,)),
        ("8", (8,)),
        ("kern", (5, 8)),
        ("!shaf", (8, 9)),
        ("kern !fire", (5,)),
        ("state:whole", (5,)),
        ("state:asked", (5, 8, 9)),
        ("state:fail", (9,)),
        ("!state:whole", (8, 9)),
        ("!", (5, 8, 9)),
        ("state:nonsense", ()),
    ],
)
def test_the_filter(words: str, kept: tuple[int, ...]) -> None:
    board = board_of(chunk(2016))
    live = Live(marks={9: {2016: FAILED}}, names={9: ("New", "Yolo")})
    assert sight(board, live, everything=True, text=words).stations == kept


def test_the_legend_counts_every_cell_of_the_rows() -> None:
    board = board_of(chunk(2016))
    seen = Sight((5, 8), YEARS, 2)
    counts = count_marks(seen, board, Live(marks={8: {2016: FAILED}}))
    assert counts == {Standing.OUTSIDE: 4, Standing.WHOLE: 1, Standing.UNASKED: 8, FAILED: 1}
    assert sum(counts.values()) == 2 * len(YEARS)
    view = HeatView(board, Live(), seen, Axis(DAILY, YEARS))
    for width in (60, 78, 98, 116, 196):
        lines = present_marks(view, width, 2)
        assert all(width_of(line) <= width for line in lines)
        told = " ".join(text(lines))
        assert all(word not in told for word in ("retrying", "paused")), "those are told of while they are there"
        for mark in (m for m in MARKS[1:] if m.short not in ("retrying", "paused")):
            words = [mark.word] if width >= 140 else [mark.short, mark.short.removesuffix(" asked")]
            assert any(f"{mark.glyph} {word} " in told for word in words), (width, mark)
        assert ("blank: " in told) == (width >= 98), "what is not drawn is the first to give way"
        assert [cell.role for line in lines for cell in line if cell.text == "0"] == ["dim"] * 6


def test_the_legend_stands_in_columns() -> None:
    board = board_of(chunk(2016))
    first, second = text(present_marks(view_of(board), 78, 2))
    assert first == "station-years   █ whole 1     · never 9     ✗ failed 0        ● under way 0"
    assert second == "                ▓ missing 0   Δ revised 0   ≈ provisional 0   ▒ partly 0 …"
    held = replace(view_of(board), live=Live(marks={5: {2017: PAUSED}, 8: {2017: RETRYING}}))
    told = " ".join(text(present_marks(held, 78, 3)))
    assert "↻ retrying 1" in told and "‖ paused 1" in told
    (one,) = text(present_marks(replace(view_of(board), seen=Sight((5,), range(2016, 2018), 1)), 170, 2))
    assert one.startswith("station-years   █ whole 1   · never asked for 1   ✗ failed 0 ")
    assert "blank" not in one, "there is none"


# lines


def view_of(board: Board, zoom: str = "years", **place: int) -> HeatView:
    return HeatView(board, Live(), Sight((5, 8), board.years, 2), Axis(board.interval, board.years, zoom), **place)


def test_a_line_a_station_and_a_mark_a_cell() -> None:
    board = board_of(chunk(2015), replace(chunk(2016), absent=((3, 4),)))
    lines = paint_heat(view_of(board, row=1, column=2), 58, 10)
    ruler, shafter, firebaugh = text(lines)
    assert ruler == " station       2014  2015 ▾2016  2017  2018  2019  2020   "
    assert shafter == "   5 Shafter   " + "      " + "█████▉" + "▓▓▓▓▓▓" + "  ·   " * 3 + "      "
    assert firebaugh == ">  8 Firebaugh " + "      " + "  ·   " + "[ ·  ]" + "  ·   " * 3 + "      "
    assert [cell.text for cell in lines[2] if cell.role == "here"] == ["[", "]"]
    assert ruler.index("2016") == firebaugh.index("[")


def test_the_cursor_can_be_seen_on_a_block() -> None:
    view = view_of(board_of(chunk(2016)), row=0, column=2)
    for width, drawn in ((58, ["[", "]"]), (22, ["■ "]), (14, ["■"])):
        lines = paint_heat(view, width, 10)
        assert [cell.text for cell in lines[1] if cell.role == "here"] == drawn, width
    assert "[████]" in text(paint_heat(view, 58, 10))[1], "the mark stays to be seen"


def test_names_take_the_room_that_years_leave() -> None:
    names = {n: Known(n, name, "Kern", LIFE, True) for n, name in ((5, "Calipatria/Mulberry"), (8, "Firebaugh"))}
    few, many = range(2016, 2020), range(1982, 2026)

    def drawn(years: range, width: int) -> tuple[Layout, str]:
        board = Board(DAILY, years, 1.0, names)
        board = replace(board, standings={n: standings_of(board, n) for n in names})
        plan, lines = layout(view_of(board), width), text(paint_heat(view_of(board), width, 9))
        assert all(len(line) <= width for line in lines)
        return plan, lines[1][5 : plan.label]

    assert drawn(few, 58) == (Layout(25, 8, 4), "Calipatria/Mulberry ")
    wide = text(paint_heat(view_of(Board(DAILY, few, 1.0, names)), 58, 9))[0]
    assert wide.startswith(" station × years "), "what the rows are, then the columns"
    assert drawn(few, 38) == (Layout(25, 3, 4), "Calipatria/Mulberry ")
    assert drawn(few, 30) == (Layout(NARROW, 6, 4), " "), "too little for a name worth reading"
    assert drawn(many, 196) == (Layout(25, 3, 44), "Calipatria/Mulberry ")
    assert drawn(many, 116) == (Layout(25, 2, 44), "Calipatria/Mulberry ")
    assert drawn(many, 78) == (Layout(25, 1, 44), "Calipatria/Mulberry ")
    assert drawn(many, 62) == (Layout(18, 1, 44), "Calipatria/… ")
    assert drawn(many, 40) == (Layout(NARROW, 1, 34), " ")


@pytest.mark.parametrize(
    ("years", "width", "column", "ruler"),
    [
        (range(2020, 2025), 55, 0, "▾2020    2021    2022    2023    2024"),
        (range(2020, 2025), 55, 4, "2020    2021    2022    2023   ▾2024"),
        (range(2020, 2025), 40, 1, "2020▾2021 2022 2023 2024"),
        (range(2012, 2021), 44, 4, "2012  2014  ▾2016 2018  2020"),
        (range(2012, 2021), 44, 5, "2012  2014     ▾2017    2020"),
        (range(2012, 2021), 42, 8, "2012  2014  2016    2020▾"),
        (range(1991, 2021), 75, 0, "▾1991   1995      2000      2005      2010      2015"),
        (range(1991, 2021), 45, 29, "1991     2000 2005 2010  2020▾"),
    ],
)
def test_every_year_is_named_that_fits(years: range, width: int, column: int, ruler: str) -> None:
    board = Board(DAILY, years, 1.0, {n: Known(n, "Firebaugh", "", LIFE, True) for n in (5, 8)})
    board = replace(board, standings={n: standings_of(board, n) for n in (5, 8)})
    first = paint_heat(view_of(board, column=column), width, 9)[0]
    assert [cell.text.strip("▾") for cell in first if cell.role == "key"] == [str(years[column])]
    assert text((first,))[0].removeprefix(" station").removeprefix(" × years").strip() == ruler


def test_months_are_named_where_each_has_room() -> None:
    board = replace(board_of(), years=range(2016, 2017))
    lines = text(paint_heat(view_of(board, "months", column=2), 78, 9))
    assert lines[0].split() == [
        "station",
        "2016",
        "Feb",
        "▾Mar",
        "2016",
        "May",
        *("Jun", "Jul", "Aug", "Sep"),
        "Oct",
        "Nov",
        "Dec",
    ]


def test_beside_few_years_stands_what_they_come_to() -> None:
    board = board_of(replace(chunk(2015), records=365, stored_bytes=7900), replace(chunk(2016), absent=((3, 4),)))
    entries = {cell: replace(e, records=364, stored_bytes=7900) for cell, e in board.entries.items()}
    view = replace(view_of(replace(board, entries=entries)), live=Live(marks={8: {2017: FAILED}}))

    def beside(width: int) -> list[str]:
        lines = text(paint_heat(view, width, 9))
        assert all(len(line) <= width for line in lines)
        return [line[layout(view, width).label + 7 * layout(view, width).wide :].strip() for line in lines]

    assert beside(78) == [""] * 3, "some of the counts would be none"
    assert [line.split() for line in beside(120)] == [
        ["years", "failed", "whole", "some", "missing", "never", "asked"],
        ["1", "1", "3"],
        ["1", "4"],
    ]
    assert [line.split() for line in beside(150)] == [
        [*("years", "failed", "whole", "some", "missing", "never", "asked"), "records", "stored", "county"],
        ["1", "1", "3", "728", "15.8", "kB", "Kern"],
        ["1", "4", "Kern"],
    ]


def test_scrolled_both_ways_nothing_is_off_the_edge() -> None:
    board = board_of(chunk(2016))
    for width in (58, 78, 118):
        for zoom in ZOOMS[DAILY]:
            axis = Axis(DAILY, YEARS, zoom)
            for column in (0, axis.count // 2, axis.count - 1):
                view = view_of(board, zoom, row=1, column=column, top=1, left=max(0, column - 5))
                lines = paint_heat(view, width, 2)
                assert len(lines) == 2
                assert all(width_of(line) <= width for line in lines)
                assert "8" in text(lines)[1][:6]


def test_empty_states_say_what_to_do() -> None:
    def said(board: Board, of: int = 0) -> str:
        return text(paint_heat(HeatView(board, Live(), Sight((), YEARS, of), Axis(DAILY, YEARS)), 78, 9))[0]

    empty = Board(DAILY, YEARS)
    assert said(empty) == "reading the catalog…"
    assert "o shows every station" in said(replace(empty, read_at=1.0))
    assert "esc clears it" in said(replace(empty, read_at=1.0), of=3)
    assert said(replace(empty, fault="the catalog is damaged")) == "the catalog is damaged"


def test_titles_tell_what_is_in_sight() -> None:
    board = board_of(chunk(2016))
    title, subtitle = heat_titles(view_of(board), 118, 20)
    assert title == "Coverage  daily  2 stations × 7 years, stored or asked for"
    assert subtitle == "stations 1–2 of 2   2014 to 2020   store read 00:00:01Z"
    filtered = replace(view_of(board, "months", left=3), seen=Sight((5,), YEARS, 2, True))
    title, subtitle = heat_titles(filtered, 118, 20)
    assert title == "Coverage  daily  1 of 2 × 7 years by month, all there are"
    assert subtitle.startswith("station 1 of 1   Apr 2014 to Dec 2020")


def test_zooms_end() -> None:
    axis = Axis(DAILY, YEARS)
    assert nearer(axis, -1) is None
    assert nearer(Axis(DAILY, YEARS, "days"), 1) is None
    hours = nearer(Axis(HOURLY, YEARS, "days"), 1)
    assert hours is not None
    assert hours.zoom == "hours"


# words


def test_the_strip_adds_up() -> None:
    one = replace(chunk(2016), absent=((3, 4),), pending=((300, 302),), stored_bytes=9000, records=364)
    board = replace(board_of(one), revised={(5, 2016): {10: 2, 70: 1}})
    year = cell_facts(board, Live(), 5, Axis(DAILY, YEARS), 2)
    assert (year.expected, year.kept, year.revised) == (366, 364, 3)
    head, records, stored = text(present_cell(year, 150))
    assert head.startswith("5 Shafter  2016  daily")
    assert "364 of 366 records" in records
    assert "2 missing at the agency" in records
    assert "3 provisional" in records
    assert "3 values revised" in records
    assert re.search(rf"24.7 B a record   retrieved 20\S+ \d\d:\d\dZ   digest {one.digest[:12]}  ", stored)
    january = cell_facts(board, Live(), 5, Axis(DAILY, YEARS, "months"), 24)
    assert (january.period, january.expected, january.kept, january.revised) == ("Jan 2016", 31, 29, 2)
    outside = cell_facts(board, Live(), 5, Axis(DAILY, YEARS), 0)
    assert "owed nothing" in text(present_cell(outside, 100))[1]


def test_the_strip_says_what_the_run_says() -> None:
    axis, board = Axis(DAILY, YEARS), board_of()

    def said(live: Live) -> str:
        return "\n".join(text(present_cell(cell_facts(board, live, 5, axis, 2), 100)))

    assert "503: r tries" in said(Live(marks={5: {2016: FAILED}}, told={(5, 2016): "503: r tries"}))
    assert "366 not got" in said(Live(marks={5: {2016: FAILED}}))
    assert "its station is being fetched" in said(Live(marks={5: {2016: RUNNING}}))
    assert "its station is paused" in said(Live(marks={5: {2016: PAUSED}}))
    assert "its station waits to try again" in said(Live(marks={5: {2016: RETRYING}}))
    assert "366 never asked for" in said(Live())
    assert "still to ask" in said(Live(planned=frozenset({(5, 2016)})))
    assert "no chunk is stored" in said(Live())


def test_the_story_names_the_slots_and_the_digests() -> None:
    gaps = tuple((n, n) for n in range(10, 60, 2))
    one = replace(chunk(2016), absent=gaps, covered=(Covered(1, 300, 7),), records=275)
    board = board_of(one)
    facts = cell_facts(board, Live(), 5, Axis(DAILY, YEARS), 2)
    told = "\n".join(text(present_story(facts, board, None, "", 110)))
    for words in (
        "2015-03-01..2019-12-31",
        "275 records",
        "2016-01-10",
        "and 13 more runs",
        "2016-10-27 to 2016-12-31",
    ):
        assert words in told
    assert one.digest in told
    assert one.artifact_digest in told
    assert "reading…" in told
    assert "none seen" in "\n".join(text(present_story(facts, board, [], "", 110)))
    assert "no such table" in "\n".join(text(present_story(facts, board, None, "no such table", 110)))


def test_a_cell_for_a_file() -> None:
    board = board_of(chunk(2016))
    row = export_cell(cell_facts(board, Live(), 5, Axis(DAILY, YEARS), 2))
    assert (row["station"], row["year"], row["state"], row["expected"], row["kept"]) == (5, 2016, "whole", 366, 366)
    none = export_cell(cell_facts(board, Live(), 8, Axis(DAILY, YEARS), 2))
    assert (none["state"], none["unasked"], none["digest"]) == ("never asked for", 366, None)


def test_marks_are_told_apart_without_colour() -> None:
    assert len({mark.glyph for mark in MARKS}) == len(MARKS)
    assert len({mark.word for mark in MARKS}) == len(MARKS)
    assert all(len(mark.glyph) == 1 for mark in MARKS[1:])
    assert [mark.word for mark in MARKS][RUNNING:] == ["under way", "retrying", "paused", "failed"]
    assert all(mark.short in mark.word for mark in MARKS), "the short form is a part of the long one"
    assert all(a < b for a, b in pairwise(Standing))
