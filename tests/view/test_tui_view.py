"""Presenters: state in, cells out, without a screen."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from tui_journal import PID, ended, midst

from cimis_engine.run import events as ev
from cimis_engine.run.histogram import HistogramRing
from cimis_engine.run.state import RunState
from cimis_tui.actions import VIEW, actions_of
from cimis_tui.reasons import Situation, why_not
from cimis_tui.view import units
from cimis_tui.view.bars import bar, spark, waterfall
from cimis_tui.view.cells import Cell, Line, clip, fit, pad, spread, width_of
from cimis_tui.view.chunk_rows import CHUNK_COLUMNS
from cimis_tui.view.columns import COLUMNS, INDEX, MARK, layout
from cimis_tui.view.ending import present_ending
from cimis_tui.view.frame import Feed, SelfCost, Vitals
from cimis_tui.view.header import present_header
from cimis_tui.view.kpi import failed_cell, present_kpi
from cimis_tui.view.order import STATIONS, Filter, FilterError, order_rows, parse_filter
from cimis_tui.view.phases import phase_strip, present_phases
from cimis_tui.view.present import Row, present_row
from cimis_tui.view.runs import COLUMNS as RUN_COLUMNS
from cimis_tui.view.vitals import present_ending_of, present_facts, present_spread, present_vitals
from cimis_tui.widgets.line_table import heading_of


def fold(told: list[object]) -> RunState:
    state = RunState()
    for stamped in told:
        state.apply(stamped)  # type: ignore[arg-type]
    return state


@pytest.fixture(scope="module")
def state() -> RunState:
    return fold(list(midst()))


def vitals(state: RunState) -> Vitals:
    own = SelfCost(61_000_000, 1.8, 8.0)
    return present_vitals(state, mode="live", pid=PID, feed=Feed("LIVE", 0.2), now=state.now + 0.5, own=own)


def text(line: Line) -> str:
    return "".join(cell.text for cell in line)


def rows(state: RunState) -> dict[int, Row]:
    return {n: present_row(s, state.now) for n, s in state.stations.items()}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0.01, "<0.1"),
        (0.26, "0.3"),
        (9.96, "10"),
        (2310.4, "2310"),
        (99_999.4, "99999"),
        (120_400, "120s"),
    ],
)
def test_milliseconds_fit_in_five_columns(value: float | None, text: str) -> None:
    assert units.ms(value) == text
    assert len(text) <= 5


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (999, "999"), (1000, "1.0k"), (61_204, "61.2k"), (438_000, "438k"), (9_900_000, "9.9M")],
)
def test_counts(value: float, text: str) -> None:
    assert units.count(value) == text


def test_sizes_spans_and_percent() -> None:
    assert [units.size(n) for n in (512, 61_300, 112_400_000)] == ["512 B", "61.3 kB", "112 MB"]
    assert [units.span(s) for s in (4, 723, 11_520, None)] == ["4s", "12m03s", "3h12m", "–"]
    assert [units.percent(x) for x in (0.0, 0.021, 0.5, None)] == ["0%", "2.1%", "50%", "–"]
    assert units.clock(3725) == "01:02:05"


def test_a_bar_is_full_only_when_all_is_done() -> None:
    assert bar(1.0, 8) == ("████████", "")
    assert bar(0.0, 8) == ("", "░░░░░░░░")
    assert bar(0.9999, 8)[0] == "███████▉"
    assert bar(0.0001, 8)[0] == "▏"
    assert all(len("".join(bar(n / 97, 13))) == 13 for n in range(98))


def test_a_waterfall_keeps_its_width_and_marks_the_shortest_phase() -> None:
    for start, length in ((0, 0), (0, 1), (0.999, 0.001), (0.5, 0.5), (0.33, 0.01), (1, 0)):
        drawn = waterfall(start, length, 30)
        assert len(drawn) == 30
        assert drawn.strip()
    assert waterfall(0.5, 0.5, 10) == "     █████"


def test_a_spark_shows_unknown_as_blank_and_scales_to_its_top() -> None:
    assert spark([None, 0, 4, 8], 4) == " ▁▄█"
    assert spark([1], 3) == "  █"


def test_lines_are_cut_spread_and_fitted() -> None:
    assert "".join(c.text for c in clip([Cell("abc"), Cell("defg")], 5)) == "abcd…"
    assert width_of(spread([Cell("left")], [Cell("right")], 20)) == 20
    assert fit(((Cell("one"),), (Cell("three"),)), 9, gap=2) == (Cell("one"),)
    assert text(fit(((Cell("one"),), (), (Cell("three"),)), 9, gap=1)) == "one three"


@pytest.mark.parametrize(
    ("width", "said"),
    [(13, "one two three"), (12, "one two …"), (9, "one two …"), (8, "one …"), (4, "…"), (1, "…"), (0, "")],
)
def test_what_does_not_fit_is_hinted_at(width: int, said: str) -> None:
    assert text(fit([(Cell(word),) for word in ("one", "two", "three")], width, gap=1, rest="…")) == said


def test_a_heading_is_as_wide_as_its_column_however_it_is_sorted() -> None:
    for columns in (COLUMNS, CHUNK_COLUMNS, RUN_COLUMNS):
        for terminal in (60, 80, 100, 120, 150, 200):
            for placed in layout(columns, terminal, terminal):
                column = columns[placed.column]
                title = column.heading(terminal)
                for arrow in ("", "▲", "▼"):
                    told = heading_of(title, arrow, placed, right=column.right)
                    assert len(told) == placed.width + placed.gap
                    whole = len(title + arrow) <= len(told)
                    assert told.strip() == title + arrow if whole else told == title[:-1] + arrow
    assert pad("Buntingville", 6) == "Bunti…"


@pytest.mark.parametrize("terminal", [60, 79, 80, 99, 100, 119, 120, 149, 150, 200])
def test_columns_fit_each_width(terminal: int) -> None:
    room = terminal - (3 if terminal >= 100 else 1)
    shown = layout(COLUMNS, terminal, room)
    assert MARK + sum(placed.width + placed.gap for placed in shown) <= room
    names = {COLUMNS[placed.column].key for placed in shown}
    assert {"id", "name", "state", "progress", "ttfb", "records"} <= names
    assert ({"dns", "tcp", "tls", "dec", "ratio", "mem"} <= names) == (terminal >= 120)


def test_rows_say_each_state_in_glyph_and_word(state: RunState) -> None:
    words = {
        row.cells[INDEX["state_glyph"]].text + " " + row.cells[INDEX["state"]].text for row in rows(state).values()
    }
    assert {"✓ done", "● run", "· queued", "‖ paused", "✗ fail 503"} <= words
    assert any(word.startswith("↻ retry ") and word.endswith("s") for word in words)


def test_a_phase_that_did_not_happen_is_a_dash(state: RunState) -> None:
    row = rows(state)[2]
    assert row.cells[INDEX["dns"]].text == "–"
    assert row.values[INDEX["dns"]] is None
    assert row.cells[INDEX["try"]].text == "1/3"


def test_sorting_puts_unknown_last_both_ways(state: RunState) -> None:
    every = rows(state)
    for reverse in (False, True):
        order = order_rows(every.values(), by="ttfb", reverse=reverse, keep=Filter(""))
        known = [every[n].values[INDEX["ttfb"]] is not None for n in order]
        assert known == sorted(known, reverse=True)
        assert len(order) == 48
    assert order_rows(every.values(), by="state", reverse=False, keep=Filter(""))[0] == 83


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 48),
        ("state:queued", 18),
        ("!state:queued", 30),
        ("state:retry", 1),
        ("bishop", 1),
        ("ttfb>1000", 1),
        ("!done", 28),
    ],
)
def test_filters(state: RunState, text: str, count: int) -> None:
    assert len(order_rows(rows(state).values(), by="id", reverse=False, keep=parse_filter(text, STATIONS))) == count


@pytest.mark.parametrize("text", ["speed>3", "state:flying"])
def test_a_filter_that_means_nothing_is_refused(text: str) -> None:
    with pytest.raises(FilterError):
        parse_filter(text, STATIONS)


@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
def test_header_and_vital_signs_fill_their_width(state: RunState, width: int) -> None:
    v = vitals(state)
    for line in (*present_header(v, width, 2), *present_kpi(v, width, 1), *(present_kpi(v, width, 4))):
        assert width_of(line) == width


@pytest.mark.parametrize("crumb", ["", "map", "station 41 Calipatria/Mulberry"])
@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
def test_a_feed_that_is_lost_is_the_last_to_leave_the_header(state: RunState, width: int, crumb: str) -> None:
    lost = replace(vitals(state), feed=Feed("LOST", 4.0))
    line = text(present_header(lost, width, 1, crumb)[0])
    assert "✗ LOST 4s" in line and len(line) == width
    assert "ETA 0" not in line, "what is heard no more says nothing of the future"


def test_where_there_is_little_room_the_process_leaves_before_the_time_left(state: RunState) -> None:
    line = text(present_header(vitals(state), 120, 1, "station 41 Calipatria/Mulberry")[0])
    assert "ETA 0" in line and "pid" not in line


@pytest.mark.parametrize(
    ("failed", "cell"),
    [(0, Cell("0%", "head")), (9, Cell("9.0%", "head")), (11, Cell("▲ 11%", "warn")), (31, Cell("▲ 31%", "bad"))],
)
def test_failed_tries_are_marked_as_the_alert_rule_would(state: RunState, failed: int, cell: Cell) -> None:
    assert failed_cell(replace(vitals(state), errors=failed, attempts=100), "head") == cell


def test_no_percentile_lies_beyond_the_slowest_answer() -> None:
    state = RunState()
    for n in range(30):
        state.now = 100.0
        state.ttfb_ring.add(100.0, 1000.0 + n)
        state.histograms["ttfb"].add(1000.0 + n)
    assert max(x for x in vitals(state).ttfb if x) <= 1029.0
    assert present_spread(state).high <= 1029.0


def test_phases_fit_their_panel(state: RunState) -> None:
    for number in (2, 62, 83, 86, 143):
        facts = present_facts(state, state.stations[number])
        for width, height in ((56, 11), (80, 1), (96, 18)):
            lines = present_phases(facts, width, height)
            assert len(lines) <= height
            assert all(width_of(line) <= width for line in lines)


def test_the_strip_has_no_place_for_a_ratio_that_is_not_known(state: RunState) -> None:
    facts = present_facts(state, state.stations[68])
    known, unknown = (text(phase_strip(replace(facts, ratio=ratio), 80)) for ratio in (8.4, None))
    assert "─ ms dns –│tcp –" in unknown and "│wr –│mem 522 kB ─" in unknown
    assert "│wr –│8.4:1│mem 522 kB ─" in known
    assert "─ ms dns –" in text(phase_strip(facts, 120))


def test_times_of_the_run_say_whose_they_are_and_their_unit(state: RunState) -> None:
    facts = replace(present_facts(state, state.stations[68]), ttfb=(282.0, 416.0, 12_416.0, 12_565.0, 12_569.0))
    lines = [text(present_phases(facts, width, 11)[-1]) for width in (56, 96)]
    assert lines[0] == "run TTFB ms p50 282 p90 416 p95 12416 p99 12565", "the unit is more than the last number"
    assert lines[1] == "run TTFB ms  p50 282  p90 416  p95 12416  p99 12565  max 12569"
    assert "new connection" in text(present_phases(replace(facts, reused=False), 96, 11)[0])


def test_the_spread_has_the_axis_of_the_engine() -> None:
    state = RunState()
    state.now = 100.0
    state.ttfb_ring = HistogramRing()
    state.ttfb_ring.add(100.0, 250.0)
    state.histograms["ttfb"].add(250.0)
    spread_ = present_spread(state)
    assert spread_.count == 1
    assert spread_.low <= 250.0 <= spread_.high
    assert spread_.high / spread_.low < 1.05


def test_the_ending_says_what_where_and_what_next() -> None:
    ending = present_ending_of(fold(list(ended())))
    assert ending is not None
    text = "\n".join("".join(c.text for c in line) for line in present_ending(ending, 116, 4))
    assert "8.3:1 compression" in text
    assert "/srv/cimis/data" in text
    assert "run the same command again" in text
    assert "1 job failed" in text


@pytest.mark.parametrize("view", list(VIEW))
def test_no_key_is_used_twice(view: str) -> None:
    keys = [key for action in actions_of(view) if not action.replay for key in action.keys]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize(
    ("action", "situation", "reason"),
    [
        ("pause", Situation("replay", "running", "END", ("running",)), "recorded run"),
        ("retry", Situation("live", "done", "END", ("failed",), 1), "has ended"),
        ("retry", Situation("live", "running", "LIVE", ("running",)), "only a failed"),
        ("retry", Situation("live", "running", "LIVE", ("running", "done")), "none of these 2 stations failed"),
        ("cancel", Situation("live", "running", "LIVE", ("done",)), "this station is done: there is nothing to cancel"),
        ("pause", Situation("live", "running", "LIVE", ("done", "failed")), "these 2 stations have ended"),
        ("pause", Situation("live", "running", "LIVE"), "no station is selected"),
        ("pause", Situation("live", "running", "LOST", ("running",)), "engine is gone"),
        ("retry_all", Situation("live", "running", "LIVE"), "no station has failed"),
        ("undo", Situation("replay", "running", "END"), "recorded run"),
        ("mute", Situation("live", "partial", "END"), "has ended"),
        ("acknowledge_all", Situation("live", "running", "LIVE", alerts=0), "no alert waits"),
        ("concurrency(1)", Situation("live", "running", "LIVE", concurrency=64), "64 in flight is the most"),
        ("concurrency(-1)", Situation("live", "running", "LIVE", concurrency=1), "is the least"),
        ("concurrency(1)", Situation("live", "draining", "LIVE", concurrency=4), "draining"),
    ],
)
def test_a_disabled_action_says_why(action: str, situation: Situation, reason: str) -> None:
    assert reason in (why_not(action, situation) or "")


def test_sorting_and_moving_are_always_allowed() -> None:
    assert why_not("sort", Situation("replay", "done", "END")) is None
    assert why_not("pause", Situation("live", "running", "LIVE", ("done", "running"))) is None


def words(lines: tuple[Line, ...]) -> str:
    return "\n".join(map(text, lines))


def test_a_run_that_brings_nothing_looks_like_it() -> None:
    state = fold(list(midst()))
    assert state.in_flight and not vitals(state).stalled
    state.apply(ev.Stamped(state.seq + 1, state.now + 61, ev.RunResumed()))
    still = vitals(state)
    assert (still.stalled, still.ttfb) == (True, (None, None, None)), "TTFB is of the last minute"
    assert "▲ 0" in words(present_kpi(still, 120, 4)) and "▲ 0" in words(present_kpi(still, 80, 1))
    state.apply(ev.Stamped(state.seq + 1, state.now, ev.RunPaused(reason="operator")))
    assert not vitals(state).stalled, "it was told to"


def test_an_engine_that_has_ended_uses_nothing() -> None:
    cards = words(present_kpi(vitals(fold(list(ended()))), 120, 4))
    assert "ended" in cards and "cpu" not in cards


def test_a_run_whose_engine_died_is_not_called_running() -> None:
    cut = replace(vitals(fold(list(midst()))), mode="replay", feed=Feed("CUT", 0.0))
    assert "CUT OFF" in words(present_header(cut, 120, 2)) and "RUNNING" not in words(present_header(cut, 120, 2))
