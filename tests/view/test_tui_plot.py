"""A plot and its numbers: what is drawn, what is marked, what is said."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from curves import curve

from cimis_engine.errors import UsageError
from cimis_engine.model.items import Interval, UnitSystem, items_of, parse_items
from cimis_engine.model.period import Span
from cimis_tui.view.cells import Line, width_of
from cimis_tui.view.curve import (
    Curve,
    CurveRecords,
    counterpart,
    slot_date,
    slot_number,
    slot_words,
    summarize,
    unit_words,
)
from cimis_tui.view.plot_lines import Plot, layout_plot, plot_lines
from cimis_tui.view.quality import DOUBTFUL, ESTIMATED, GOOD, PENDING, SEVERE, flag_words, grades
from cimis_tui.view.series_facts import SeriesFacts, no_data, present_choice, present_facts

START = date(2024, 1, 1)


def window(days: int) -> Span:
    return Span(START, START + timedelta(days=days - 1))


def text(line: Line) -> str:
    return "".join(cell.text for cell in line)


def drawn(*curves: Curve, days: int, width: int = 60, height: int = 15, cursor: int | None = None) -> list[str]:
    plot = Plot(curves, window(days), START)
    drawing = layout_plot(plot, width, height)
    lines = plot_lines(drawing, plot, cursor, width, height, stale=False)
    assert len(lines) == height
    assert all(width_of(line) <= width for line in lines)
    return [text(line) for line in lines]


def dotted(rows: list[str]) -> set[int]:
    """The columns in which any braille dot is."""
    return {n for row in rows for n, glyph in enumerate(row) if 0x2800 < ord(glyph) <= 0x28FF}


def test_a_gap_stays_empty_and_the_axis_says_so() -> None:
    values = [100 + n for n in range(50)]
    rows = drawn(curve(values, skip=range(20, 30)), days=50)
    left = rows[2].index("│") + 1 if "│" in rows[2] else rows[2].index("┤") + 1
    columns = sorted(column - left for column in dotted(rows))
    inside = [c for c in range(len(rows[2]) - left) if c not in columns]
    assert inside == list(range(inside[0], inside[-1] + 1)), "one gap, nothing across it"
    assert len(inside) >= 10
    axis = rows[-3][left:]
    assert axis[inside[2] : inside[-2]].strip(" ╷") == ""
    assert "no axis: no value" in rows[-1]


def test_a_missing_value_is_no_zero() -> None:
    rows = drawn(curve([500, None, 500]), days=3)
    assert not any("⣀" in row or "⡇" in row for row in rows), "no line down to zero"
    assert rows[2].lstrip()[0] != "0"


def test_two_units_have_two_axes_and_one_unit_has_one() -> None:
    eto, rain, wind = (curve([n * 10 for n in range(30)], slug=s) for s in ("day-eto", "day-precip", "day-wind-run"))
    both = drawn(eto, wind, days=30)
    assert both[1].startswith(" mm") or both[1].startswith("mm")
    assert both[1].rstrip().endswith("km")
    assert any("├" in row for row in both)
    same = drawn(eto, rain, days=30)
    assert not any("├" in row for row in same)
    assert "CIMIS reference ETo" in same[-1]
    assert "Precipitation" in same[-1]


def test_flags_are_marked_where_they_are_and_in_the_top_row() -> None:
    flagged = curve([100] * 30, flags=" " * 10 + "I" + " " * 5 + "Y" + "A")
    rows = drawn(flagged, days=30)
    assert (rows[1].count("✗"), rows[1].count("▲"), rows[1].count("◇")) == (1, 1, 1) or "◇" not in rows[1]
    assert any("✗" in row for row in rows[2:-3])
    assert "✗ severe" in rows[-1]


def test_too_many_flags_are_told_in_the_top_row_only() -> None:
    rows = drawn(curve([100 + n % 7 for n in range(366)], flags="Y" * 366), days=366)
    assert not any("▲" in row for row in rows[2:-3])
    assert "▲" in rows[1]


def test_the_cursor_reads_date_value_and_flag() -> None:
    marked = curve([123, None, 456], flags=" MY")
    first = slot_number(Interval.DAILY, START)
    assert drawn(marked, days=4, cursor=first)[0].split("   ")[:2] == ["2024-01-01", "1.23 mm  ✓ passed all tests"]
    assert "no value  ✗ M missing" in drawn(marked, days=4, cursor=first + 1)[0]
    assert "4.56 mm  ▲ Y moderately out of historical limits" in drawn(marked, days=4, width=90, cursor=first + 2)[0]
    assert "no record stored" in drawn(marked, days=4, cursor=first + 3)[0]
    assert drawn(marked, days=4, cursor=first + 99)[0] == "", "a cursor outside waits for its window"


def test_every_slot_has_its_column_and_back() -> None:
    for days in (3, 40, 366, 4000):
        drawing = layout_plot(Plot((curve([1] * days),), window(days), START), 60, 12)
        columns = [drawing.column_at(drawing.first + n) for n in range(days)]
        assert columns == sorted(columns)
        assert (min(columns) >= 0, max(columns) < drawing.columns) == (True, True)
        if days > drawing.columns:
            assert all(drawing.column_at(drawing.slot_at(c)) == c for c in range(drawing.columns))


def test_what_is_still_being_read_is_no_gap() -> None:
    half = curve([100] * 50, start=START + timedelta(days=50))
    plot = Plot((half,), window(100), START + timedelta(days=50))
    rows = [text(line) for line in plot_lines(layout_plot(plot, 60, 15), plot, None, 60, 15, stale=False)]
    assert rows[-3].count("·") >= 20
    assert "·· being read" in rows[-1]
    assert "no axis" not in rows[-1]


def shown(one: Curve, *, days: int, hide_severe: bool = False) -> SeriesFacts:
    summary = summarize(one, window(days), window(days))
    return SeriesFacts(Plot((one,), window(days), START), (summary,), window(200), None, False, hide_severe)


def test_numbers_are_exact() -> None:
    found = summarize(curve([10, 1010, None, 30, 10], flags="  MIP"), window(7), window(6))
    assert (found.count, found.missing) == (4, 2)
    assert found.least is not None
    assert found.greatest is not None
    assert (found.least.value, slot_words(Interval.DAILY, found.least.slot)) == (Decimal("0.10"), "2024-01-01")
    assert (found.greatest.value, slot_words(Interval.DAILY, found.greatest.slot)) == (Decimal("10.10"), "2024-01-02")
    assert found.total == Decimal("10.60")
    assert found.mean == pytest.approx(2.65)
    assert found.flagged == (1, 0, 0, 2)
    assert sum(found.spread) == 4


def test_directions_have_no_mean_and_temperatures_no_sum() -> None:
    wind = summarize(curve([3590, 10], slug="hly-wind-dir"), window(1), window(1))
    assert (wind.mean, wind.total) == (None, None)
    air = summarize(curve([10, 20], slug="day-air-tmp-avg", exponent=1), window(2), window(2))
    assert (air.mean, air.total) == (1.5, None)
    nothing = summarize(curve([None, None]), window(2), window(2))
    assert (nothing.count, nothing.missing, nothing.least, nothing.mean, nothing.total) == (0, 2, None, None, None)


def test_facts_in_a_column_and_in_lines() -> None:
    one = curve([10, 1010, None, 30, 10], flags="  MIP")
    facts = shown(one, days=5)
    tall = [text(line) for line in present_facts(facts, 34, 40)]
    assert "min      0.10 mm  2024-01-01" in tall
    assert "sum      10.60 mm" in tall
    assert "no value 1 day" in tall
    assert any("✗ 2 severe" in line for line in tall)
    short = [text(line) for line in present_facts(facts, 90, 3)]
    assert short[0].startswith("min 0.10 mm 2024-01-01  max 10.10 mm 2024-01-02")
    assert "values 4 of 5 days  ✗ 2 severe" in short[1]
    assert all(width_of(line) <= 50 for line in present_facts(facts, 50, 2))


def test_the_choice_says_which_range_it_is() -> None:
    (line,) = present_choice(shown(curve([1] * 31), days=31, hide_severe=True), 120, 1)
    assert "[m month]" in text(line)
    assert "✗ hidden" in text(line)
    assert {cell.action for cell in line} >= {"item", "interval", "range('all')", "station(1)"}


def test_bare_keys_of_ranges_are_left_out_where_there_are_few_columns() -> None:
    whole = shown(curve([1] * 31), days=31)
    narrow, wide = (text(present_choice(whole, width, 1)[0]) for width in (60, 80))
    assert "[m" in wide and "[" not in narrow
    year = text(present_choice(shown(curve([1] * 366, slug="day-rel-hum-avg"), days=366), 80, 1)[0])
    assert len(year) < 80 and "[" in year and "  2024  " in year, "dates in short make room for them"


def test_the_choice_names_the_item_at_every_width() -> None:
    def told(slug: str, width: int, days: int = 31) -> str:
        return text(present_choice(shown(curve([1] * days, slug=slug), days=days), width, 1)[0])

    assert told("day-eto", 80).startswith(" 2 Davis  CIMIS reference ETo  daily  2024-01-01 to 2024-01-31")
    assert told("day-eto", 60).startswith(" 2 Davis  CIMIS reference ETo  daily  2024-01")
    assert told("day-eto", 60, 30).startswith(" 2 Davis  CIMIS reference ETo  daily  2024-01-01–01-30")
    assert told("day-air-tmp-max", 56, 30).startswith(" 2 Davis  Air temperature max  daily  2024-01-01–01-30")
    assert told("day-air-tmp-max", 44, 30).startswith(" 2 Davis  Air temp…  daily  2024-01-01–01-30")
    assert "…" not in told("day-rel-hum-max", 70, 30), "an ellipsis is a cut, never a range"


def test_marks_stand_evenly_or_only_at_the_ends() -> None:
    def marks(height: int) -> list[int]:
        rising = curve([n * 10 for n in range(91)])
        return [n for n, line in enumerate(drawn(rising, days=91, height=height)[2:]) if "┤" in line]

    assert marks(10) == [0, 2, 4]
    assert marks(9) == [0, 3], "the middle of four rows is none of them"
    assert marks(8) == [0, 1, 2]


def test_words_where_there_is_no_plot() -> None:
    assert "Nothing is stored of station 7 yet" in text(no_data(None, 7, read=True, others=True)[0])
    assert "reading" in text(no_data(None, 7, read=False, others=False)[0])
    assert "do this" in text(no_data(UsageError("wrong", hint="do this"), 7, read=True, others=True)[1])


@pytest.mark.parametrize(
    ("letters", "grade"),
    [(" \0\1\xff", GOOD), ("P", PENDING), ("AET", ESTIMATED), ("YRQHNJKLZ", DOUBTFUL), ("IMS\2", SEVERE)],
)
def test_every_flag_has_a_grade(letters: str, grade: int) -> None:
    import numpy as np

    assert set(grades(np.array([ord(c) for c in letters], np.uint8)).tolist()) == {grade}


def test_flags_in_words() -> None:
    assert flag_words(ord(" ")) == "passed all tests"
    assert flag_words(0) == "no flag"
    assert flag_words(ord("I")) == "I ignore"
    assert flag_words(ord("z")).startswith("z a flag without")


def test_items_and_their_counterparts() -> None:
    (air,), (rain,) = parse_items(["day-air-tmp-max"], Interval.DAILY), parse_items(["hly-precip"], Interval.HOURLY)
    assert counterpart(air, Interval.HOURLY) == parse_items(["hly-air-tmp"], Interval.HOURLY)[0]
    assert counterpart(rain, Interval.DAILY) == parse_items(["day-precip"], Interval.DAILY)[0]
    assert counterpart(parse_items(["hly-wind-dir"], Interval.HOURLY)[0], Interval.DAILY) is None
    assert counterpart(parse_items(["hly-air-tmp"], Interval.HOURLY)[0], Interval.DAILY).slug == "day-air-tmp-avg"  # type: ignore[union-attr]


def test_units_are_words_of_people() -> None:
    known = {unit_words(item, units) for i in Interval for item in items_of(i) for units in UnitSystem}
    assert known == {"°C", "°F", "mm", "in", "%", "W/m²", "Ly/day", "kPa", "mbar", "m/s", "MPH", "km", "mi", "°"}


def test_slots_and_dates() -> None:
    for interval, hour, told in ((Interval.DAILY, 1, "2024-02-29"), (Interval.HOURLY, 24, "2024-02-29 2400")):
        slot = slot_number(interval, date(2024, 2, 29), hour)
        assert slot_words(interval, slot) == told
        assert slot_date(interval, slot) == date(2024, 2, 29)


def test_records_for_a_file() -> None:
    rows = CurveRecords((curve([123, None], flags=" M"), curve([7], slug="hly-precip", station=3)))
    assert len(rows) == 3
    assert rows[0] == {
        "station": 2, "item": "day-eto", "unit": "mm", "time": "2024-01-01", "value": 1.23, "qc": " ",
    }  # fmt: skip
    assert [row["value"] for row in rows] == [1.23, None, 0.07]
    assert rows[2]["time"] == "2024-01-01 0100"
