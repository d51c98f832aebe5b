"""Alerts as rows: their order, words with units, what cleared; rules; what becomes critical."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from tui_alerts import calm, troubled
from tui_journal import midst

from cimis_engine.run import events as ev
from cimis_engine.run.alerts import in_words
from cimis_engine.run.state import RunState
from cimis_tui.view.alert_bar import present_alerts
from cimis_tui.view.alert_rules import present_rule, present_rules, rules_title
from cimis_tui.view.alert_words import critical_since, rule_of
from cimis_tui.view.alerts import COLUMNS, AlertFacts, present_alerts_screen
from cimis_tui.view.cells import width_of
from cimis_tui.view.columns import layout
from cimis_tui.view.vitals import present_alerts_of


def fold(told: list[ev.Stamped]) -> RunState:
    state = RunState()
    for stamped in told:
        state.apply(stamped)
    return state


def facts() -> AlertFacts:
    state = fold(troubled())
    return present_alerts_screen(state, state.now)


def test_what_needs_a_person_comes_first() -> None:
    assert [(item.key[0], item.state) for item in facts().items] == [
        ("checksum", "firing"),
        ("retry_ratio", "firing"),
        ("memory", "firing"),
        ("fetch_p99", "acknowledged"),
        ("error_rate", "muted"),
        ("compression", "cleared"),
        ("fetch_p50", "ok"),
        ("success_rate", "ok"),
        ("retained", "ok"),
    ]
    assert (facts().firing, facts().quiet, facts().cleared) == (3, 2, 1)


def shown(width: int) -> list[dict[str, str]]:
    """The rows as a table on a terminal of so many columns has them: column's title → text."""
    places = layout(COLUMNS, width, width - 1)
    return [{COLUMNS[n].title: item.cells[n].text for n, _, _ in places} for item in facts().items]


def test_words_have_their_units() -> None:
    rows = {item.key[0]: [cell.text for cell in item.cells] for item in facts().items}
    assert rows["memory"][2:7] == ["memory > 200 MB", "run", "112 MB", "213 MB", "firing"]
    assert rows["checksum"][2:7] == ["checksum > 0 chunks", "83 Kesterson", "1 chunk", "1 chunk", "firing"]
    assert rows["error_rate"][4:7] == ["–", "2.13%", "muted 9m59s"]
    assert in_words(101, "B/record") == "101 B/record"
    assert in_words(2310.4, "ms") == "2,310 ms"


def test_now_and_raised_are_two_numbers() -> None:
    items = {item.key[0]: item for item in facts().items}
    cleared = items["compression"]
    assert [cell.text for cell in cleared.cells[4:7]] == ["8.3:1", "1.7:1", "cleared"], "not what it was raised at"
    records = {name: dict(item.record) for name, item in items.items()}
    assert (records["memory"]["now"], records["memory"]["raised"]) == (112_400_000, 213_400_000.0)
    assert (records["error_rate"]["now"], records["error_rate"]["raised"]) == (None, 0.0213)
    assert records["success_rate"]["raised"] is None
    notes = {name: item.cells[-1].text for name, item in items.items()}
    assert notes["memory"] == "clears ≤ 180 MB"
    assert notes["error_rate"] == "too few to judge"


def test_the_severitys_word_goes_before_the_subject() -> None:
    for width, there, not_there in (
        (60, ("RULE", "SUBJECT", "NOW", "STATE"), ("SEV", "RAISED", "FOR")),
        (80, ("SUBJECT", "NOW", "RAISED"), ("SEV", "FOR")),
        (200, ("SEV", "SUBJECT", "NOW", "RAISED", "SINCE", "FOR", "NOTE"), ()),
    ):
        row = shown(width)[0]
        assert all(title in row for title in there) and not any(title in row for title in not_there), width
    for width in (60, 80, 90, 100, 120, 130):
        room = width - (1 if width < 100 else 3)
        assert 1 + sum(placed.width + placed.gap for placed in layout(COLUMNS, width, room)) <= room, width


def test_an_alert_of_a_station_leads_to_it() -> None:
    assert [item.station for item in facts().items[:2]] == [83, None]


def test_rules_say_all_numbers_and_how_near_the_limit_it_was() -> None:
    (memory,) = (rule for rule in facts().rules if rule.name == "memory")
    assert (memory.warn, memory.critical, memory.clear, memory.wait) == ("> 200 MB", "> 400 MB", "≤ 180 MB", "5 s")
    known = [value for value in memory.trail if value is not None]
    assert len(known) > 50 and 0.4 < known[0] < 0.6 and max(known) == 1.0
    (compression,) = (rule for rule in facts().rules if rule.name == "compression")
    assert compression.trail[-1] is not None and compression.trail[-1] < 0.3, "8:1 is far from 2:1"
    for width in (40, 56, 78, 98, 116, 196):
        assert all(width_of(line) <= width for line in present_rules(facts().rules, width, 10))


@pytest.mark.parametrize(
    ("done", "failed", "near"), [(100, 0, 0.0), (99, 1, 0.2), (96, 4, 0.8), (95, 5, 1.0), (50, 50, 1.0)]
)
def test_what_a_share_lacks_nears_its_limit(done: int, failed: int, near: float) -> None:
    state = RunState()
    state.jobs_done, state.jobs_failed = done, failed
    state.trails.sample(state, 100.0)
    rule = rule_of(state, "success_rate")
    assert present_rule(state, rule, 100.0, {}).trail[-1] == pytest.approx(near)
    only = msgspec.structs.replace(rule, critical=1.0)
    assert present_rule(state, only, 100.0, {}).trail[-1] == (1.0 if failed else 0.0), "no share is past all of it"


def test_only_what_is_at_its_limit_has_the_highest_level() -> None:
    (memory,) = (rule for rule in facts().rules if rule.name == "memory")
    near = replace(memory, trail=(0.0, 0.5, 0.999, 1.0))
    (_, low), (_, *tall) = present_rules([near], 100, 2), present_rules([near], 100, 5)
    drawn = low[-1].text
    assert [mark for n, mark in enumerate(drawn) if n == 0 or drawn[n - 1] != mark] == ["▁", "▄", "▆", "▇"]
    assert tall[0][-1].text.strip("▇").strip("▆") == "" and tall[0][-1].text.count("▇") == drawn.count("▇")


def test_rules_have_two_blanks_between_their_columns() -> None:
    for width in (78, 98, 116, 196):
        head, *lines = ("".join(cell.text for cell in line) for line in present_rules(facts().rules, width, 10))
        assert head.startswith("RULE ") and "  CLEAR AT    AFTER           NOW" in head, width
        assert "≤ 90 B/record  at once   87 B/record" in lines[6], width


def test_past_its_limit_and_not_raised_is_not_ok() -> None:
    state = fold(calm())

    def told(**limits: float) -> tuple[list[str], list[str], str]:
        rules = [msgspec.structs.replace(rule_of(state, "retained"), **limits)]
        state.started = msgspec.structs.replace(state.started, rules=rules)
        (item,) = present_alerts_screen(state, state.now).items
        cells = [item.cells[n] for n in (1, 4, 6, 9)]
        return [cell.text for cell in cells], [cell.role for cell in cells], item.state

    quiet, loud = ["dim"] * 4, ["dim", "warn", "warn", "dim"]
    assert told() == (["ok", "87 B/record", "ok", "never fired"], quiet, "ok")
    assert told(warn=80.0) == (["–", "87 B/record", "past limit", "never fired"], loud, "past limit")
    assert told(warn=80.0, for_s=15.0)[0] == ["–", "87 B/record", "past limit", "raised after 15 s"]
    assert told(warn=87.0)[2] == "ok", "at it is not past it"


def test_the_curve_takes_the_width_and_the_height_there_is() -> None:
    low, tall = present_rules(facts().rules, 196, 10), present_rules(facts().rules, 196, 37)
    assert (len(low), len(tall)) == (10, 37)
    memory = low[-1][-1]
    assert memory.role == "spark" and len(memory.text) == 116 and memory.text.endswith("▇▄")
    rows = ["".join(cell.text for cell in line) for line in tall[-4:]]
    assert rows[0].startswith("memory") and rows[1].startswith("  resident memory of the engine  ")
    assert rows[3].endswith("██") and rows[0].endswith("▄▄▇▇┄"), "past the limit before, not now"
    about = ["".join(cell.text for cell in line[:1]).strip() for line in tall[-7:-4]]
    assert about == [
        "chunks that read back from the disk otherwise than written; cleared when a",
        "retry stores them well",
        "",
    ]
    two = present_rules(facts().rules, 196, 19)
    assert "".join(cell.text for cell in two[-3][:1]).endswith("cleared when a …")
    assert len(present_rules(facts().rules, 78, 37)) == 10, "without a curve there is no use for more rows"


def test_a_journal_that_tells_no_rules_says_so() -> None:
    state = present_alerts_screen(RunState(), 0.0)
    assert len(state.rules) == 9
    assert "this journal tells none" in rules_title(state.told)[0]


def test_the_bar_tells_of_what_is_neither_muted_nor_seen() -> None:
    state = fold(troubled())
    rows = present_alerts_of(state, state.now)
    assert [(row.rule, row.quiet) for row in rows] == [
        ("checksum > 0 chunks", False),
        ("retry ratio > 30%", False),
        ("memory > 200 MB", False),
        ("fetch p99 > 5,000 ms", True),
    ]
    line = "".join(cell.text for cell in present_alerts(rows, 100, [("A", "Ack all", "acknowledge_all")]))
    assert line.startswith(" ✗ 3 alerts   ✗ checksum > 0 chunks  83 Kesterson  was 1 chunk, for 2s")
    warned = [row for row in rows if row.severity != "critical"]
    assert present_alerts(tuple(warned), 100)[0] == (" ▲ 1 alert", "warn", ""), "an acknowledged one counts for nothing"
    assert line.endswith("A Ack all ") and len(line) == 100
    quiet = tuple(row for row in rows if row.quiet)
    assert "✓ 1 acknowledged" in "".join(cell.text for cell in present_alerts(quiet, 100))


def test_what_becomes_critical_is_told_once_unless_muted_or_seen() -> None:
    state = fold(midst())
    started = state.now
    alert = {"rule": "error_rate", "subject": "run"}

    def told(event: ev.Event) -> list[str]:
        state.apply(ev.Stamped(state.seq + 1, started + 1.0, event))
        return critical_since(state, state.now, started)

    words = ["error rate > 1%: 2.13% (run)"]
    assert told(ev.AlertRaised(**alert, severity="critical", value=0.0213, limit=0.01)) == words
    assert critical_since(state, state.now, state.now) == []
    assert told(ev.AlertMuted(**alert, until=started + 9.0)) == []
    assert critical_since(state, started + 9.0, started) == words
    assert told(ev.AlertAcknowledged(**alert)) == []
