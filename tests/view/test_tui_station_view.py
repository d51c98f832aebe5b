"""Presenters of the station and the log: exact bars, percentiles, words."""

from __future__ import annotations

from dataclasses import replace

import pytest
from station_journal import STATION, busy
from tui_journal import midst

from cimis_engine.run.events import Timings
from cimis_engine.run.state import RunState
from cimis_engine.run.tallies import AttemptState
from cimis_tui.view.attempts import (
    AttemptRow,
    attempt_columns,
    attempt_facts,
    attempt_record,
    brief,
    dates,
    glyph,
    note,
    present_attempt,
)
from cimis_tui.view.cells import Line, width_of
from cimis_tui.view.columns import MARK, layout
from cimis_tui.view.log import LogBook, LogRow, log_line, news, parse_log_filter
from cimis_tui.view.log_foot import present_line
from cimis_tui.view.order import FilterError
from cimis_tui.view.percentiles import present_percentiles
from cimis_tui.view.station import StationFacts, present_station, present_stats
from cimis_tui.view.station_state import present_state, present_state_strip
from cimis_tui.view.trend import present_trend
from cimis_tui.view.waterfall import TEXTURES, bar, legend, ruler, scale_of, waterfall_empty
from cimis_tui.widgets.ascii import to_ascii

T = 1_700_000_000.0


def text(line: Line) -> str:
    return "".join(cell.text for cell in line)


def attempt(**changes: object) -> AttemptState:
    fields: dict[str, object] = {"page": 3, "attempt": 1, "start": "2019-01-01", "end": "2019-12-31", "began": T}
    return AttemptState(**{**fields, **changes})  # type: ignore[arg-type]


def ok(**timings: float) -> AttemptRow:
    known = Timings(total=sum(timings.values()), **timings)
    return present_attempt(attempt(ended=T + 1, verdict="ok", status=200, timings=known, records=365), T + 2)


def refused(now: float, **changes: object) -> AttemptRow:
    facts: dict[str, object] = {"verdict": "retry", "error_class": "http_429", "status": 429}
    return present_attempt(attempt(ended=T + 1, timings=Timings(ttfb=100.0, total=100.0), **{**facts, **changes}), now)


@pytest.fixture(scope="module")
def facts() -> StationFacts:
    state = RunState()
    for stamped in busy():
        state.apply(stamped)
    found = present_station(state, STATION, state.now)
    assert found is not None
    return found


# attempts in words


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        ("2019-01-01", "2019-12-31", "2019"),
        ("2016-01-01", "2019-12-31", "2016–2019"),
        ("2019-01-01", "2019-06-30", "2019 Jan–Jun"),
        ("2015-07-01", "2015-12-31", "2015 Jul–Dec"),
        ("2019-02-01", "2019-02-28", "2019-02"),
        ("2019-07-01", "2020-02-29", "2019-07–2020-02"),
        ("2019-01-05", "2019-03-09", "2019-01-05–03-09"),
        ("2019-12-05", "2020-01-09", "2019-12-05–2020-01-09"),
        ("2019-01-05", "2019-01-05", "2019-01-05"),
        ("", "", "–"),
    ],
)
def test_dates_as_short_as_can_be(start: str, end: str, said: str) -> None:
    assert dates(start, end) == said


@pytest.mark.parametrize(
    ("row", "mark", "said"),
    [
        (present_attempt(attempt(), T + 0.4), "●", "in flight"),
        (ok(ttfb=200.0), "✓", ""),
        (ok(ttfb=2310.0), "▲", "slow: TTFB > 2000 ms"),
        (refused(T + 3, wait_until=T + 9), "↻", "waits 6s: 429 Too Many Requests"),
        (refused(T + 8.5, wait_until=T + 9), "↻", "due 22:13:29: 429 Too Many Requests"),
        (refused(T + 20, wait_until=T + 9), "↻", "waited 8.0 s: 429 Too Many Requests"),
        (refused(T + 3), "✗", "failed: 429 Too Many Requests"),
        (refused(T + 3, verdict="fail_job"), "✗", "gave up: 429 Too Many Requests"),
        (refused(T + 3, verdict="split"), "↻", "too large: split"),
        (refused(T + 3, verdict="cancelled"), "✗", "cancelled"),
    ],
)
def test_what_is_said_of_an_attempt(row: AttemptRow, mark: str, said: str) -> None:
    assert (glyph(row).text, note(row).text) == (mark, said)


def test_one_in_flight_takes_as_long_as_it_has_been() -> None:
    row = present_attempt(attempt(), T + 0.4)
    assert row.total_ms == pytest.approx(400.0)
    assert ("total", "400.00 ms so far") in attempt_facts(row)


def test_a_phase_that_did_not_happen_is_none_in_a_file_and_a_dash_on_screen() -> None:
    row = ok(ttfb=200.0)
    assert attempt_record(row)["dns_ms"] is None
    assert ("dns", "–") in attempt_facts(row)
    assert attempt_record(row)["began"] == "2023-11-14T22:13:20.000+00:00"


def test_a_note_without_room_leaves_its_reason_out() -> None:
    assert brief("waited 8.0 s: connection reset", 30) == "waited 8.0 s: connection reset"
    assert brief("waited 8.0 s: 429 Too Many Requests", 26) == "waited 8.0 s: 429 Too…"
    assert brief("waited 8.0 s: 429 Too Many Requests", 14) == "waited 8.0 s"


@pytest.mark.parametrize("terminal", [60, 80, 100, 120, 200])
def test_columns_fill_the_width(terminal: int) -> None:
    room = terminal - (3 if terminal >= 100 else 1)  # a frame from 100 columns on, a scrollbar always
    columns = attempt_columns(terminal, ("2019 Jan–Jun",))
    placed = layout(columns, terminal, room)
    assert MARK + sum(p.width + p.gap for p in placed) == room - 1, "a blank before the scrollbar"
    assert {"page", "dates", "try", "status", "bar", "total", "note"} <= {columns[p.column].key for p in placed}


# bars


def test_each_phase_has_a_texture_of_its_own() -> None:
    failed = bar(refused(T), 100.0, 1)[0].text
    marks = [*(mark for mark, _ in TEXTURES.values()), failed]
    assert len(set(marks)) == len(marks)
    assert to_ascii(failed) not in map(to_ascii, marks[:-1])
    assert all(mark in text(legend(120)) for mark, _ in TEXTURES.values())


@pytest.mark.parametrize("width", [58, 78, 96, 116, 196])
def test_the_legend_has_what_befalls_an_attempt_at_every_width(width: int) -> None:
    line = legend(width)
    assert width_of(line) <= width
    assert {("█", "bar"), ("╳", "bad"), ("━", "run"), ("┄", "warn"), ("▶", "dim")} <= {(c.text, c.role) for c in line}
    assert "█ TTFB  ╳ failed" in text(line)


def test_a_bar_is_in_proportion() -> None:
    row = ok(dns=10.0, tcp=10.0, tls=20.0, ttfb=40.0, read=20.0)
    assert text(bar(row, 200.0, 20)) == "·╌▒▒████▓▓".ljust(20)
    assert text(bar(row, 100.0, 10)) == "·╌▒▒████▓▓"


def test_what_does_not_fit_ends_in_an_arrow() -> None:
    assert text(bar(ok(ttfb=400.0), 200.0, 10)) == "█████████▶"
    assert text(bar(present_attempt(attempt(), T + 9), 200.0, 10)) == "━━━━━━━━━▶"


def test_a_wait_before_the_next_try_is_drawn_as_one() -> None:
    assert text(bar(refused(T + 20, wait_until=T + 1.3), 1000.0, 10)) == "╳┄┄┄      "
    assert text(bar(refused(T + 20, wait_until=T + 9), 1000.0, 10)) == "╳┄┄┄┄┄┄┄┄▶"
    assert text(bar(refused(T + 20, wait_until=T + 1.001), 1000.0, 10)) == "╳┄        "


def test_what_is_not_known_of_an_attempt_is_not_drawn() -> None:
    cancelled = present_attempt(attempt(ended=T + 7, verdict="cancelled"), T + 9)
    assert (cancelled.total_ms, cancelled.drawn_ms) == (7000.0, 0.0)
    assert scale_of([ok(ttfb=437.0), cancelled]) == 500.0
    assert scale_of([cancelled]) == scale_of([]) == 1000.0
    assert text(bar(cancelled, 500.0, 10)) == " " * 10
    unheard = present_attempt(attempt(ended=T + 1, verdict="retry", wait_until=T + 9), T + 20)
    assert text(bar(unheard, 500.0, 10)) == "┄┄┄┄┄┄┄┄┄▶"


def test_the_shortest_attempt_leaves_a_mark() -> None:
    assert text(bar(ok(ttfb=0.1), 1000.0, 10)) == "█".ljust(10)
    assert text(bar(present_attempt(attempt(), T), 1000.0, 10)) == "━".ljust(10)


def test_a_failed_answer_is_told_apart() -> None:
    assert bar(refused(T), 100.0, 4)[0] == ("╳╳╳╳", "bad", "")
    assert bar(refused(T, verdict="cancelled"), 100.0, 4)[0] == ("╳╳╳╳", "dim", "")
    assert bar(ok(ttfb=3000.0), 3000.0, 4)[0].role == "warn"


@pytest.mark.parametrize(
    ("longest", "zoom", "scale"),
    [(437.0, 0, 500.0), (437.0, 1, 300.0), (1999.0, 0, 2000.0), (2001.0, 0, 3000.0), (0.2, 0, 4.0), (437.0, 10, 4.0)],
)
def test_the_scale_is_round(longest: float, zoom: int, scale: float) -> None:
    assert scale_of([ok(ttfb=longest)], zoom) == scale


def test_the_ruler_marks_round_times() -> None:
    assert ruler(500.0, 50) == "╷0 ms     ╷100      ╷200      ╷300      ╷400      "
    assert ruler(20_000.0, 40).startswith("╷0 s")
    assert all(len(ruler(scale, width)) == width for scale in (4.0, 300.0, 80_000.0) for width in (8, 13, 60))


# percentiles, trend, state


def test_percentiles_are_nearest_rank_over_good_attempts() -> None:
    rows = [ok(ttfb=float(ms), read=100.0) for ms in range(100, 0, -1)]
    stats = {s.name: s for s in present_stats([refused(T), *rows], {"write": (5.0, [3.0, 5.0])})}
    ttfb = stats["ttfb"]
    assert (ttfb.last, ttfb.p50, ttfb.p90, ttfb.p95, ttfb.p99, ttfb.most) == (100.0, 50.0, 90.0, 95.0, 99.0, 100.0)
    assert ttfb.share == pytest.approx(5050 / (5050 + 10_000 + 8))
    assert (stats["dns"].p50, stats["dns"].share) == (None, None)
    assert (stats["write"].last, stats["write"].most) == (5.0, 5.0)


@pytest.mark.parametrize(("width", "height"), [(36, 9), (46, 9), (56, 14), (96, 14)])
def test_percentiles_fit(facts: StationFacts, width: int, height: int) -> None:
    lines = present_percentiles(facts, width, height)
    assert len(lines) <= height
    assert all(width_of(line) <= width for line in lines)
    assert any("TTFB" in text(line) for line in lines)


def test_the_trend_holds_the_fleet_against_it(facts: StationFacts) -> None:
    lines = present_trend(facts, 56, 12)
    assert len(lines) == 12
    assert all(width_of(line) <= 56 for line in lines)
    assert "┄" in "".join(text(line) for line in lines)
    assert text(lines[-3]).count("✗") == 3
    assert "p50 of all stations" in text(lines[-1])


@pytest.mark.parametrize(("width", "height"), [(58, 2), (78, 5), (46, 9), (56, 6), (96, 12)])
def test_state_fits(facts: StationFacts, width: int, height: int) -> None:
    for present in (present_state, present_state_strip):
        lines = present(facts, width, height)
        assert len(lines) <= height
        assert all(width_of(line) <= width for line in lines)
        assert "● run" in text(lines[0])


@pytest.mark.parametrize(
    ("now", "said"), [(4.0, "in 5s"), (8.5, "due 22:13:29"), (9.5, "due 22:13:29"), (14.0, "was due 22:13:29")]
)
def test_the_next_try_has_a_moment_once_it_is_near_or_past(facts: StationFacts, now: float, said: str) -> None:
    waiting = refused(T + now, wait_until=T + 9)
    waits = replace(facts, status="retrying", attempts=(waiting,), held_bytes=0)
    assert text(present_state(waits, 100, 9)[0]).endswith(f"  next 2019  {said}")
    assert text(present_state(waits, 52, 9)[0]).endswith(said), "when is more than which"
    assert "due" not in attempt_record(waiting), "began and the wait say it"


def test_a_wait_that_another_try_ended_is_not_due(facts: StationFacts) -> None:
    followed = present_attempt(attempt(attempt=2, began=T + 9.1, ended=T + 10, verdict="ok"), T + 14)
    late = replace(facts, status="retrying", attempts=(followed, refused(T + 14, wait_until=T + 9)))
    assert "due" not in text(present_state(late, 100, 9)[0])


def test_a_time_is_not_said_twice_under_the_trend(facts: StationFacts) -> None:
    def foot(*began: float) -> str:
        rows = tuple(replace(ok(ttfb=200.0), began=t) for t in began)
        return text(present_trend(replace(facts, attempts=rows), 56, 12)[-2]).strip()

    assert foot(T, T) == "22:13:20"
    assert foot(T + 1, T) == "22:13:20–22:13:21", "each beneath its own column would run into the other"
    assert foot(*(T + n for n in range(5, -1, -1))) == "22:13:20  22:13:25"


def test_a_cancelled_attempt_has_not_failed(facts: StationFacts) -> None:
    cancelled, failed = (refused(T, verdict=verdict) for verdict in ("cancelled", "fail_job"))

    def crosses(*rows: AttemptRow) -> tuple[list[str], str]:
        lines = present_trend(replace(facts, attempts=(*rows, ok(ttfb=200.0))), 56, 12)
        return [cell.role for cell in lines[-3] if "✗" in cell.text], text(lines[-1]).partition("  ┄")[0]

    assert crosses(cancelled) == (["dim"], "█ an attempt  ✗ cancelled")
    assert crosses(failed) == (["bad"], "█ an attempt  ✗ failed")
    assert crosses(cancelled, failed) == (["bad", "dim"], "█ an attempt  ✗ failed  ✗ cancelled")


def test_in_the_whole_log_what_is_said_starts_in_one_column() -> None:
    rows = [LogRow(n, T, 0, f"{n} {name}  done: 3 records", n) for n, name in ((5, "Shafter"), (146, "Belridge"))]
    book = LogBook()
    book.add(rows)
    assert book.named == len("146 Belridge")
    wide, narrow = ([text(log_line(row, width, here=False, named=book.named)) for row in rows] for width in (118, 58))
    assert len({line.index("done") for line in wide}) == 1
    assert wide[1].endswith("146 Belridge  done: 3 records"), "no wider than the longest name"
    assert len({line.index("done") for line in narrow}) == 2, "there is no room to lose"
    far = LogRow(1, T, 0, "41 Calipatria/Mulberry Farm  done", 41)
    assert text(log_line(far, 118, here=False, named=99)).endswith(" 41 Calipatria/Mulberry Farm  done")
    assert text(log_line(rows[0], 118, here=False, named=99)).endswith("  5 Shafter" + " " * 11 + "done: 3 records")
    assert text(log_line(LogRow(1, T, 0, "run started  now"), 118, here=False)).endswith("run started  now")


def test_state_says_what_is_stored_and_what_is_missing(facts: StationFacts) -> None:
    told = "\n".join(text(line) for line in present_state(facts, 100, 12))
    assert "2,730 of 4,383 (62%)  7 missing  7 gaps" in told
    assert "3 in 19 tries  last 503 Service Unavailable  wait 2.6 s" in told
    assert f"stations/062/2014_daily.zst  {facts.chunks[0].digest[:12]}" in told
    (retries,) = (text(line) for line in present_state_strip(facts, 46, 9) if "tries" in text(line))
    assert retries == "retries  3 in 19 tries  last 503 Service…"


def test_empty_states_say_what_to_do() -> None:
    state = RunState()
    for stamped in midst():
        state.apply(stamped)
    queued = present_station(state, 143, state.now)
    assert "request slot" in waterfall_empty(queued)
    assert present_station(state, 9999, state.now) is None
    assert "has not told" in waterfall_empty(None)
    for present in (present_percentiles, present_trend, present_state):
        assert text(present(None, 56, 9)[0])
        assert text(present(queued, 56, 9)[0])


def test_a_wide_panel_draws_the_shares(facts: StationFacts) -> None:
    narrow, wide = (present_percentiles(facts, width, 14) for width in (56, 96))
    assert not any("█" in text(line) for line in narrow)
    drawn = {text(line).split()[0]: line[-1] for line in wide}
    assert drawn["TTFB"].role == "bar" and drawn["TTFB"].text.startswith("█" * 20)
    assert len(drawn["TTFB"].text) > len(drawn["READ"].text) > 0
    assert all(width_of(line) <= 96 for line in wide)


# the log


def row(seq: int, level: int = 0, said: str = "", station: int | None = None) -> LogRow:
    return LogRow(seq, T + seq, level, said or f"line {seq}", station)


def test_news_are_the_lines_since_and_those_of_a_station_do_not_name_it() -> None:
    state = RunState()
    for stamped in midst():
        state.apply(stamped)
    every = news(state, after=0)
    assert len(every) == len(state.log)
    last = every[-1]
    assert news(state, after=last.seq) == ()
    assert news(state, after=last.seq - 1) == (last,)
    assert news(state, after=0, station=83)[0].text.startswith("failed: 503 Service Unavailable: the server")
    assert len(news(state, after=0, most=5)) == 5


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("", 4),
        ("429", 1),
        ("!429", 3),
        ("station:62", 2),
        ("station:62 !429", 1),
        ("!station:62", 2),
        ("X", 1),
        ("8:5", 1),
    ],
)
def test_words_choose_lines(said: str, kept: int) -> None:
    lines = [row(1, said="refused 429", station=62), row(2, station=62), row(3, said="ratio 8:5"), row(4, said="max x")]
    keep = parse_log_filter(said)
    assert sum(keep.matches(line) for line in lines) == kept


@pytest.mark.parametrize("said", ["state:retry", "station:davis", "level:warn"])
def test_a_term_that_means_nothing_is_refused(said: str) -> None:
    with pytest.raises(FilterError):
        parse_log_filter(said)


def test_a_book_keeps_places_while_old_lines_go() -> None:
    book = LogBook()
    book.add(row(n, level=n % 3) for n in range(1, 5001))
    book.choose(level=2)
    assert (book.first, book.end) == (0, 1667)
    line = book.at(1000)
    book.add(row(n, level=n % 3) for n in range(5001, 5301))
    assert book.held == 5000
    assert (book.first, book.end) == (100, 1767)
    assert book.at(1000) == line
    assert book.lines(1000, 1002)[0] == line
    assert book.place_of(line.seq) == 1000
    assert book.told == [1766, 1767, 1767]
    assert book.seek(1000, 1, 2) == 1001
    assert book.seek(book.end - 1, 1, 2) is None


def test_a_long_line_is_told_in_full_at_the_foot() -> None:
    long = row(1, level=2, said="word " * 30)
    lines = present_line(long, 60, 4)
    assert "".join(text(line) for line in lines).count("word") == 30
    assert text(present_line(long, 60, 2)[-1]).endswith("…")
    assert all(width_of(line) <= 60 for line in lines)
